"""Siglent SPD1000X: SPD1168X and SPD1305X.

Sourced: PyMeasure (``CH1:VOLT``, ``OUTP CH1,ON``, status word with bits 0 CC, 4 output, 5
four-wire, 6 timer; ``MODE:SET``), SPD1000X user manual p. 59 (``TIME:SET CH1,…``, five steps). OVP
and OCP cannot be set over the interface of the firmware that is known (sourced: instro for the
family); a younger manual has commands for them, which are not used here.

Assumed: as for the SPD3303X, and the rest between messages.
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
    ErrorQuery,
    Framing,
    Measurement,
    NumberForm,
    Output,
    Panel,
    Sequencing,
    Setting,
    Switch,
)

_THREE = NumberForm((3, 3))


def _bit(mask: int) -> Bits:
    return Bits("SYST:STAT?", mask, "hexadecimal")


def _row(model: str, volts: float, amps: float) -> Dialect:
    return Dialect(
        model=model,
        maker="Siglent Technologies",
        identity=re.compile(
            rf"(?P<maker>Siglent Technologies),(?P<model>{model}),(?P<serial>[^,]*),"
            r"(?P<firmware>[^,]*)(?:,[^,]*)?",
            re.IGNORECASE,
        ),
        channels=MappingProxyType({1: ChannelRange(volts, amps)}),
        volts=Setting("CH{n}:VOLT {value:.3f}", "CH{n}:VOLT?", "V", 0.001, _THREE),
        amps=Setting("CH{n}:CURR {value:.3f}", "CH{n}:CURR?", "A", 0.001, _THREE),
        output=Output(Switch("OUTP CH{n},{value}", "ON", "OFF", _bit(0x10))),
        measure=(
            Measurement("MEAS:VOLT? CH{n}", (("volts", _THREE),)),
            Measurement("MEAS:CURR? CH{n}", (("amps", _THREE),)),
        ),
        accuracy=ChannelAccuracy(
            set_volts=Accuracy(0.0003, 0.010),
            set_amps=Accuracy(0.003, 0.010),
            read_volts=Accuracy(0.0003, 0.010),
            read_amps=Accuracy(0.003, 0.010),
            volts_step=0.001,
            amps_step=0.001,
            source="assumed as the SPD3303X: no page seen",
        ),
        regulation=Condition(current=_bit(0x01), voltage=None),
        errors=(ErrorQuery("SYST:ERR?"),),
        sequencing=Sequencing(
            shortest_s=1.0,
            longest_s=10_000.0,
            resolution_s=1.0,
            most_steps=5,
            step="TIME:SET CH{n},{index},{volts},{amps},{seconds}",
            first_index=1,
            load=(),
            start=("TIME CH{n},ON",),
            stop=("TIME CH{n},OFF",),
            playing=_bit(0x40),
            seconds="{:.0f}",
            source="SPD1000X user manual p. 59",
        ),
        sense=Switch("MODE:SET {value}", "4W", "2W", _bit(0x20)),
        panel=Panel(local="*UNLOCK", lock="*LOCK"),
        framing=Framing(pacing_s=0.02),
        clear_status=None,
    )


MODELS = (_row("SPD1168X", 16.0, 8.0), _row("SPD1305X", 30.0, 5.0))
