"""What every virtual supply is, whatever it speaks: outputs, identity, panel, and one way in.

A message goes in as the bytes between two terminators, the reply comes back with the model's own
terminator. Lines (raw socket, HiSLIP, serial) and the control port know no more than this.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from hil.errors import CodecError
from hil.virtual.power_supply.manners import Manners
from hil.virtual.power_supply.output import Output
from hil.virtual.power_supply.ratings import SupplyRatings

Clock = Callable[[], int]
"""Nanoseconds of CLOCK_MONOTONIC; a test hands in its own."""


class HangUp(Exception):  # noqa: N818 - no error: what some firmware does with a bad command
    """The line the message came from is to be cut."""


class Access(StrEnum):
    """Who may set the supply: panel and remote, remote with a free panel, remote alone."""

    LOCAL = "local"
    REMOTE = "remote"
    LOCKED = "locked"


class Run(Protocol):
    """One message on its way through a supply."""

    def advance(self) -> float:
        """Go on up to the end, or to where it has to wait; return how many seconds, or 0.

        Raises :class:`HangUp` where the line is to be cut.
        """

    @property
    def data(self) -> bytes:
        """The reply with its terminator, or nothing; whole at the end of the run."""


@dataclass(slots=True, kw_only=True)
class Supply:
    """A supply at work. Not thread-safe: one event loop drives it.

    ``held``: somebody at the panel keeps the supply in local, whatever the line asks for.
    """

    ratings: SupplyRatings
    serial: str
    seed: int = 0
    speed: float = 1.0
    clock: Clock = time.monotonic_ns
    manners: Manners = field(default_factory=Manners)
    identity: str = ""
    access: Access = Access.LOCAL
    held: bool = False
    outputs: dict[int, Output] = field(init=False)

    def __post_init__(self) -> None:
        now = self.clock()
        self.outputs = {
            number: Output(number, self.ratings, self.seed, now, speed=self.speed)
            for number in range(1, len(self.ratings.outputs) + 1)
        }
        self.identity = self.identity or self.own_identity()
        self.reset()

    def own_identity(self) -> str:
        """Return what the model says about itself before a test has it say something else."""
        ratings = self.ratings
        return ",".join((ratings.maker, ratings.model, self.serial, ratings.firmware))

    def reset(self) -> None:
        """Take the settings of power-up; identity, faults and what hangs on the outputs stay."""
        now = self.clock()
        for output in self.outputs.values():
            output.reset(now)
            output.ovp.enabled = self.manners.ovp_after_reset
            output.ocp.enabled = self.manners.ocp_after_reset
            output.replan(now)

    def power_up(self) -> None:
        """Start anew, as after the mains have been away."""
        self.access, self.held = Access.LOCAL, False
        self.reset()

    def advance(self) -> None:
        """Let every trip happen that is due by now."""
        now = self.clock()
        for output in self.outputs.values():
            output.advance(now)

    def begin(self, message: bytes, *, talker: bool = False) -> Run:
        """Begin one message.

        ``talker``: the line knows when a reply is wanted and read, so the query errors of IEEE
        488.2 (6.5.7.5) apply.
        """
        raise NotImplementedError

    def split(self, received: bytes) -> list[bytes]:
        """Tell the messages apart that came in one go on a line without terminators."""
        return [received]

    def overrun(self) -> None:
        """Note that a message was longer than the input buffer."""

    def note_error(self, code: int) -> None:
        """Queue an instrument error; :class:`CodecError` for a model without a queue."""
        raise CodecError(f"a {self.ratings.model} has no error queue for {code}")

    def panel(
        self, channel: int, *, volts: float | None, amps: float | None, on: bool | None
    ) -> bool:
        """Turn knobs at the front; tell whether the panel heeded them (not when locked)."""
        if self.access is Access.LOCKED:
            return False
        output, now = self.outputs[channel], self.clock()
        output.advance(now)
        output.program(now, volts=volts, amps=amps)
        if on is not None and not (on and output.tripped):
            output.switch(now, on)
        return True
