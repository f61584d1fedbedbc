"""Korad KA3005P and its sibling Tenma 72-2540. Not SCPI; a serial line without any terminator.

Sourced: sigrok wiki and libsigrok (``VSET1:12.34``, ``OUT1``, ``OVP1``, ``OCP1``, one raw byte for
``STATUS?`` and its bits, identity without commas, 9600 8N1, about 50 ms a command, the stray sixth
byte of ``ISET1?``). OVP and OCP can only be switched on: they act at the set points. There is no
error queue, no trip query and no ``*CLS``. Older firmware shares bit 5 for OVP and OCP; OVP must
then be waived in the bench file.

Assumed: ``VSET1?`` answers five characters with two decimals (``03.30``), ``ISET1?`` five with
three; serial number behind ``SN:`` of younger firmware; accuracies (0.5 % + 20 mV, 0.5 % + 10 mA).
"""

from __future__ import annotations

import re
from types import MappingProxyType

from hil.equipment.power_supply.dialect import (
    Accuracy,
    Bits,
    ChannelAccuracy,
    ChannelRange,
    Condition,
    Dialect,
    Framing,
    Measurement,
    NumberForm,
    Output,
    Protection,
    Setting,
    Switch,
)

_VOLTS = NumberForm((2, 2), length=5)
_AMPS = NumberForm((3, 3), length=5)


def _bit(mask: int) -> Bits:
    return Bits("STATUS?", mask, "byte")


def _row(model: str, maker: str, name: str) -> Dialect:
    return Dialect(
        model=model,
        maker=maker,
        identity=re.compile(
            rf"(?P<maker>{maker})\s*(?P<model>{name})\s*V(?P<firmware>[\d.]+)"
            r"(?:\s*SN:(?P<serial>\w+))?",
            re.IGNORECASE,
        ),
        channels=MappingProxyType({1: ChannelRange(30.0, 5.0)}),
        volts=Setting("VSET1:{value:05.2f}", "VSET1?", "V", 0.01, _VOLTS),
        amps=Setting("ISET1:{value:.3f}", "ISET1?", "A", 0.001, _AMPS),
        output=Output(Switch("OUT{value}", "1", "0", _bit(0x40))),
        measure=(
            Measurement("VOUT1?", (("volts", _VOLTS),)),
            Measurement("IOUT1?", (("amps", _AMPS),)),
        ),
        accuracy=ChannelAccuracy(
            set_volts=Accuracy(0.005, 0.020),
            set_amps=Accuracy(0.005, 0.010),
            read_volts=Accuracy(0.005, 0.020),
            read_amps=Accuracy(0.005, 0.010),
            volts_step=0.01,
            amps_step=0.001,
            source="assumed: no page seen",
        ),
        ovp=Protection(level=None, switch=Switch("OVP{value}", "1", "0", _bit(0x80))),
        ocp=Protection(level=None, switch=Switch("OCP{value}", "1", "0", _bit(0x20))),
        regulation=Condition(current=None, voltage=_bit(0x01)),
        framing=Framing(write_termination=b"", read_termination=b"", pacing_s=0.05, stray_bytes=1),
        clear_status=None,
    )


MODELS = (_row("KA3005P", "KORAD", "KA3005P"), _row("72-2540", "TENMA", r"72-2540"))
