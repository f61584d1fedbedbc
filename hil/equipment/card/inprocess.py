"""A card object in this process: the way to a virtual card where there is no PC/SC service."""

from __future__ import annotations

import threading
from typing import Protocol

from hil.equipment.card.deadline import Abandon
from hil.equipment.card.errors import CardRemovedError, CardTimeoutError, ProcedureError
from hil.equipment.card.transport import CardProtocol
from hil.errors import UsageError


class CardObject(Protocol):
    """What the object has to offer; it is handed in, never imported."""

    def power_on(self) -> bytes:
        """Power the card; return its ATR."""

    def power_off(self) -> None:
        """Take its power away."""

    def transmit(self, apdu: bytes) -> bytes:
        """Carry out one command; return data and status word."""


class InProcessTransport:
    """The transport over a :class:`CardObject`, with a deadline for each command.

    ``hold``: taken for each transaction; who shares the card in another way takes it too.
    """

    def __init__(self, card: CardObject, hold: threading.Lock | None = None) -> None:
        self._card = card
        self._hold = hold or threading.Lock()
        self._held = False
        self._deadline = Abandon("the in-process card")
        self._protocol: CardProtocol = "T=0"

    @property
    def description(self) -> str:
        """What a banner says."""
        return "in-process card (no PC/SC)"

    @property
    def protocol(self) -> CardProtocol:
        """What the ATR offers first."""
        return self._protocol

    def connect(self, *, timeout_s: float) -> bytes:
        """Power the card on."""
        atr = self._deadline.call(self._card.power_on, timeout_s=timeout_s)
        self._protocol = first_protocol(atr)
        return atr

    def transmit(self, command: bytes, *, timeout_s: float) -> bytes:
        """Carry one command; :class:`CardTimeoutError` at the deadline, then connect again."""
        if len(command) < 4:
            raise UsageError(f"a command APDU has at least 4 bytes, not {len(command)}")
        try:
            return self._deadline.call(self._card.transmit, command, timeout_s=timeout_s)
        except (EOFError, ConnectionResetError) as err:
            raise CardRemovedError(f"the in-process card is gone: {err}; connect again") from err

    def begin(self, *, timeout_s: float) -> None:
        """Take the card; waits while somebody else holds it, until the deadline."""
        if not self._hold.acquire(timeout=timeout_s):
            raise CardTimeoutError(
                f"the in-process card was held by the device for more than {timeout_s:g} s"
            )
        self._held = True

    def end(self) -> None:
        """Give the card back."""
        if self._held:
            self._held = False
            self._hold.release()

    def reset(self, *, timeout_s: float) -> bytes:
        """Power the card off and on."""
        self._deadline.call(self._card.power_off, timeout_s=timeout_s)
        return self.connect(timeout_s=timeout_s)

    def disconnect(self) -> None:
        """Leave the card as it is."""
        self.end()
        self._deadline.close()


def first_protocol(atr: bytes) -> CardProtocol:
    """Return the first protocol that an ATR offers (ISO/IEC 7816-3, 8.2.3: TD1, else T=0)."""
    if len(atr) < 2:
        raise ProcedureError(f"an ATR has at least 2 bytes, not {len(atr)}")
    if not atr[1] & 0x80:
        return "T=0"
    at = 2 + (atr[1] >> 4 & 1) + (atr[1] >> 5 & 1) + (atr[1] >> 6 & 1)
    if at >= len(atr):
        raise ProcedureError(f"ATR {atr.hex().upper()} ends before its TD1")
    return "T=1" if atr[at] & 0x0F == 1 else "T=0"
