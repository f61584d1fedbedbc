"""Triggered steps and lists of the Keysight E36300 family: ``LIST:…``, ``INITiate``, ``TRIGger``.

Sourced: the headers ``LIST:VOLT``, ``LIST:CURR``, ``LIST:DWEL``, ``LIST:COUN``, ``VOLT:MODE LIST``
and ``INIT:TRAN``; -213 and -226 (SCPI-99 21.8.10). Assumed: 100 points, dwell 10 ms to 3600 s in
steps of a millisecond, the bus as the trigger's source after reset, values of before at the end.
"""

from __future__ import annotations

from collections.abc import Callable

from hil.virtual.power_supply import parameters
from hil.virtual.power_supply.channel_lists import ask, do, split
from hil.virtual.power_supply.instrument import Call, Handler
from hil.virtual.power_supply.output import Output
from hil.virtual.power_supply.ratings import Range
from hil.virtual.power_supply.scpi_errors import ScpiError
from hil.virtual.power_supply.sequence import Step, Transient
from hil.virtual.power_supply.tree import CommandTree

DWELL = Range(0.01, 3600.0, 0.01, 0.001)
POINTS = 100
_TIMES = 9999
_MODES = {"FIX": "FIX", "FIXED": "FIX", "STEP": "STEP", "LIST": "LIST"}
_SOURCES = {"IMM": 0, "IMMEDIATE": 0, "BUS": 1}

Limits = Callable[[Output], Range]


def add_lists(tree: CommandTree[Handler]) -> None:
    """Teach ``tree`` triggered levels, lists and their triggers."""
    for quantity, name, unit, limits in (
        ("VOLTage", "volts", "V", _volts_range),
        ("CURRent", "amps", "A", _amps_range),
    ):
        triggered = _Value(name, unit, limits)
        tree.add(
            f"[:SOURce]:{quantity}[:LEVel]:TRIGgered[:AMPLitude]",
            command=triggered.put,
            query=ask(triggered.tell),
        )
        mode = _Mode(f"{name}_mode")
        tree.add(f"[:SOURce]:{quantity}:MODE", command=mode.put, query=ask(mode.tell))
        _add_list(tree, f"{quantity}[:LEVel]", _List(f"{name}_list", unit, limits))
    _add_list(tree, "DWELl", _List("dwell_list", "S", lambda _: DWELL))
    tree.add("[:SOURce]:LIST:COUNt", command=_put_count, query=ask(_tell_count))
    tree.add("[:SOURce]:LIST:TERMinate:LAST", command=_put_last, query=ask(_tell_last))
    tree.add("INITiate[:IMMediate][:TRANsient]", command=do(_initiate))
    tree.add("ABORt[:TRANsient]", command=do(_abort))
    tree.add("TRIGger[:TRANsient][:IMMediate]", command=do(_trigger))
    tree.add("TRIGger[:TRANsient]:SOURce", command=_put_source, query=ask(_tell_source))
    tree.add("*TRG", command=_bus_trigger)


def _add_list(tree: CommandTree[Handler], header: str, values: _List) -> None:
    tree.add(f"[:SOURce]:LIST:{header}", command=values.put, query=ask(values.tell))
    tree.add(f"[:SOURce]:LIST:{header}:POINts", query=ask(values.count))


def _of(call: Call, output: Output) -> Transient:
    return call.supply.transients[output.number]


def _volts_range(output: Output) -> Range:
    return output.ratings.volts


def _amps_range(output: Output) -> Range:
    return output.ratings.amps


def _shown(value: float) -> str:
    return f"{value + 0.0:+.8E}"


class _Value:
    """A triggered level."""

    def __init__(self, name: str, unit: str, limits: Limits) -> None:
        self._name, self._unit, self._limits = name, unit, limits

    def put(self, call: Call) -> str:
        values, outputs = split(call, 1)
        for output in outputs:
            value = call.ranged(values[0], self._unit, self._limits(output))
            setattr(_of(call, output), self._name, value)
        return ""

    def tell(self, call: Call, output: Output) -> str:
        return _shown(getattr(_of(call, output), self._name))


class _Mode:
    """Whether a trigger leaves a value, steps it, or plays its list."""

    def __init__(self, name: str) -> None:
        self._name = name

    def put(self, call: Call) -> str:
        values, outputs = split(call, 1)
        parameters.keyword(values[0], dict.fromkeys(_MODES, 0))
        for output in outputs:
            setattr(_of(call, output), self._name, _MODES[values[0].upper()])
        return ""

    def tell(self, call: Call, output: Output) -> str:
        mode: str = getattr(_of(call, output), self._name)
        return mode


class _List:
    """A list of values."""

    def __init__(self, name: str, unit: str, limits: Limits) -> None:
        self._name, self._unit, self._limits = name, unit, limits

    def put(self, call: Call) -> str:
        values, outputs = split(call, 1, len(call.parameters))
        if len(values) > POINTS:
            raise ScpiError(-223)
        read = [
            tuple(call.ranged(text, self._unit, self._limits(output)) for text in values)
            for output in outputs
        ]
        for output, entries in zip(outputs, read, strict=True):
            setattr(_of(call, output), self._name, entries)
        return ""

    def tell(self, call: Call, output: Output) -> str:
        return ",".join(_shown(value) for value in getattr(_of(call, output), self._name))

    def count(self, call: Call, output: Output) -> str:
        return str(len(getattr(_of(call, output), self._name)))


def _put_count(call: Call) -> str:
    values, outputs = split(call, 1)
    endless = values[0].upper() in {"INF", "INFINITY"}
    times = None if endless else parameters.integer(values[0], 1, _TIMES)
    for output in outputs:
        _of(call, output).times = times
    return ""


def _tell_count(call: Call, output: Output) -> str:
    times = _of(call, output).times
    return "9.9E37" if times is None else str(times)


def _put_last(call: Call) -> str:
    values, outputs = split(call, 1)
    for output in outputs:
        _of(call, output).last = parameters.switch(values[0])
    return ""


def _tell_last(call: Call, output: Output) -> str:
    return call.supply.manners.switch(_of(call, output).last)


def _put_source(call: Call) -> str:
    values, outputs = split(call, 1)
    for output in outputs:
        _of(call, output).by_bus = bool(parameters.keyword(values[0], _SOURCES))
    return ""


def _tell_source(call: Call, output: Output) -> str:
    return "BUS" if _of(call, output).by_bus else "IMM"


def _initiate(call: Call, output: Output) -> None:
    transient = _of(call, output)
    if output.armed or output.playing is not None:
        raise ScpiError(-213)
    if transient.length() is None:
        raise ScpiError(-226)
    output.armed = True
    if not transient.by_bus:
        _begin(call, output)


def _abort(call: Call, output: Output) -> None:
    output.armed = False
    output.halt(call.supply.clock())


def _trigger(call: Call, output: Output) -> None:
    if not output.armed:
        raise ScpiError(-211)
    _begin(call, output)


def _bus_trigger(call: Call) -> str:
    call.expect(0)
    armed = [
        output
        for output in call.supply.outputs.values()
        if output.armed and _of(call, output).by_bus
    ]
    if not armed:
        raise ScpiError(-211)
    for output in armed:
        _begin(call, output)
    return ""


def _begin(call: Call, output: Output) -> None:
    before = Step(output.volts, output.amps, 0.0)
    output.play(call.supply.clock(), _of(call, output).playing(before))
