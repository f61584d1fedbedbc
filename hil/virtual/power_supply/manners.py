"""Where models part from the strict rules of SCPI: one switch each, strict unless a model says so.

Every switch has been seen in the field: restarts of the path at the root and accepted prefixes in
many firmwares, clamping in cheap ones, a lost connection after a bad command in LAN modules,
``0 No Error`` on Siglent, clearing that switches back on (E3632A user guide p. 110, IT69xx).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from hil.errors import CodecError


class Unknown(StrEnum):
    """What a header that does not exist leads to: -113, nothing at all, or a cut line."""

    ERROR = "error"
    IGNORE = "ignore"
    HANG_UP = "hang-up"


class Suffixes(StrEnum):
    """What a unit after a number leads to: it counts, it is ignored, or -138."""

    ACCEPT = "accept"
    IGNORE = "ignore"
    REFUSE = "refuse"


class ErrorForm(StrEnum):
    """How an empty error queue reads: ``0,"No error"``, ``+0,"No error"`` or ``0 No Error``."""

    PLAIN = "plain"
    PLUS = "plus"
    BARE = "bare"


class Words(StrEnum):
    """How a switch is said in a reply."""

    NUMBER = "number"
    ON_OFF = "on-off"
    YES_NO = "yes-no"


@dataclass(frozen=True, slots=True)
class Manners:
    """The switches of one model. ``pacing_s``: what comes sooner after a message is lost.

    ``glued``: without terminators, messages that follow each other without a rest are told apart.
    ``over_ovp_refused``: setting a voltage above the OVP level is -221 instead of a trip.
    ``ovp_after_reset`` and ``ocp_after_reset``: whether the protections watch after ``*RST``.
    """

    root_after_semicolon: bool = False
    prefixes: bool = False
    clamp: bool = False
    unknown: Unknown = Unknown.ERROR
    query_words: bool = True
    suffixes: Suffixes = Suffixes.ACCEPT
    error_form: ErrorForm = ErrorForm.PLAIN
    switch_words: Words = Words.NUMBER
    clear_restores: bool = False
    ovp_after_reset: bool = False
    ocp_after_reset: bool = False
    over_ovp_refused: bool = False
    pacing_s: float = 0.0
    glued: bool = True

    def switch(self, value: bool) -> str:
        """Say a switch as this model does."""
        words = {Words.NUMBER: "10", Words.ON_OFF: ("ON", "OFF"), Words.YES_NO: ("YES", "NO")}
        return words[self.switch_words][0 if value else 1]

    def error(self, code: int, text: str) -> str:
        """Say an entry of the error queue as this model does."""
        if self.error_form is ErrorForm.BARE:
            return f"{code} {text.title()}"
        sign = "+" if self.error_form is ErrorForm.PLUS and code >= 0 else ""
        return f'{sign}{code},"{text}"'

    def changed(self, name: str, value: str) -> Manners:
        """Return these manners with one switch set as a command line or control port writes it.

        :class:`CodecError` for a switch or a value that does not exist.
        """
        known = {field.name.replace("_", "-"): field.name for field in fields(self)}
        if name not in known:
            raise CodecError(f"no manner {name!r}; there are {', '.join(known)}")
        before = getattr(self, known[name])
        try:
            after = _read(type(before), value)
        except (ValueError, KeyError):
            raise CodecError(f"{value!r} is no value for the manner {name}") from None
        changes: dict[str, Any] = {known[name]: after}
        return replace(self, **changes)


def _read(kind: type, value: str) -> object:
    if kind is bool:
        return {"on": True, "off": False, "true": True, "false": False}[value.lower()]
    read = kind(value)
    if isinstance(read, float) and not 0 <= read < 60:
        raise ValueError(value)
    return read
