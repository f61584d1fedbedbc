"""What toolkit traffic may show: not what a user typed, nor where the terminal is, nor passwords.

ETSI TS 102 223 (7, 8): text strings, location information and measurements are blanked in
ENVELOPE and TERMINAL RESPONSE; texts of OPEN CHANNEL, which are user name and password, in what
FETCH brings. Short messages to and from the card stay: they are packets under keys of their own.
"""

from __future__ import annotations

from typing import Final

from hil.wire.blanking import Blanked, blank_between

_TEXT: Final = 0x0D
_LOCATION: Final = 0x13
_MEASUREMENT: Final = 0x16
_DETAILS: Final = 0x01
_OPEN_CHANNEL: Final = 0x40
_PERSONAL: Final = frozenset((_TEXT, _LOCATION, _MEASUREMENT))
_ENVELOPES: Final = range(0xCF, 0xE5)
"""Tags of what ENVELOPE and FETCH carry, around the objects."""


def hide_in_command(data: bytes) -> Blanked:
    """Blank personal objects of an ENVELOPE or a TERMINAL RESPONSE; all from where it is torn."""
    return _hide(data, _PERSONAL)


def hide_in_fetched(data: bytes) -> Blanked:
    """Blank user name and password in OPEN CHANNEL; other proactive commands are shown."""
    opens = any(
        tag == _DETAILS and data[start + 1 : start + 2] == bytes((_OPEN_CHANNEL,))
        for tag, start, _ in _objects(data)
    )
    return _hide(data, frozenset((_TEXT,))) if opens else (data, 0)


def _hide(data: bytes, hidden: frozenset[int]) -> Blanked:
    blanks = 0
    for tag, start, end in _objects(data):
        if tag in hidden or tag is None:
            data, more = blank_between(data, start, end)
            blanks += more
    return data, blanks


def _objects(data: bytes) -> list[tuple[int | None, int, int]]:
    """Return tag without the comprehension bit, start and end of each value; tag None: torn."""
    found: list[tuple[int | None, int, int]] = []
    at = 0
    if data and data[0] in _ENVELOPES:
        at = _value_at(data, 0)[0]
    while at < len(data):
        start, size = _value_at(data, at)
        if start + size > len(data):
            return [*found, (None, at, len(data))]
        found.append((data[at] & 0x7F, start, start + size))
        at = start + size
    return found


def _value_at(data: bytes, at: int) -> tuple[int, int]:
    """Return where the value of the object at ``at`` begins, and its size."""
    first = data[at + 1] if at + 1 < len(data) else 0x7F
    if first <= 0x7F:
        return at + 2, first
    more = first & 0x7F
    return at + 2 + more, int.from_bytes(data[at + 2 : at + 2 + more], "big")
