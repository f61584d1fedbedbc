"""The device under test on its serial line: identity, authentication, modes, image transfer."""

from __future__ import annotations

from hil.equipment.device.device import Device
from hil.equipment.device.dialect import Dialect, load_dialect
from hil.equipment.device.errors import (
    DeviceAnswerError,
    DeviceLinkError,
    DeviceRefusal,
    DeviceTimeoutError,
    DeviceUsageError,
    DialectError,
    TransferError,
)
from hil.equipment.device.types import (
    DeviceIdentity,
    DeviceStatus,
    InstallReport,
    RegistrationReport,
    RegistrationState,
    StoredImage,
    TransferReport,
)

__all__ = [
    "Device",
    "DeviceAnswerError",
    "DeviceIdentity",
    "DeviceLinkError",
    "DeviceRefusal",
    "DeviceStatus",
    "DeviceTimeoutError",
    "DeviceUsageError",
    "Dialect",
    "DialectError",
    "InstallReport",
    "RegistrationReport",
    "RegistrationState",
    "StoredImage",
    "TransferError",
    "TransferReport",
    "load_dialect",
]
