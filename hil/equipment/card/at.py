"""The card behind a device: APDUs through AT+CSIM (3GPP TS 27.007, 8.17)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hil.equipment.card.transport import CardProtocol
from hil.errors import UsageError


class CsimDevice(Protocol):
    """What the device has to offer: one APDU in, data and status word out."""

    def csim(self, apdu: bytes) -> bytes:
        """Pass one command APDU to the card in the device."""


class AtTransport:
    """The transport over a device's modem.

    The modem owns the card: it powers and resets it, hides its ATR, and sends commands of its own
    in between; so a sequence is only safe while the modem is idle, and channel 0 stays the modem's.
    The deadline of each command is that of the device's own link.
    """

    def __init__(
        self,
        device: CsimDevice,
        *,
        protocol: CardProtocol = "T=0",
        restart: Callable[[], None] | None = None,
    ) -> None:
        """Take the device; ``restart`` makes it reset its card, if it has a way."""
        self._device = device
        self._protocol = protocol
        self._restart = restart

    @property
    def description(self) -> str:
        """What a banner says."""
        return "card in the device (AT+CSIM)"

    @property
    def protocol(self) -> CardProtocol:
        """T=0: a modem hands ``61xx`` on unless it says otherwise."""
        return self._protocol

    def connect(self, *, timeout_s: float) -> bytes:  # noqa: ARG002  (the link has its own)
        """Return an empty ATR: the modem powers the card and hides its ATR."""
        return b""

    def transmit(self, command: bytes, *, timeout_s: float) -> bytes:  # noqa: ARG002
        """Carry one command through the device."""
        if len(command) < 4:
            raise UsageError(f"a command APDU has at least 4 bytes, not {len(command)}")
        return self._device.csim(command)

    def begin(self, *, timeout_s: float) -> None:
        """AT+CSIM has no exclusive hold."""

    def end(self) -> None:
        """Nothing to give back."""

    def reset(self, *, timeout_s: float) -> bytes:  # noqa: ARG002
        """Let the device reset its card; UsageError when no way to do it was given."""
        if self._restart is None:
            raise UsageError("the card in the device cannot be reset: restart the device instead")
        self._restart()
        return b""

    def disconnect(self) -> None:
        """Do nothing: the device keeps its card."""
