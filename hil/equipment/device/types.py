"""What a device says of itself, as rows of data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from hil.wire.device_auth import JigReading, Manner, Mode

Progress = Callable[[int, int], None]
"""Called with (bytes acknowledged, bytes in all) while an image travels."""


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """Who the device is: unique id, EID of its eSIM ("" without one), firmware, life state.

    ``life`` is ``development`` or ``commercial`` and decides which signing key it trusts.
    """

    device_id: str
    eid: str
    life: str
    manufacturer: str = ""
    model: str = ""
    firmware: str = ""
    imei: str = ""


@dataclass(frozen=True, slots=True)
class StoredImage:
    """One image file in the secure area: only what its label shows, never its content.

    ``state``: ``stored`` (installs at the next boot), ``waiting`` (for the user), ``installed``,
    ``stale`` or ``failed``.
    """

    image_id: str
    iccid: str
    profile_class: str
    state: str


@dataclass(frozen=True, slots=True)
class InstallReport:
    """How the last installation ended: ``result`` none, installed, refused, failed or stale.

    ``boot`` is the boot counter at that time.
    """

    result: str
    reason: str
    image_id: str
    iccid: str
    boot: int


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """The device at one instant.

    ``mode_cause`` is the input event that set the mode (``none``, ``authentication``,
    ``data-type``, ``user-input``, ``server-command``). ``server_auth`` tells whether a sender is
    authenticated now (``none``, ``passed``, ``skipped``, ``refused``, ``revoked``, ``locked``),
    ``device_auth`` whether the device has shown its own proof since boot (``none``, ``proved``).
    """

    mode: Mode
    mode_cause: str
    manner: Manner
    server_auth: str
    device_auth: str
    lockout_s: float
    jig: JigReading
    images: tuple[StoredImage, ...]
    last_install: InstallReport
    last_error: str
    boot_count: int


class RegistrationState(StrEnum):
    """Whether the network knows the device (3GPP TS 27.007, 10.1.22)."""

    NONE = "none"
    HOME = "home"
    SEARCHING = "searching"
    DENIED = "denied"
    UNKNOWN = "unknown"
    ROAMING = "roaming"


@dataclass(frozen=True, slots=True)
class RegistrationReport:
    """How the device stands with the network: its code ("00101"), or why it was refused."""

    state: RegistrationState
    network: str
    cause: str


@dataclass(frozen=True, slots=True)
class TransferReport:
    """How an image travelled: bytes, where a resumed transfer began, frames sent and sent again."""

    size: int
    sha256: bytes
    resumed_from: int
    frames: int
    retransmitted: int
    seconds: float
    image_id: str

    @property
    def bytes_per_second(self) -> float:
        """Image bytes that went over the line in a second."""
        return (self.size - self.resumed_from) / self.seconds if self.seconds > 0 else 0.0
