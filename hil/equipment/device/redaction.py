"""Keeps PINs and keys out of what observers see of APDUs that go through the device."""

from __future__ import annotations

from typing import Final

from hil.equipment.device.errors import DeviceUsageError

_SECRET_INSTRUCTIONS: Final = {
    0x20: "VERIFY",
    0x24: "CHANGE PIN",
    0x26: "DISABLE PIN",
    0x28: "ENABLE PIN",
    0x2C: "UNBLOCK PIN",
    0xD8: "PUT KEY",
}


def shown_apdu(command: str, apdu: bytes) -> str | None:
    """Return what may be shown instead of an APDU with secrets, or None if it has none."""
    name = _SECRET_INSTRUCTIONS.get(apdu[1])
    if name is None or len(apdu) <= 5:
        return None
    return f"{command} {apdu[:5].hex().upper()} ({name}, {len(apdu) - 5} bytes not shown)"


def check_apdu(apdu: bytes) -> None:
    """Refuse what is no command APDU before it goes on the line.

    Raises:
        DeviceUsageError: shorter than 4 bytes, or longer than TS 27.007 links carry here.

    """
    if not 4 <= len(apdu) <= 0x8000:
        raise DeviceUsageError(f"a command APDU has 4 to 32768 bytes, this one {len(apdu)}")
