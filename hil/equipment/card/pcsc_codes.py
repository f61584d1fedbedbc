"""Result codes of PC/SC, and which of our errors each one is."""

from __future__ import annotations

import ctypes
from typing import Final

from hil.equipment.card.errors import (
    CardRemovedError,
    CardResetError,
    NoCardError,
    NoPcscServiceError,
    NoReaderError,
    PcscPermissionError,
    ProcedureError,
    ReaderBusyError,
)
from hil.errors import BenchError, LinkError, LinkTimeoutError

OK: Final = 0
NO_SERVICE: Final = 0x8010001D
COMMUNICATION: Final = 0x80100013
NO_CARD: Final = 0x8010000C
NO_READERS: Final = 0x8010002E
RESET: Final = 0x80100068
REMOVED: Final = 0x80100069
UNPOWERED: Final = 0x80100067
UNRESPONSIVE: Final = 0x80100066
NOT_TRANSACTED: Final = 0x80100016

CARD_ABSENT: Final = frozenset((NO_CARD, REMOVED, UNPOWERED, UNRESPONSIVE, NOT_TRANSACTED))
"""A card may come, or come to life, when waited for."""

SERVICE_LOST: Final = frozenset((NO_SERVICE, COMMUNICATION, 0x8010001E, 0x80100003))

_CODES: Final[dict[int, tuple[type[BenchError], str]]] = {
    0x80100003: (NoPcscServiceError, "invalid handle, the service was restarted"),
    0x80100009: (NoReaderError, "unknown reader"),
    0x8010000A: (LinkTimeoutError, "timeout"),
    0x8010000B: (ReaderBusyError, "another program holds the reader exclusively"),
    NO_CARD: (NoCardError, "no card in the reader"),
    0x8010000F: (ProcedureError, "the card does not speak the protocol asked for"),
    COMMUNICATION: (NoPcscServiceError, "connection to the PC/SC service lost"),
    NOT_TRANSACTED: (CardRemovedError, "command not transacted, the card is gone"),
    0x80100017: (NoReaderError, "reader unavailable"),
    NO_SERVICE: (NoPcscServiceError, "the PC/SC service is not running"),
    0x8010001E: (NoPcscServiceError, "the PC/SC service was stopped"),
    NO_READERS: (NoReaderError, "no reader at all"),
    UNRESPONSIVE: (NoCardError, "the card gives no ATR"),
    UNPOWERED: (CardRemovedError, "another program took the card's power away"),
    RESET: (CardResetError, "another program reset the card"),
    REMOVED: (CardRemovedError, "the card was removed"),
    0x8010006A: (PcscPermissionError, "the PC/SC service does not let this user in"),
}

_CURES: Final[dict[type[BenchError], str]] = {
    NoPcscServiceError: "start it (systemctl start pcscd), or let the bench start a private one",
    NoReaderError: "plug the reader in, look at `hil discover`",
    NoCardError: "insert the card",
    CardRemovedError: "insert the card and connect again",
    CardResetError: "connect again; what was selected is lost",
    ReaderBusyError: "end the other program",
    PcscPermissionError: "allow org.debian.pcsc-lite.access_pcsc and access_card in polkit for "
    "this user, or run as a user at the machine",
}


def error_for(code: int, *, doing: str, reader: str) -> BenchError:
    """Return the error for a PC/SC result code, with its hexadecimal value and a cure."""
    kind, words = _CODES.get(code, (LinkError, "unexpected PC/SC result"))
    if code == NO_SERVICE and not _library_present():
        words = "the PC/SC library libpcsclite is missing"
        cure = "install it (sudo apt install libpcsclite1)"
    else:
        cure = _CURES.get(kind, "look at the log of the PC/SC service")
    return kind(f"{doing} on reader {reader}: {words} ({code:08X}); {cure}")


def _library_present() -> bool:
    try:
        ctypes.CDLL("libpcsclite.so.1")
    except OSError:
        return False
    return True
