"""Rohde & Schwarz NGE100: NGE102B and NGE103B (also without B).

Sourced: public drivers that cite the NGE100 SCPI manual (``INST:NSEL``, ``OUTP`` of the selected
channel, ``VOLT:PROT`` with STAT, LEV, TRIP? and CLE, ``FUSE`` with STAT, DEL in milliseconds up to
10 s, TRIP? and ``FUSE:TRIP:CLE``), QCoDeS (10 mV steps, 32 V, 3 A within 33.6 W). The OCP is an
electronic fuse: it trips when the current limit is entered.

Assumed: form of numbers, resolution of the current, condition bits as of HMP and NGP, accuracies.
EasyArb and EasyRamp are left out: their limits were not found.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from hil.equipment.power_supply.dialect import (
    ANY_BOOLEAN,
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
    Selection,
    Setting,
    Switch,
    Trip,
    Word,
)

_VOLTS = NumberForm((2, 4), exponent=True)
_AMPS = NumberForm((3, 4), exponent=True)
_MILLISECONDS = NumberForm((0, 0))
_CONDITION = "STAT:QUES:INST:ISUM{n}:COND?"


def _row(model: str, count: int) -> Dialect:
    return Dialect(
        model=model,
        maker="Rohde&Schwarz",
        identity=re.compile(
            rf"(?P<maker>Rohde&Schwarz),\s*(?P<model>{model.removesuffix('B')}B?),"
            r"(?P<serial>[^,]*),(?P<firmware>[^,]*)",
            re.IGNORECASE,
        ),
        channels=MappingProxyType({n: ChannelRange(32.0, 3.0, 32.0) for n in range(1, count + 1)}),
        volts=Setting("VOLT {value:.2f}", "VOLT?", "V", 0.01, _VOLTS),
        amps=Setting("CURR {value:.3f}", "CURR?", "A", 0.001, _AMPS),
        output=Output(Switch("OUTP {value}", "ON", "OFF", Word("OUTP?", ANY_BOOLEAN))),
        measure=(
            Measurement("MEAS:VOLT?", (("volts", _VOLTS),)),
            Measurement("MEAS:CURR?", (("amps", _AMPS),)),
        ),
        accuracy=ChannelAccuracy(
            set_volts=Accuracy(0.001, 0.040),
            set_amps=Accuracy(0.001, 0.010),
            read_volts=Accuracy(0.001, 0.040),
            read_amps=Accuracy(0.001, 0.010),
            volts_step=0.01,
            amps_step=0.001,
            source="assumed: no page seen",
        ),
        ovp=Protection(
            Setting("VOLT:PROT:LEV {value:.2f}", "VOLT:PROT:LEV?", "V", 0.01, _VOLTS),
            Switch("VOLT:PROT:STAT {value}", "ON", "OFF", Word("VOLT:PROT:STAT?", ANY_BOOLEAN)),
        ),
        ocp=Protection(
            level=None,
            switch=Switch("FUSE:STAT {value}", "ON", "OFF", Word("FUSE:STAT?", ANY_BOOLEAN)),
            delay=Setting(
                "FUSE:DEL {value:.0f}", "FUSE:DEL?", "s", 0.001, _MILLISECONDS, scale=1000
            ),
        ),
        trips=(
            Trip("OVP", Word("VOLT:PROT:TRIP?", ANY_BOOLEAN)),
            Trip("OCP", Word("FUSE:TRIP?", ANY_BOOLEAN)),
        ),
        clear_trip=("VOLT:PROT:CLE", "FUSE:TRIP:CLE"),
        regulation=Condition(current=Bits(_CONDITION, 1), voltage=Bits(_CONDITION, 2)),
        errors=(ErrorQuery("SYST:ERR?"),),
        selection=Selection("INST:NSEL {n}", joined=False),
        panel=Panel(remote="SYST:REM", local="SYST:LOC", lock="SYST:RWL"),
    )


MODELS = (_row("NGE102B", 2), _row("NGE103B", 3))
