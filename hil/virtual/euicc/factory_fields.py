"""Reads the fields of a factory file: each error names the field, none shows a value."""

from __future__ import annotations

from collections.abc import Mapping

from hil.errors import ConfigError


def mapping(value: object, where: str) -> Mapping[str, object]:
    """Return an object."""
    if not isinstance(value, Mapping):
        raise ConfigError(f"factory file, {where}: must be an object")
    return value


def rows(parent: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    """Return the objects of a list under ``isd_r``, none if it is missing."""
    found = parent.get(name, [])
    if not isinstance(found, list):
        raise ConfigError(f"factory file, isd_r.{name}: must be a list")
    return [mapping(row, f"isd_r.{name}") for row in found]


def hex_bytes(row: Mapping[str, object], name: str, where: str) -> bytes:
    """Return what hex digits say."""
    value = row.get(name)
    if isinstance(value, str):
        try:
            return bytes.fromhex(value)
        except ValueError:
            value = None
    # The value itself stays out of the text: it may be a key.
    raise ConfigError(f"factory file, {where}: {name} must be hex digits")


def number(row: Mapping[str, object], name: str, where: str, *, default: int | None = None) -> int:
    """Return a number from 0."""
    value = row.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigError(f"factory file, {where}: {name} must be a number from 0")
    return value


def seconds(row: Mapping[str, object], name: str, where: str, *, default: float) -> float:
    """Return a time in seconds, from 0."""
    value = row.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise ConfigError(f"factory file, {where}: {name} must be seconds from 0")
    return float(value)


def switch(row: Mapping[str, object], name: str, where: str) -> bool | None:
    """Return true, false, or ``None`` where nothing is said."""
    value = row.get(name)
    if value is not None and not isinstance(value, bool):
        raise ConfigError(f"factory file, {where}: {name} must be true or false")
    return value


def hex_list(row: Mapping[str, object], name: str, where: str) -> tuple[bytes, ...]:
    """Return a list of values in hex digits, empty if it is missing."""
    found = row.get(name, [])
    if not isinstance(found, list):
        raise ConfigError(f"factory file, {where}: {name} must be a list of hex digits")
    return tuple(hex_bytes({name: one}, name, where) for one in found)


def closed(row: Mapping[str, object], known: frozenset[str], where: str) -> None:
    """Refuse a field that is not known."""
    unknown = sorted(set(row) - known)
    if unknown:
        listed = ", ".join(sorted(known))
        raise ConfigError(f"factory file, {where}: unknown field {unknown[0]!r}; known: {listed}")
