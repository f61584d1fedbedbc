"""Proofs by which a device and a provisioning support server show themselves to each other.

Both ends hold one :class:`DeviceKeySet`. Every proof is an AES-CMAC (NIST SP 800-38B, RFC 4493)
with its ``auth`` key over::

    label ‖ 00 ‖ LV(device id) ‖ LV(EID) ‖ server nonce (16) ‖ device nonce (16) ‖ extra

``LV(x)`` is one length byte and x. The label names role and purpose, so a proof of one kind is
worthless as another (reflection); both nonces are fresh for each exchange, so an old proof is
worthless too (replay). The patent asks for this in operations 550 and 640 (server authenticates
device), claim 16 (device authenticates server) and claims 6 and 13 (command of the server).
The page for people is ``docs/device-link.md``.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from hil.errors import CodecError

RELEASE_MODE: Final = "none"
"""In the place of a mode in a server's command: takes the server's input event back."""
NONCE_LENGTH: Final = 16
PROOF_LENGTH: Final = 16


class Manner(StrEnum):
    """By what one end authenticates the other (claims 3 and 16, FIG. 4 (420))."""

    KEY_SET = "key-set"
    JIG = "jig"
    BOTH = "both"
    SKIP = "skip"

    @property
    def needs_key_set(self) -> bool:
        """Whether a proof made with the key set is part of this manner."""
        return self in (Manner.KEY_SET, Manner.BOTH)

    @property
    def needs_jig(self) -> bool:
        """Whether the voltage or current of the jig is part of this manner."""
        return self in (Manner.JIG, Manner.BOTH)


class Mode(StrEnum):
    """Where a device takes profiles from: image, packets, or test images only (FIG. 4 (420))."""

    FIRST = "first"
    SECOND = "second"
    TEST = "test"


class Purpose(StrEnum):
    """What a proof is for; its value is the label inside the MAC."""

    DEVICE = "hil device proof"
    SERVER = "hil server proof"
    MODE = "hil mode command"
    MANNER = "hil manner command"
    JIG = "hil jig proof"


@dataclass(frozen=True, slots=True)
class DeviceKeySet:
    """The key set of one device: ``auth`` (16 bytes, proofs) and ``enc`` (COSE image key)."""

    kvn: int
    auth: bytes = field(repr=False)
    enc: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.kvn <= 0xFF:
            raise CodecError(f"device key set: version {self.kvn} is not 0..255")
        if len(self.auth) != 16:
            raise CodecError(
                f"device key set {self.kvn}: auth key has {len(self.auth)} bytes, not 16"
            )
        if len(self.enc) not in (16, 32):
            raise CodecError(
                f"device key set {self.kvn}: image key has {len(self.enc)} bytes, not 16 or 32"
            )


@dataclass(frozen=True, slots=True)
class JigReading:
    """What the device senses on its jig pin: ``state`` in its words, volts, amps (None: not wired).

    ``accepted`` says that the pin is inside its window and dwelt there.
    """

    state: str
    accepted: bool
    volts: float
    amps: float | None = None

    @property
    def claim(self) -> bytes:
        """The reading as it goes into the jig proof: accepted, millivolts, microamps, state."""
        amps = "-" if self.amps is None else str(round(self.amps * 1e6))
        return f"{int(self.accepted)};{round(self.volts * 1e3)};{amps};{self.state}".encode()


@dataclass(frozen=True, slots=True)
class DeviceHello:
    """A device's answer to the nonce of a server.

    ``manner`` is how the device wants its senders authenticated, ``kvn`` the key set it used (None:
    it holds none, and ``proof`` is empty). ``jig_proof`` binds ``jig`` to both nonces.
    """

    device_id: str
    eid: str
    manner: Manner
    device_nonce: bytes
    kvn: int | None
    proof: bytes
    jig: JigReading
    jig_proof: bytes

    def proves_device(self, keys: DeviceKeySet, server_nonce: bytes) -> bool:
        """Whether the holder of ``keys`` made this hello for ``server_nonce``."""
        return verify(self.proof, keys, Purpose.DEVICE, self._exchange(server_nonce, self.manner))

    def proves_jig(self, keys: DeviceKeySet, server_nonce: bytes) -> bool:
        """Whether the holder of ``keys`` read :attr:`jig` for ``server_nonce``."""
        exchange = self._exchange(server_nonce, self.jig.claim)
        return verify(self.jig_proof, keys, Purpose.JIG, exchange)

    def server_proof(self, keys: DeviceKeySet, server_nonce: bytes) -> bytes:
        """Return the proof (16 bytes) that the server sends back to this device."""
        return prove(keys, Purpose.SERVER, self._exchange(server_nonce, b""))

    def _exchange(self, server_nonce: bytes, extra: bytes | str) -> ProofExchange:
        raw = extra.encode() if isinstance(extra, str) else extra
        return ProofExchange(self.device_id, self.eid, server_nonce, self.device_nonce, raw)


@dataclass(frozen=True, slots=True)
class ProofExchange:
    """What a proof speaks of: who (device id, EID), when (nonces) and ``extra`` of its purpose."""

    device_id: str
    eid: str
    server_nonce: bytes
    device_nonce: bytes
    extra: bytes = b""

    def encode(self, purpose: Purpose) -> bytes:
        """Return the bytes under the MAC.

        Raises:
            CodecError: a nonce is not 16 bytes, or a name is longer than 255 bytes.

        """
        for name, nonce in (("server", self.server_nonce), ("device", self.device_nonce)):
            if len(nonce) != NONCE_LENGTH:
                raise CodecError(f"{name} nonce has {len(nonce)} bytes, not {NONCE_LENGTH}")
        return b"".join(
            (
                purpose.value.encode(),
                b"\x00",
                _length_value("device id", self.device_id),
                _length_value("EID", self.eid),
                self.server_nonce,
                self.device_nonce,
                self.extra,
            )
        )


@dataclass(frozen=True, slots=True)
class CommandAuthorization:
    """A server's word for one command to one device: its nonce and the proof over both nonces."""

    server_nonce: bytes
    proof: bytes


