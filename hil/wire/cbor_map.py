"""Typed reading of a decoded CBOR map with integer keys: every field asked for, none left over."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from hil.errors import CodecError


class MapReader:
    """Takes fields out of one decoded map; each wrong, missing or unknown field is a CodecError."""

    def __init__(self, value: object, what: str, error: type[CodecError] = CodecError) -> None:
        """Read ``value``; ``what`` names it in errors, which are raised as ``error``."""
        if not isinstance(value, dict):
            raise error(f"{what} is not a CBOR map")
        self._fields: dict[Any, Any] = dict(value)
        self._what = what
        self._error = error

    def _take(self, key: int, name: str) -> object:
        if key not in self._fields:
            raise self._error(f"{self._what} lacks field {key} ({name})")
        return self._fields.pop(key)

    def _refuse(self, key: int, name: str, wanted: str) -> CodecError:
        return self._error(f"field {key} ({name}) of {self._what} is not {wanted}")

    def uint(self, key: int, name: str, *, maximum: int) -> int:
        """Return an unsigned integer up to ``maximum``."""
        value = self._take(key, name)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= maximum:
            raise self._refuse(key, name, f"an integer from 0 to {maximum}")
        return value

    def text(self, key: int, name: str, *, maximum: int = 200) -> str:
        """Return a text of 1 to ``maximum`` characters."""
        value = self._take(key, name)
        if not isinstance(value, str) or not 1 <= len(value) <= maximum:
            raise self._refuse(key, name, f"a text of 1 to {maximum} characters")
        return value

    def optional_text(self, key: int, name: str, *, maximum: int = 200) -> str | None:
        """Return a text, or None for an absent field."""
        return self.text(key, name, maximum=maximum) if key in self._fields else None

    def digits(self, key: int, name: str, lengths: Collection[int]) -> str:
        """Return a text of decimal digits of one of the given lengths."""
        value = self.text(key, name)
        if len(value) not in lengths or not (value.isascii() and value.isdigit()):
            raise self._refuse(key, name, f"{' or '.join(map(str, lengths))} digits")
        return value

    def word(self, key: int, name: str, words: Collection[str]) -> str:
        """Return one of the given words."""
        value = self.text(key, name)
        if value not in words:
            raise self._refuse(key, name, f"one of {', '.join(words)}")
        return value

    def octets(self, key: int, name: str, lengths: Collection[int] | None = None) -> bytes:
        """Return a byte string, of one of the given lengths if these are given."""
        value = self._take(key, name)
        if not isinstance(value, bytes):
            raise self._refuse(key, name, "a byte string")
        if lengths is not None and len(value) not in lengths:
            raise self._refuse(key, name, f"{' or '.join(map(str, lengths))} bytes long")
        return value

    def optional_octets(
        self, key: int, name: str, lengths: Collection[int] | None = None
    ) -> bytes | None:
        """Return a byte string, or None for an absent field."""
        return self.octets(key, name, lengths) if key in self._fields else None

    def array(self, key: int, name: str) -> list[Any]:
        """Return an array, its members unchecked."""
        value = self._take(key, name)
        if not isinstance(value, (list, tuple)):
            raise self._refuse(key, name, "an array")
        return list(value)

    def end(self) -> None:
        """Refuse fields that nobody asked for."""
        if self._fields:
            raise self._error(f"{self._what} has unknown fields: {sorted(map(str, self._fields))}")
