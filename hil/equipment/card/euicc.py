"""The SGP.02 view of a card: who it is, what its ISD-R says, and its whole state."""

from __future__ import annotations

from hil.equipment.card.card_state import CardState, FileState, read_card_state, state_digest
from hil.equipment.card.identity import read_eid, read_iccid, read_imsi
from hil.equipment.card.isd_r import IsdRSession, ProfileState, ProfileStatus

__all__ = [
    "CardState",
    "FileState",
    "IsdRSession",
    "ProfileState",
    "ProfileStatus",
    "read_card_state",
    "read_eid",
    "read_iccid",
    "read_imsi",
    "state_digest",
]
