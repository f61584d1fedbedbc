"""An eSIM in a PC/SC reader: one shared connection while powered, a transaction for a burst."""

from __future__ import annotations

import re
import threading
import time
from typing import Any, Final

from smartcard import scard

from hil.virtual.device.esim_slot import EsimError

_SUCCESS: Final = 0
_RESET_CARD: Final = 0x80100068
_POLL_S: Final = 0.05


class PcscSlot:
    """A reader chosen by a regular expression that must match exactly one."""

    def __init__(self, pattern: str, *, timeout_s: float) -> None:
        self._pattern = re.compile(pattern)
        self._timeout_s = timeout_s
        self._context: Any = None
        self._card: Any = None
        self._protocol = 0
        self._interrupted = threading.Event()

    def power_on(self) -> bytes:
        """Connect to the card; waits for it until the deadline."""
        self._interrupted.clear()
        if self._card is not None:
            return self.reset()
        deadline = time.monotonic() + self._timeout_s
        while True:
            try:
                self._connect()
                return self._atr()
            except EsimError:
                self._drop()
                if time.monotonic() > deadline or self._interrupted.wait(_POLL_S):
                    raise

    def power_off(self) -> None:
        """Disconnect and unpower the card."""
        if self._card is not None:
            scard.SCardDisconnect(self._card, scard.SCARD_UNPOWER_CARD)
        self._drop()

    def interrupt(self) -> None:
        """Stop waiting for a card; a call inside PC/SC cannot be stopped."""
        self._interrupted.set()

    def reset(self) -> bytes:
        """Reset the card."""
        self._reconnect(scard.SCARD_RESET_CARD)
        return self._atr()

    def begin(self) -> bool:
        """Begin a transaction; after another client's reset, take the card back first."""
        kept = True
        code = scard.SCardBeginTransaction(self._handle())
        if _masked(code) == _RESET_CARD:
            kept = False
            self._reconnect(scard.SCARD_LEAVE_CARD)
            code = scard.SCardBeginTransaction(self._handle())
        _check("begin a transaction", code)
        return kept

    def end(self) -> None:
        """End the transaction."""
        if self._card is not None:
            scard.SCardEndTransaction(self._card, scard.SCARD_LEAVE_CARD)

    def transmit(self, command: bytes) -> bytes:
        """Send an APDU."""
        code, response = scard.SCardTransmit(self._handle(), self._protocol, list(command))
        _check("send an APDU", code)
        if len(response) < 2:
            raise EsimError(f"the eSIM answered {len(response)} bytes: it is gone")
        return bytes(response)

    def _connect(self) -> None:
        code, self._context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
        _check("reach the PC/SC service", code)
        code, readers = scard.SCardListReaders(self._context, [])
        _check("list the readers", code)
        found = [reader for reader in readers if self._pattern.search(reader)]
        if len(found) != 1:
            raise EsimError(
                f"reader pattern {self._pattern.pattern!r} matches {found or 'none'} of {readers}"
            )
        code, self._card, self._protocol = scard.SCardConnect(
            self._context,
            found[0],
            scard.SCARD_SHARE_SHARED,
            scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1,
        )
        if _masked(code) != _SUCCESS:
            self._card = None
        _check(f"connect to the card in {found[0]!r}", code)

    def _reconnect(self, initialization: int) -> None:
        code, self._protocol = scard.SCardReconnect(
            self._handle(),
            scard.SCARD_SHARE_SHARED,
            scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1,
            initialization,
        )
        _check("reset the card", code)

    def _atr(self) -> bytes:
        code, _reader, _state, _protocol, atr = scard.SCardStatus(self._handle())
        _check("read the ATR", code)
        return bytes(atr)

    def _handle(self) -> Any:  # noqa: ANN401 - an opaque handle of the library
        if self._card is None:
            raise EsimError("the eSIM is not powered")
        return self._card

    def _drop(self) -> None:
        if self._context is not None:
            scard.SCardReleaseContext(self._context)
        self._card = self._context = None


def _masked(code: int) -> int:
    return code & 0xFFFFFFFF


def _check(what: str, code: int) -> None:
    if _masked(code) != _SUCCESS:
        message = scard.SCardGetErrorMessage(code)
        raise EsimError(f"cannot {what}: {message.strip()} ({_masked(code):08X})")
