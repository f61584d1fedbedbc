"""Aim-TTi PL and QL: QL355, QL355TP, QL564, QL564TP, PL303-P, PL303QMD-P. Not SCPI.

Sourced: PyMeasure and QL series II manual (``V1 3.3``, echo before set points, unit behind
readings, ``OP1``, ``IRANGE`` only with the output off), PL-P manual p. 32 and users (``LSR1?`` is
cleared by reading: what it told once is remembered here until ``TRIPRST``; ``EER?`` and ``QER?``
are cleared by reading too), sigrok (bits 2 OVP, 3 OCP, 4 over-temperature, 5 sense). Replies end
with CR LF. ``IFLOCK?`` tells -1 while another interface has the lock. LAN: raw socket 9221.

Assumed: ``OCP1?`` echoes ``CP1``, decimals of numbers, ranges of OVP and OCP, accuracies. The main
range of the outputs is taken; the auxiliary output of TP models can be neither set nor asked and is
told to go off. What rules the output is taken from readings.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from hil.equipment.power_supply.dialect import (
    ONE_ZERO,
    Accuracy,
    Bits,
    ChannelAccuracy,
    ChannelRange,
    Dialect,
    ErrorQuery,
    Framing,
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

_LOCK = MappingProxyType({"-1": True, "0": False, "1": False})
_EXECUTION = MappingProxyType(
    {100: "range error", 101: "set voltage too high", 119: "out of range"}
)


def _level(command: str, echo: str, unit: str) -> Setting:
    return Setting(
        f"{command}{{n}} {{value:.2f}}",
        f"{command}{{n}}?",
        unit,
        0.01,
        NumberForm((1, 3), echo=f"{echo}{{n}} "),
    )


def _trip(name: str, mask: int) -> Trip:
    return Trip(name, Bits("LSR{n}?", mask, event=True))


def _row(model: str, channels: int, top: ChannelRange, also_off: tuple[str, ...] = ()) -> Dialect:
    return Dialect(
        model=model,
        maker="THURLBY THANDAR",
        identity=re.compile(
            rf"(?P<maker>THURLBY THANDAR),\s*(?P<model>{model}),\s*(?P<serial>[^,]*),"
            r"(?P<firmware>[^,]*)",
            re.IGNORECASE,
        ),
        channels=MappingProxyType(dict.fromkeys(range(1, channels + 1), top)),
        volts=Setting("V{n} {value:.3f}", "V{n}?", "V", 0.001, NumberForm((2, 3), echo="V{n} ")),
        amps=Setting("I{n} {value:.3f}", "I{n}?", "A", 0.001, NumberForm((2, 4), echo="I{n} ")),
        output=Output(
            Switch("OP{n} {value}", "1", "0", Word("OP{n}?", ONE_ZERO)), also_off=also_off
        ),
        measure=(
            Measurement("V{n}O?", (("volts", NumberForm((3, 3), unit="V")),)),
            Measurement("I{n}O?", (("amps", NumberForm((3, 4), unit="A")),)),
        ),
        accuracy=ChannelAccuracy(
            set_volts=Accuracy(0.001, 0.005),
            set_amps=Accuracy(0.003, 0.005),
            read_volts=Accuracy(0.001, 0.005),
            read_amps=Accuracy(0.003, 0.005),
            volts_step=0.001,
            amps_step=0.001,
            source="assumed: no page seen",
        ),
        ovp=Protection(_level("OVP", "VP", "V"), switch=None),
        ocp=Protection(_level("OCP", "CP", "A"), switch=None),
        trips=(_trip("OVP", 4), _trip("OCP", 8), _trip("OTP", 16), _trip("sense", 32)),
        clear_trip=("TRIPRST",),
        errors=(
            ErrorQuery("EER?", "number", _EXECUTION),
            ErrorQuery("QER?", "number", MappingProxyType({1: "interrupted", 2: "deadlock"})),
        ),
        panel=Panel(local="LOCAL", locked_by_other=Word("IFLOCK?", _LOCK)),
        framing=Framing(read_termination=b"\r\n"),
    )


_QL355 = ChannelRange(35.0, 3.0, 40.0, 5.5, min_ovp_volts=1.0)
_QL564 = ChannelRange(56.0, 2.0, 60.0, 4.4, min_ovp_volts=1.0)
_PL303 = ChannelRange(30.0, 3.0, 40.0, 5.5, min_ovp_volts=1.0)

MODELS = (
    _row("QL355", 1, _QL355),
    _row("QL355TP", 2, _QL355, also_off=("OP3 0",)),
    _row("QL564", 1, _QL564),
    _row("QL564TP", 2, _QL564, also_off=("OP3 0",)),
    _row("PL303-P", 1, _PL303),
    _row("PL303QMD-P", 2, _PL303),
)
