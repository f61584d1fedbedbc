"""Rigol DP832 and DP832A.

Sourced: DP800 programming guide (Dec 2015) for every header, ON/OFF replies p. 2-35, condition bits
table 1-3, ranges table 2-1 (its "0V to -5.3V" for CH3 is a misprint); number forms ``5.0114,0.0000,
0.000`` and ``5.000,0.100`` read from a DP832A; OVP/OCP ranges from the data sheet; accuracies from
the DP800 performance verification p. 60. Trip answers: the guide of this family says YES/NO, that
of the DP2000 1/0, so all four are understood.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from hil.equipment.power_supply.dialect import (
    Accuracy,
    ChannelRange,
    Condition,
    Dialect,
    Framing,
    Measurement,
    NumberForm,
    Protection,
    Setting,
    Switch,
)

_THREE = NumberForm((3, 3))
_FOUR = NumberForm((4, 4))
_THREE_OR_FOUR = NumberForm((3, 4))
_ON_OFF = MappingProxyType({"ON": True, "OFF": False})
_TRIPPED = MappingProxyType({"YES": True, "NO": False, "1": True, "0": False})
_THIRTY_VOLTS = ChannelRange(32.0, 3.2, 33.0, 3.3)


def _protection(name: str, unit: str) -> Protection:
    return Protection(
        level=Setting(
            set=f":OUTP:{name}:VAL CH{{n}},{{value:.3f}}",
            get=f":OUTP:{name}:VAL? CH{{n}}",
            unit=unit,
            step=0.001,
            form=_THREE_OR_FOUR,
        ),
        state=Switch(
            set=f":OUTP:{name} CH{{n}},{{value}}",
            get=f":OUTP:{name}? CH{{n}}",
            on="ON",
            off="OFF",
            answers=_ON_OFF,
        ),
        tripped=f":OUTP:{name}:QUES? CH{{n}}",
        tripped_answers=_TRIPPED,
        clear=f":OUTP:{name}:CLEAR CH{{n}}",
    )


DP832 = Dialect(
    model="DP832",
    identity=re.compile(
        r"(?P<maker>RIGOL TECHNOLOGIES),(?P<model>DP832A?),(?P<serial>[^,]*),(?P<firmware>[^,]*)",
        re.IGNORECASE,
    ),
    channels=MappingProxyType(
        {1: _THIRTY_VOLTS, 2: _THIRTY_VOLTS, 3: ChannelRange(5.3, 3.2, 5.5, 3.3)}
    ),
    volts=Setting(":SOUR{n}:VOLT {value:.3f}", ":SOUR{n}:VOLT?", "V", 0.001, _THREE),
    amps=Setting(":SOUR{n}:CURR {value:.3f}", ":SOUR{n}:CURR?", "A", 0.001, _THREE_OR_FOUR),
    output=Switch(":OUTP CH{n},{value}", ":OUTP? CH{n}", "ON", "OFF", _ON_OFF),
    measure=Measurement(":MEAS:ALL? CH{n}", (("volts", _FOUR), ("amps", _FOUR), ("watts", _THREE))),
    ovp=_protection("OVP", "V"),
    ocp=_protection("OCP", "A"),
    condition=Condition(":STAT:QUES:INST:ISUM{n}:COND?", current=1, voltage=2),
    error=":SYST:ERR?",
    set_volts=Accuracy(0.0005, 0.020),
    set_amps=Accuracy(0.002, 0.010),
    read_volts=Accuracy(0.0005, 0.010),
    read_amps=Accuracy(0.0015, 0.005),
    framing=Framing(b"\n", b"\n"),
    remote=":SYST:REM",
    local=":SYST:LOC",
)
