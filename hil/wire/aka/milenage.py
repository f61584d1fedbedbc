"""Milenage on AES-128 (3GPP TS 35.206), with the constants that an operator may choose."""

from __future__ import annotations

from typing import Final

from hil.errors import CodecError
from hil.wire.aes import BlockCipher
from hil.wire.aka.algorithm import AkaKeys, check_inputs, xor

DEFAULT_ROTATIONS: Final = (64, 0, 32, 64, 96)
DEFAULT_CONSTANTS: Final = tuple(number.to_bytes(16, "big") for number in (0, 1, 2, 4, 8))
_BITS: Final = 128
_MASK: Final = (1 << _BITS) - 1
_LONGEST_RES: Final = 8


class Milenage:
    """Milenage with one key.

    ``k`` and ``opc``: 16 bytes. ``rotations``: r1 to r5 in bits. ``constants``: c1 to c5, 16 bytes
    each. ``res_length``: bytes of RES, 4 to 8. :class:`CodecError` for values out of range.
    """

    def __init__(
        self,
        k: bytes,
        opc: bytes,
        *,
        rotations: tuple[int, ...] = DEFAULT_ROTATIONS,
        constants: tuple[bytes, ...] = DEFAULT_CONSTANTS,
        res_length: int = _LONGEST_RES,
    ) -> None:
        if len(k) != 16 or len(opc) != 16:
            raise CodecError("Milenage has a key and an OPc of 16 bytes each")
        if len(rotations) != 5 or any(not 0 <= one < _BITS for one in rotations):
            raise CodecError(f"Milenage has five rotations of 0 to 127 bits, not {rotations}")
        if len(constants) != 5 or any(len(one) != 16 for one in constants):
            raise CodecError("Milenage has five constants of 16 bytes")
        if not 4 <= res_length <= _LONGEST_RES:
            raise CodecError(f"RES of Milenage has 4 to 8 bytes, not {res_length}")
        self._aes = BlockCipher(k)
        self._opc = opc
        self._rotations = rotations
        self._constants = constants
        self._res_length = res_length

    @classmethod
    def from_op(cls, k: bytes, op: bytes) -> Milenage:
        """Return Milenage for an OP that is not yet bound to the key."""
        return cls(k, derive_opc(k, op))

    def f1(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """Return MAC-A."""
        return self._out1(rand, sqn, amf)[:8]

    def f1_star(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """Return MAC-S."""
        return self._out1(rand, sqn, amf)[8:]

    def f2345(self, rand: bytes) -> AkaKeys:
        """Return RES, CK, IK and AK."""
        temp = self._temp(rand)
        second = self._out(temp, 2)
        return AkaKeys(
            res=second[8 : 8 + self._res_length],
            ck=self._out(temp, 3),
            ik=self._out(temp, 4),
            ak=second[:6],
        )

    def f5_star(self, rand: bytes) -> bytes:
        """Return the anonymity key of a resynchronisation."""
        return self._out(self._temp(rand), 5)[:6]

    def _temp(self, rand: bytes) -> bytes:
        check_inputs(rand)
        return self._aes.block(xor(rand, self._opc))

    def _out1(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        check_inputs(rand, sqn, amf)
        rotated = _rotate(xor((sqn + amf) * 2, self._opc), self._rotations[0])
        mixed = xor(xor(self._temp(rand), rotated), self._constants[0])
        return xor(self._aes.block(mixed), self._opc)

    def _out(self, temp: bytes, number: int) -> bytes:
        rotated = _rotate(xor(temp, self._opc), self._rotations[number - 1])
        return xor(self._aes.block(xor(rotated, self._constants[number - 1])), self._opc)


def derive_opc(k: bytes, op: bytes) -> bytes:
    """Return OPc, 16 bytes, from an operator's OP and a key (TS 35.206, 4.1)."""
    if len(k) != 16 or len(op) != 16:
        raise CodecError("Milenage has a key and an OP of 16 bytes each")
    return xor(BlockCipher(k).block(op), op)


def _rotate(block: bytes, bits: int) -> bytes:
    value = int.from_bytes(block, "big")
    return ((value << bits | value >> (_BITS - bits)) & _MASK).to_bytes(16, "big")
