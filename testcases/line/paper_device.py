"""Devices of which only the key set exists: what the support server sees of a full line.

They authenticate as any device does, and open and check the image they are given. What they leave
out is the cable and the card: those of one device are proven elsewhere.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hil.provisioning.support_server.devices import DeviceRecord
from hil.wire.device_auth import (
    CommandAuthorization,
    DeviceHello,
    DeviceKeySet,
    JigReading,
    Manner,
    ProofExchange,
    Purpose,
    prove,
    verify,
)
from hil.wire.image import Image, PublicKey, SigningKind, open_image

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hil.bench.desk import Desk


@dataclass(frozen=True, slots=True)
class PaperInstall:
    """How the last installation ended."""

    result: str = "none"
    reason: str = ""
    image_id: str = ""


@dataclass(frozen=True, slots=True)
class PaperStatus:
    """What a line station reads."""

    last_install: PaperInstall


@dataclass(slots=True)
class PaperDevice:
    """One device for a line station; it counts an image as installed once it could open it."""

    device_id: str
    eid: str
    keys: DeviceKeySet = field(repr=False)
    trusted: Mapping[SigningKind, PublicKey] = field(repr=False)
    image: Image | None = None
    _nonces: tuple[bytes, bytes] = (b"", b"")
    _granted: bool = False

    def hello(self, server_nonce: bytes) -> DeviceHello:
        """Answer with the proof of this device's key set."""
        self._nonces = (server_nonce, secrets.token_bytes(16))
        jig = JigReading("open", accepted=False, volts=0.0)

        def proof(purpose: Purpose, extra: bytes) -> bytes:
            return prove(
                self.keys, purpose, ProofExchange(self.device_id, self.eid, *self._nonces, extra)
            )

        return DeviceHello(
            self.device_id,
            self.eid,
            Manner.KEY_SET,
            self._nonces[1],
            self.keys.kvn,
            proof(Purpose.DEVICE, Manner.KEY_SET.encode()),
            jig,
            proof(Purpose.JIG, jig.claim),
        )

    def authenticate(self, server_proof: bytes = b"") -> str:
        """Let in the server whose proof is right, and nobody else."""
        exchange = ProofExchange(self.device_id, self.eid, *self._nonces)
        assert verify(server_proof, self.keys, Purpose.SERVER, exchange), "a forged server"
        self._granted = True
        return "passed"

    def challenge(self) -> bytes:
        """Give a nonce; nobody commands these devices."""
        return secrets.token_bytes(16)

    def set_mode(self, mode: str, authorization: CommandAuthorization | None = None) -> None:
        """Refuse: these devices have one mode."""
        raise NotImplementedError(f"{mode}: {authorization}")

    def set_manner(self, manner: str, authorization: CommandAuthorization | None = None) -> None:
        """Refuse: these devices have one manner."""
        raise NotImplementedError(f"{manner}: {authorization}")

    def send_image(self, raw: bytes) -> int:
        """Open an image; one for another device or another eSIM does not open, or fails here."""
        assert self._granted, "an image came before the authentication"
        self._granted = False
        image = open_image(raw, trusted=self.trusted, device_key=self.keys.enc)
        assert (image.device_id, image.eid) == (self.device_id, self.eid), "a wrong device's image"
        self.image = image
        return len(raw)

    def status(self) -> PaperStatus:
        """Tell that the image at hand is installed."""
        if self.image is None:
            return PaperStatus(PaperInstall())
        return PaperStatus(PaperInstall("installed", "", self.image.image_id))

    def csim(self, apdu: bytes) -> bytes:
        """Refuse: there is no card."""
        raise NotImplementedError(apdu.hex())


def paper_devices(desk: Desk, count: int, *, sm_sr: str = "") -> list[PaperDevice]:
    """Have ``count`` eUICCs and devices made, and enter the devices at the support server."""
    signing = desk.servers.keys.signing
    trusted: Mapping[SigningKind, PublicKey] = {"development": _public(signing.development)}
    made = []
    for _ in range(count):
        device_id = f"PAPER-{secrets.token_hex(4).upper()}"
        keys = DeviceKeySet(1, secrets.token_bytes(16), secrets.token_bytes(16))
        one = PaperDevice(device_id, desk.new_euicc(sm_sr=sm_sr), keys, trusted)
        desk.support().register_device(DeviceRecord(device_id, one.eid, "development", keys))
        made.append(one)
    return made


def _public(scalar: bytes) -> PublicKey:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    return ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1()).public_key()
