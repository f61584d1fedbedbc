"""pyscard's low-level calls as this package uses them, and what discovery asks."""

from __future__ import annotations

import ctypes
import sys
from typing import Protocol, cast

from hil.equipment.card.errors import NoPcscServiceError
from hil.equipment.card.pcsc_codes import OK, error_for


class Scard(Protocol):
    """The part of ``smartcard.scard`` used here; each call returns a result code first."""

    SCARD_SCOPE_USER: int
    SCARD_SHARE_SHARED: int
    SCARD_LEAVE_CARD: int
    SCARD_UNPOWER_CARD: int
    SCARD_PCI_T0: int
    SCARD_PCI_T1: int
    SCARD_STATE_UNAWARE: int
    SCARD_STATE_PRESENT: int
    SCARD_STATE_CHANGED: int

    def SCardEstablishContext(self, scope: int, /) -> tuple[int, int]:  # noqa: N802
        """Return a context."""

    def SCardReleaseContext(self, context: int, /) -> int:  # noqa: N802
        """Give a context back."""

    def SCardListReaders(  # noqa: N802
        self, context: int, groups: list[str], /
    ) -> tuple[int, list[str]]:
        """Return the names of all readers."""

    def SCardConnect(  # noqa: N802
        self, context: int, reader: str, mode: int, protocols: int, /
    ) -> tuple[int, int, int]:
        """Return a handle and the protocol."""

    def SCardReconnect(  # noqa: N802
        self, handle: int, mode: int, protocols: int, initialization: int, /
    ) -> tuple[int, int]:
        """Return the protocol."""

    def SCardDisconnect(self, handle: int, disposition: int, /) -> int:  # noqa: N802
        """Give a handle back."""

    def SCardBeginTransaction(self, handle: int, /) -> int:  # noqa: N802
        """Take the card; blocks while another program holds it."""

    def SCardEndTransaction(self, handle: int, disposition: int, /) -> int:  # noqa: N802
        """Give the card back."""

    def SCardTransmit(  # noqa: N802
        self, handle: int, pci: int, command: list[int], /
    ) -> tuple[int, list[int]]:
        """Return the answer; without meaning unless the result is 0."""

    def SCardStatus(self, handle: int, /) -> tuple[int, str, int, int, list[int]]:  # noqa: N802
        """Return reader, state, protocol and ATR."""

    def SCardGetStatusChange(  # noqa: N802
        self, context: int, timeout_ms: int, states: list[tuple[str, int]], /
    ) -> tuple[int, list[tuple[str, int, list[int]]]]:
        """Return name, state and ATR of each reader."""


def load() -> Scard:
    """Import pyscard; :class:`NoPcscServiceError` says which package is missing."""
    if sys.platform == "linux":
        try:
            # Without it pyscard imports well, prints to standard output, and acts as if the
            # service were down.
            ctypes.CDLL("libpcsclite.so.1")
        except OSError as err:
            raise NoPcscServiceError(
                "the PC/SC library libpcsclite is missing: sudo apt install libpcsclite1"
            ) from err
    try:
        from smartcard import scard  # noqa: PLC0415  (optional, and slow to import)
    except ImportError as err:
        raise NoPcscServiceError(
            "the Python package pyscard is missing: sudo apt install build-essential python3-dev "
            "swig libpcsclite-dev, then pip install 'hil-esim[pcsc]'"
        ) from err
    return cast("Scard", scard)


def readers_with_atr() -> list[tuple[str, bytes | None]]:
    """Return each reader's name and the ATR of its card (``None``: empty), for discovery."""
    scard = load()
    code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    if code != OK:
        raise error_for(code & 0xFFFFFFFF, doing="SCardEstablishContext", reader="(all)")
    try:
        code, names = scard.SCardListReaders(context, [])
        if code != OK or not names:
            return []
        asked = [(name, scard.SCARD_STATE_UNAWARE) for name in names]
        code, states = scard.SCardGetStatusChange(context, 0, asked)
        return [
            (name, bytes(atr) if state & scard.SCARD_STATE_PRESENT else None)
            for name, state, atr in states
        ]
    finally:
        scard.SCardReleaseContext(context)
