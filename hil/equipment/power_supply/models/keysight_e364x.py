"""HP, Agilent and Keysight E363x and E364x, GPIB and RS-232.

Sourced: E3631A manual p. 74 (ranges, output numbers) and PyMeasure's wire (``INST:NSEL 1;:VOLT``);
E3632A user guide p. 110-113 (VOLT:PROT and CURR:PROT with STAT, TRIP?, CLE; ``*RST`` switches them
on; CLE restores the previous state of the output); E364xA manual p. 120 (1 is constant current, 2
constant voltage), p. 192 (accuracies, worse for output 2 of the dual models; ranges of E3646A to
E3649A); InstrumentKit (RS-232 wants SYST:REM first). The third field of ``*IDN?`` is always 0.

Assumed: all outputs of the models with several go on and off together; the E3631A has no OVP or
OCP; E364xA have no OCP; OVP and OCP ranges; ranges of the single E364xA; accuracies of E3631A and
E3632A to E3634A; two stop bits and DTR/DSR on RS-232. A model with two ranges is taken within what
both give, and its range is left as it is.
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
    Selection,
    SerialLine,
    Setting,
    Switch,
    Trip,
    Word,
)

_NUMBER = NumberForm((2, 6), exponent=True)


def _setting(header: str, unit: str) -> Setting:
    return Setting(f"{header} {{value:.3f}}", f"{header}?", unit, 0.001, _NUMBER)


def _protection(header: str, unit: str) -> Protection:
    state = Switch(f"{header}:STAT {{value}}", "ON", "OFF", Word(f"{header}:STAT?", ONE_ZERO))
    return Protection(_setting(header, unit), state, not_below_setting=True)


def _trip(name: str, header: str) -> Trip:
    return Trip(name, Word(f"{header}:TRIP?", ONE_ZERO))


def _limits(
    set_volts: tuple[float, float],
    set_amps: tuple[float, float],
    read_volts: tuple[float, float],
    read_amps: tuple[float, float],
    source: str,
) -> ChannelAccuracy:
    return ChannelAccuracy(
        Accuracy(*set_volts),
        Accuracy(*set_amps),
        Accuracy(*read_volts),
        Accuracy(*read_amps),
        volts_step=0.001,
        amps_step=0.001,
        source=source,
    )


_SHEET = "E364xA user's and service guide p. 192"
_E364XA = _limits((0.0005, 0.010), (0.002, 0.010), (0.0005, 0.005), (0.0015, 0.005), _SHEET)
_OUTPUT_2 = _limits((0.001, 0.025), (0.002, 0.010), (0.001, 0.025), (0.0015, 0.010), _SHEET)
_E3632A = _limits(
    (0.0005, 0.010), (0.002, 0.010), (0.0005, 0.005), (0.0015, 0.005), f"assumed as {_SHEET}"
)
_E3631A_6V = _limits(
    (0.001, 0.005), (0.002, 0.010), (0.001, 0.005), (0.002, 0.010), "assumed: no page seen"
)
_E3631A_25V = _limits(
    (0.0005, 0.020), (0.0015, 0.004), (0.0005, 0.010), (0.0015, 0.004), "assumed: no page seen"
)


def _row(
    model: str,
    channels: Mapping[int, ChannelRange],
    accuracy: ChannelAccuracy,
    *,
    ovp: bool = True,
    ocp: bool = False,
) -> Dialect:
    several = len(channels) > 1
    condition = "STAT:QUES:INST:ISUM{n}:COND?" if several else "STAT:QUES:COND?"
    present = (("VOLT:PROT", ovp, "OVP"), ("CURR:PROT", ocp, "OCP"))
    headers = [(header, name) for header, there, name in present if there]
    return Dialect(
        model=model,
        maker="HEWLETT-PACKARD",
        identity=re.compile(
            r"(?P<maker>HEWLETT-PACKARD|Agilent Technologies|Keysight Technologies),"
            rf"(?P<model>{model}),(?P<serial>[^,]*),(?P<firmware>[^,]*)",
            re.IGNORECASE,
        ),
        channels=MappingProxyType(channels),
        volts=_setting("VOLT", "V"),
        amps=_setting("CURR", "A"),
        output=Output(
            Switch("OUTP {value}", "ON", "OFF", Word("OUTP?", ONE_ZERO)), together=several
        ),
        measure=(
            Measurement("MEAS:VOLT?", (("volts", _NUMBER),)),
            Measurement("MEAS:CURR?", (("amps", _NUMBER),)),
        ),
        accuracy=accuracy,
        ovp=_protection("VOLT:PROT", "V") if ovp else None,
        ocp=_protection("CURR:PROT", "A") if ocp else None,
        trips=tuple(_trip(name, header) for header, name in headers),
        clear_trip=tuple(f"{header}:CLE" for header, _ in headers),
        clear_restores_output=True,
        regulation=Condition(current=Bits(condition, 1), voltage=Bits(condition, 2)),
        errors=(ErrorQuery("SYST:ERR?"),),
        selection=Selection("INST:NSEL {n}") if several else None,
        panel=Panel("SYST:REM", "SYST:LOC", "SYST:RWL", only_on_serial=True),
        serial_line=SerialLine(9600, stop_bits=2, flow_control="dtr-dsr"),
    )


def _single(volts: float, amps: float, ovp: float, ocp: float | None) -> dict[int, ChannelRange]:
    return {1: ChannelRange(volts, amps, ovp, ocp, min_ovp_volts=1.0)}


def _dual(volts: float, amps: float, ovp: float) -> dict[int, ChannelRange]:
    return {
        1: ChannelRange(volts, amps, ovp, min_ovp_volts=1.0),
        2: ChannelRange(volts, amps, ovp, min_ovp_volts=1.0, accuracy=_OUTPUT_2),
    }


MODELS = (
    _row(
        "E3631A",
        {
            1: ChannelRange(6.18, 5.15),
            2: ChannelRange(25.75, 1.03, accuracy=_E3631A_25V),
            3: ChannelRange(25.75, 1.03, accuracy=_E3631A_25V, negative=True),
        },
        _E3631A_6V,
        ovp=False,
    ),
    _row("E3632A", _single(15.45, 4.12, 32.0, 7.5), _E3632A, ocp=True),
    _row("E3633A", _single(8.24, 10.3, 22.0, 22.0), _E3632A, ocp=True),
    _row("E3634A", _single(25.75, 4.12, 55.0, 7.5), _E3632A, ocp=True),
    _row("E3640A", _single(8.24, 1.545, 22.0, None), _E364XA),
    _row("E3641A", _single(35.0, 0.5, 66.0, None), _E364XA),
    _row("E3642A", _single(8.24, 2.575, 22.0, None), _E364XA),
    _row("E3643A", _single(35.0, 0.8, 66.0, None), _E364XA),
    _row("E3644A", _single(8.24, 4.12, 22.0, None), _E364XA),
    _row("E3645A", _single(35.0, 1.3, 66.0, None), _E364XA),
    _row("E3646A", _dual(8.0, 1.5, 22.0), _E364XA),
    _row("E3647A", _dual(35.0, 0.5, 66.0), _E364XA),
    _row("E3648A", _dual(8.0, 2.5, 22.0), _E364XA),
    _row("E3649A", _dual(35.0, 0.8, 66.0), _E364XA),
)
