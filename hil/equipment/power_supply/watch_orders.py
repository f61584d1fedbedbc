"""What a watchdog is told, and what it reports: plain data, written as JSON."""

from __future__ import annotations

import json
import os
import tempfile
import time
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Final, Literal, Self

from hil.equipment.power_supply.dialect import SerialLine
from hil.equipment.power_supply.readings import ChannelOff, OffReport

BEAT_S: Final = 0.25
"""Time between two heartbeats of the owner."""
DEFAULT_SILENCE_S: Final = 1.5
"""Without a heartbeat for so long, the watchdog acts: before the lease lapses."""
DEFAULT_RETRY_S: Final = 60.0
"""So long it goes on trying where the link to the supply is away."""
GRACE_S: Final = 0.75
"""A test whose time is up has so long to be interrupted in its own process."""

State = Literal["armed", "acting", "done"]


@dataclass(frozen=True, slots=True)
class Orders:
    """Which supply to watch, for whom, and when to act. ``token`` and ``lock``: the lease."""

    resource: str
    model: str
    serial: str
    visa_library: str
    serial_line: SerialLine | None
    token: int
    lock: str
    owner: str
    report: str
    silence_s: float = DEFAULT_SILENCE_S
    retry_s: float = DEFAULT_RETRY_S

    def line(self) -> bytes:
        """Return them as one line."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Self:
        """Return the orders of a line; ValueError if it holds none."""
        given = json.loads(line)
        if not isinstance(given, dict) or given.keys() != {field.name for field in fields(cls)}:
            raise ValueError(f"no orders: {line[:80]!r}")
        if given["serial_line"] is not None:
            given["serial_line"] = SerialLine(**given["serial_line"])
        return cls(**given)


@dataclass(frozen=True, slots=True)
class WatchReport:
    """What became of a watchdog. ``reason`` is why it acted, "" if it never had to.

    ``state`` done and ``proven``: every channel was read to be off, by the watchdog, by the owner
    before it let go, or by whoever took over; ``text`` tells which.
    """

    resource: str
    owner: str
    watchdog: int
    state: State = "armed"
    reason: str = ""
    proven: bool = False
    text: str = ""
    seconds: float = 0.0
    attempts: int = 0
    channels: tuple[ChannelOff, ...] = ()
    at: str = ""

    def after(self, off: OffReport, *, seconds: float) -> WatchReport:
        """Return the report after one attempt."""
        return replace(
            self,
            state="acting",
            proven=off.proven,
            text=str(off),
            channels=off.channels,
            seconds=round(seconds, 3),
            attempts=self.attempts + 1,
        )

    def save(self, path: Path) -> None:
        """Write it whole, or leave what is there."""
        record = asdict(replace(self, at=time.strftime("%Y-%m-%dT%H:%M:%S%z")))
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
            json.dump(record, file, indent=1)
        os.replace(file.name, path)  # noqa: PTH105 - the same in one call

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return a saved report; ValueError or OSError if there is none that can be read."""
        record = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(record, dict) or record.keys() != {field.name for field in fields(cls)}:
            raise ValueError(f"{path} is no report of a watchdog")
        record["channels"] = tuple(ChannelOff(**channel) for channel in record["channels"])
        return cls(**record)

    def __str__(self) -> str:
        """Return the line for people."""
        who = f"power supply {self.resource} of {self.owner}"
        if self.state == "armed":
            return f"NOT PROVEN OFF: {who}: its watchdog {self.watchdog} has not reported an end"
        if not self.reason:
            return f"{who}: proven off by its owner"
        if self.state == "acting":
            return f"NOT PROVEN OFF yet: {who}: {self.reason}; the watchdog goes on: {self.text}"
        if self.proven:
            return f"{who}: switched off by its watchdog, because {self.reason}: {self.text}"
        return f"NOT PROVEN OFF: {who}: {self.reason}: {self.text}; CUT THE MAINS BY HAND"
