"""Keithley 2280S-32-6, 2280S-60-3 and 2281S-20-6 (as a power supply).

Sourced: PyMeasure's 2281S (``:VOLT``, ``:CURR`` from 0.1 A, ``:OUTP:STAT ON``), 2281S manual p. 376
(``:OUTP:PROT:TRIP? CH1`` answers OVP, OCP, OTP, RVS, OPS or NONE), public code that reads
``:MEAS:CONC?`` (current, voltage, time in this order).

Assumed: identity, units behind the fields of ``:MEAS:CONC?``, ``:VOLT:PROT`` and ``:CURR:PROT`` as
levels that always watch, their ranges, ``:OUTP:PROT:CLE``, accuracies. List mode is left out: its
limits were not found. What rules the output is taken from readings.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from hil.equipment.power_supply.dialect import (
    ANY_BOOLEAN,
    Accuracy,
    ChannelAccuracy,
    ChannelRange,
    Dialect,
    ErrorQuery,
    Measurement,
    NumberForm,
    Output,
    Panel,
    Protection,
    Setting,
    Switch,
    Trip,
    Word,
)

_NUMBER = NumberForm((3, 6), exponent=True)
_TRIPS = ("OVP", "OCP", "OTP", "RVS", "OPS")


def _trip(name: str) -> Trip:
    answers = {"NONE": False, **{word: word == name for word in _TRIPS}}
    return Trip(name, Word(":OUTP:PROT:TRIP? CH1", MappingProxyType(answers)))


def _with_unit(unit: str) -> NumberForm:
    return NumberForm((3, 6), exponent=True, unit=unit)


def _row(model: str, volts: float, amps: float) -> Dialect:
    return Dialect(
        model=model,
        maker="KEITHLEY INSTRUMENTS",
        identity=re.compile(
            rf"(?P<maker>KEITHLEY INSTRUMENTS)(?: INC\.)?,\s*(?:MODEL )?(?P<model>{model}),"
            r"(?P<serial>[^,]*),(?P<firmware>[^,]*)",
            re.IGNORECASE,
        ),
        channels=MappingProxyType(
            {1: ChannelRange(volts, amps, volts + 1, amps + 0.1, min_amps=0.1, min_ovp_volts=0.5)}
        ),
        volts=Setting(":VOLT {value:.3f}", ":VOLT?", "V", 0.001, _NUMBER),
        amps=Setting(":CURR {value:.3f}", ":CURR?", "A", 0.001, _NUMBER),
        output=Output(Switch(":OUTP:STAT {value}", "ON", "OFF", Word(":OUTP:STAT?", ANY_BOOLEAN))),
        measure=(
            Measurement(
                ":MEAS:CONC?",
                (("amps", _with_unit("A")), ("volts", _with_unit("V")), ("other", _with_unit("s"))),
            ),
        ),
        accuracy=ChannelAccuracy(
            set_volts=Accuracy(0.0002, 0.003),
            set_amps=Accuracy(0.0005, 0.005),
            read_volts=Accuracy(0.0002, 0.003),
            read_amps=Accuracy(0.0005, 0.005),
            volts_step=0.001,
            amps_step=0.001,
            source="assumed: no page seen",
        ),
        ovp=Protection(
            Setting(":VOLT:PROT {value:.3f}", ":VOLT:PROT?", "V", 0.001, _NUMBER), switch=None
        ),
        ocp=Protection(
            Setting(":CURR:PROT {value:.3f}", ":CURR:PROT?", "A", 0.001, _NUMBER), switch=None
        ),
        trips=tuple(_trip(name) for name in _TRIPS),
        clear_trip=(":OUTP:PROT:CLE",),
        errors=(ErrorQuery(":SYST:ERR?"),),
        panel=Panel(local=":SYST:LOC"),
    )


MODELS = (
    _row("2280S-32-6", 32.0, 6.0),
    _row("2280S-60-3", 60.0, 3.2),
    _row("2281S-20-6", 20.0, 6.1),
)
