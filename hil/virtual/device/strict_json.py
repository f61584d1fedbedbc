"""Strict reading of the configuration: unknown keys and wrong types are errors naming the key."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from hil.errors import ConfigError

_Member = TypeVar("_Member", bound=StrEnum)


class Section:
    """One JSON object; every key must be asked for before :meth:`end`."""

    def __init__(self, where: str, value: object) -> None:
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where}: an object is wanted here")
        self._where = where
        self._values = dict(value)
        self._asked: set[str] = set()

    def has(self, key: str) -> bool:
        """Whether the key is there and not null."""
        self._asked.add(key)
        return self._values.get(key) is not None

    def section(self, key: str) -> Section:
        """Return the object under ``key``, empty if absent."""
        self._asked.add(key)
        return Section(f"{self._where}.{key}", self._values.get(key) or {})

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text."""
        value = self._value(key, default)
        if not isinstance(value, str):
            raise self._error(key, "is no text")
        return value

    def octets(self, key: str, *lengths: int) -> bytes:
        """Return bytes given as hexadecimal digits; the error never shows them."""
        text = self.text(key)
        try:
            raw = bytes.fromhex(text)
        except ValueError:
            raise self._error(key, "is not hexadecimal") from None
        if lengths and len(raw) not in lengths:
            raise self._error(key, f"has {len(raw)} bytes, not {' or '.join(map(str, lengths))}")
        return raw

    def number(self, key: str, default: float, *, low: float = 0.0, high: float = 1e9) -> float:
        """Return a number within limits."""
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._error(key, "is no number")
        if not low <= value <= high:
            raise self._error(key, f"is {value}, not within {low:g} … {high:g}")
        return float(value)

    def whole(self, key: str, default: int, *, low: int = 0, high: int = 2**31) -> int:
        """Return a whole number within limits."""
        value = self.number(key, default, low=low, high=high)
        if value != int(value):
            raise self._error(key, f"is {value}, not a whole number")
        return int(value)

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._value(key, default)
        if not isinstance(value, bool):
            raise self._error(key, "is neither true nor false")
        return value

    def member(self, key: str, default: _Member) -> _Member:
        """Return a member of the enumeration of ``default``."""
        return self._member(key, type(default), self._value(key, default.value))

    def members(self, key: str, kind: type[_Member]) -> frozenset[_Member]:
        """Return a set of members, all of them if the key is absent."""
        value = self._value(key, [member.value for member in kind])
        if not isinstance(value, list):
            raise self._error(key, "is no list")
        return frozenset(self._member(key, kind, item) for item in value)

    def texts(self, key: str, default: Mapping[str, str]) -> dict[str, str]:
        """Return an object of texts."""
        value = self._value(key, dict(default))
        if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
            raise self._error(key, "is no object of texts")
        return dict(value)

    def end(self) -> None:
        """Complain about a key that nobody asked for."""
        for key in self._values:
            if key not in self._asked:
                close = difflib.get_close_matches(key, self._asked, n=1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                raise ConfigError(f"{self._where}: unknown key {key!r}{hint}")

    def _member(self, key: str, kind: type[_Member], value: object) -> _Member:
        try:
            return kind(str(value))
        except ValueError:
            raise self._error(key, f"is {value!r}, not one of {', '.join(kind)}") from None

    def _value(self, key: str, default: object) -> object:
        self._asked.add(key)
        value = self._values.get(key, default)
        if value is None:
            raise self._error(key, "is missing")
        return value

    def _error(self, key: str, text: str) -> ConfigError:
        return ConfigError(f"{self._where}.{key} {text}")
