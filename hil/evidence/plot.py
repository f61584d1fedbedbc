"""A waveform as a picture for a report: volts and amps against time, window, dwell, device states.

matplotlib draws it, by its objects and without pyplot, and is imported when a picture is drawn and
not before. It costs a second once, a third of one for each picture, and 120 MB of packages, so it
is the extra ``plot`` and no dependency; its axes and ticks are worth that. The same waveform gives
the same bytes.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from hil.errors import BenchError
from hil.evidence.plot_traces import draw_amps, draw_volts
from hil.evidence.plot_zones import draw_states, draw_timing, draw_window
from hil.evidence.waveform import Waveform

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MISSING: Final = "the picture needs matplotlib: pip install 'hil-esim[plot]'"
VERDICT_COLOURS: Final = {
    "PASS": "#1a7f37",
    "FAIL": "#b42318",
    "INCONCLUSIVE": "#b25e00",
    "ERROR": "#5b2a86",
    "NOT APPLICABLE": "#57606a",
}
INK: Final = "#24292f"
LONGEST_TITLE: Final = 88
_SIZE: Final = (7.2, 4.5)
_STYLE: Final = {
    "svg.fonttype": "none",
    "svg.hashsalt": "hil",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
    "font.size": 8.0,
    "axes.edgecolor": "#8c959f",
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "path.simplify": True,
}


class PlotUnavailableError(BenchError):
    """The library that draws is not there; the text says what to install."""


@dataclass(frozen=True, slots=True)
class Caption:
    """What stands around the picture: title, verdict, and a line on bench and instrument."""

    title: str
    verdict: str = ""
    footer: str = ""


def svg(waveform: Waveform, caption: Caption) -> str:
    """Return the picture as SVG, with its text as text.

    Raises :class:`PlotUnavailableError` without matplotlib.
    """
    stream = io.StringIO()
    with style():
        _figure(waveform, caption).savefig(
            stream, format="svg", metadata={"Date": None, "Creator": "hil"}
        )
    return stream.getvalue()


def style() -> Any:  # noqa: ANN401 - a context manager of a library that may be absent
    """Return the context in which pictures are drawn; :class:`PlotUnavailableError` without it."""
    try:
        import matplotlib  # noqa: PLC0415 - half a second, see above
    except ImportError as err:
        raise PlotUnavailableError(MISSING) from err
    return matplotlib.rc_context(cast("Any", _STYLE))


def _figure(waveform: Waveform, caption: Caption) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=_SIZE)
    FigureCanvasAgg(figure)
    rows = figure.add_gridspec(
        3, 1, height_ratios=(3.2, 1.25, 0.34), hspace=0.14,
        left=0.085, right=0.985, top=0.83, bottom=0.135,
    )  # fmt: skip
    volts = figure.add_subplot(rows[0])
    amps = figure.add_subplot(rows[1], sharex=volts)
    states = figure.add_subplot(rows[2], sharex=volts)
    draw_volts(volts, waveform)
    draw_amps(amps, waveform)
    _span(volts, waveform)
    draw_window(volts if waveform.window is None or waveform.window.unit == "V" else amps, waveform)
    draw_timing(volts, waveform)
    draw_states(states, waveform)
    for axes in (volts, amps):
        axes.tick_params(labelbottom=False)
        axes.grid(visible=True, color="#d0d7de", linewidth=0.5)
        axes.set_axisbelow(True)
    states.set_xlabel("time / s")
    _legend(figure, volts, amps, states)
    _caption(figure, caption)
    figure.align_ylabels((volts, amps))
    return figure


def _span(axes: Any, waveform: Waveform) -> None:  # noqa: ANN401
    begin = min((waveform.seconds(mark.earliest_ns) for mark in waveform.marks), default=0.0)
    end = max(waveform.seconds(waveform.end_ns), begin + 1e-3)
    axes.set_xlim(begin, end)


def _legend(figure: Figure, *axes: Any) -> None:  # noqa: ANN401
    """List the lines in one row, zones and states that have no room for a name in another."""
    rows: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    for one in axes:
        for handle, label in zip(*one.get_legend_handles_labels(), strict=True):
            zone = not hasattr(handle, "get_marker") or handle.get_marker() == "x"
            rows[zone].setdefault(label, handle)
    for row, above in zip(rows, (0.918, 0.878), strict=True):
        if row:
            figure.legend(
                list(row.values()),
                list(row),
                loc="upper left",
                bbox_to_anchor=(0.078, above),
                ncol=len(row),
                frameon=False,
                fontsize=6.8,
                handlelength=1.5,
                handletextpad=0.5,
                columnspacing=1.1,
                borderaxespad=0.0,
            )


def _caption(figure: Figure, caption: Caption) -> None:
    title = _shortened(caption.title, LONGEST_TITLE)
    figure.text(
        0.085,
        0.955,
        title,
        fontsize=9.5 if len(title) <= 68 else 7.8,
        weight="bold",
        va="center",
        parse_math=False,
    )
    if caption.verdict:
        figure.text(
            0.985,
            0.955,
            caption.verdict,
            fontsize=9,
            weight="bold",
            color="white",
            ha="right",
            va="center",
            bbox={
                "boxstyle": "round,pad=0.35",
                "facecolor": VERDICT_COLOURS.get(caption.verdict, INK),
                "edgecolor": "none",
            },
        )
    figure.text(
        0.085,
        0.012,
        _shortened(caption.footer, 150),
        fontsize=6.5,
        color="#57606a",
        parse_math=False,
    )


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
