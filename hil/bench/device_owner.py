"""What the holder of the device's key set may order: mode, manner, and the state tests begin in."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Final

from hil.errors import LinkTimeoutError
from hil.wire.device_auth import (
    NONCE_LENGTH,
    RELEASE_MODE,
    CommandAuthorization,
    DeviceHello,
    DeviceKeySet,
    Manner,
    Mode,
    authorize_manner,
    authorize_mode,
)

if TYPE_CHECKING:
    from hil.equipment.device.device import Device

LOCKOUT_TIMEOUT_S: Final = 60.0
_POLL_S: Final = 0.05


class DeviceOwner:
    """Speaks to ``device`` as a server does that holds its key set."""

    def __init__(self, device: Device, keys: DeviceKeySet) -> None:
        self.device = device
        self.keys = keys

    def with_keys(self, keys: DeviceKeySet) -> DeviceOwner:
        """Return somebody who speaks to the same device, but holds other keys."""
        return DeviceOwner(self.device, keys)

    def hello(self) -> tuple[bytes, DeviceHello]:
        """Ask the device for its proofs; return the server nonce with its answer."""
        nonce = secrets.token_bytes(NONCE_LENGTH)
        return nonce, self.device.hello(nonce)

    def authenticate(self) -> str:
        """Show the device that a genuine server is on the line; return ``passed`` or ``skipped``.

        The proof is left out where the device's manner does not ask for one.
        """
        nonce, hello = self.hello()
        proof = hello.server_proof(self.keys, nonce) if hello.manner.needs_key_set else b""
        return self.device.authenticate(proof)

    def command_mode(self, mode: Mode) -> None:
        """Order a mode, as the support server does through its second interface."""
        self.device.set_mode(mode.value, self.order_mode(mode.value))

    def release_mode(self) -> None:
        """Take the server's input event back: second mode, and any input event may change it."""
        self.device.set_mode(RELEASE_MODE, self.order_mode(RELEASE_MODE))

    def command_manner(self, manner: Manner) -> None:
        """Replace the device's manner of authentication."""
        self.device.set_manner(manner.value, self.order_manner(manner))

    def order_mode(self, mode: str) -> CommandAuthorization:
        """Authorize one change to ``mode``, with a fresh nonce of the device."""
        who = self.device.identity()
        return authorize_mode(
            self.keys,
            device_id=who.device_id,
            eid=who.eid,
            server_nonce=secrets.token_bytes(NONCE_LENGTH),
            device_nonce=self.device.challenge(),
            mode=mode,
        )

    def order_manner(self, manner: Manner) -> CommandAuthorization:
        """Authorize one replacement of the manner, with a fresh nonce of the device."""
        who = self.device.identity()
        return authorize_manner(
            self.keys,
            device_id=who.device_id,
            eid=who.eid,
            server_nonce=secrets.token_bytes(NONCE_LENGTH),
            device_nonce=self.device.challenge(),
            manner=manner.value,
        )

    def wait_unlocked(self, *, timeout_s: float = LOCKOUT_TIMEOUT_S) -> None:
        """Wait until a lockout is over; LinkTimeoutError when it lasts longer."""
        deadline = time.monotonic() + timeout_s
        while (left := self.device.status().lockout_s) > 0:
            if time.monotonic() > deadline:
                raise LinkTimeoutError(
                    f"device on {self.device.port} is still locked for {left:g} s after "
                    f"{timeout_s:g} s; is the lockout in its jig file longer?"
                )
            time.sleep(min(left, _POLL_S))

    def restore(self, manner: Manner) -> None:
        """Bring the device to where a test begins: ``manner``, second mode, no image, nobody in."""
        self.wait_unlocked()
        self.device.goodbye()
        status = self.device.status()
        if status.manner is not manner:
            self.command_manner(manner)
        if status.mode is not Mode.SECOND or status.mode_cause != "none":
            self.release_mode()
        for image in status.images:
            self.device.delete_image(image.image_id)
