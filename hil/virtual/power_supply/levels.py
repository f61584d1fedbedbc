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


def on_off(value: bool) -> str:
    """Say a switch as this family does."""
    return "ON" if value else "OFF"


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


class Level:
    """One value in volts or amps: how to read it, set it within its range, and say it."""

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
        return self._tell(call.output(), call.parameters)

    def set_by_channel(self, call: Call) -> str:
        """Do ``:OUTP:…:VAL [CHn,]<value>``."""
        self._put(call, leading_channel(call), call.parameters[-1])
        return ""

    def query_by_channel(self, call: Call) -> str:
        """Do ``:OUTP:…:VAL? [CHn][,][MIN|MAX]``."""
        call.expect(0, 2)
        if call.parameters and call.parameters[0].upper() in CHANNEL_WORDS:
            return self._tell(channel_named(call, call.parameters[0]), call.parameters[1:])
        return self._tell(call.supply.selected_output, call.parameters)

    def read(self, output: Output, text: str) -> float:
        """Return the value that ``text`` means for ``output``; -222 outside the range."""
        limits = self._limits(output)
        return parameters.ranged(
            text,
            unit=self._unit,
            low=limits.low,
            high=limits.high,
            default=limits.default,
            step=limits.step,
        )

    def _put(self, call: Call, output: Output, text: str) -> None:
        self._program(call, output, self.read(output, text))

    def _tell(self, output: Output, words: tuple[str, ...]) -> str:
        if len(words) > 1:
            raise ScpiError(-108)
        if not words:
            return f"{self._get(output):.{self._decimals}f}"
        limits = self._limits(output)
        extremes = parameters.extremes(limits.low, limits.high, limits.default)
        if words[0].upper() not in extremes:
            raise ScpiError(-224 if words[0][0].isalpha() else -128)
        return f"{extremes[words[0].upper()]:.{self._decimals}f}"
