"""ITECH IT6800A and B: IT6831 to IT6834.

Sourced: IT6833A manual p. 15 (a reply must be read whole before the next message; only the exact
short or long form of a word), IT6800B manual p. 13 (messages end with LF), IT69xx manual
(``PROT:CLE`` restores the former state of the output: taken for this family too).

Assumed: identity, ``VOLT:PROT`` with STAT as on other ITECH models, no OCP, that a trip cannot be
asked, SYST:REM first on a serial line only, ranges, form of numbers, accuracies. What rules the
output is taken from readings.
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
    Word,
)

_NUMBER = NumberForm((2, 6), exponent=True)


def _row(model: str, volts: float, amps: float) -> Dialect:
    return Dialect(
        model=model,
        maker="ITECH Ltd.",
        identity=re.compile(
            rf"(?P<maker>ITECH[^,]*),\s*(?P<model>{model}[AB]),(?P<serial>[^,]*),(?P<firmware>.*)",
            re.IGNORECASE,
        ),
        channels=MappingProxyType({1: ChannelRange(volts, amps, volts * 1.1)}),
        volts=Setting("VOLT {value:.3f}", "VOLT?", "V", 0.001, _NUMBER),
        amps=Setting("CURR {value:.3f}", "CURR?", "A", 0.001, _NUMBER),
        output=Output(Switch("OUTP {value}", "ON", "OFF", Word("OUTP?", ANY_BOOLEAN))),
        measure=(
            Measurement("MEAS:VOLT?", (("volts", _NUMBER),)),
            Measurement("MEAS:CURR?", (("amps", _NUMBER),)),
        ),
        accuracy=ChannelAccuracy(
            set_volts=Accuracy(0.0005, 0.010),
            set_amps=Accuracy(0.002, 0.010),
            read_volts=Accuracy(0.0005, 0.010),
            read_amps=Accuracy(0.002, 0.010),
            volts_step=0.001,
            amps_step=0.001,
            source="assumed: no page seen",
        ),
        ovp=Protection(
            Setting("VOLT:PROT {value:.3f}", "VOLT:PROT?", "V", 0.001, _NUMBER),
            Switch("VOLT:PROT:STAT {value}", "ON", "OFF", Word("VOLT:PROT:STAT?", ANY_BOOLEAN)),
        ),
        clear_trip=("PROT:CLE",),
        clear_restores_output=True,
        errors=(ErrorQuery("SYST:ERR?"),),
        panel=Panel("SYST:REM", "SYST:LOC", "SYST:RWL", only_on_serial=True),
    )


MODELS = (
    _row("IT6831", 18.0, 10.0),
    _row("IT6832", 32.0, 6.0),
    _row("IT6833", 72.0, 3.0),
    _row("IT6834", 150.0, 1.2),
)
