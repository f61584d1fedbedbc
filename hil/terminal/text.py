"""Text that fits a terminal: width in columns, times for people, nothing that drives a terminal."""

from __future__ import annotations

import unicodedata
from typing import Final

_HARMLESS: Final = {"\n": " ", "\r": " ", "\t": " "}


def clean(text: str) -> str:
    """Return ``text`` in one line, without characters that would drive the terminal.

    Titles and reasons come from test sources and from devices.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_HARMLESS.get(one) or (one if _is_shown(one) else "?") for one in text)


def _is_shown(one: str) -> bool:
    return unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def columns(text: str) -> int:
    """Return how many columns ``text`` takes: 2 for wide characters, 0 for combining ones."""
    if text.isascii():
        return len(text)
    return sum(_columns_of(one) for one in text)


def _columns_of(one: str) -> int:
    if unicodedata.combining(one):
        return 0
    return 2 if unicodedata.east_asian_width(one) in ("W", "F") else 1


def fit(text: str, width: int, *, ellipsis: str = "...") -> str:
    """Return ``text``, cut to ``width`` columns with ``ellipsis`` at its end if it is longer."""
    if columns(text) <= width:
        return text
    room = width - columns(ellipsis)
    if room <= 0:
        return ellipsis[: max(width, 0)]
    kept, used = [], 0
    for one in text:
        used += _columns_of(one)
        if used > room:
            break
        kept.append(one)
    return "".join(kept).rstrip() + ellipsis


def clock(seconds: float) -> str:
    """Return a time that has passed: ``01:12``, ``1:02:03``."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes:02d}:{left:02d}"


def short(seconds: float) -> str:
    """Return how long something takes or took: ``0.2 s``, ``41 s``, ``02:05``."""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f} s"
    return f"{seconds:.0f} s" if seconds < 99.5 else clock(seconds)


def about(seconds: float) -> str:
    """Return a time that is expected, no finer than anybody can know it: ``about 3 min``."""
    if seconds < 55:
        return f"about {max(5, round(seconds / 5) * 5)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"about {minutes} min"
    hours, rest = divmod(round(minutes / 5) * 5, 60)
    return f"about {hours} h {rest} min" if rest else f"about {hours} h"
