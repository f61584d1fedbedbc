"""What became of a job of an SM-SR: judged from the answers of the card that are stored."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row

from hil.errors import CodecError
from hil.provisioning.sm_sr import scripts

log = logging.getLogger(__name__)

ON_PROFILES: Final = frozenset({"download", "create", "enable", "disable", "delete", "audit"})
"""Jobs whose end GetStatus can tell when an answer was lost; the others are then failed."""

VERIFY: Final = "verify"
AUDIT: Final = "audit"
NEXT: Final = "status next"
MAX_VERIFICATIONS: Final = 4


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known at the end of a job; ``card`` holds the card's own word where it was asked.

    ``refused``: the card itself said no, so nothing of the failed command was done. ``response``:
    as in :class:`JobReport`. ``at``: seconds since 1970.
    """

    kind: str
    eid: str
    iccid: str
    isdp_aid: bytes
    failed: bool
    created: bool
    enabled: bool
    card: tuple[scripts.CardProfile, ...] | None
    refused: bool = False
    response: bytes = b""
    at: float = 0.0
    job: str = ""


def tolerated(row: Row[Any]) -> bool:
    """Whether a command may have been refused without harm to its job."""
    # Removing what an earlier attempt may have left fails when it left nothing; a card without any
    # ISD-P answers 6A88 to GetStatus; and what is to be deleted may be gone already.
    if row.name == "clear":
        return True
    return (asked(row) or row.name == "delete") and scripts.says_none(bytes(row.response))


def response_of(commands: Sequence[Row[Any]]) -> bytes:
    """Return what the card answered to the commands, without GetStatus for verification."""
    answers = [row.response for row in commands if row.response is not None and not asked(row)]
    return b"".join(scripts.body_of(bytes(answer)) for answer in answers)


def asked(row: Row[Any]) -> bool:
    """Whether a command asked the card for its profiles."""
    return row.name in (VERIFY, AUDIT, NEXT)


def needs_verification(kind: str, commands: list[Row[Any]]) -> bool:
    """Whether the card is to be asked what became of a job whose answers were lost."""
    if kind not in ON_PROFILES or (asked(commands[-1]) and commands[-1].state == "done"):
        return False
    tries = sum(asked(row) for row in commands)
    return tries < MAX_VERIFICATIONS and any(row.state == "unanswered" for row in commands)


def card_word(commands: list[Row[Any]]) -> tuple[scripts.CardProfile, ...] | None:
    """Return what the card said last of all its profiles, or None when it was not asked."""
    found: tuple[scripts.CardProfile, ...] = ()
    for row in reversed(commands):
        if not asked(row) or row.state != "done":
            return None
        try:
            found = scripts.card_profiles(bytes(row.response)) + found
        except CodecError as err:
            log.warning("GetStatus of %s: %s", row.eid, err)
            return None
        if row.name != NEXT:
            return found
    return None


def unproved(kind: str, commands: list[Row[Any]]) -> str:
    """Return why the end of a job is not known: answers are missing, and the card did not say."""
    missing = [row.name for row in commands if row.state == "unanswered" and not asked(row)]
    if card_word(commands) is not None or not (missing or asked(commands[-1])):
        return ""
    if missing and kind not in ON_PROFILES:
        return f"{missing[0]}: its answer was lost; what it did is not known"
    what = f"{missing[0]}: its answer was lost" if missing else "no answer to GetStatus"
    return f"{what} and the card could not be asked; audit the eUICC before the next step"


def contradiction(outcome: Outcome) -> str:
    """Return what the card says against the success of a job, or nothing."""
    if outcome.kind not in ON_PROFILES:
        return ""
    if outcome.kind == "audit":
        return "" if outcome.card is not None else "the card's answer to GetStatus cannot be read"
    if outcome.card is None:
        return ""
    state = {one.isdp_aid: one.state for one in outcome.card}.get(outcome.isdp_aid, "absent")
    good = {
        "download": ("disabled", "enabled"),
        "create": ("created", "disabled"),
        "enable": ("enabled",),
        "disable": ("disabled",),
        "delete": ("absent",),
    }[outcome.kind]
    return "" if state in good else f"the card says that the profile is {state}"
