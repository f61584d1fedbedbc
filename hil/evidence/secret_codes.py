"""PIN, PUK and ADM codes: so few digits that they are a secret only where they stand as a code.

Four digits come by chance in lengths, times and status words. They are taken for the code

* in the block of 8 bytes in which a card gets them (ETSI TS 102 221, 9.5.1: digits in ASCII, filled
  with FF), in all forms of :mod:`hil.evidence.secret_forms`;
* behind a word that says so: ``PIN 1234``, ``pin1='1234'``, ``AT+CPIN="1234"``;
* alone between quotes, or alone on a line of a difference.

One digit over and over (``0000``) is no code in the third place: too much else looks like it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

BLOCK: Final = 8
"""Bytes of the block that a card gets."""

_COLOUR: Final = r"\x1b\[[\d;]*m"
_WORD: Final = r"(?<![A-Za-z])(?:[A-Za-z]+_)?(?:[cl]?pin|u?puk|adm|chv)_?\d?(?![A-Za-z\d])"
_LINK: Final = rf"{_COLOUR}|[^\w\n]|\b(?:b|is|was|to|of|not|no|value|code)\b"
_LONGEST_LINK: Final = 16


def block(code: bytes) -> bytes:
    """Return ``code`` as a card gets it."""
    return code.ljust(BLOCK, b"\xff")


def is_one_digit(code: bytes) -> bool:
    """Return whether ``code`` is one digit over and over."""
    return len(set(code)) == 1


class Codes:
    """Finds known codes in texts, where they stand as digits."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._patterns: tuple[re.Pattern[str], ...] = ()

    def add(self, code: bytes, name: str) -> None:
        """Look for ``code``, 4 to 8 digits, as well."""
        self._names.setdefault(code.decode(), name)
        self._patterns = ()

    def found_in(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Give begin, end and name of each code that stands in ``text``."""
        if self._names and not self._patterns:
            self._patterns = tuple(_patterns(list(self._names)))
        for pattern in self._patterns:
            for match in pattern.finditer(text):
                yield *match.span("code"), self._names[match["code"]]


def _patterns(codes: list[str]) -> Iterator[re.Pattern[str]]:
    any_of = f"(?P<code>{'|'.join(codes)})"
    linked = rf"(?:{_LINK}){{1,{_LONGEST_LINK}}}"
    yield re.compile(rf"{_WORD}{linked}{any_of}(?!\w)", re.IGNORECASE)
    telling = [code for code in codes if not is_one_digit(code.encode())]
    if telling:
        any_of = f"(?P<code>{'|'.join(telling)})"
        colours = f"(?:{_COLOUR})*"
        yield re.compile(rf"(?P<quote>['\"]){colours}{any_of}{colours}(?P=quote)")
        marked = rf"^(?:{_COLOUR}|[ \tE])*[-+](?:{_COLOUR}|[ \t])*"
        yield re.compile(rf"{marked}{any_of}(?:{_COLOUR}|[ \t\r])*$", re.MULTILINE)
