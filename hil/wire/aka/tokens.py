"""AUTN and AUTS, the tokens in which SQN travels hidden (3GPP TS 33.102, 6.3.2 and 6.3.3)."""

from __future__ import annotations

import hmac
from typing import Final

from hil.errors import CodecError
from hil.wire.aka.algorithm import AK_LENGTH, AMF_LENGTH, MAC_LENGTH, AkaAlgorithm, AkaError, xor

AUTN_LENGTH: Final = AK_LENGTH + AMF_LENGTH + MAC_LENGTH
AUTS_LENGTH: Final = AK_LENGTH + MAC_LENGTH
RESYNCHRONISATION_AMF: Final = bytes(AMF_LENGTH)
"""AMF* of an AUTS, in place of one that could be replayed."""


def make_autn(
    algorithm: AkaAlgorithm, rand: bytes, sqn: int, amf: bytes, *, ak: bytes | None = None
) -> bytes:
    """Return AUTN, 16 bytes; ``ak`` if it is known already."""
    hidden = algorithm.f2345(rand).ak if ak is None else ak
    raw = sqn_bytes(sqn)
    mac = algorithm.f1(rand, raw, amf)
    if len(mac) != MAC_LENGTH:
        raise CodecError(f"an AUTN has room for a MAC of 8 bytes, not {len(mac)}")
    return xor(raw, hidden) + amf + mac


def open_autn(
    algorithm: AkaAlgorithm, rand: bytes, autn: bytes, *, ak: bytes | None = None
) -> tuple[int, bytes]:
    """Return SQN and AMF of an AUTN; :class:`AkaError` if its MAC is wrong."""
    if len(autn) != AUTN_LENGTH:
        raise CodecError(f"AUTN has {len(autn)} bytes, not {AUTN_LENGTH}")
    hidden = algorithm.f2345(rand).ak if ak is None else ak
    sqn, amf = xor(autn[:AK_LENGTH], hidden), autn[AK_LENGTH : AK_LENGTH + AMF_LENGTH]
    if not hmac.compare_digest(algorithm.f1(rand, sqn, amf), autn[AK_LENGTH + AMF_LENGTH :]):
        raise AkaError("the MAC of AUTN is wrong: another key or algorithm, or damaged")
    return int.from_bytes(sqn, "big"), amf


def make_auts(algorithm: AkaAlgorithm, rand: bytes, sqn: int) -> bytes:
    """Return AUTS, 14 bytes, for the highest sequence number a card has accepted."""
    raw = sqn_bytes(sqn)
    mac = algorithm.f1_star(rand, raw, RESYNCHRONISATION_AMF)
    if len(mac) != MAC_LENGTH:
        raise CodecError(f"an AUTS has room for a MAC of 8 bytes, not {len(mac)}")
    return xor(raw, algorithm.f5_star(rand)) + mac


def read_auts(algorithm: AkaAlgorithm, rand: bytes, auts: bytes) -> int:
    """Return the card's sequence number from an AUTS; :class:`AkaError` if its MAC is wrong.

    ``rand`` is the challenge that the card answered with it.
    """
    if len(auts) != AUTS_LENGTH:
        raise CodecError(f"AUTS has {len(auts)} bytes, not {AUTS_LENGTH}")
    sqn = xor(auts[:AK_LENGTH], algorithm.f5_star(rand))
    expected = algorithm.f1_star(rand, sqn, RESYNCHRONISATION_AMF)
    if not hmac.compare_digest(expected, auts[AK_LENGTH:]):
        raise AkaError("the MAC of AUTS is wrong: another key, algorithm or RAND, or damaged")
    return int.from_bytes(sqn, "big")


def sqn_bytes(sqn: int) -> bytes:
    """Return a sequence number in 6 bytes."""
    if not 0 <= sqn < 1 << 48:
        raise CodecError(f"a sequence number has 48 bits; {sqn} does not fit")
    return sqn.to_bytes(AK_LENGTH, "big")
