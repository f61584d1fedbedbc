"""Reads the replies of a supply, strictly: cut short, garbled or no number is an error."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hil.equipment.power_supply.dialect import Measurement, NumberForm
from hil.errors import ProtocolError

_FIXED = re.compile(r"[+-]?\d{1,6}(?:\.(\d*))?")
_NR3 = re.compile(r"[+-]?\d{1,3}\.\d{3,}E[+-]\d{2}", re.IGNORECASE)
_ERROR = re.compile(r"""([+-]?\d{1,6})(?:\s*,\s*"([^"]*)"|[\s,]+([A-Za-z][^"]*))""")
_NOT_AVAILABLE = 9.0e37
"""SCPI writes "not a number" as 9.91E37 and infinity as 9.9E37."""


def read_number(reply: str, form: NumberForm, where: str) -> float:
    """Return the number in ``reply``; :class:`ProtocolError` unless written in ``form``.

    The number of decimals is part of the form, because a reply that was cut off is a wrong number
    that looks like a right one.
    """
    text = reply.strip()
    if form.decimals is None:
        valid = _NR3.fullmatch(text) is not None
    else:
        match = _FIXED.fullmatch(text)
        low, high = form.decimals
        valid = match is not None and low <= len(match[1] or "") <= high
    if not valid:
        raise ProtocolError(
            f"{where}: reply {_shown(reply)} is not a number as this model writes it "
            f"(cut off, garbled or another query's); read again"
        )
    value = float(text)
    if abs(value) >= _NOT_AVAILABLE:
        raise ProtocolError(f"{where}: the instrument has no value ({text})")
    return value


def read_word(reply: str, answers: Mapping[str, bool], where: str) -> bool:
    """Return what a switch or a trip query says; :class:`ProtocolError` for any other word."""
    word = reply.strip().upper()
    if word not in answers:
        raise ProtocolError(
            f"{where}: reply {_shown(reply)} is none of {', '.join(answers)}; read again"
        )
    return answers[word]


def read_measurement(reply: str, form: Measurement, where: str) -> dict[str, float]:
    """Return the fields of a measurement, in their units; they must all be there."""
    parts = reply.strip().split(",")
    if len(parts) != len(form.fields):
        raise ProtocolError(
            f"{where}: reply {_shown(reply)} has {len(parts)} fields instead of {len(form.fields)}"
        )
    return {
        name: read_number(part, number, where)
        for part, (name, number) in zip(parts, form.fields, strict=True)
    }


def read_bits(reply: str, where: str) -> int:
    """Return a register's value."""
    text = reply.strip().lstrip("+")
    if not (text.isascii() and text.isdecimal() and len(text) <= 5):
        raise ProtocolError(f"{where}: reply {_shown(reply)} is not a register's value")
    return int(text)


def read_error(reply: str, where: str) -> tuple[int, str]:
    """Return code and name of an error queue entry; with and without ``+``, comma and quotes."""
    match = _ERROR.fullmatch(reply.strip())
    if match is None:
        raise ProtocolError(f"{where}: reply {_shown(reply)} is not an entry of an error queue")
    return int(match[1]), (match[2] or match[3] or "").strip()


def _shown(reply: str) -> str:
    return repr(reply if len(reply) <= 80 else reply[:80] + "…")
