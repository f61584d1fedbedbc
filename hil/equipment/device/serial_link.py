"""The serial line to the device: bytes in and out, each wait with a deadline.

A port may be a device file or a URL of pyserial, such as ``socket://host:port`` for a wireless
serial bridge.
"""

from __future__ import annotations

import contextlib
import logging
import time
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from hil.equipment.device.errors import DeviceLinkError, DeviceTimeoutError

if TYPE_CHECKING:
    import serial

_log = logging.getLogger(__name__)
_WRITE_TIMEOUT_S: Final = 2.0


class SerialLink:
    """A serial port, opened exclusively, with a receive buffer; errors are the bench's own."""

    def __init__(self, port: str, *, baudrate: int) -> None:
        import serial  # noqa: PLC0415 - loaded with the first port, never with the plugin

        self.port = port
        self.baudrate = baudrate
        self._buffer = bytearray()
        self._errors: tuple[type[Exception], ...] = (serial.SerialException, OSError)
        self._timeout_error = serial.SerialTimeoutException
        exclusive = None if "://" in port else True
        try:
            self._serial: serial.Serial = serial.serial_for_url(
                port, baudrate, timeout=0, write_timeout=_WRITE_TIMEOUT_S, exclusive=exclusive
            )
        except (*self._errors, ValueError) as err:
            raise DeviceLinkError(
                f"device port {port}: cannot be opened ({err}); check path, cable and permission"
            ) from err

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, data: bytes) -> None:
        """Put bytes on the line.

        Raises:
            DeviceTimeoutError: the line took nothing for 2 s.
            DeviceLinkError: the port is gone.

        """
        try:
            self._serial.write(data)
        except self._timeout_error as err:
            raise DeviceTimeoutError(
                f"device port {self.port}: the line takes no bytes (write blocked for "
                f"{_WRITE_TIMEOUT_S:g} s); is the device on?"
            ) from err
        except self._errors as err:
            raise self._lost(err) from err

    def read(self, *, timeout_s: float) -> bytes:
        """Return what has arrived, waiting up to ``timeout_s`` for the first byte; may be empty."""
        if self._buffer:
            data = bytes(self._buffer)
            self._buffer.clear()
            return data
        try:
            self._serial.timeout = max(timeout_s, 0.0)
            first = self._serial.read(1)
            if not first:
                return b""
            return bytes(first) + bytes(self._serial.read(self._serial.in_waiting))
        except self._errors as err:
            raise self._lost(err) from err

    def unread(self, data: bytes) -> None:
        """Give bytes back; the next read returns them first."""
        self._buffer[:0] = data

    def drain(self, *, quiet_s: float, timeout_s: float) -> bytes:
        """Read until the line is quiet for ``quiet_s``, at most ``timeout_s``; return what came."""
        deadline = time.monotonic() + timeout_s
        drained = bytearray()
        while time.monotonic() < deadline and (data := self.read(timeout_s=quiet_s)):
            drained += data
        return bytes(drained)

    def close(self) -> None:
        """Close the port; may be called again."""
        # pyserial leaves the socket of a URL open when the far end went first.
        socket = getattr(self._serial, "_socket", None)
        with contextlib.suppress(*self._errors):
            self._serial.close()
        if socket is not None:
            socket.close()

    def _lost(self, err: Exception) -> DeviceLinkError:
        return DeviceLinkError(f"device port {self.port}: line lost ({err}); check cable and power")
