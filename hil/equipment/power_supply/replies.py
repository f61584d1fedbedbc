"""Reads the replies of a supply, strictly: cut short, garbled or no number is an error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from hil.equipment.power_supply.errors import NoValueError
from hil.equipment.power_supply.features import Measurement
from hil.equipment.power_supply.forms import NumberForm, RegisterForm
from hil.errors import ProtocolError

_FIXED = re.compile(r"[+-]?\d{1,6}(?:\.(\d*))?", re.ASCII)
_NR3 = re.compile(r"[+-]?\d{1,3}\.\d{3,}E[+-]\d{2}", re.IGNORECASE | re.ASCII)
_NO_VALUE = re.compile(r"[+-]?9\.9\d*E\+?37|[+-]?NAN|[+-]?INF", re.IGNORECASE | re.ASCII)
"""SCPI writes "not a number" as 9.91E37 and infinity as 9.9E37; some instruments spell it out."""
_ERROR = re.compile(r"""([+-]?\d{1,6})(?:\s*,\s*"([^"]*)"|[\s,]+([A-Za-z][^"]*))""", re.ASCII)
_HEXADECIMAL = re.compile(r"0x([0-9A-F]{1,8})", re.IGNORECASE | re.ASCII)
_DECIMAL = re.compile(r"\+?(\d{1,5})", re.ASCII)
_T = TypeVar("_T")


def read_number(reply: str, form: NumberForm, where: str, channel: int = 0) -> float:
    """Return the number in ``reply``; :class:`ProtocolError` unless written in ``form``.

    The number of decimals is part of the form, because a reply that was cut off is a wrong number
    that looks like a right one. :class:`NoValueError` where the instrument says it has none.
    """
    text = reply.strip()
    echo = form.echo.format(n=channel)
    if text.startswith(echo):
        text = text[len(echo) :]
    elif echo:
        raise ProtocolError(f"{where}: reply {_shown(reply)} does not begin with {echo!r}")
    bare = text.removesuffix(form.unit)
    if _NO_VALUE.fullmatch(bare):
        raise NoValueError(f"{where}: the instrument has no value ({_shown(bare)})")
    if not text.endswith(form.unit) or not _is_written(bare, form):
        raise ProtocolError(
            f"{where}: reply {_shown(reply)} is not a number as this model writes it "
            f"(cut off, garbled or another query's); read again"
        )
    return float(bare)


def _is_written(text: str, form: NumberForm) -> bool:
    if (form.decimals is None or form.exponent) and _NR3.fullmatch(text):
        return True
    if form.decimals is None:
        return False
    match = _FIXED.fullmatch(text)
    low, high = form.decimals
    return match is not None and low <= len(match[1] or "") <= high


def read_word(reply: str, answers: Mapping[str, _T], where: str) -> _T:
    """Return what a word means; :class:`ProtocolError` for any other word."""
    word = reply.strip().upper()
    if word not in answers:
        raise ProtocolError(
            f"{where}: reply {_shown(reply)} is none of {', '.join(answers)}; read again"
        )
    return answers[word]


def read_measurement(
    reply: str, form: Measurement, where: str, channel: int = 0
) -> dict[str, float]:
    """Return the fields of a measurement, in their units; they must all be there."""
    parts = reply.strip().split(",")
    if len(parts) != len(form.fields):
        raise ProtocolError(
            f"{where}: reply {_shown(reply)} has {len(parts)} fields instead of {len(form.fields)}"
        )
    return {
        name: read_number(part, number, where, channel)
        for part, (name, number) in zip(parts, form.fields, strict=True)
    }


def read_bits(reply: str, where: str, form: RegisterForm = "decimal") -> int:
    """Return a register's value."""
    if form == "byte":
        if len(reply) != 1:
            raise ProtocolError(f"{where}: reply {_shown(reply)} is not one byte")
        return ord(reply)
    if form == "hexadecimal":
        match, base = _HEXADECIMAL.fullmatch(reply.strip()), 16
    else:
        match, base = _DECIMAL.fullmatch(reply.strip()), 10
    if match is None:
        raise ProtocolError(f"{where}: reply {_shown(reply)} is not a register's value")
    return int(match[1], base)


def read_error(reply: str, where: str) -> tuple[int, str]:
    """Return code and name of an error queue entry; with and without ``+``, comma and quotes."""
    match = _ERROR.fullmatch(reply.strip())
    if match is None:
        raise ProtocolError(f"{where}: reply {_shown(reply)} is not an entry of an error queue")
    return int(match[1]), (match[2] or match[3] or "").strip()


def read_error_number(reply: str, names: Mapping[int, str], where: str) -> tuple[int, str]:
    """Return the number of an error register and its name as far as it is known."""
    match = _DECIMAL.fullmatch(reply.strip())
    if match is None:
        raise ProtocolError(f"{where}: reply {_shown(reply)} is not the number of an error")
    number = int(match[1])
    return number, names.get(number, "")


def _shown(reply: str) -> str:
    return repr(reply if len(reply) <= 80 else reply[:80] + "…")
