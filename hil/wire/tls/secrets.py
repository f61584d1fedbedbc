"""Secrets of a TLS 1.2 connection: the pseudo-random function and what is made with it."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

MASTER_SIZE: Final = 48
VERIFY_SIZE: Final = 12


def prf(secret: bytes, label: bytes, seed: bytes, size: int) -> bytes:
    """Return ``size`` bytes of P_SHA256 (RFC 5246, section 5)."""
    seed = label + seed
    found = b""
    a = seed
    while len(found) < size:
        a = hmac.digest(secret, a, "sha256")
        found += hmac.digest(secret, a + seed, "sha256")
    return found[:size]


def premaster_secret(psk: bytes) -> bytes:
    """Return the premaster secret of a plain pre-shared key (RFC 4279, section 2)."""
    size = len(psk).to_bytes(2, "big")
    return size + bytes(len(psk)) + size + psk


def master_secret(psk: bytes, client_random: bytes, server_random: bytes) -> bytes:
    """Return the 48 bytes of the master secret."""
    seed = client_random + server_random
    return prf(premaster_secret(psk), b"master secret", seed, MASTER_SIZE)


def verify_data(master: bytes, label: bytes, messages: bytes) -> bytes:
    """Return the content of Finished; ``label``: ``client finished`` or ``server finished``."""
    return prf(master, label, hashlib.sha256(messages).digest(), VERIFY_SIZE)


@dataclass(frozen=True, slots=True)
class DirectionKeys:
    """Keys of one direction; ``mac`` is empty for GCM, ``salt`` for CBC."""

    mac: bytes = field(repr=False)
    key: bytes = field(repr=False)
    salt: bytes = field(repr=False)


def direction_keys(
    master: bytes,
    client_random: bytes,
    server_random: bytes,
    *,
    mac_size: int,
    key_size: int,
    salt_size: int,
) -> tuple[DirectionKeys, DirectionKeys]:
    """Cut the key block (RFC 5246, 6.3); return the keys of client and of server."""
    sizes = (mac_size, mac_size, key_size, key_size, salt_size, salt_size)
    block = prf(master, b"key expansion", server_random + client_random, sum(sizes))
    cuts = []
    at = 0
    for size in sizes:
        cuts.append(block[at : at + size])
        at += size
    return DirectionKeys(*cuts[0::2]), DirectionKeys(*cuts[1::2])
