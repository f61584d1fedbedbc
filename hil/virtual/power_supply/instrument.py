"""One virtual supply: its outputs, its status, its selected channel, and the run of a message."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from hil.virtual.power_supply import lexer
from hil.virtual.power_supply.output import Output
from hil.virtual.power_supply.ratings import SupplyRatings
from hil.virtual.power_supply.scpi_errors import ScpiError
from hil.virtual.power_supply.status import Status
from hil.virtual.power_supply.tree import CommandTree

_LOG = logging.getLogger(__name__)

Clock = Callable[[], int]
"""Nanoseconds of CLOCK_MONOTONIC; a test hands in its own."""


@dataclass(frozen=True, slots=True)
class Call:
    """One command as its handler sees it: the supply, suffixes and parameters as written."""

    supply: Instrument
    suffixes: tuple[int | None, ...]
    parameters: tuple[str, ...]

    def output(self) -> Output:
        """Return the output of the header's suffix, or the selected one; -114 if there is none."""
        number = self.suffixes[0] if self.suffixes else None
        if number is None:
            return self.supply.selected_output
        if number not in self.supply.outputs:
            raise ScpiError(-114)
        return self.supply.outputs[number]

    def expect(self, low: int, high: int | None = None) -> None:
        """Check the number of parameters: -109 if too few, -108 if too many."""
        if len(self.parameters) < low:
            raise ScpiError(-109)
        if len(self.parameters) > (low if high is None else high):
            raise ScpiError(-108)


Handler = Callable[[Call], str]
"""Does one command; what it returns is the reply of a query (a command returns "")."""


@dataclass(slots=True)
class SavedState:
    """What ``*SAV`` keeps of one output."""

    volts: float
    amps: float


@dataclass(slots=True)
class Instrument:
    """A supply at work. Not thread-safe: one event loop drives it."""

    ratings: SupplyRatings
    serial: str
    commands: CommandTree[Handler]
    seed: int = 0
    speed: float = 1.0
    clock: Clock = time.monotonic_ns
    identity: str = ""
    selected: int = 1
    flags: dict[str, bool] = field(
        default_factory=lambda: {"beeper": True, "otp": True, "key lock": False}
    )
    saved: dict[int, dict[int, SavedState]] = field(default_factory=dict)
    outputs: dict[int, Output] = field(init=False)
    status: Status = field(init=False)

    def __post_init__(self) -> None:
        now = self.clock()
        count = len(self.ratings.outputs)
        self.outputs = {
            number: Output(number, self.ratings, self.seed, now, speed=self.speed)
            for number in range(1, count + 1)
        }
        self.status = Status(count, self.ratings.queue_depth)
        self.identity = self.identity or ",".join(
            (self.ratings.maker, self.ratings.model, self.serial, self.ratings.firmware)
        )

    @property
    def selected_output(self) -> Output:
        """The output that commands without a channel mean."""
        return self.outputs[self.selected]

    def reset(self) -> None:
        """Do ``*RST``: settings only; error queue, enables and connections stay."""
        now = self.clock()
        for output in self.outputs.values():
            output.reset(now)
        self.selected = 1

    def refresh(self) -> None:
        """Let due trips happen and take the live conditions into the status registers."""
        now = self.clock()
        self.status.refresh({n: output.condition(now) for n, output in self.outputs.items()})

    def execute(self, line: bytes) -> str:
        """Run one message; return the replies of its queries joined by ``;``, or "".

        Errors go into the queue. After a command error the rest of the message is dropped
        (IEEE 488.2, 6.1.6.1.1); after an execution error the next unit runs.
        """
        replies: list[str] = []
        path: tuple[str, ...] = ()
        try:
            units = lexer.split_units(lexer.decode(line))
        except ScpiError as err:
            self.status.error(err.code)
            return ""
        for text in units:
            if not text:
                continue
            try:
                unit = lexer.parse_unit(text)
                found, path = self.commands.find(unit, path)
                self.refresh()
                reply = found.handler(Call(self, found.suffixes, unit.parameters))
            except ScpiError as err:
                _LOG.info("%r: %s", text, err)
                self.status.error(err.code)
                if err.code > -200:
                    break
                continue
            if unit.query:
                replies.append(reply)
        return ";".join(replies)

    def overrun(self) -> None:
        """Note that a message was longer than the input buffer."""
        self.status.error(-363)
