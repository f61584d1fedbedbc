"""Siglent SPD3303X and SPD3303X-E.

Sourced: SPD3000X quick start (``CH1:VOLT``, error reply ``0 No Error``), instro (``OUTP CH1,ON``,
no output query, status word ``SYST:STAT?`` in hex with its bits 0 to 5, channel 3 not
programmable, no OVP or OCP over the interface), PyMeasure (``MEAS:VOLT? CH1``, ``*LOCK`` and
``*UNLOCK``), pyvisa issue 362 and PyFixate issue 228 (needs a rest between messages: 20 ms taken),
public drivers (``TIME:SET``, bits 6 and 7 for the timers, whole seconds up to 10000).

Assumed: five fields of ``*IDN?`` (four are understood too), no ``*CLS``, decimals of numbers,
accuracies (0.03 % + 10 digits, 0.3 % + 10 digits). The timer runs in independent mode only.
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
_STATUS = "SYST:STAT?"


def _bits(first: int, second: int) -> Bits:
    return Bits(_STATUS, MappingProxyType({1: first, 2: second}), "hexadecimal")


SPD3303X = Dialect(
    model="SPD3303X",
    maker="Siglent Technologies",
    identity=re.compile(
        r"(?P<maker>Siglent Technologies),(?P<model>SPD3303X(?:-E)?),(?P<serial>[^,]*),"
        r"(?P<firmware>[^,]*)(?:,[^,]*)?",
        re.IGNORECASE,
    ),
    channels=MappingProxyType({1: ChannelRange(32.0, 3.2), 2: ChannelRange(32.0, 3.2)}),
    volts=Setting("CH{n}:VOLT {value:.3f}", "CH{n}:VOLT?", "V", 0.001, _THREE),
    amps=Setting("CH{n}:CURR {value:.3f}", "CH{n}:CURR?", "A", 0.001, _THREE),
    output=Output(
        Switch("OUTP CH{n},{value}", "ON", "OFF", _bits(0x10, 0x20)),
        also_off=("OUTP CH3,OFF",),
    ),
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
        source="assumed: no page seen",
    ),
    regulation=Condition(current=_bits(0x01, 0x02), voltage=None),
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
        playing=_bits(0x40, 0x80),
        seconds="{:.0f}",
        source="SPD3000X quick start, TIMEr subsystem",
    ),
    panel=Panel(local="*UNLOCK", lock="*LOCK"),
    framing=Framing(pacing_s=0.02),
    clear_status=None,
)

MODELS = (SPD3303X,)
