"""The Rigol DP832 as it speaks (DP800 programming guide; headers stored as printed).

Sourced: headers, ``ON``/``OFF`` and ``YES``/``NO`` replies, condition bits, forms of ``APPL?`` and
``MEAS:ALL?`` (read from a real unit of the family), the reply of ``*TST?`` (published log of a real
DP832 with firmware 00.01.16). Assumed, because no manual says: ``OUTP:MODE?``
is ``UR`` while off; ``output on`` with a latched trip gives -221; setting a voltage above the OVP
level is accepted and trips; after a clear the output stays off.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

from hil.virtual.power_supply import parameters
from hil.virtual.power_supply.common_commands import add_common_commands
from hil.virtual.power_supply.dp832_ratings import DP832
from hil.virtual.power_supply.instrument import Call, Handler, Instrument
from hil.virtual.power_supply.levels import (
    CHANNEL_WORDS,
    Level,
    channel_named,
    leading_channel,
    only_channel,
    refuse_over_ovp,
)
from hil.virtual.power_supply.manners import Manners, Words
from hil.virtual.power_supply.memories import add_memories
from hil.virtual.power_supply.output import Output
from hil.virtual.power_supply.protections import add_protections
from hil.virtual.power_supply.scpi_errors import ScpiError
from hil.virtual.power_supply.supply import Clock
from hil.virtual.power_supply.tree import CommandTree

MANNERS = Manners(switch_words=Words.ON_OFF)
_MEMORIES = 10
_SELF_TEST = "TopBoard:PASS,BottomBoard:PASS,Fan:PASS"


def dp832(
    serial: str,
    *,
    seed: int,
    speed: float = 1.0,
    clock: Clock = time.monotonic_ns,
    manners: Manners = MANNERS,
) -> Instrument:
    """Return a DP832 as it is after power-up: everything off, 0 V, rated current."""
    return Instrument(
        ratings=DP832,
        serial=serial,
        commands=_commands(),
        seed=seed,
        speed=speed,
        clock=clock,
        manners=manners,
    )


@functools.cache
def _commands() -> CommandTree[Handler]:
    # The tree is the model's: it holds nothing of one supply.
    tree: CommandTree[Handler] = CommandTree()
    add_common_commands(tree)
    tree.add("*TST", query=_told(_SELF_TEST))
    add_memories(tree, _MEMORIES)
    tree.add("INSTrument[:SELect]", command=_select, query=_selected("CH"))
    tree.add("INSTrument:NSELect", command=_select_number, query=_selected(""))
    _add_levels(tree)
    _add_output(tree)
    add_protections(tree)
    tree.add("APPLy", command=_apply, query=_applied)
    tree.add("MEASure[:VOLTage][:DC]", query=_measure(lambda volts, _: f"{volts:.4f}"))
    tree.add("MEASure:CURRent[:DC]", query=_measure(lambda _, amps: f"{amps:.4f}"))
    # Printed POWEr; POWer by the rule of four letters is what QCoDeS sends.
    for power in ("POWEr", "POWer"):
        tree.add(f"MEASure:{power}[:DC]", query=_measure(lambda v, a: f"{v * a:.3f}"))
    tree.add("MEASure:ALL[:DC]", query=_measure(lambda v, a: f"{v:.4f},{a:.4f},{v * a:.3f}"))
    _add_system(tree)
    return tree


def _add_levels(tree: CommandTree[Handler]) -> None:
    volts = Level("V", 3, lambda o: o.ratings.volts, lambda o: o.volts, _program_volts)
    amps = Level("A", 3, lambda o: o.ratings.amps, lambda o: o.amps, _program_amps)
    for quantity, level in (("VOLTage", volts), ("CURRent", amps)):
        tree.add(
            f"[:SOURce<n>]:{quantity}[:LEVel][:IMMediate][:AMPLitude]",
            command=level.set,
            query=level.query,
        )
        tree.add(
            f"[:SOURce<n>]:{quantity}[:LEVel][:IMMediate]:STEP[:INCRement]",
            command=level.set_step,
            query=level.query_step,
        )


def _add_output(tree: CommandTree[Handler]) -> None:
    tree.add("OUTPut[:STATe]", command=_switch_output, query=_channel_query(_output_state))
    for mode in ("MODE", "CVCC"):
        tree.add(f"OUTPut:{mode}", query=_channel_query(_output_mode))
    # No DP832 output has sense terminals of its own.
    tree.add("OUTPut:SENSe", command=_no_sense, query=_channel_query(lambda *_: "NONE"))


def _add_system(tree: CommandTree[Handler]) -> None:
    tree.add("SYSTem:BEEPer:IMMediate", command=_set_nothing)
    for header, name in (("BEEPer[:STATe]", "beeper"), ("OTP", "otp"), ("KLOCk", "key lock")):
        tree.add(f"SYSTem:{header}", command=_set_flag(name), query=_flag(name))
    tree.add("SYSTem:SELF:TEST:BOARD", query=_told("PASS,PASS"))
    tree.add("SYSTem:SELF:TEST:FAN", query=_told("PASS"))


def _program_volts(call: Call, output: Output, value: float) -> None:
    refuse_over_ovp(call, output, value)
    output.program(call.supply.clock(), volts=value)


def _program_amps(call: Call, output: Output, value: float) -> None:
    output.program(call.supply.clock(), amps=value)


def _channel_query(tell: Callable[[Call, Output], str]) -> Handler:
    return lambda call: tell(call, only_channel(call))


def _measure(show: Callable[[float, float], str]) -> Handler:
    return _channel_query(lambda call, output: show(*output.measure(call.supply.clock())))


def _output_state(call: Call, output: Output) -> str:
    return call.supply.manners.switch(output.on)


def _output_mode(call: Call, output: Output) -> str:
    return output.mode(call.supply.clock())


def _switch_output(call: Call) -> str:
    output = leading_channel(call)
    on = parameters.switch(call.parameters[-1])
    if on and output.tripped:
        raise ScpiError(-221)
    output.switch(call.supply.clock(), on)
    return ""


def _no_sense(call: Call) -> str:
    leading_channel(call)
    raise ScpiError(-241)


def _select(call: Call) -> str:
    call.expect(1)
    call.supply.selected = channel_named(call, call.parameters[0]).number
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
    call.expect(1, 3)
    values = call.parameters
    output = call.output()
    if values[0].upper() in CHANNEL_WORDS:
        output, values = channel_named(call, values[0]), values[1:]
        call.supply.selected = output.number
    elif len(values) == 3:
        raise ScpiError(-108)
    # Both are read before either is set: a bad one changes nothing.
    ranges = (output.ratings.volts, output.ratings.amps)
    read = [
        call.ranged(text, unit, limits)
        for text, unit, limits in zip(values, "VA", ranges, strict=False)
    ]
    if read:
        refuse_over_ovp(call, output, read[0])
    output.program(
        call.supply.clock(),
        volts=read[0] if read else None,
        amps=read[1] if len(read) > 1 else None,
    )
    return ""


def _applied(call: Call) -> str:
    output = only_channel(call)
    return f"CH{output.number}:{output.ratings.label},{output.volts:.3f},{output.amps:.3f}"


def _told(reply: str) -> Handler:
    def handler(call: Call) -> str:
        call.expect(0)
        return reply

    return handler


def _set_flag(name: str) -> Handler:
    def handler(call: Call) -> str:
        call.expect(1)
        call.supply.flags[name] = parameters.switch(call.parameters[0])
        return ""

    return handler


def _flag(name: str) -> Handler:
    def handler(call: Call) -> str:
        call.expect(0)
        return call.supply.manners.switch(call.supply.flags[name])

    return handler


def _set_nothing(call: Call) -> str:
    call.expect(0)
    return ""