def prove(keys: DeviceKeySet, purpose: Purpose, exchange: ProofExchange) -> bytes:
    """Return the proof (16 bytes) of ``exchange`` for ``purpose``."""
    mac = CMAC(AES(keys.auth))
    mac.update(exchange.encode(purpose))
    return mac.finalize()


def verify(proof: bytes, keys: DeviceKeySet, purpose: Purpose, exchange: ProofExchange) -> bool:
    """Whether ``proof`` is the one of ``exchange`` for ``purpose``; compares in constant time."""
    return hmac.compare_digest(proof, prove(keys, purpose, exchange))


def authorize_mode(
    keys: DeviceKeySet,
    *,
    device_id: str,
    eid: str,
    server_nonce: bytes,
    device_nonce: bytes,
    mode: str,
) -> CommandAuthorization:
    """Authorize a change to ``mode`` (claims 6, 13), or its release, for the giver of the nonce."""
    exchange = ProofExchange(device_id, eid, server_nonce, device_nonce, mode.encode())
    return CommandAuthorization(server_nonce, prove(keys, Purpose.MODE, exchange))


def authorize_manner(
    keys: DeviceKeySet,
    *,
    device_id: str,
    eid: str,
    server_nonce: bytes,
    device_nonce: bytes,
    manner: str,
) -> CommandAuthorization:
    """Authorize the replacement of the device's manner by ``manner`` (FIG. 4 (420))."""
    exchange = ProofExchange(device_id, eid, server_nonce, device_nonce, manner.encode())
    return CommandAuthorization(server_nonce, prove(keys, Purpose.MANNER, exchange))


def _length_value(name: str, text: str) -> bytes:
    raw = text.encode()
    if len(raw) > 0xFF:
        raise CodecError(f"{name} has {len(raw)} bytes, more than 255")
    return bytes((len(raw),)) + raw
