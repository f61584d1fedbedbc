"""The Korad KA3005P (and Tenma 72-2540) as it speaks: no terminator, fixed widths, one raw byte.

Sourced (sigrok wiki, libsigrok, PyMeasure, python-dvg-devices): commands, ``KORADKA3005PV2.0``,
five characters for every value, bits of ``STATUS?``, the stray sixth byte after ``ISET1?`` and the
shared protection bit of older firmware, protections without a level, unknown commands ignored.
Assumed, because no manual says: a value out of range is ignored too; OVP trips 10 % over the set
voltage, OCP when the limit rules for 20 ms; after a trip ``OUT1`` is enough; ``K`` is the stray
byte; saved settings are recalled without switching.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from hil.virtual.electrical import Stage
from hil.virtual.power_supply.manners import Manners
from hil.virtual.power_supply.output import Output
from hil.virtual.power_supply.ratings import Accuracy, OutputRatings, Range, SupplyRatings
from hil.virtual.power_supply.supply import Clock, Supply

KA3005P = SupplyRatings(
    maker="KORAD",
    model="KA3005P",
    firmware="V2.0",
    options="",
    outputs=(
        OutputRatings(
            "30V/5A",
            Range(0.0, 31.0, 0.0, 0.01),
            Range(0.0, 5.1, 0.0, 0.001),
            Range(0.0, 36.0, 36.0, 0.01),
            None,
            Stage(farads=470e-6, sink_amps=0.03, slew_v_s=300.0),
        ),
    ),
    set_volts=Accuracy(0.005, 0.020),
    set_amps=Accuracy(0.005, 0.003),
    read_volts=Accuracy(0.005, 0.020),
    read_amps=Accuracy(0.005, 0.003),
    read_volts_step=0.01,
    read_amps_step=0.001,
    noise_volts=0.002,
    noise_amps=0.0003,
    queue_depth=0,
    trip_s=0.010,
    slow_trip_s=0.010,
    slow_trip_below=3.0,
    ocp_trip_s=0.020,
    drift_volts=Accuracy(0.001, 0.005),
    drift_amps=Accuracy(0.001, 0.001),
)
"""Sourced: ranges (libsigrok) and steps; accuracy by the data sheet's 0.5 % + 2 or 3 digits."""

MANNERS = Manners()
_OVER = 1.1
_SET = re.compile(r"(?P<name>VSET|ISET)(?P<channel>\d):(?P<value>\d{1,3}(?:\.\d*)?|\.\d+)")
_NUMBERED = re.compile(r"(?P<name>OUT|OVP|OCP|BEEP|LOCK|SAV|RCL|TRACK)(?P<value>\d)")
_ANY = re.compile(
    rb"\*IDN\?|STATUS\?|[VI](?:SET|OUT)\d\?|[VI]SET\d:\d*\.?\d*"
    rb"|(?:OUT|OVP|OCP|BEEP|LOCK|SAV|RCL|TRACK)\d"
)
_MEMORIES = range(1, 6)
_CV, _BEEP, _OCP, _ON, _OVP = 0x01, 0x10, 0x20, 0x40, 0x80


