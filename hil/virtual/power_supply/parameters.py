"""Reads parameters: numbers with multipliers and units, special words, switches, channel words.

SCPI-99 volume 1, chapter 7. A multiplier stands before a unit: ``300mV``; M means milli, MA mega
(HP 53131A table 3-2), except before HZ and OHM.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from hil.virtual.power_supply.scpi_errors import ScpiError

_NUMBER = re.compile(
    r"(?P<mantissa>[+-]?(?:\d+\.?\d*|\.\d+))(?:\s*E\s*(?P<exponent>[+-]?\d+))?\s*(?P<suffix>[A-Z/]*)",
    re.IGNORECASE,
)
_NON_DECIMAL = re.compile(r"#(?:H[0-9A-F]+|Q[0-7]+|B[01]+)", re.IGNORECASE)
_BASES = {"H": 16, "Q": 8, "B": 2}
_BEGINS_A_NUMBER = re.compile(r"[+-]?\.?\d|[+-]")
_MULTIPLIERS = {
    "EX": 18, "PE": 15, "T": 12, "G": 9, "MA": 6, "K": 3, "": 0,
    "M": -3, "U": -6, "N": -9, "P": -12, "F": -15, "A": -18,
}  # fmt: skip
_CHANNEL_RANGE = re.compile(r"\s*(\d{1,3})\s*(?::\s*(\d{1,3})\s*)?")
_LONGEST_WORD = 12
"""IEEE 488.2, 7.7.1.4 for words and 7.7.3.4 for units."""
_MAX_DIGITS = 255
_MAX_EXPONENT = 32_000
_SENSIBLE_EXPONENT = 400
_BEYOND = {
    **dict.fromkeys(("INF", "INFINITY"), Decimal("9.9E37")),
    **dict.fromkeys(("NINF", "NINFINITY"), Decimal("-9.9E37")),
    "NAN": Decimal("9.91E37"),
}
"""Numbers by name that no range holds (SCPI-99 volume 1, 7.2.1.4 and 7.2.1.5)."""


def number(text: str, *, unit: str = "", words: Mapping[str, float] | None = None) -> Decimal:
    """Read a number, or one of ``words`` (upper-case names such as ``MIN`` and ``MINIMUM``).

    ``unit`` ("V", "A") may follow, with a multiplier; "" allows none. :class:`ScpiError` otherwise.
    """
    if not _BEGINS_A_NUMBER.match(text):
        _refuse_other_types(text)
        if words is not None and text.upper() in words:
            return Decimal(repr(words[text.upper()]))
        if words is not None and text.upper() in _BEYOND:
            return _BEYOND[text.upper()]
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
    if len(suffix) > _LONGEST_WORD:
        raise ScpiError(-134)
    if not suffix.endswith(unit) or suffix[: -len(unit)] not in _MULTIPLIERS:
        raise ScpiError(-131)
    return _MULTIPLIERS[suffix[: -len(unit)]]


def _refuse_other_types(text: str) -> None:
    if text[0] in "\"'":
        raise ScpiError(-158)
    if text[0] == "#" and text[1:2].upper() in _BASES:
        raise ScpiError(-128 if _NON_DECIMAL.fullmatch(text) else -121)
    if text[0] == "#":
        raise ScpiError(-168)
    if text[0] == "(":
        raise ScpiError(-178)
    if not (text[0].isalpha() and text.replace("_", "").isalnum()):
        raise ScpiError(-141)
    if len(text) > _LONGEST_WORD:
        raise ScpiError(-144)


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


def is_channel_list(text: str) -> bool:
    """Tell whether a parameter is written as a channel list."""
    return text.startswith("(@")


@lru_cache(maxsize=256)
def channel_list(text: str, highest: int) -> tuple[int, ...]:
    """Read ``(@1)``, ``(@1,3)`` or ``(@1:3)`` (SCPI-99 volume 1, 8.3.2) in the order written.

    :class:`ScpiError` -171 if it is malformed, -222 for a channel that does not exist.
    """
    if not (is_channel_list(text) and text.endswith(")")):
        raise ScpiError(-171)
    channels: list[int] = []
    for part in text[2:-1].split(","):
        match = _CHANNEL_RANGE.fullmatch(part)
        if match is None:
            raise ScpiError(-171)
        first, last = int(match[1]), int(match[2] or match[1])
        if not (1 <= first <= highest and 1 <= last <= highest):
            raise ScpiError(-222)
        step = 1 if last >= first else -1
        channels += range(first, last + step, step)
    return tuple(channels)


def without_suffix(text: str) -> str:
    """Return a number as written without the unit behind it; -121 if it is no number."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise ScpiError(-121)
    return text[: match.start("suffix")].rstrip()


def ranged(
    text: str,
    *,
    unit: str,
    low: float,
    high: float,
    default: float,
    step: float,
    clamp: bool = False,
) -> float:
    """Read a number within ``low``..``high``, rounded to ``step``.

    Outside it -222, or the nearest end with ``clamp``.
    """
    value = number(text, unit=unit, words=extremes(low, high, default))
    lowest, highest = Decimal(repr(low)), Decimal(repr(high))
    if clamp:
        value = min(max(value, lowest), highest)
    if not lowest <= value <= highest:
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


def mask(text: str, high: int) -> int:
    """Read the bits of a register, 0 to ``high``; -222 outside.

    Non-decimal too, as ``#H1F``, ``#Q37`` and ``#B11111`` (SCPI-99 volume 2, 20.1.4; IEEE 488.2,
    7.7.4).
    """
    if not _NON_DECIMAL.fullmatch(text):
        return integer(text, 0, high)
    value = int(text[2:], _BASES[text[1].upper()])
    if value > high:
        raise ScpiError(-222)
    return value


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
