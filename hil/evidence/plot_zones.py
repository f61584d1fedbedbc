"""What a waveform is compared with, in its picture: window, debounce and dwell, device states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from hil.evidence.waveform import NS, Waveform, Window

STATE_COLOURS: Final = {
    "open": "#d8dee4",
    "below": "#b6c6dc",
    "above": "#e3b7b0",
    "wrong-current": "#e3b7b0",
    "settling": "#fbe9a9",
    "dwelling": "#f2c037",
    "accepted": "#2da44e",
    "locked": "#a40e26",
    "silent": "#ffffff",
}
UNASKED_S: Final = 0.5
_OTHER: Final = "#c297ff"
_DARK: Final = ("accepted", "locked")
_BAND: Final = "#2da44e"
_DEBOUNCE: Final = "#e8c547"
_DWELL: Final = "#d99a00"
_MOST_BRACKETS: Final = 12
_LABEL_SHARE: Final = 0.012
_CHARACTER_SHARE: Final = 0.0105
"""The share of the axis that a letter of a label takes."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The device said ``state`` from ``begin_s`` to ``end_s``."""

    state: str
    begin_s: float
    end_s: float


def draw_window(axes: Any, waveform: Waveform) -> None:  # noqa: ANN401
    """Draw the window as a band, and the outer edges at which an acceptance is revoked."""
    window = waveform.window
    if window is None:
        return
    scale = 1.0 if window.unit == "V" else 1e3
    unit = window.unit if window.unit == "V" else "mA"
    low, high = scale * window.low, scale * window.high
    axes.axhspan(low, high, color=_BAND, alpha=0.16, linewidth=0, zorder=0)
    for outer in (window.release_low, window.release_high):
        axes.axhline(scale * outer, color=_BAND, linewidth=0.6, linestyle=(0, (1, 1.5)), zorder=1)
    axes.annotate(
        f"window {low:.4g} … {high:.4g} {unit}",
        (1.0, high),
        xycoords=("axes fraction", "data"),
        xytext=(-4, 2),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=6.5,
        color="#116329",
        bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.8},
        zorder=6,
    )


def draw_timing(axes: Any, waveform: Waveform) -> None:  # noqa: ANN401
    """Draw debounce and dwell from each instant at which the jig's set point enters the window."""
    window = waveform.window
    if window is None:
        return
    end_s = axes.get_xlim()[1]
    bottom, top = axes.get_ylim()
    height = 0.035 * (top - bottom)
    at = top - 2.2 * height
    labels = {
        "debounce": f"debounce {_time(window.debounce_s)}",
        "dwell": f"dwell {_time(window.dwell_s)}",
        "early": "left too early",
    }

    def once(word: str) -> str:
        return labels.pop(word, f"_{word}")

    for enters_s, leaves_s in stays(waveform, window)[:_MOST_BRACKETS]:
        counts_s = min(enters_s + window.debounce_s, leaves_s)
        done_s = min(counts_s + window.dwell_s, leaves_s)
        patch = _rectangle(enters_s, at, counts_s - enters_s, height, _DEBOUNCE)
        patch.set_label(once("debounce"))
        axes.add_patch(patch)
        patch = _rectangle(counts_s, at, done_s - counts_s, height, _DWELL)
        patch.set_label(once("dwell"))
        axes.add_patch(patch)
        if leaves_s < enters_s + window.debounce_s + window.dwell_s and leaves_s < end_s:
            axes.plot(
                [leaves_s],
                [at + height / 2],
                linestyle="none",
                marker="x",
                markersize=4,
                color="#a40e26",
                label=once("early"),
            )


def draw_states(axes: Any, waveform: Waveform) -> None:  # noqa: ANN401
    """Draw the device's states as a coloured strip, each named where it has room, or listed."""
    begin_s, end_s = axes.get_xlim()
    width = end_s - begin_s
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.set_ylabel("device", rotation=0, ha="right", va="center", labelpad=4)
    found = stretches(waveform)
    named = {one.state for one in found if one.end_s - one.begin_s > width * _room(one.state)}
    for stretch in found:
        length = stretch.end_s - stretch.begin_s
        patch = _rectangle(stretch.begin_s, 0, length, 1, STATE_COLOURS.get(stretch.state, _OTHER))
        if stretch.state == "silent":
            patch.set_hatch("////")
            patch.set_edgecolor("#8c959f")
        if stretch.state not in named:
            patch.set_label(stretch.state)
        axes.add_patch(patch)
        if length > width * _room(stretch.state):
            axes.text(
                (stretch.begin_s + stretch.end_s) / 2,
                0.47,
                stretch.state,
                ha="center",
                va="center",
                fontsize=6.5,
                color="white" if stretch.state in _DARK else "#24292f",
                bbox={"facecolor": patch.get_facecolor(), "edgecolor": "none", "pad": 1.0},
            )


def _room(state: str) -> float:
    """Return the share of the axis that the name of a state takes."""
    return _LABEL_SHARE + _CHARACTER_SHARE * len(state)


def stretches(waveform: Waveform) -> list[Stretch]:
    """Return how long the device said the same: each answer holds until the next one.

    Where nobody asked for longer than :data:`UNASKED_S`, nothing is known and nothing is said.
    """
    found: list[Stretch] = []
    heard_s = 0.0
    for mark in waveform.of_kind("device"):
        at_s = waveform.seconds(mark.middle_ns)
        until_s = waveform.seconds(mark.latest_ns)
        asked = bool(found) and waveform.seconds(mark.earliest_ns) - heard_s <= UNASKED_S
        heard_s = until_s
        if asked and found[-1].state == mark.state:
            found[-1] = Stretch(mark.state, found[-1].begin_s, until_s)
            continue
        if asked:
            found[-1] = Stretch(found[-1].state, found[-1].begin_s, at_s)
        found.append(Stretch(mark.state, at_s, until_s))
    return found


def stays(waveform: Waveform, window: Window) -> list[tuple[float, float]]:
    """Return when the jig's set point entered the window and left it, in seconds."""
    found: list[tuple[float, float]] = []
    entered: float | None = None
    for mark in waveform.of_kind("set", "jig"):
        level = mark.volts if window.unit == "V" else mark.amps
        inside = mark.state == "on" and level is not None and window.low <= level <= window.high
        at_s = (mark.middle_ns - waveform.start_ns) / NS
        if inside and entered is None:
            entered = at_s
        elif not inside and entered is not None:
            found.append((entered, at_s))
            entered = None
    if entered is not None:
        found.append((entered, waveform.seconds(waveform.end_ns)))
    return found


def _rectangle(left: float, bottom: float, width: float, height: float, colour: str) -> Any:  # noqa: ANN401
    from matplotlib.patches import Rectangle  # noqa: PLC0415 - only while a picture is drawn

    return Rectangle((left, bottom), width, height, facecolor=colour, linewidth=0, zorder=2)


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.4g} ms" if seconds < 1 else f"{seconds:.4g} s"
