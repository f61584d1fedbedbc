"""A search for a threshold as a picture: each trial with its uncertainty, yes or no, the end."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

from hil.evidence.plot import INK, LONGEST_TITLE, style

_YES: Final = "#2da44e"
_NO: Final = "#b42318"
Tried = tuple[float, float, bool]
"""A value, its expanded uncertainty, and whether the device said yes."""


def search_svg(
    title: str,
    unit: str,
    trials: Sequence[Tried],
    *,
    found: tuple[float, float],
    expected: float,
) -> str:
    """Return the picture as SVG; ``found`` is the interval that holds the threshold.

    Raises :class:`~hil.evidence.plot.PlotUnavailableError` without matplotlib.
    """
    with style():
        return _draw(title, unit, trials, found, expected)


def _draw(
    title: str, unit: str, trials: Sequence[Tried], found: tuple[float, float], expected: float
) -> str:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    figure = Figure(figsize=(7.2, 3.4))
    FigureCanvasAgg(figure)
    axes: Any = figure.add_axes((0.095, 0.14, 0.89, 0.7))
    scale, shown = (1.0, unit) if max(map(abs, found)) >= 0.5 else (1e3, f"m{unit}")
    low, high = (scale * end for end in found)
    axes.axhspan(low, high, color="#0550ae", alpha=0.13, linewidth=0)
    axes.axhline(
        scale * expected,
        color=INK,
        linewidth=0.9,
        linestyle=(0, (4, 2)),
        label=f"stated {scale * expected:.5g} {shown}",
    )
    for said, colour, word, marker in ((True, _YES, "yes", "o"), (False, _NO, "no", "s")):
        mine = [(n, *trial) for n, trial in enumerate(trials, start=1) if trial[2] is said]
        if mine:
            axes.errorbar(
                [n for n, *_ in mine],
                [scale * value for _, value, *_ in mine],
                yerr=[scale * expanded for _, _, expanded, _ in mine],
                linestyle="none",
                marker=marker,
                markersize=4.5,
                markerfacecolor=colour if said else "white",
                color=colour,
                elinewidth=0.9,
                capsize=2.5,
                label=f"the device says {word}",
            )
    axes.annotate(
        f"{low:.5g} … {high:.5g} {shown}",
        (1.0, high),
        xycoords=("axes fraction", "data"),
        xytext=(-4, 3),
        textcoords="offset points",
        ha="right",
        fontsize=7,
        color="#0550ae",
    )
    axes.set_xlim(0.5, len(trials) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(visible=True, color="#d0d7de", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel("trial")
    names = {"V": "voltage", "A": "current", "s": "time"}
    axes.set_ylabel(f"{names.get(unit, 'value')} / {shown}  (bars: U, k = 2)")
    figure.text(
        0.095, 0.945, title[:LONGEST_TITLE], fontsize=9.5, weight="bold", va="center",
        parse_math=False,
    )  # fmt: skip
    figure.legend(
        loc="upper left", bbox_to_anchor=(0.088, 0.92), ncol=3, frameon=False, fontsize=6.8,
        borderaxespad=0.0,
    )  # fmt: skip
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": "hil"})
    return stream.getvalue()