@dataclass(slots=True, kw_only=True)
class Korad(Supply):
    """A KA3005P at work. ``older_firmware``: stray byte, and one status bit for OVP and OCP."""

    older_firmware: bool = False
    beep: bool = True
    memories: dict[int, tuple[float, float]] = field(default_factory=dict)

    @property
    def output(self) -> Output:
        """The one output it has."""
        return self.outputs[1]

    def own_identity(self) -> str:
        """Return what it says of itself: no commas, no serial number."""
        return f"{self.ratings.maker}{self.ratings.model}{self.ratings.firmware}"

    def begin(self, message: bytes, *, talker: bool = False) -> _AtOnce:  # noqa: ARG002
        """Begin one message."""
        return _AtOnce(self, message)

    def answer(self, message: bytes) -> bytes:
        """Do one message; what is not understood is neither done nor answered."""
        try:
            text = message.decode("ascii").strip()
        except UnicodeDecodeError:
            return b""
        self.advance()
        asked = _QUERIES.get(text)
        if asked is not None:
            return asked(self)
        if not self.held:
            self._command(text)
        return b""

    def split(self, received: bytes) -> list[bytes]:
        """Tell glued messages apart, as a firmware does that reads byte by byte.

        (The client koradctl, proven on instruments, sends some without a rest between them.)
        """
        found = _ANY.findall(received)
        if self.manners.glued and b"".join(found) == received:
            return list(found)
        return [received]

    def _command(self, text: str) -> None:
        if (match := _SET.fullmatch(text)) is not None:
            if match["channel"] == "1":
                self._set(match["name"], float(match["value"]))
        elif (match := _NUMBERED.fullmatch(text)) is not None:
            _COMMANDS[match["name"]](self, int(match["value"]))

    def _set(self, name: str, value: float) -> None:
        output = self.output
        limits = output.ratings.volts if name == "VSET" else output.ratings.amps
        if self.manners.clamp:
            value = min(max(value, limits.low), limits.high)
        if not limits.low <= value <= limits.high:
            return
        value = round(round(value / limits.step) * limits.step, 6)
        now = self.clock()
        if name == "ISET":
            output.program(now, amps=value)
            return
        output.program(now, volts=value)
        self._follow()

    def _follow(self) -> None:
        """Let OVP stand a little above the set voltage, for it has no level of its own."""
        level = max(self.output.volts * _OVER, 0.5)
        self.output.protect(self.clock(), self.output.ovp, level=level)

    def out(self, value: int) -> None:
        """Do ``OUT0`` or ``OUT1``; switching on forgets a trip."""
        if value not in {0, 1}:
            return
        output, now = self.output, self.clock()
        if value:
            output.clear_trip(now, output.ovp, output.ocp)
        output.switch(now, bool(value))

    def watch_volts(self, enabled: bool) -> None:
        """Do ``OVP0`` or ``OVP1``."""
        self._follow()
        self.output.protect(self.clock(), self.output.ovp, enabled=enabled)

    def watch_amps(self, enabled: bool) -> None:
        """Do ``OCP0`` or ``OCP1``."""
        self.output.protect(self.clock(), self.output.ocp, enabled=enabled)

    def save(self, memory: int) -> None:
        """Do ``SAVn``."""
        if memory in _MEMORIES:
            self.memories[memory] = (self.output.volts, self.output.amps)

    def recall(self, memory: int) -> None:
        """Do ``RCLn``; an empty memory changes nothing."""
        if memory in self.memories:
            volts, amps = self.memories[memory]
            self.output.program(self.clock(), volts=volts, amps=amps)
            self._follow()

    def status(self) -> bytes:
        """Return the raw byte of ``STATUS?``."""
        output = self.output
        bits = _CV if output.mode(self.clock()) != "CC" else 0
        bits |= _ON if output.on else 0
        bits |= _BEEP if self.beep else 0
        if self.older_firmware:
            bits |= _OCP if output.ocp.enabled or output.ovp.enabled else 0
        else:
            bits |= _OCP if output.ocp.enabled else 0
            bits |= _OVP if output.ovp.enabled else 0
        return bytes([bits])

    def set_amps(self) -> bytes:
        """Return the reply to ``ISET1?``."""
        stray = b"K" if self.older_firmware else b""
        return f"{self.output.amps:05.3f}".encode() + stray


class _AtOnce:
    """The run of one message, which waits for nothing."""

    def __init__(self, korad: Korad, message: bytes) -> None:
        self._korad, self._message = korad, message
        self.data = b""

    def advance(self) -> float:
        """Do it."""
        self.data = self._korad.answer(self._message)
        return 0.0


_QUERIES: dict[str, Callable[[Korad], bytes]] = {
    "*IDN?": lambda korad: korad.identity.encode("ascii"),
    "STATUS?": lambda korad: korad.status(),
    "VSET1?": lambda korad: f"{korad.output.volts:05.2f}".encode(),
    "ISET1?": lambda korad: korad.set_amps(),
    "VOUT1?": lambda korad: f"{korad.output.measure(korad.clock())[0]:05.2f}".encode(),
    "IOUT1?": lambda korad: f"{korad.output.measure(korad.clock())[1]:05.3f}".encode(),
}
_COMMANDS: dict[str, Callable[[Korad, int], None]] = {
    "OUT": lambda korad, value: korad.out(value),
    "OVP": lambda korad, value: korad.watch_volts(bool(value)),
    "OCP": lambda korad, value: korad.watch_amps(bool(value)),
    "BEEP": lambda korad, value: setattr(korad, "beep", bool(value)),
    "SAV": lambda korad, value: korad.save(value),
    "RCL": lambda korad, value: korad.recall(value),
    # Panel lock and tracking have no effect on a supply with one output.
    "LOCK": lambda _, __: None,
    "TRACK": lambda _, __: None,
}


def ka3005p(
    serial: str,
    *,
    seed: int,
    speed: float = 1.0,
    clock: Clock = time.monotonic_ns,
    manners: Manners = MANNERS,
    older_firmware: bool = False,
) -> Korad:
    """Return a KA3005P as it is after power-up. It never tells its serial number."""
    return Korad(
        ratings=KA3005P,
        serial=serial,
        seed=seed,
        speed=speed,
        clock=clock,
        manners=manners,
        older_firmware=older_firmware,
    )
