"""The seam below the APDU layer: whatever carries one command to a card and one answer back."""

from __future__ import annotations

from typing import Literal, Protocol

CardProtocol = Literal["T=0", "T=1"]


class CardTransport(Protocol):
    """A way to one card. Not thread-safe by itself: :class:`hil.equipment.card.Card` locks."""

    @property
    def description(self) -> str:
        """What a banner says: transport and place, such as ``PC/SC reader 'X 00 00'``."""

    @property
    def protocol(self) -> CardProtocol:
        """The transmission protocol, known after :meth:`connect`."""

    def connect(self, *, timeout_s: float) -> bytes:
        """Power the card, wait for it if need be; return its ATR (empty if the way hides it).

        May be called again, also after the card was lost. Raises an error of
        :mod:`hil.equipment.card.errors`.
        """

    def transmit(self, command: bytes, *, timeout_s: float) -> bytes:
        """Carry one command APDU of 4 bytes or more; return data and status word."""

    def begin(self, *, timeout_s: float) -> None:
        """Take the card for ourselves; :class:`CardResetError` if somebody reset it meanwhile."""

    def end(self) -> None:
        """Give the card back; never raises for a card that is gone."""

    def reset(self, *, timeout_s: float) -> bytes:
        """Power the card off and on (a cold reset); return its ATR."""

    def disconnect(self) -> None:
        """Let go of the card and leave it as it is. May be called again."""
