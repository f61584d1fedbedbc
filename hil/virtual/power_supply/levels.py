"""Programmable values in the three ways of addressing a DP800 channel, and its words.

By header suffix (``:SOUR1:VOLT``), by selection (``:INST CH1`` before), by argument (``CH1,``).
"""

from __future__ import annotations

from collections.abc import Callable

from hil.virtual.power_supply import parameters
from hil.virtual.power_supply.instrument import Call
from hil.virtual.power_supply.output import Output
from hil.virtual.power_supply.ratings import Range
from hil.virtual.power_supply.scpi_errors import ScpiError

CHANNEL_WORDS = {"CH1": 1, "CH2": 2, "CH3": 3}
_DIRECTIONS = {"UP": 1, "DOWN": -1}


def channel_named(call: Call, word: str) -> Output:
    """Return the output of ``CHn``; -224 for another word, -128 for a number."""
    return call.supply.outputs[parameters.keyword(word, CHANNEL_WORDS)]


def leading_channel(call: Call) -> Output:
    """Read ``[CHn,]value``: without ``CHn`` the selected channel is meant."""
    call.expect(1, 2)
    if len(call.parameters) == 2:
        return channel_named(call, call.parameters[0])
    return call.supply.selected_output


def only_channel(call: Call) -> Output:
    """Read ``[CHn]``."""
    call.expect(0, 1)
    if call.parameters:
        return channel_named(call, call.parameters[0])
    return call.supply.selected_output


def refuse_over_ovp(call: Call, output: Output, volts: float) -> None:
    """Raise -221 for a voltage above a watching OVP, on a model that refuses it."""
    level = output.ovp.level
    if call.supply.manners.over_ovp_refused and output.ovp.enabled and volts > (level or 0.0):
        raise ScpiError(-221)


class Level:
    """One value in volts or amps: how to read it, set it within its range, and say it.

    UP and DOWN go by the step that ``…:STEP`` sets for each output, by default the resolution.
    """

    def __init__(
        self,
        unit: str,
        decimals: int,
        limits: Callable[[Output], Range],
        get: Callable[[Output], float],
        program: Callable[[Call, Output, float], None],
    ) -> None:
        self._unit, self._decimals = unit, decimals
        self._limits, self._get, self._program = limits, get, program

    def set(self, call: Call) -> str:
        """Do ``:SOURn:… <value>``."""
        call.expect(1)
        self._put(call, call.output(), call.parameters[0])
        return ""

    def query(self, call: Call) -> str:
        """Do ``:SOURn:…? [MIN|MAX|DEF]``."""
        call.expect(0, 1)
        return self._tell(call, call.output(), call.parameters)

    def set_by_channel(self, call: Call) -> str:
        """Do ``:OUTP:…:VAL [CHn,]<value>``."""
        self._put(call, leading_channel(call), call.parameters[-1])
        return ""

    def query_by_channel(self, call: Call) -> str:
        """Do ``:OUTP:…:VAL? [CHn][,][MIN|MAX]``."""
        call.expect(0, 2)
        if call.parameters and call.parameters[0].upper() in CHANNEL_WORDS:
            output = channel_named(call, call.parameters[0])
            return self._tell(call, output, call.parameters[1:])
        return self._tell(call, call.supply.selected_output, call.parameters)

    def set_step(self, call: Call) -> str:
        """Do ``…:STEP <value>``."""
        call.expect(1)
        output = call.output()
        limits = self._limits(output)
        step = Range(limits.step, limits.high, limits.step, limits.step)
        output.steps[self._unit] = call.ranged(call.parameters[0], self._unit, step)
        return ""

    def query_step(self, call: Call) -> str:
        """Do ``…:STEP? [DEF]``."""
        call.expect(0, 1)
        output = call.output()
        default = self._limits(output).step
        step = output.steps.get(self._unit, default)
        if call.parameters:
            parameters.keyword(call.parameters[0], {"DEF": 0, "DEFAULT": 0})
            step = default
        return f"{step:.{self._decimals}f}"

    def read(self, call: Call, output: Output, text: str) -> float:
        """Return the value that ``text`` means for ``output``; -222 outside the range."""
        limits = self._limits(output)
        direction = _DIRECTIONS.get(text.upper())
        if direction is not None:
            step = output.steps.get(self._unit, limits.step)
            # A step over the end of the range is a value outside it.
            text = f"{self._get(output) + direction * step:.9f}"
        return call.ranged(text, self._unit, limits)

    def _put(self, call: Call, output: Output, text: str) -> None:
        self._program(call, output, self.read(call, output, text))

    def _tell(self, call: Call, output: Output, words: tuple[str, ...]) -> str:
        if len(words) > 1 or (words and not call.supply.manners.query_words):
            raise ScpiError(-108)
        value = extreme(words[0], self._limits(output)) if words else self._get(output)
        return f"{value:.{self._decimals}f}"


def extreme(word: str, limits: Range) -> float:
    """Return what MIN, MAX or DEF in a query stands for; -224 for another word."""
    words = parameters.extremes(limits.low, limits.high, limits.default)
    if word.upper() not in words:
        raise ScpiError(-224 if word[0].isalpha() else -128)
    return words[word.upper()]
