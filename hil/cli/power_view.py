"""The live view of a supply: redrawn on a terminal, a line a second elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from hil.equipment.power_supply import Channel, Glance

REDRAW_S: Final = 0.25
LINE_S: Final = 1.0


def line_of(name: str, glance: Glance) -> str:
    """Return one channel as it is now, as a line."""
    state = "on " if glance.on else "off"
    ruled = {"voltage": "CV", "current": "CC", "off": "--", "unregulated": "UR"}
    tripped = f"  TRIPPED: {', '.join(glance.trips)}" if glance.trips else ""
    return (
        f"{name:<10}CH{glance.channel}  {state}  {ruled[glance.regulation]}  "
        f"{glance.reading.volts:9.4f} V  {glance.reading.amps:9.4f} A{tripped}"
    )


def watch(
    channels: Mapping[str, Channel], *, seconds: float | None, out: TextIO | None = None
) -> None:
    """Show ``channels`` until ``seconds`` are over, for ever with None; change nothing."""
    stream = sys.stdout if out is None else out
    begun = time.monotonic()
    terminal = stream.isatty()
    due, drawn = begun, 0
    while True:
        lines = [line_of(name, channel.glance()) for name, channel in channels.items()]
        now = time.strftime("%H:%M:%S")
        if terminal:
            back = f"\x1b[{drawn}F\x1b[J" if drawn else ""
            text = [f"{now}  Ctrl-C ends", *lines]
            drawn = len(text)
            stream.write(back + "\n".join(text) + "\n")
        else:
            stream.write("".join(f"{now}  {line}\n" for line in lines))
        stream.flush()
        due += REDRAW_S if terminal else LINE_S
        if seconds is not None and due > begun + seconds:
            time.sleep(max(0.0, begun + seconds - time.monotonic()))
            return
        time.sleep(max(0.0, due - time.monotonic()))
