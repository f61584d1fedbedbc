"""Keysight E36300: E36311A, E36312A, E36313A.

Sourced: libsigrok (ranges of the E36312A, OVP 0.5..6.6 V and 0.5..27.5 V, tested on hardware;
over-temperature bit), E36300 programming guide (APPLy, channel lists, OCP delay and its start),
PyMeasure's wire (``VOLT 3.3, (@1)``), E364xA manual p. 120 (bits of constant current and voltage).
The OCP has no level of its own: it trips when the current limit is entered.

Assumed: the form of ``*IDN?`` and of numbers (NR3, fixed decimals are understood too), ranges of
the E36311A and E36313A, accuracies (0.03..0.04 % + 3 mV class), remote sense as on the E36100,
limits and start of LIST, that an OVP level below the set point is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from hil.equipment.power_supply.dialect import (
    ONE_ZERO,
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

_NUMBER = NumberForm((3, 6), exponent=True)
_CONDITION = "STAT:QUES:INST:ISUM{n}:COND?"
_SENSE = MappingProxyType({"EXT": True, "INT": False})


def _switch(header: str) -> Switch:
    return Switch(
        f"{header} {{value}},(@{{n}})", "ON", "OFF", Word(f"{header}? (@{{n}})", ONE_ZERO)
    )


def _setting(header: str, unit: str) -> Setting:
    return Setting(f"{header} {{value:.3f}},(@{{n}})", f"{header}? (@{{n}})", unit, 0.001, _NUMBER)


def _row(model: str, channels: Mapping[int, ChannelRange]) -> Dialect:
    return Dialect(
        model=model,
        maker="Keysight Technologies",
        identity=re.compile(
            rf"(?P<maker>Keysight Technologies),(?P<model>{model}),(?P<serial>[^,]*),"
            r"(?P<firmware>[^,]*)",
            re.IGNORECASE,
        ),
        channels=MappingProxyType(channels),
        volts=_setting("VOLT", "V"),
        amps=_setting("CURR", "A"),
        output=Output(_switch("OUTP")),
        measure=(
            Measurement("MEAS:VOLT? (@{n})", (("volts", _NUMBER),)),
            Measurement("MEAS:CURR? (@{n})", (("amps", _NUMBER),)),
        ),
        accuracy=ChannelAccuracy(
            set_volts=Accuracy(0.0003, 0.005),
            set_amps=Accuracy(0.0005, 0.005),
            read_volts=Accuracy(0.0004, 0.005),
            read_amps=Accuracy(0.0005, 0.005),
            volts_step=0.001,
            amps_step=0.001,
            source="assumed: 0.03..0.04 % + 3 mV class; the data sheet was not seen",
        ),
        ovp=Protection(
            _setting("VOLT:PROT", "V"), _switch("VOLT:PROT:STAT"), not_below_setting=True
        ),
        ocp=Protection(
            level=None, switch=_switch("CURR:PROT:STAT"), delay=_setting("CURR:PROT:DEL", "s")
        ),
        trips=(
            Trip("OVP", Word("VOLT:PROT:TRIP? (@{n})", ONE_ZERO)),
            Trip("OCP", Word("CURR:PROT:TRIP? (@{n})", ONE_ZERO)),
            Trip("OTP", Bits(_CONDITION, 16)),
        ),
        clear_trip=("OUTP:PROT:CLE (@{n})",),
        regulation=Condition(current=Bits(_CONDITION, 1), voltage=Bits(_CONDITION, 2)),
        errors=(ErrorQuery("SYST:ERR?"),),
        sequencing=Sequencing(
            shortest_s=0.01,
            longest_s=3600.0,
            resolution_s=0.001,
            most_steps=100,
            load=(
                "LIST:VOLT {volts},(@{n})",
                "LIST:CURR {amps},(@{n})",
                "LIST:DWEL {seconds},(@{n})",
                "LIST:COUN 1,(@{n})",
                "VOLT:MODE LIST,(@{n})",
                "CURR:MODE LIST,(@{n})",
            ),
            start=("INIT:TRAN (@{n})", "*TRG"),
            stop=("ABOR (@{n})", "VOLT:MODE FIX,(@{n})", "CURR:MODE FIX,(@{n})"),
            source="assumed: headers of the E36300 programming guide, limits not found in it",
        ),
        sense=Switch("VOLT:SENS {value},(@{n})", "EXT", "INT", Word("VOLT:SENS? (@{n})", _SENSE)),
        panel=Panel(remote="SYST:REM", local="SYST:LOC", lock="SYST:RWL"),
    )


def _six_volts(amps: float) -> ChannelRange:
    return ChannelRange(6.18, amps, 6.6, min_amps=0.002, min_ovp_volts=0.5)


def _25_volts(amps: float) -> ChannelRange:
    return ChannelRange(25.75, amps, 27.5, min_amps=0.001, min_ovp_volts=0.5)


MODELS = (
    _row(
        "E36311A",
        {1: _six_volts(5.15), 2: _25_volts(1.03), 3: ChannelRange(25.75, 1.03, negative=True)},
    ),
    _row("E36312A", {1: _six_volts(5.15), 2: _25_volts(1.03), 3: _25_volts(1.03)}),
    _row("E36313A", {1: _six_volts(10.3), 2: _25_volts(2.06), 3: _25_volts(2.06)}),
)
