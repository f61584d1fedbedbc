"""The lines of a waveform's picture: set points as steps, readings as points, nothing invented."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from hil.evidence.waveform import Mark, Waveform

MOST_POINTS: Final = 200
"""A line of more points is thinned by the least and greatest of each stretch."""
SEEN_S: Final = 0.005
COLOURS: Final = {"jig": "#0550ae", "rail": "#8250df"}
SET_COLOURS: Final = {"jig": "#24292f", "rail": "#6639ba"}
DEVICE_COLOUR: Final = "#bc4c00"
_OTHER: Final = "#1b7c83"


def draw_volts(axes: Any, waveform: Waveform) -> None:  # noqa: ANN401
    """Draw set points and readings of every channel, and the device's own reading, in volts."""
    for source in waveform.sources:
        _steps(axes, waveform, source, lambda m: m.volts if m.state == "on" else 0.0, word="set")
        _points(axes, waveform, source, lambda m: m.volts)
    told = [mark for mark in waveform.of_kind("device") if mark.volts is not None]
    if told:
        times, values = envelope(
            [waveform.seconds(mark.middle_ns) for mark in told],
            [mark.volts or 0.0 for mark in told],
        )
        axes.plot(
            times,
            values,
            linestyle="none",
            marker="o",
            markersize=2.6,
            markerfacecolor="white",
            markeredgewidth=0.7,
            color=DEVICE_COLOUR,
            label="device reads",
            zorder=4,
        )
    axes.set_ylabel("voltage / V")
    highest = max((mark.volts or 0.0 for mark in waveform.marks), default=1.0)
    axes.set_ylim(-0.06 * max(highest, 0.5), 1.28 * max(highest, 0.5))


def draw_amps(axes: Any, waveform: Waveform) -> None:  # noqa: ANN401
    """Draw current limits and readings of every channel, in milliamperes."""
    for source in waveform.sources:
        _steps(axes, waveform, source, lambda m: 1e3 * (m.amps or 0.0), word="limit", dashed=True)
        _points(axes, waveform, source, lambda m: m.amps, scale=1e3)
    axes.set_ylabel("current / mA")
    highest = max((1e3 * (m.amps or 0.0) for m in waveform.marks if m.kind != "device"), default=1)
    axes.set_ylim(-0.08 * max(highest, 1.0), 1.2 * max(highest, 1.0))


def envelope(times: Sequence[float], values: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return at most :data:`MOST_POINTS` points that keep every peak."""
    if len(times) <= MOST_POINTS:
        return list(times), list(values)
    width = -(-len(times) // (MOST_POINTS // 2))
    kept: list[int] = []
    for begin in range(0, len(times), width):
        stretch = range(begin, min(begin + width, len(times)))
        kept += sorted({min(stretch, key=values.__getitem__), max(stretch, key=values.__getitem__)})
    return [times[index] for index in kept], [values[index] for index in kept]


def _steps(
    axes: Any,  # noqa: ANN401
    waveform: Waveform,
    source: str,
    level: Callable[[Mark], float | None],
    *,
    word: str,
    dashed: bool = False,
) -> None:
    marks = waveform.of_kind("set", source)
    if not marks:
        return
    colour = SET_COLOURS.get(source, _OTHER)
    times = [waveform.seconds(mark.middle_ns) for mark in marks]
    levels = [level(mark) or 0.0 for mark in marks]
    axes.step(
        [*times, waveform.seconds(waveform.end_ns)],
        [*levels, levels[-1]],
        where="post",
        color=colour,
        linewidth=0.9,
        linestyle=(0, (3, 2)) if dashed else "-",
        label=f"{source} {word}",
        zorder=2,
    )
    if dashed:
        return
    for mark in marks:
        # An edge whose instant is uncertain by more than can be seen is shown as wide as it is.
        begin, end = waveform.seconds(mark.earliest_ns), waveform.seconds(mark.latest_ns)
        if mark.due_ns is not None and end - begin > SEEN_S:
            axes.axvspan(begin, end, color=colour, alpha=0.08, linewidth=0, zorder=1)


def _points(
    axes: Any,  # noqa: ANN401
    waveform: Waveform,
    source: str,
    value: Callable[[Mark], float | None],
    *,
    scale: float = 1.0,
) -> None:
    marks = [mark for mark in waveform.of_kind("read", source) if value(mark) is not None]
    if not marks:
        return
    times, values = envelope(
        [waveform.seconds(mark.middle_ns) for mark in marks],
        [scale * (value(mark) or 0.0) for mark in marks],
    )
    axes.plot(
        times,
        values,
        linestyle="none",
        marker=".",
        markersize=2.6,
        color=COLOURS.get(source, _OTHER),
        label=f"{source} read",
        zorder=3,
    )
