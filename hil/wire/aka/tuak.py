"""TUAK on Keccak (3GPP TS 35.231), for keys of 128 and 256 bits."""

from __future__ import annotations

from typing import Final

from hil.errors import CodecError
from hil.wire.aka.algorithm import AkaKeys, check_inputs
from hil.wire.aka.keccak import STATE_LENGTH, keccak_f1600

_NAME: Final = b"TUAK1.0"
_TOP_LENGTH: Final = 32
# Padding of a message of 96 bytes at a rate of 1088 bits.
_PADDING: Final = b"\x1f" + bytes(38) + b"\x80"
_F1, _F1_STAR, _F2345, _F5_STAR = 0x00, 0x80, 0x40, 0xC0
_LONG_KEY, _LONG_IK, _LONG_CK = 0x01, 0x02, 0x04
_LENGTH_BITS: Final = {4: 0x00, 8: 0x08, 16: 0x10, 32: 0x20}


class Tuak:
    """TUAK with one key.

    ``k``: 16 or 32 bytes; ``topc``: 32 bytes. ``iterations`` of Keccak, from 1. Lengths in bytes:
    ``mac_length`` 8, 16 or 32, ``res_length`` 4, 8, 16 or 32, ``ck_length`` and ``ik_length`` 16 or
    32; an AUTN has room for a MAC of 8. :class:`CodecError` for values out of range.
    """

    def __init__(
        self,
        k: bytes,
        topc: bytes,
        *,
        iterations: int = 1,
        mac_length: int = 8,
        res_length: int = 8,
        ck_length: int = 16,
        ik_length: int = 16,
    ) -> None:
        _check_key(k, topc, iterations)
        if mac_length not in (8, 16, 32) or res_length not in _LENGTH_BITS:
            raise CodecError(f"TUAK has no MAC of {mac_length} or RES of {res_length} bytes")
        if ck_length not in (16, 32) or ik_length not in (16, 32):
            raise CodecError(f"TUAK has no CK of {ck_length} or IK of {ik_length} bytes")
        self._k, self._topc, self._iterations = k, topc, iterations
        self._mac_length, self._res_length = mac_length, res_length
        self._ck_length, self._ik_length = ck_length, ik_length

    @classmethod
    def from_top(cls, k: bytes, top: bytes, *, iterations: int = 1) -> Tuak:
        """Return TUAK for a TOP that is not yet bound to the key."""
        return cls(k, derive_topc(k, top, iterations=iterations), iterations=iterations)

    def f1(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """Return MAC-A."""
        return self._mac(_F1, rand, sqn, amf)

    def f1_star(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """Return MAC-S."""
        return self._mac(_F1_STAR, rand, sqn, amf)

    def f2345(self, rand: bytes) -> AkaKeys:
        """Return RES, CK, IK and AK."""
        check_inputs(rand)
        instance = _F2345 | _LENGTH_BITS[self._res_length]
        instance |= (_LONG_CK if self._ck_length == 32 else 0) | (
            _LONG_IK if self._ik_length == 32 else 0
        )
        out = self._run(instance, rand)
        return AkaKeys(
            res=_field(out, 0, self._res_length),
            ck=_field(out, 32, self._ck_length),
            ik=_field(out, 64, self._ik_length),
            ak=_field(out, 96, 6),
        )

    def f5_star(self, rand: bytes) -> bytes:
        """Return the anonymity key of a resynchronisation."""
        check_inputs(rand)
        return _field(self._run(_F5_STAR, rand), 96, 6)

    def _mac(self, instance: int, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        check_inputs(rand, sqn, amf)
        out = self._run(instance | _LENGTH_BITS[self._mac_length], rand, amf, sqn)
        return _field(out, 0, self._mac_length)

    def _run(
        self, instance: int, rand: bytes, amf: bytes = bytes(2), sqn: bytes = bytes(6)
    ) -> bytes:
        return _permute(self._topc, instance, rand + amf + sqn, self._k, self._iterations)


def derive_topc(k: bytes, top: bytes, *, iterations: int = 1) -> bytes:
    """Return TOPc, 32 bytes, from an operator's TOP and a key (TS 35.231, 6.2)."""
    _check_key(k, top, iterations)
    return _field(_permute(top, 0x00, bytes(24), k, iterations), 0, _TOP_LENGTH)


def _check_key(k: bytes, top: bytes, iterations: int) -> None:
    if len(k) not in (16, 32) or len(top) != _TOP_LENGTH:
        raise CodecError("TUAK has a key of 16 or 32 and a TOP or TOPc of 32 bytes")
    if not 1 <= iterations <= 255:
        raise CodecError(f"TUAK has 1 to 255 iterations of Keccak, not {iterations}")


def _permute(top: bytes, instance: int, inputs: bytes, k: bytes, iterations: int) -> bytes:
    """Fill the state and permute it; each field stands with its last byte first."""
    rand, amf, sqn = inputs[:16], inputs[16:18], inputs[18:]
    instance |= _LONG_KEY if len(k) == 32 else 0
    fields = (top, bytes((instance,)), _NAME, rand, amf, sqn, k)
    filled = b"".join(one[::-1] for one in fields).ljust(96, b"\x00") + _PADDING
    state = filled.ljust(STATE_LENGTH, b"\x00")
    for _ in range(iterations):
        state = keccak_f1600(state)
    return state


def _field(state: bytes, at: int, length: int) -> bytes:
    return state[at : at + length][::-1]
