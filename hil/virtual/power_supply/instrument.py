"""A virtual supply that speaks SCPI: status, selected channel, and the run of a message."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from hil.virtual.electrical import NS
from hil.virtual.power_supply import lexer, parameters
from hil.virtual.power_supply.manners import Suffixes, Unknown
from hil.virtual.power_supply.output import Output
from hil.virtual.power_supply.ratings import Range
from hil.virtual.power_supply.scpi_errors import TEXTS, ScpiError
from hil.virtual.power_supply.sequence import Transient
from hil.virtual.power_supply.status import POWER_ON, Status
from hil.virtual.power_supply.supply import Access, HangUp, Supply
from hil.virtual.power_supply.tree import CommandTree

_LOG = logging.getLogger(__name__)
_PANEL = ("SYST", "SYSTEM")
"""What is heeded while somebody at the panel keeps the supply in local."""
_INDEFINITE = ("*IDN", "*OPT")
"""Queries whose reply has no marked end, so that none may follow it (IEEE 488.2, 8.7.11)."""


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

    def ranged(self, text: str, unit: str, limits: Range) -> float:
        """Read a number within ``limits``; outside them -222, or the nearest where clamped."""
        suffixes = self.supply.manners.suffixes
        if suffixes is not Suffixes.ACCEPT and text[-1:].isalpha() and text[:1] in "+-.0123456789":
            if suffixes is Suffixes.REFUSE:
                raise ScpiError(-138)
            text = parameters.without_suffix(text)
        return parameters.ranged(
            text,
            unit=unit,
            low=limits.low,
            high=limits.high,
            default=limits.default,
            step=limits.step,
            clamp=self.supply.manners.clamp,
        )


Handler = Callable[[Call], str]
"""Does one command; what it returns is the reply of a query (a command returns "")."""


@dataclass(slots=True)
class SavedState:
    """What ``*SAV`` keeps of one output."""

    volts: float
    amps: float


@dataclass(slots=True, kw_only=True)
class Instrument(Supply):
    """A SCPI supply at work. Replies end with LF."""

    commands: CommandTree[Handler]
    selected: int = 1
    flags: dict[str, bool] = field(
        default_factory=lambda: {"beeper": True, "otp": True, "key lock": False}
    )
    saved: dict[int, dict[int, SavedState]] = field(default_factory=dict)
    transients: dict[int, Transient] = field(default_factory=dict)
    status: Status = field(init=False)

    def __post_init__(self) -> None:
        self.status = Status(len(self.ratings.outputs), self.ratings.queue_depth)
        Supply.__post_init__(self)

    @property
    def selected_output(self) -> Output:
        """The output that commands without a channel mean."""
        return self.outputs[self.selected]

    def reset(self) -> None:
        """Do ``*RST``: settings only; error queue, enables and connections stay."""
        Supply.reset(self)
        self.selected = 1
        self.transients = {number: Transient() for number in self.outputs}

    def power_up(self) -> None:
        """Start anew: settings, status and queue, with the power-on bit set."""
        Supply.power_up(self)
        self.status = Status(len(self.ratings.outputs), self.ratings.queue_depth)
        self.status.standard_event = POWER_ON

    def refresh(self) -> None:
        """Let due trips happen and take the live conditions into the status registers."""
        now = self.clock()
        questionable = {n: output.condition(now) for n, output in self.outputs.items()}
        self.status.questionable.refresh(questionable)
        self.status.operation.refresh({n: o.operation(now) for n, o in self.outputs.items()})

    def wait_s(self, message: bytes) -> float:
        """Return how long ``*OPC?`` and ``*WAI`` have to wait for a sequence that ends.

        Nothing else is overlapped: neither the way to a new voltage nor the output's switch.
        """
        playing = [o.playing for o in self.outputs.values() if o.playing is not None]
        if not playing or not any(word in message.upper() for word in (b"*OPC?", b"*WAI")):
            return 0.0
        now = self.clock()
        ends = [sequence.end_ns for sequence in playing]
        return max((end - now for end in ends if end is not None), default=0) / NS

    def answer(self, message: bytes, *, talker: bool = False) -> bytes:
        """Do one message; return the replies joined by ``;`` with LF, or nothing."""
        reply = self.execute(message, talker=talker)
        return reply.encode("ascii") + b"\n" if reply else b""

    def execute(self, line: bytes, *, talker: bool = False) -> str:
        """Run one message; return the replies of its queries joined by ``;``, or "".

        Errors go into the queue. After a command error the rest of the message is dropped
        (IEEE 488.2, 6.1.6.1.1); after an execution error the next unit runs.
        """
        replies: list[str] = []
        path: tuple[str, ...] = ()
        indefinite = False
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
                if unit.query and indefinite and talker:
                    raise ScpiError(-440)
                reply, path = self._run(unit, path)
            except ScpiError as err:
                _LOG.info("%r: %s", text, err)
                if not self._overlooked(err.code):
                    self.status.error(err.code)
                if not -400 < err.code <= -200:
                    break
                continue
            if unit.query:
                replies.append(reply)
                indefinite = unit.nodes[0] in _INDEFINITE
        return ";".join(replies)

    def overrun(self) -> None:
        """Note that a message was longer than the input buffer."""
        self.status.error(-363)

    def note_error(self, code: int) -> None:
        """Queue an instrument error."""
        if code not in TEXTS:
            raise ScpiError(-224)
        self.status.error(code)

    def _run(self, unit: lexer.Unit, path: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        manners = self.manners
        start = () if manners.root_after_semicolon else path
        found, path = self.commands.find(unit, start, prefixes=manners.prefixes)
        if self.held and not unit.query and not unit.common and unit.nodes[0] not in _PANEL:
            raise ScpiError(-201)
        self.refresh()
        return found.handler(Call(self, found.suffixes, unit.parameters)), path

    def _overlooked(self, code: int) -> bool:
        """Tell whether this model keeps silent about an error; raise where it hangs up."""
        if code != -113 or self.manners.unknown is Unknown.ERROR:
            return False
        if self.manners.unknown is Unknown.HANG_UP:
            raise HangUp
        return True

    def panel(
        self, channel: int, *, volts: float | None, amps: float | None, on: bool | None
    ) -> bool:
        """Turn knobs at the front; a key lock keeps the panel from heeding them as well."""
        if self.flags["key lock"]:
            return False
        return Supply.panel(self, channel, volts=volts, amps=amps, on=on)

    def take_access(self, access: Access) -> None:
        """Do ``SYSTem:LOCal``, ``REMote`` or ``RWLock``; somebody at the panel may hold on."""
        if self.held and access is not Access.LOCKED:
            return
        self.held = False
        self.access = access
