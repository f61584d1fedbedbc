"""Keithley 2230G: 2230G-30-1, 2230G-30-3, 2230G-30-6.

Sourced: tm_devices (``Keithley instruments, 2230G-30-6, <serial>, 1.04-1.06``), PyMeasure's driver
of the 2200 (``INST:SEL CH1;VOLT``, ``SOUR:OUTP:ENAB`` for each channel beside the master ``OUTP``,
``MEAS:VOLT?``), 2230G manual p. 47-48 (several commands in a message, ``;:`` back to the root) and
its example of ``VOLT:PROT``. The older 2200 calls 2 constant current, other makers constant
voltage: what rules the output is therefore taken from readings.

Assumed: the OVP always watches and its trip cannot be asked; no OCP; ``OUTP:PROT:CLE``; form of
numbers; ranges; accuracies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
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
    Selection,
    Setting,
    Switch,
    Word,
)

_NUMBER = NumberForm((3, 6), exponent=True)


def _row(model: str, channels: Mapping[int, ChannelRange]) -> Dialect:
    return Dialect(
        model=model,
        maker="Keithley instruments",
        identity=re.compile(
            rf"(?P<maker>Keithley instruments),\s*(?P<model>{model}),(?P<serial>[^,]*),"
            r"(?P<firmware>[^,]*)",
            re.IGNORECASE,
        ),
        channels=MappingProxyType(channels),
        volts=Setting("VOLT {value:.3f}", "VOLT?", "V", 0.001, _NUMBER),
        amps=Setting("CURR {value:.3f}", "CURR?", "A", 0.001, _NUMBER),
        output=Output(
            Switch("SOUR:OUTP:ENAB {value}", "1", "0", Word("SOUR:OUTP:ENAB?", ANY_BOOLEAN)),
            master=Switch("OUTP {value}", "1", "0", Word("OUTP?", ANY_BOOLEAN)),
        ),
        measure=(
            Measurement("MEAS:VOLT?", (("volts", _NUMBER),)),
            Measurement("MEAS:CURR?", (("amps", _NUMBER),)),
        ),
        accuracy=ChannelAccuracy(
            set_volts=Accuracy(0.0003, 0.010),
            set_amps=Accuracy(0.001, 0.005),
            read_volts=Accuracy(0.0003, 0.010),
            read_amps=Accuracy(0.001, 0.005),
            volts_step=0.001,
            amps_step=0.001,
            source="assumed: no page seen",
        ),
        ovp=Protection(
            Setting("VOLT:PROT {value:.3f}", "VOLT:PROT?", "V", 0.001, _NUMBER), switch=None
        ),
        clear_trip=("OUTP:PROT:CLE",),
        errors=(ErrorQuery("SYST:ERR?"),),
        selection=Selection("INST:SEL CH{n}"),
        panel=Panel(remote="SYST:REM", local="SYST:LOC", lock="SYST:RWL"),
    )


def _three(amps: float, third_volts: float, third_amps: float) -> dict[int, ChannelRange]:
    thirty = ChannelRange(30.0, amps, 31.0)
    return {1: thirty, 2: thirty, 3: ChannelRange(third_volts, third_amps, third_volts + 1)}


MODELS = (
    _row("2230G-30-1", _three(1.5, 6.0, 5.0)),
    _row("2230G-30-3", _three(3.0, 6.0, 5.0)),
    _row("2230G-30-6", _three(6.0, 5.0, 3.0)),
)
