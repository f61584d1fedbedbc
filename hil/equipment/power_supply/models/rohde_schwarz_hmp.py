"""Rohde & Schwarz (HAMEG) HMP: HMP2020, HMP2030, HMP4030, HMP4040.

Sourced: PyMeasure and libsigrok (``INST:NSEL``, ``VOLT``, ``CURR``, ``OUTP:SEL`` and ``OUTP:GEN``,
``VOLT:PROT:LEV`` and ``TRIP?``, ``MEAS``, ``ARB`` with 128 triples of 0.06 to 10 s, identities of
both makers), data sheet (ranges, resolution, programming accuracy), NGP800 manual p. 178 (1 is
constant current, 2 constant voltage). The OVP has a level only. The OCP is an electronic fuse: it
trips when the current limit is entered, after ``FUSE:DEL`` milliseconds.

Assumed: form of numbers, ``FUSE:*`` (from the manual of the younger NGE), that switching the fuse
off clears its trip (:meth:`Channel.protect` then switches it on again), OVP range, accuracy of
readings (as of settings), resolution of ARB times. On RS-232 a lab reports lost commands without
RTS/CTS.
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
    Sequencing,
    Setting,
    Switch,
    Trip,
    Word,
)

_VOLTS = NumberForm((3, 3), exponent=True)
_AMPS = NumberForm((3, 4), exponent=True)
_MILLISECONDS = NumberForm((0, 0))
_CONDITION = "STAT:QUES:INST:ISUM{n}:COND?"


def _row(model: str, amps: tuple[float, ...]) -> Dialect:
    channels = {n: ChannelRange(32.0, most, 32.5) for n, most in enumerate(amps, 1)}
    return Dialect(
        model=model,
        maker="ROHDE&SCHWARZ",
        identity=re.compile(
            rf"(?P<maker>ROHDE&SCHWARZ|HAMEG),\s*(?P<model>{model}),(?P<serial>[^,]*),"
            r"(?P<firmware>[^,]*)",
            re.IGNORECASE,
        ),
        channels=MappingProxyType(channels),
        volts=Setting("VOLT {value:.3f}", "VOLT?", "V", 0.001, _VOLTS),
        amps=Setting("CURR {value:.3f}", "CURR?", "A", 0.001, _AMPS),
        output=Output(
            Switch("OUTP:SEL {value}", "1", "0", Word("OUTP:SEL?", ANY_BOOLEAN)),
            master=Switch("OUTP:GEN {value}", "1", "0", Word("OUTP:GEN?", ANY_BOOLEAN)),
        ),
        measure=(
            Measurement("MEAS:VOLT?", (("volts", _VOLTS),)),
            Measurement("MEAS:CURR?", (("amps", _AMPS),)),
        ),
        accuracy=ChannelAccuracy(
            set_volts=Accuracy(0.0005, 0.005),
            set_amps=Accuracy(0.001, 0.005),
            read_volts=Accuracy(0.0005, 0.005),
            read_amps=Accuracy(0.001, 0.005),
            volts_step=0.001,
            amps_step=0.001,
            source="assumed of readings as of settings: HMP data sheet, programming accuracy",
        ),
        ovp=Protection(
            Setting("VOLT:PROT:LEV {value:.3f}", "VOLT:PROT:LEV?", "V", 0.001, _VOLTS), switch=None
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
        clear_trip=("VOLT:PROT:CLE", "FUSE:STAT OFF"),
        regulation=Condition(current=Bits(_CONDITION, 1), voltage=Bits(_CONDITION, 2)),
        errors=(ErrorQuery("SYST:ERR?"),),
        selection=Selection("INST:NSEL {n}", joined=False),
        sequencing=Sequencing(
            shortest_s=0.06,
            longest_s=10.0,
            resolution_s=0.01,
            most_steps=128,
            load=("ARB:DATA {triples}", "ARB:REP 1", "ARB:TRAN {n}"),
            start=("ARB:START {n}",),
            stop=("ARB:STOP {n}",),
            seconds="{:.2f}",
            source="PyMeasure's HMP4040: 128 triples, 0.06..10 s; resolution assumed",
        ),
        panel=Panel(remote="SYST:REM", local="SYST:LOC", lock="SYST:RWL"),
    )


MODELS = (
    _row("HMP2020", (10.0, 5.0)),
    _row("HMP2030", (5.0, 5.0, 5.0)),
    _row("HMP4030", (10.0, 10.0, 10.0)),
    _row("HMP4040", (10.0, 10.0, 10.0, 10.0)),
)
