"""The test algorithm of test USIMs: exclusive or with the key (3GPP TS 34.108, 8.1.2).

It protects nothing. Test profiles have it so that a test network needs no secret.
"""

from __future__ import annotations

from typing import Final

from hil.errors import CodecError
from hil.wire.aka.algorithm import AkaKeys, check_inputs, xor

AMF_RESYNCH: Final = b"\xff\xff"
"""An AMF with which a test network asks a test USIM for a resynchronisation (recollected)."""

_SHORTEST_RES: Final = 4
_LONGEST_RES: Final = 16


class XorTestAlgorithm:
    """The test algorithm with one key of 16 bytes; ``res_length``: bytes of RES, 4 to 16."""

    def __init__(self, k: bytes, *, res_length: int = _LONGEST_RES) -> None:
        if len(k) != 16:
            raise CodecError("the test algorithm has a key of 16 bytes")
        if not _SHORTEST_RES <= res_length <= _LONGEST_RES:
            raise CodecError(f"RES of the test algorithm has 4 to 16 bytes, not {res_length}")
        self._k = k
        self._res_length = res_length

    def f1(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """Return MAC-A, and MAC-S alike."""
        check_inputs(rand, sqn, amf)
        return xor(self._xdout(rand)[:8], sqn + amf)

    def f1_star(self, rand: bytes, sqn: bytes, amf: bytes) -> bytes:
        """Return MAC-S."""
        return self.f1(rand, sqn, amf)

    def f2345(self, rand: bytes) -> AkaKeys:
        """Return RES, CK, IK and AK."""
        out = self._xdout(rand)
        return AkaKeys(
            res=out[: self._res_length], ck=out[1:] + out[:1], ik=out[2:] + out[:2], ak=out[3:9]
        )

    def f5_star(self, rand: bytes) -> bytes:
        """Return the anonymity key of a resynchronisation: AK."""
        return self._xdout(rand)[3:9]

    def _xdout(self, rand: bytes) -> bytes:
        check_inputs(rand)
        return xor(self._k, rand)
