"""B&K Precision 9130 series: 9130, 9130B, 9131B, 9132B.

Sourced: libsigrok (``INST:NSEL``, ``:SOUR:VOLT``, ``:MEAS:VOLT?``, ``:SOUR:VOLT:PROT``, ranges of
the 9130, ``SYST:REM`` on RS-232), PyMeasure (``SOUR:CHAN:OUTP:STAT`` switches the selected
channel), 9115 programming manual (``VOLT:PROT:STAT`` and ``PROT:CLE``: taken for this series).

Assumed: identity, ranges of 9131B and 9132B, no OCP, that a trip cannot be asked, form of numbers,
accuracies. What rules the output is taken from readings.
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
    Selection,
    Setting,
    Switch,
    Word,
)

_NUMBER = NumberForm((2, 6), exponent=True)


def _row(model: str, *channels: tuple[float, float]) -> Dialect:
    return Dialect(
        model=model,
        maker="B&K Precision",
        identity=re.compile(
            rf"(?P<maker>B&K Precision|BK Precision|BK),\s*(?P<model>{model}),(?P<serial>[^,]*),"
            r"(?P<firmware>.*)",
            re.IGNORECASE,
        ),
        channels=MappingProxyType(
            {n: ChannelRange(volts, amps, volts + 1) for n, (volts, amps) in enumerate(channels, 1)}
        ),
        volts=Setting(":SOUR:VOLT {value:.3f}", ":SOUR:VOLT?", "V", 0.001, _NUMBER),
        amps=Setting(":SOUR:CURR {value:.3f}", ":SOUR:CURR?", "A", 0.001, _NUMBER),
        output=Output(
            Switch(
                "SOUR:CHAN:OUTP:STAT {value}", "1", "0", Word("SOUR:CHAN:OUTP:STAT?", ANY_BOOLEAN)
            )
        ),
        measure=(
            Measurement(":MEAS:VOLT?", (("volts", _NUMBER),)),
            Measurement(":MEAS:CURR?", (("amps", _NUMBER),)),
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
            Setting(":SOUR:VOLT:PROT {value:.3f}", ":SOUR:VOLT:PROT?", "V", 0.001, _NUMBER),
            Switch(
                ":SOUR:VOLT:PROT:STAT {value}",
                "1",
                "0",
                Word(":SOUR:VOLT:PROT:STAT?", ANY_BOOLEAN),
            ),
        ),
        clear_trip=("PROT:CLE",),
        clear_restores_output=True,
        errors=(ErrorQuery("SYST:ERR?"),),
        selection=Selection("INST:NSEL {n}", joined=False),
        panel=Panel("SYST:REM", "SYST:LOC", "SYST:RWL", only_on_serial=True),
    )


MODELS = (
    _row("9130", (30.0, 3.0), (30.0, 3.0), (5.0, 3.0)),
    _row("9130B", (30.0, 3.0), (30.0, 3.0), (5.0, 3.0)),
    _row("9131B", (30.0, 6.0), (30.0, 6.0), (5.0, 3.0)),
    _row("9132B", (60.0, 3.0), (60.0, 3.0), (5.0, 3.0)),
)
