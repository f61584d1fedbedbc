"""How servers of the provisioning system prove themselves to each other, by pre-defined key sets.

Two peers share one :class:`PeerKeySet` (patent claim 10). The initiator sends a nonce; the
responder proves itself first, so that a wrong server never learns anything; then the initiator
proves itself. Each proof is an AES-CMAC (RFC 4493) with the ``auth`` key over::

    label ‖ 00 ‖ LV(initiator) ‖ LV(responder) ‖ initiator nonce (16) ‖ responder nonce (16)

The labels differ by side, so no proof can be reflected; the nonces are fresh, so none can be
replayed. Keys on their way from one peer to another travel under the ``wrap`` key (AES key wrap,
RFC 3394).
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap,
    aes_key_wrap,
)

from hil.errors import CodecError

NONCE_LENGTH: Final = 16


class Role(StrEnum):
    """What a peer is, and so what it may ask for (patent FIG. 2)."""

    MNO = "mno"
    EUM = "eum"
    SM_DP = "sm-dp"
    SUPPORT_SERVER = "support-server"
    SM_SR = "sm-sr"
    LINE_STATION = "line-station"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class PeerKeySet:
    """The key set of one pair of peers: three AES keys of 16, 24 or 32 bytes each."""

    kvn: int
    auth: bytes = field(repr=False)
    mac: bytes = field(repr=False)
    wrap: bytes = field(repr=False)

    def __post_init__(self) -> None:
        for name, key in (("auth", self.auth), ("mac", self.mac), ("wrap", self.wrap)):
            if len(key) not in (16, 24, 32):
                raise CodecError(f"peer key set {self.kvn}: {name} key has {len(key)} bytes")


@dataclass(frozen=True, slots=True)
class Peer:
    """A known other end: its id, its role, and the key set shared with it."""

    id: str
    role: Role
    keys: PeerKeySet


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a call comes from, after authentication."""

    id: str
    role: Role


class Side(StrEnum):
    """Which end a proof belongs to; its value is the label inside the MAC."""

    RESPONDER = "hil peer responder"
    INITIATOR = "hil peer initiator"


@dataclass(frozen=True, slots=True)
class PeerExchange:
    """Both names and both nonces of one mutual authentication."""

    initiator: str
    responder: str
    initiator_nonce: bytes
    responder_nonce: bytes

    def proof(self, keys: PeerKeySet, side: Side) -> bytes:
        """Return the proof (16 bytes) of ``side``; CodecError for a nonce that is not 16 bytes."""
        for nonce in (self.initiator_nonce, self.responder_nonce):
            if len(nonce) != NONCE_LENGTH:
                raise CodecError(f"peer nonce has {len(nonce)} bytes, not {NONCE_LENGTH}")
        mac = CMAC(AES(keys.auth))
        mac.update(side.value.encode() + b"\x00")
        for name in (self.initiator, self.responder):
            raw = name.encode()
            if len(raw) > 0xFF:
                raise CodecError(f"peer name has {len(raw)} bytes, more than 255")
            mac.update(bytes((len(raw),)) + raw)
        mac.update(self.initiator_nonce + self.responder_nonce)
        return mac.finalize()

    def proves(self, proof: bytes, keys: PeerKeySet, side: Side) -> bool:
        """Whether ``proof`` was made by the holder of ``keys`` on ``side``; constant time."""
        return hmac.compare_digest(proof, self.proof(keys, side))


def fresh_nonce() -> bytes:
    """Return 16 unpredictable bytes."""
    return secrets.token_bytes(NONCE_LENGTH)


def wrap_key(keys: PeerKeySet, key: bytes) -> bytes:
    """Return ``key`` (16, 24 or 32 bytes) as it may travel to the holder of ``keys``."""
    return aes_key_wrap(keys.wrap, key)


def unwrap_key(keys: PeerKeySet, wrapped: bytes) -> bytes:
    """Return the key inside; CodecError when it was wrapped for another, or changed."""
    try:
        return aes_key_unwrap(keys.wrap, wrapped)
    except (InvalidUnwrap, ValueError) as err:
        raise CodecError(
            "wrapped key cannot be opened: it was wrapped under another key set, or changed"
        ) from err
