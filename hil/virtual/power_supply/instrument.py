"""A virtual supply that speaks SCPI: status, selected channel, and the run of a message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hil.virtual.electrical import NS
from hil.virtual.power_supply import lexer, parameters
from hil.virtual.power_supply.manners import Suffixes, Unknown
from hil.virtual.power_supply.message_run import MessageRun
from hil.virtual.power_supply.output import Output
from hil.virtual.power_supply.ratings import Range
from hil.virtual.power_supply.scpi_errors import TEXTS, ScpiError
from hil.virtual.power_supply.sequence import Transient
from hil.virtual.power_supply.status import OPERATION_COMPLETE, POWER_ON, Status
from hil.virtual.power_supply.supply import Access, HangUp, Supply
from hil.virtual.power_supply.tree import CommandTree, Found

_PANEL = ("SYST", "SYSTEM")
"""What is heeded while somebody at the panel keeps the supply in local."""


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
    """A SCPI supply at work. Replies end with LF.

    ``completing``: ``*OPC`` waits for what is pending.
    """

    commands: CommandTree[Handler]
    selected: int = 1
    flags: dict[str, bool] = field(
        default_factory=lambda: {"beeper": True, "otp": True, "key lock": False}
    )
    saved: dict[int, dict[int, SavedState]] = field(default_factory=dict)
    transients: dict[int, Transient] = field(default_factory=dict)
    completing: bool = False
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
        self.completing = False
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
        self._complete()

    def pending_s(self) -> float:
        """Return how long what is overlapped still takes: a sequence that ends.

        Nothing else is: neither the way to a new voltage nor the output's switch.
        """
        playing = [o.playing for o in self.outputs.values() if o.playing is not None]
        if not playing:
            return 0.0
        now = self.clock()
        ends = [sequence.end_ns for sequence in playing]
        return max([end - now for end in ends if end is not None] + [0]) / NS

    def begin(self, message: bytes, *, talker: bool = False) -> MessageRun:
        """Begin one message; its reply is those of its queries joined by ``;``, with LF."""
        return MessageRun(self, message, talker=talker)

    def execute(self, line: bytes, *, talker: bool = False) -> str:
        """Run one message without waiting for anything; return its replies joined by ``;``."""
        run = MessageRun(self, line, talker=talker, waits=False)
        run.advance()
        return run.reply

    def complete_once_done(self) -> None:
        """Do ``*OPC``: set its event when nothing is pending any more (IEEE 488.2, 10.18)."""
        self.completing = True
        self._complete()

    def _complete(self) -> None:
        if self.completing and not self.pending_s():
            self.completing = False
            self.status.standard_event |= OPERATION_COMPLETE

    def overrun(self) -> None:
        """Note that a message was longer than the input buffer."""
        self.status.error(-363)

    def note_error(self, code: int) -> None:
        """Queue an instrument error."""
        if code not in TEXTS:
            raise ScpiError(-224)
        self.status.error(code)

    def find(
        self, unit: lexer.Unit, path: tuple[str, ...]
    ) -> tuple[Found[Handler], tuple[str, ...]]:
        """Return what a unit means after ``path``, and the path after it."""
        manners = self.manners
        start = () if manners.root_after_semicolon else path
        return self.commands.find(unit, start, prefixes=manners.prefixes)

    def do(self, unit: lexer.Unit, found: Found[Handler]) -> str:
        """Do one unit; return its reply, "" for a command."""
        if self.held and not unit.query and not unit.common and unit.nodes[0] not in _PANEL:
            raise ScpiError(-201)
        self.refresh()
        return found.handler(Call(self, found.suffixes, unit.parameters))

    def overlooked(self, code: int) -> bool:
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
