"""Rigol DP800: DP832, DP831, DP821, DP811, each with and without A.

Sourced: DP800 programming guide (Dec 2015) for every header, ON/OFF replies p. 2-35, OVP p. 2-35,
OCP p. 2-57 (``5.0000``), timer p. 2-64 to 2-67, condition bits table 1-3, ranges table 2-1 (its
"0V to -5.3V" for CH3 of the DP832 is a misprint); number forms ``5.0114,0.0000,0.000`` and
``5.000,0.100`` read from a DP832A; OVP/OCP ranges of the DP832 from its data sheet; accuracy of
currents from the DP800 performance verification p. 60, of volts from a user's worked figures. Trip
answers: the guide of this family says YES/NO, that of the DP2000 1/0, so all four are understood.
No delay for OVP and OCP (sourced: instro).

Assumed: OVP and OCP ranges of the other models (110 % of the rating, as on the DP832), their
accuracies and number forms (as the DP832's); ``:TIME:GROUP``, ``:TIME:CYCLE``, ``:TIME:ENDS``.
The DP811 is taken within what both of its ranges give, and its range is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from hil.equipment.power_supply.dialect import (
    ON_OFF,
    Accuracy,
    Bits,
    ChannelAccuracy,
    ChannelRange,
    Condition,
    Dialect,
    ErrorQuery,
    Measurement,
    NumberForm,
    Output,
    Panel,
    Protection,
    Sequencing,
    Setting,
    Switch,
    Trip,
    Word,
)

_THREE = NumberForm((3, 3))
_FOUR = NumberForm((4, 4))
_THREE_OR_FOUR = NumberForm((3, 4))
_TRIPPED = MappingProxyType({"YES": True, "NO": False, "1": True, "0": False})
_SENSE = MappingProxyType({"ON": True, "OFF": False, "NONE": False})
_CONDITION = ":STAT:QUES:INST:ISUM{n}:COND?"


def _protection(name: str, unit: str) -> Protection:
    return Protection(
        level=Setting(
            set=f":OUTP:{name}:VAL CH{{n}},{{value:.3f}}",
            get=f":OUTP:{name}:VAL? CH{{n}}",
            unit=unit,
            step=0.001,
            form=_THREE_OR_FOUR,
        ),
        switch=Switch(
            set=f":OUTP:{name} CH{{n}},{{value}}",
            on="ON",
            off="OFF",
            state=Word(f":OUTP:{name}? CH{{n}}", ON_OFF),
        ),
    )


def _row(model: str, channels: Mapping[int, ChannelRange], source: str) -> Dialect:
    return Dialect(
        model=model,
        maker="RIGOL TECHNOLOGIES",
        identity=re.compile(
            rf"(?P<maker>RIGOL TECHNOLOGIES),(?P<model>{model}A?),(?P<serial>[^,]*),"
            r"(?P<firmware>[^,]*)",
            re.IGNORECASE,
        ),
        channels=MappingProxyType(channels),
        volts=Setting(":SOUR{n}:VOLT {value:.3f}", ":SOUR{n}:VOLT?", "V", 0.001, _THREE),
        amps=Setting(":SOUR{n}:CURR {value:.3f}", ":SOUR{n}:CURR?", "A", 0.001, _THREE_OR_FOUR),
        output=Output(Switch(":OUTP CH{n},{value}", "ON", "OFF", Word(":OUTP? CH{n}", ON_OFF))),
        measure=(
            Measurement(":MEAS:ALL? CH{n}", (("volts", _FOUR), ("amps", _FOUR), ("watts", _THREE))),
        ),
        accuracy=ChannelAccuracy(
            set_volts=Accuracy(0.0005, 0.020),
            set_amps=Accuracy(0.002, 0.010),
            read_volts=Accuracy(0.0005, 0.010),
            read_amps=Accuracy(0.0015, 0.005),
            volts_step=0.001,
            amps_step=0.001,
            source=source,
        ),
        ovp=_protection("OVP", "V"),
        ocp=_protection("OCP", "A"),
        trips=(
            Trip("OVP", Word(":OUTP:OVP:QUES? CH{n}", _TRIPPED)),
            Trip("OCP", Word(":OUTP:OCP:QUES? CH{n}", _TRIPPED)),
        ),
        clear_trip=(":OUTP:OVP:CLEAR CH{n}", ":OUTP:OCP:CLEAR CH{n}"),
        regulation=Condition(current=Bits(_CONDITION, 1), voltage=Bits(_CONDITION, 2)),
        errors=(ErrorQuery(":SYST:ERR?"),),
        sequencing=Sequencing(
            shortest_s=1.0,
            longest_s=99_999.0,
            resolution_s=1.0,
            most_steps=2048,
            step=":INST CH{n};:TIME:PARA {index},{volts},{amps},{seconds}",
            load=(
                ":INST CH{n};:TIME:GROUP {count}",
                ":INST CH{n};:TIME:CYCLE N,1",
                ":INST CH{n};:TIME:ENDS LAST",
            ),
            start=(":INST CH{n};:TIME ON",),
            stop=(":INST CH{n};:TIME OFF",),
            playing=Word(":INST CH{n};:TIME?", ON_OFF),
            seconds="{:.0f}",
            source="DP800 programming guide p. 2-64 to 2-67",
        ),
        sense=Switch(":OUTP:SENS CH{n},{value}", "ON", "OFF", Word(":OUTP:SENS? CH{n}", _SENSE)),
        panel=Panel(remote=":SYST:REM", local=":SYST:LOC", lock=":SYST:RWL"),
    )


_THIRTY_VOLTS = ChannelRange(32.0, 3.2, 33.0, 3.3)
_VERIFIED = "DP800 performance verification p. 60; of volts by a user's worked figures"
_ASSUMED = f"assumed as the DP832 ({_VERIFIED})"

MODELS = (
    _row(
        "DP832",
        {1: _THIRTY_VOLTS, 2: _THIRTY_VOLTS, 3: ChannelRange(5.3, 3.2, 5.5, 3.3)},
        _VERIFIED,
    ),
    _row(
        "DP831",
        {
            1: ChannelRange(8.4, 5.3, 8.8, 5.5),
            2: ChannelRange(32.0, 2.1, 33.0, 2.2),
            3: ChannelRange(32.0, 2.1, negative=True),
        },
        _ASSUMED,
    ),
    _row(
        "DP821",
        {1: ChannelRange(63.0, 1.05, 66.0, 1.1), 2: ChannelRange(8.4, 10.5, 8.8, 11.0)},
        _ASSUMED,
    ),
    _row("DP811", {1: ChannelRange(21.0, 5.3, 22.0, 5.5)}, _ASSUMED),
)
