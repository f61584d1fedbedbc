"""How the device reaches its eSIM: what a slot can do, and its errors."""

from __future__ import annotations

from typing import Protocol

from hil.errors import LinkError


class EsimError(LinkError):
    """The eSIM does not answer, is gone, or answered nothing usable."""


class EsimSlot(Protocol):
    """The contacts of one eSIM. Calls block; one thread at a time uses them."""

    def power_on(self) -> bytes:
        """Power and reset the eSIM; return its ATR."""

    def power_off(self) -> None:
        """Take the power away; never raises."""

    def interrupt(self) -> None:
        """Make a call that waits give up; from another thread, before the power goes."""

    def reset(self) -> bytes:
        """Reset the powered eSIM; return its ATR."""

    def begin(self) -> bool:
        """Begin a burst that nobody else may interrupt; return whether the eSIM kept its state."""

    def end(self) -> None:
        """End the burst; never raises."""

    def transmit(self, command: bytes) -> bytes:
        """Send a command APDU in a burst; return response data and status word."""


class EmptySlot:
    """No eSIM: everything is refused."""

    def power_on(self) -> bytes:
        """Refuse."""
        raise EsimError("this device has no eSIM: give one by --esim")

    def power_off(self) -> None:
        """Do nothing."""

    def interrupt(self) -> None:
        """Do nothing."""

    def reset(self) -> bytes:
        """Refuse."""
        return self.power_on()

    def begin(self) -> bool:
        """Refuse."""
        raise EsimError("this device has no eSIM: give one by --esim")

    def end(self) -> None:
        """Do nothing."""

    def transmit(self, command: bytes) -> bytes:
        """Refuse."""
        raise EsimError(f"this device has no eSIM for {command[:4].hex()}")


def open_slot(where: str, *, timeout_s: float) -> EsimSlot:
    """Return the slot for ``pcsc:REGEX``, ``socket:HOST:PORT`` or ``none``; opens nothing yet.

    Raises:
        EsimError: none of these forms.

    """
    kind, _, rest = where.partition(":")
    if where == "none":
        return EmptySlot()
    if kind == "pcsc" and rest:
        from hil.virtual.device.esim_pcsc import PcscSlot  # noqa: PLC0415 - needs libpcsclite

        return PcscSlot(rest, timeout_s=timeout_s)
    if kind == "socket" and rest:
        from hil.virtual.device.esim_socket import SocketSlot  # noqa: PLC0415 - only when used

        host, _, port = rest.rpartition(":")
        if port.isdecimal():
            return SocketSlot(host, int(port), timeout_s=timeout_s)
    raise EsimError(f"--esim {where!r} is none of pcsc:REGEX, socket:HOST:PORT, none")
