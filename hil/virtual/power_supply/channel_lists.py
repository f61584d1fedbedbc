"""Commands that address outputs by a channel list at their end, as ``VOLT 3.3,(@1,3)``.

Without a list the selected output is meant. A query over a list answers one value an output, in
the order of the list, joined by commas (SCPI-99 volume 1, 8.3.2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hil.virtual.power_supply import parameters
from hil.virtual.power_supply.instrument import Call, Handler
from hil.virtual.power_supply.levels import extreme
from hil.virtual.power_supply.output import Output
from hil.virtual.power_supply.ratings import Range
from hil.virtual.power_supply.scpi_errors import ScpiError

Limits = Callable[[Output], Range]


def split(call: Call, low: int, high: int | None = None) -> tuple[tuple[str, ...], list[Output]]:
    """Return the values before the list, ``low`` to ``high`` of them, and the outputs meant."""
    values = call.parameters
    outputs = [call.supply.selected_output]
    if values and parameters.is_channel_list(values[-1]):
        numbers = parameters.channel_list(values[-1], len(call.supply.outputs))
        values, outputs = values[:-1], [call.supply.outputs[number] for number in numbers]
    if len(values) < low:
        raise ScpiError(-109)
    if len(values) > (low if high is None else high):
        raise ScpiError(-108)
    return values, outputs


def joined(outputs: Sequence[Output], tell: Callable[[Output], str]) -> str:
    """Return what ``tell`` says of each output, joined by commas."""
    return ",".join(tell(output) for output in outputs)


def ask(tell: Callable[[Call, Output], str]) -> Handler:
    """Make a query ``…? [(@list)]``."""

    def handler(call: Call) -> str:
        _, outputs = split(call, 0)
        return joined(outputs, lambda output: tell(call, output))

    return handler


def do(action: Callable[[Call, Output], None]) -> Handler:
    """Make a command ``… [(@list)]`` without a value."""

    def handler(call: Call) -> str:
        for output in split(call, 0)[1]:
            action(call, output)
        return ""

    return handler


def put_switch(action: Callable[[Call, Output, bool], None]) -> Handler:
    """Make a command ``… ON|OFF[,(@list)]``."""

    def handler(call: Call) -> str:
        values, outputs = split(call, 1)
        value = parameters.switch(values[0])
        for output in outputs:
            action(call, output, value)
        return ""

    return handler


def put_level(
    unit: str,
    limits: Limits,
    get: Callable[[Output], float],
    program: Callable[[Call, Output, float], None],
) -> Handler:
    """Make a command ``… <value>|MIN|MAX|DEF|UP|DOWN[,(@list)]``.

    Every output's value is read before any is set: a bad one changes nothing.
    """

    def handler(call: Call) -> str:
        values, outputs = split(call, 1)
        read = [
            call.ranged(_stepped(values[0], unit, limits, get, output), unit, limits(output))
            for output in outputs
        ]
        for output, value in zip(outputs, read, strict=True):
            program(call, output, value)
        return ""

    return handler


def _stepped(
    text: str, unit: str, limits: Limits, get: Callable[[Output], float], output: Output
) -> str:
    """Return the value that UP and DOWN stand for; anything else as it is written."""
    direction = {"UP": 1, "DOWN": -1}.get(text.upper())
    if direction is None:
        return text
    step = output.steps.get(unit, limits(output).step)
    return f"{get(output) + direction * step:.9f}"


def tell_level(
    limits: Limits, get: Callable[[Output], float], show: Callable[[float], str]
) -> Handler:
    """Make a query ``…? [MIN|MAX|DEF][,][(@list)]``."""

    def handler(call: Call) -> str:
        words, outputs = split(call, 0, 1)
        if words and not call.supply.manners.query_words:
            raise ScpiError(-108)
        return joined(
            outputs,
            lambda output: show(extreme(words[0], limits(output)) if words else get(output)),
        )

    return handler
