"""A card: APDUs over a PC/SC reader, through a device, or to a card object in this process."""

from __future__ import annotations

from hil.equipment.card.card import Card
from hil.equipment.card.errors import (
    AmbiguousReaderError,
    CardRemovedError,
    CardResetError,
    CardTimeoutError,
    NoCardError,
    NoPcscServiceError,
    NoReaderError,
    PcscPermissionError,
    ProcedureError,
    ReaderBusyError,
    StatusWordError,
    TruncatedAnswerError,
)
from hil.equipment.card.transport import CardProtocol, CardTransport

__all__ = [
    "AmbiguousReaderError",
    "Card",
    "CardProtocol",
    "CardRemovedError",
    "CardResetError",
    "CardTimeoutError",
    "CardTransport",
    "NoCardError",
    "NoPcscServiceError",
    "NoReaderError",
    "PcscPermissionError",
    "ProcedureError",
    "ReaderBusyError",
    "StatusWordError",
    "TruncatedAnswerError",
]
