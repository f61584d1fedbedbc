"""Text from a journal made fit for people: whatever stands in it, it is shown and does nothing."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping
from typing import Any, Final

NOT_STATED: Final = "not stated"
"""What stands where the journal is silent; a view never guesses."""
MOST_OF_A_NAME: Final = 300
"""Characters of a name that a table shows; the journal has the rest."""

# Controls, lone surrogates, noncharacters, and what turns the order of reading around or is
# invisible: shown as escapes, because a name must not look like another one.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U000e0000-\U000e0fff]"
)


def visible(value: object) -> str:
    """Return the text of ``value``, everything unseen in it as an escape of Python."""
    text = value if isinstance(value, str) else str(value)
    return _UNSEEN.sub(escaped, text)


def escaped(match: re.Match[str]) -> str:
    """Return a character as Python writes it in a text."""
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shortened(text: str, most: int = MOST_OF_A_NAME) -> str:
    """Return ``text``, cut at ``most`` characters, with a remark that says so."""
    if len(text) <= most:
        return text
    return f"{text[:most]}… ({len(text)} characters, whole in the journal)"


def stated(facts: object, *keys: str) -> str:
    """Return what stands at ``keys`` inside nested objects; "" where nothing does."""
    found: Any = facts
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    if found is None or isinstance(found, Mapping):
        return ""
    if isinstance(found, bool):
        return "yes" if found else "no"
    return visible(found).strip()


def utc(at_ns: int, *, seconds: bool = True) -> str:
    """Return a UTC time in nanoseconds as ``2026-11-26 01:02:03 UTC``, or its day alone."""
    if at_ns <= 0:
        return NOT_STATED
    try:
        at = datetime.datetime.fromtimestamp(at_ns // 1_000_000_000, tz=datetime.UTC)
    except (OverflowError, ValueError, OSError):
        return NOT_STATED
    return at.strftime("%Y-%m-%d %H:%M:%S UTC" if seconds else "%Y-%m-%d")


def duration(seconds: float) -> str:
    """Return a time that something took: ``12 ms``, ``3.4 s``, ``12 min 05 s``.

    What is no number reads "not stated".
    """
    if not math.isfinite(seconds):
        return NOT_STATED
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(count: int) -> str:
    """Return a number of bytes: ``312 B``, ``4.1 kB``, ``2.0 MB``."""
    if count < 1000:
        return f"{count} B"
    if count < 1_000_000:
        return f"{count / 1000:.1f} kB"
    return f"{count / 1_000_000:.1f} MB"
