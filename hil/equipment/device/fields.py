"""Typed access to the fields of an answer; one that a dialect leaves out is neutral."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from hil.equipment.device.at_channel import Fields
from hil.equipment.device.errors import DeviceAnswerError
from hil.wire.device_auth import JigReading

_Member = TypeVar("_Member", bound=StrEnum)


def text(row: Fields, name: str) -> str:
    """Return a text, "" if absent."""
    return str(row.get(name, ""))


def number(row: Fields, name: str) -> int:
    """Return a whole number, 0 if absent."""
    value = row.get(name, 0)
    return value if isinstance(value, int) else 0


def optional_number(row: Fields, name: str) -> int | None:
    """Return a whole number, None if absent or empty."""
    value = row.get(name)
    return value if isinstance(value, int) else None


def octets(row: Fields, name: str) -> bytes:
    """Return bytes, empty if absent."""
    value = row.get(name, b"")
    return value if isinstance(value, bytes) else b""


def member(kind: type[_Member], row: Fields, name: str) -> _Member:
    """Return the member of ``kind`` with that value.

    Raises:
        DeviceAnswerError: the device names none; a dialect may translate it under ``values``.

    """
    value = text(row, name)
    try:
        return kind(value)
    except ValueError as err:
        known = ", ".join(kind)
        raise DeviceAnswerError(
            f"device answered {name} {value!r}, which is none of {known}; translate it in the "
            "dialect under 'values'"
        ) from err


def jig(row: Fields) -> JigReading:
    """Return the reading of the jig pin."""
    microamps = optional_number(row, "jig_microamps")
    return JigReading(
        state=text(row, "jig_state"),
        accepted=row.get("jig_accepted") is True,
        volts=number(row, "jig_millivolts") / 1e3,
        amps=None if microamps is None else microamps / 1e6,
    )
