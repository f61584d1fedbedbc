"""Where an output takes the voltage that it regulates and reads."""

from __future__ import annotations

from enum import StrEnum


class Leads(StrEnum):
    """How the sense leads are wired to the far end of the cable."""

    GOOD = "good"
    OPEN = "open"
    CROSSED = "crossed"


class Sense(StrEnum):
    """The terminals, the far end by good sense leads, or what bad ones make of it.

    Open leads regulate and read at the terminals, through the resistors that makers put there.
    Crossed ones show the wrong sign.
    """

    TERMINALS = "terminals"
    FAR = "far"
    WRONG_SIGN = "wrong sign"


def sensed(remote: bool, leads: Leads) -> Sense:
    """Return where the voltage is taken."""
    if not remote or leads is Leads.OPEN:
        return Sense.TERMINALS
    return Sense.FAR if leads is Leads.GOOD else Sense.WRONG_SIGN
