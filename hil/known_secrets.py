"""Secrets that come into being while tests run: whoever makes one announces it here, by its type.

What is told of a failed test is scrubbed of them (:mod:`hil.pytest_scrubbing`), as of the keys of
the bench. Kept in memory of this process only, and never shown.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
import threading
from collections.abc import Iterator, Mapping
from typing import Final

MOST: Final = 2048
"""Secrets that are remembered; the oldest go first, long after the test that made them."""

_CODE: Final = re.compile(r"\d{4,8}", re.ASCII)


@dataclasses.dataclass(frozen=True, slots=True)
class KnownSecret:
    """One secret; ``code``: a PIN, PUK or ADM code of 4 to 8 digits, which has forms of its own."""

    name: str
    value: bytes = dataclasses.field(repr=False)
    code: bool = False


_numbers = itertools.count(1)
_lock = threading.Lock()
_known: dict[bytes, tuple[int, KnownSecret]] = {}


def announce(owner: str, *things: object) -> None:
    """Remember the secrets in ``things``, under names such as ``k of OWNER``.

    A dataclass has its secrets in the fields that it keeps out of its ``repr``; in a mapping every
    text and every bytes value is one. Dataclasses in fields and tuples are looked through as well.
    A key that is its field's default stands in the source for all to read, and is none.
    """
    with _lock:
        for thing in things:
            for name, value, code in _secrets_in(thing):
                if not value:
                    continue
                _known.pop(value, None)
                _known[value] = next(_numbers), KnownSecret(f"{name} of {owner}", value, code)
        while len(_known) > MOST:
            del _known[next(iter(_known))]


def announced_since(number: int) -> tuple[int, list[KnownSecret]]:
    """Return what was announced after ``number`` (0: all), and the number to ask with next."""
    found: list[KnownSecret] = []
    last = number
    with _lock:
        for at, secret in reversed(_known.values()):
            if at <= number:
                break
            last = max(last, at)
            found.append(secret)
    return last, found[::-1]


def _secrets_in(
    thing: object, name: str = "", *, hidden: bool = False
) -> Iterator[tuple[str, bytes, bool]]:
    """Give name, value and whether it is a code; ``hidden``: ``thing`` is kept out of a repr."""
    if isinstance(thing, Mapping):
        for key, one in thing.items():
            yield from _secrets_in(one, str(key), hidden=True)
    elif isinstance(thing, tuple | list):
        for one in thing:
            yield from _secrets_in(one, name, hidden=hidden)
    elif dataclasses.is_dataclass(thing):
        for field in dataclasses.fields(thing):
            value = getattr(thing, field.name)
            if field.repr or isinstance(value, str) or value != field.default:
                yield from _secrets_in(value, field.name, hidden=not field.repr)
    elif hidden and isinstance(thing, str):
        yield name, thing.encode(), _CODE.fullmatch(thing) is not None
    elif hidden and isinstance(thing, bytes):
        yield name, thing, False
