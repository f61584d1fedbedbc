"""Reads parameters: numbers with multipliers and units, special words, switches, channel words.

SCPI-99 volume 1, chapter 7. A multiplier stands before a unit: ``300mV``; M means milli, MA mega
(HP 53131A table 3-2), except before HZ and OHM.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from hil.virtual.power_supply.scpi_errors import ScpiError

_NUMBER = re.compile(
    r"(?P<mantissa>[+-]?(?:\d+\.?\d*|\.\d+))(?:\s*E\s*(?P<exponent>[+-]?\d+))?\s*(?P<suffix>[A-Z/]*)",
    re.IGNORECASE,
)
_BEGINS_A_NUMBER = re.compile(r"[+-]?\.?\d|[+-]")
_MULTIPLIERS = {
    "EX": 18, "PE": 15, "T": 12, "G": 9, "MA": 6, "K": 3, "": 0,
    "M": -3, "U": -6, "N": -9, "P": -12, "F": -15, "A": -18,
}  # fmt: skip
_MAX_DIGITS = 255
_MAX_EXPONENT = 32_000
_SENSIBLE_EXPONENT = 400


def number(text: str, *, unit: str = "", words: Mapping[str, float] | None = None) -> Decimal:
    """Read a number, or one of ``words`` (upper-case names such as ``MIN`` and ``MINIMUM``).

    ``unit`` ("V", "A") may follow, with a multiplier; "" allows none. :class:`ScpiError` otherwise.
    """
    if not _BEGINS_A_NUMBER.match(text):
        _refuse_other_types(text)
        if words is not None and text.upper() in words:
            return Decimal(repr(words[text.upper()]))
        raise ScpiError(-141 if words is not None else -148)
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ScpiError(-121)
    exponent = match["exponent"] or "0"
    if len(exponent.lstrip("+-0")) > 5 or abs(int(exponent)) > _MAX_EXPONENT:
        raise ScpiError(-123)
    if len(match["mantissa"].lstrip("+-0.")) > _MAX_DIGITS:
        raise ScpiError(-124)
    scale = int(exponent) + _multiplier(match["suffix"].upper(), unit)
    # Beyond this every range of a supply is left already; Decimal need not carry it.
    scale = max(-_SENSIBLE_EXPONENT, min(_SENSIBLE_EXPONENT, scale))
    return Decimal(match["mantissa"]).scaleb(scale)


def _multiplier(suffix: str, unit: str) -> int:
    if not suffix:
        return 0
    if not unit:
        raise ScpiError(-138)
    if not suffix.endswith(unit) or suffix[: -len(unit)] not in _MULTIPLIERS:
        raise ScpiError(-131)
    return _MULTIPLIERS[suffix[: -len(unit)]]


def _refuse_other_types(text: str) -> None:
    if text[0] in "\"'":
        raise ScpiError(-158)
    if text[0] == "#":
        raise ScpiError(-168)
    if text[0] == "(":
        raise ScpiError(-178)
    if not (text[0].isalpha() and text.isalnum()):
        raise ScpiError(-141)


def extremes(low: float, high: float, default: float) -> dict[str, float]:
    """Return the words MIN, MAX and DEF, short and long, with their values."""
    return {
        "MIN": low,
        "MINIMUM": low,
        "MAX": high,
        "MAXIMUM": high,
        "DEF": default,
        "DEFAULT": default,
    }


def ranged(text: str, *, unit: str, low: float, high: float, default: float, step: float) -> float:
    """Read a number within ``low``..``high``, rounded to ``step``; -222 outside it."""
    value = number(text, unit=unit, words=extremes(low, high, default))
    if not Decimal(repr(low)) <= value <= Decimal(repr(high)):
        raise ScpiError(-222)
    return float(rounded(value, step))


def rounded(value: Decimal, step: float) -> Decimal:
    """Return ``value`` rounded to a whole number of ``step``, half away from zero."""
    grain = Decimal(repr(step))
    return (value / grain).to_integral_value(ROUND_HALF_UP) * grain


def integer(text: str, low: int, high: int) -> int:
    """Read a whole number (a fraction is rounded) within ``low``..``high``; -222 outside."""
    value = number(text)
    if not low <= value <= high:
        raise ScpiError(-222)
    return int(value.to_integral_value(ROUND_HALF_UP))


def switch(text: str) -> bool:
    """Read ON, OFF or a number (non-zero after rounding is on)."""
    if _BEGINS_A_NUMBER.match(text):
        value = number(text)
        return abs(value) >= Decimal("0.5")
    return bool(keyword(text, {"ON": 1, "OFF": 0}))


def keyword(text: str, words: Mapping[str, int]) -> int:
    """Read one of ``words`` (upper-case); -224 for another word, -128 for a number."""
    if _BEGINS_A_NUMBER.match(text):
        raise ScpiError(-128)
    _refuse_other_types(text)
    if text.upper() not in words:
        raise ScpiError(-224)
    return words[text.upper()]
