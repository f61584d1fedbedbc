"""The Keysight E36312A as it speaks (E36300 programming guide as far as public code shows it).

Sourced: channel lists and ``INST`` addressing, ``0``/``1`` replies, OVP and OCP headers with the
delay's start (``SCH``, ``CCTR``), OCP without a level of its own (libsigrok, tested on hardware;
wire traffic of PyMeasure). Assumed, because no manual at hand says: NR3 replies with eight digits,
``+0,"No error"``, a voltage above the OVP level is accepted and trips, ``output on`` with a latched
trip gives -221, after a clear the output stays off.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

from hil.virtual.power_supply import parameters
from hil.virtual.power_supply.channel_lists import (
    ask,
    do,
    put_level,
    put_switch,
    split,
    tell_level,
)
from hil.virtual.power_supply.common_commands import add_common_commands
from hil.virtual.power_supply.e36312a_ratings import E36312A, OCP_DELAY
from hil.virtual.power_supply.instrument import Call, Handler, Instrument
from hil.virtual.power_supply.levels import refuse_over_ovp
from hil.virtual.power_supply.lists import add_lists
from hil.virtual.power_supply.manners import ErrorForm, Manners
from hil.virtual.power_supply.memories import add_memories
from hil.virtual.power_supply.output import Output
from hil.virtual.power_supply.protection import Protection
from hil.virtual.power_supply.ratings import Range
from hil.virtual.power_supply.scpi_errors import ScpiError
from hil.virtual.power_supply.supply import Access, Clock
from hil.virtual.power_supply.tree import CommandTree

MANNERS = Manners(error_form=ErrorForm.PLUS)
_CHANNELS = {"CH1": 1, "P6V": 1, "CH2": 2, "P25V": 2, "CH3": 3, "N25V": 3}
_STARTS = {"SCH": 1, "SCHANGE": 1, "CCTR": 0, "CCTRANS": 0}
_SOURCES = {"INT": 0, "INTERNAL": 0, "EXT": 1, "EXTERNAL": 1}
_ACCESS = {Access.LOCAL: "LOC", Access.REMOTE: "REM", Access.LOCKED: "RWL"}


def e36312a(
    serial: str,
    *,
    seed: int,
    speed: float = 1.0,
    clock: Clock = time.monotonic_ns,
    manners: Manners = MANNERS,
) -> Instrument:
    """Return an E36312A as it is after power-up: everything off, 0 V, rated current."""
    return Instrument(
        ratings=E36312A,
        serial=serial,
        commands=_commands(),
        seed=seed,
        speed=speed,
        clock=clock,
        manners=manners,
    )


def nr3(value: float) -> str:
    """Write a number as this model does: sign, eight decimals, signed exponent."""
    return f"{value + 0.0:+.8E}"


@functools.cache
def _commands() -> CommandTree[Handler]:
    # The tree is the model's: it holds nothing of one supply.
    tree: CommandTree[Handler] = CommandTree()
    add_common_commands(tree)
    tree.add("*TST", query=_told("+0"))
    add_memories(tree, 10)
    tree.add("INSTrument[:SELect]", command=_select, query=_selected("CH"))
    tree.add("INSTrument:NSELect", command=_select_number, query=_selected(""))
    tree.add("APPLy", command=_apply, query=ask(_applied))
    _add_levels(tree)
    _add_protection(tree)
    tree.add("OUTPut[:STATe]", command=put_switch(_switch), query=ask(_state))
    tree.add("MEASure[:SCALar][:VOLTage][:DC]", query=ask(_measured(0)))
    tree.add("MEASure[:SCALar]:CURRent[:DC]", query=ask(_measured(1)))
    add_lists(tree)
    tree.add("SYSTem:BEEPer[:IMMediate]", command=_nothing)
    tree.add("SYSTem:COMMunicate:RLSTate", query=_tell_access)
    return tree


def _add_levels(tree: CommandTree[Handler]) -> None:
    for quantity, unit, limits, get, program in (
        ("VOLTage", "V", _volts_range, _volts, _program_volts),
        ("CURRent", "A", _amps_range, _amps, _program_amps),
    ):
        header = f"[:SOURce]:{quantity}[:LEVel][:IMMediate]"
        tree.add(
            f"{header}[:AMPLitude]",
            command=put_level(unit, limits, get, program),
            query=tell_level(limits, get, nr3),
        )
        steps = _Steps(unit, limits)
        tree.add(f"{header}:STEP[:INCRement]", command=steps.put, query=ask(steps.tell))
    tree.add("[:SOURce]:VOLTage:SENSe[:SOURce]", command=_put_sense, query=ask(_sense))


def _add_protection(tree: CommandTree[Handler]) -> None:
    volts, amps = "[:SOURce]:VOLTage:PROTection", "[:SOURce]:CURRent:PROTection"
    tree.add(
        f"{volts}[:LEVel]",
        command=put_level("V", _ovp_range, _ovp_level, _program_ovp),
        query=tell_level(_ovp_range, _ovp_level, nr3),
    )
    for header, pick in ((volts, _ovp), (amps, _ocp)):
        watch = _Watch(pick)
        tree.add(f"{header}:STATe", command=put_switch(watch.put), query=ask(watch.tell))
        tree.add(f"{header}:TRIPped", query=ask(watch.tripped))
        tree.add(f"{header}:CLEar", command=do(watch.clear))
    tree.add(
        f"{amps}:DELay[:TIME]",
        command=put_level("S", _delay_range, _delay, _program_delay),
        query=tell_level(_delay_range, _delay, nr3),
    )
    tree.add(f"{amps}:DELay:STARt", command=_put_start, query=ask(_start))
    tree.add("OUTPut:PROTection:CLEar", command=do(_clear))


class _Watch:
    """Whether a protection watches, and whether it has tripped."""

    def __init__(self, pick: Callable[[Output], Protection]) -> None:
        self._pick = pick

    def put(self, call: Call, output: Output, on: bool) -> None:
        output.protect(call.supply.clock(), self._pick(output), enabled=on)

    def tell(self, call: Call, output: Output) -> str:
        return call.supply.manners.switch(self._pick(output).enabled)

    def tripped(self, call: Call, output: Output) -> str:
        return call.supply.manners.switch(self._pick(output).tripped)

    def clear(self, call: Call, output: Output) -> None:
        _clear(call, output, self._pick(output))


def _ovp(output: Output) -> Protection:
    return output.ovp


def _ocp(output: Output) -> Protection:
    return output.ocp


def _volts_range(output: Output) -> Range:
    return output.ratings.volts


def _amps_range(output: Output) -> Range:
    return output.ratings.amps


def _ovp_range(output: Output) -> Range:
    return output.ratings.ovp_volts


def _delay_range(_: Output) -> Range:
    return OCP_DELAY


def _volts(output: Output) -> float:
    return output.volts


def _amps(output: Output) -> float:
    return output.amps


def _ovp_level(output: Output) -> float:
    return output.ovp.level or 0.0


def _delay(output: Output) -> float:
    return output.ocp.delay_s


def _program_volts(call: Call, output: Output, value: float) -> None:
    refuse_over_ovp(call, output, value)
    output.program(call.supply.clock(), volts=value)


def _program_amps(call: Call, output: Output, value: float) -> None:
    output.program(call.supply.clock(), amps=value)


def _program_ovp(call: Call, output: Output, value: float) -> None:
    output.protect(call.supply.clock(), output.ovp, level=value)


def _program_delay(call: Call, output: Output, value: float) -> None:
    output.ocp.delay_s = value
    output.replan(call.supply.clock())


def _switch(call: Call, output: Output, on: bool) -> None:
    if on and output.tripped:
        raise ScpiError(-221)
    output.switch(call.supply.clock(), on)


def _state(call: Call, output: Output) -> str:
    return call.supply.manners.switch(output.on)


def _measured(which: int) -> Callable[[Call, Output], str]:
    return lambda call, output: nr3(output.measure(call.supply.clock())[which])


def _clear(call: Call, output: Output, *protections: Protection) -> None:
    """Forget trips of these protections, or of both."""
    restore = call.supply.manners.clear_restores
    cleared = protections or (output.ovp, output.ocp)
    output.clear_trip(call.supply.clock(), *cleared, restore=restore)


def _put_sense(call: Call) -> str:
    values, outputs = split(call, 1)
    remote = bool(parameters.keyword(values[0], _SOURCES))
    for output in outputs:
        output.sense_remotely(call.supply.clock(), remote)
    return ""


def _sense(_: Call, output: Output) -> str:
    return "EXT" if output.remote_sense else "INT"


def _put_start(call: Call) -> str:
    values, outputs = split(call, 1)
    from_change = bool(parameters.keyword(values[0], _STARTS))
    for output in outputs:
        output.ocp.from_change = from_change
        output.replan(call.supply.clock())
    return ""


def _start(_: Call, output: Output) -> str:
    return "SCH" if output.ocp.from_change else "CCTR"


class _Steps:
    """How far UP and DOWN go."""

    def __init__(self, unit: str, limits: Callable[[Output], Range]) -> None:
        self._unit, self._limits = unit, limits

    def put(self, call: Call) -> str:
        values, outputs = split(call, 1)
        for output in outputs:
            step, high = self._limits(output).step, self._limits(output).high
            output.steps[self._unit] = call.ranged(
                values[0], self._unit, Range(step, high, step, step)
            )
        return ""

    def tell(self, _: Call, output: Output) -> str:
        return nr3(output.steps.get(self._unit, self._limits(output).step))


def _select(call: Call) -> str:
    call.expect(1)
    call.supply.selected = parameters.keyword(call.parameters[0], _CHANNELS)
    return ""


def _select_number(call: Call) -> str:
    call.expect(1)
    call.supply.selected = parameters.integer(call.parameters[0], 1, len(call.supply.outputs))
    return ""


def _selected(prefix: str) -> Handler:
    def handler(call: Call) -> str:
        call.expect(0)
        return f"{prefix}{call.supply.selected}"

    return handler


def _apply(call: Call) -> str:
    values, outputs = split(call, 1, 3)
    if values[0].upper() in _CHANNELS:
        outputs = [call.supply.outputs[_CHANNELS[values[0].upper()]]]
        values = values[1:]
    elif len(values) == 3:
        raise ScpiError(-108)
    read = [
        [
            call.ranged(text, unit, limits)
            for text, unit, limits in zip(
                values, "VA", (output.ratings.volts, output.ratings.amps), strict=False
            )
        ]
        for output in outputs
    ]
    for output, levels in zip(outputs, read, strict=True):
        if levels:
            refuse_over_ovp(call, output, levels[0])
        output.program(
            call.supply.clock(),
            volts=levels[0] if levels else None,
            amps=levels[1] if len(levels) > 1 else None,
        )
    return ""


def _applied(_: Call, output: Output) -> str:
    return f'"{nr3(output.volts)},{nr3(output.amps)}"'


def _tell_access(call: Call) -> str:
    call.expect(0)
    return _ACCESS[call.supply.access]


def _nothing(call: Call) -> str:
    call.expect(0)
    return ""


def _told(reply: str) -> Handler:
    def handler(call: Call) -> str:
        call.expect(0)
        return reply

    return handler
