"""What can go wrong between the bench and the device."""

from __future__ import annotations

from hil.errors import (
    ConfigError,
    LinkError,
    LinkTimeoutError,
    ProductRefusal,
    ProtocolError,
    UsageError,
)


class DialectError(ConfigError):
    """A dialect file is wrong; the text names file and line."""


class DeviceLinkError(LinkError):
    """The serial line is gone or cannot be opened."""


class DeviceTimeoutError(LinkTimeoutError):
    """The device kept silent until the deadline."""


class DeviceAnswerError(ProtocolError):
    """The device answered something that its dialect does not know."""


class DeviceUsageError(UsageError):
    """A call asks for what the link or the dialect cannot carry."""


class DeviceRefusal(ProductRefusal):
    """The device understood the command and refused it.

    ``code`` is that of ``+CME ERROR`` (None for a bare ``ERROR``), ``name`` its name in the
    dialect, ``operation`` what was asked.
    """

    def __init__(self, operation: str, code: int | None, name: str) -> None:
        number = "ERROR" if code is None else f"+CME ERROR {code}"
        super().__init__(f"device refused {operation!r}: {number} ({name})")
        self.operation = operation
        self.code = code
        self.name = name


class TransferError(DeviceRefusal):
    """The device ended an image transfer: wrong digest, refused image, lost authentication."""
