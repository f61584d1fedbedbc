"""One line of a journal: canonical JSON, and the digest that chains the next line to it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT: Final = 1
"""Version of the format; a reader refuses a higher one."""
GENESIS: Final = "0" * 64
"""What the first line of a file names as the digest of the line before it."""

_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
).encode


def line_of(record: Mapping[str, object]) -> bytes:
    """Return a record as one line, without its end: sorted keys, no spaces, UTF-8.

    Text that is no Unicode (a lone surrogate, as in a file name that is not UTF-8) is written as
    a JSON escape; a number that JSON cannot write (not a number, infinity) as its name.
    """
    try:
        text = _encode(record)
    except (TypeError, ValueError):
        text = _encode(_plain(record))
    return text.encode("utf-8", "backslashreplace")


def digest_of(line: bytes) -> str:
    """Return the SHA-256 of a line without its end, in hex."""
    return hashlib.sha256(line).hexdigest()


def _plain(value: object) -> object:
    """Return a value that JSON can write; what it does not know becomes its text."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), -float("inf"))):  # noqa: PLR0124 - not a number
        return str(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)
