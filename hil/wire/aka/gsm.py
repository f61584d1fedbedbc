"""2G keys from 3G ones: the conversion functions c2 and c3 (3GPP TS 33.102, 6.8.1.2)."""

from __future__ import annotations

from hil.wire.aka.algorithm import AkaKeys, xor


def gsm_sres(keys: AkaKeys) -> bytes:
    """Return SRES, 4 bytes (c2): the words of RES, filled up to 16 bytes, one upon the other."""
    res = keys.res[:16].ljust(16, b"\x00")
    return xor(xor(res[:4], res[4:8]), xor(res[8:12], res[12:]))


def gsm_kc(keys: AkaKeys) -> bytes:
    """Return Kc, 8 bytes (c3)."""
    ck, ik = keys.ck[:16], keys.ik[:16]
    return xor(xor(ck[:8], ck[8:]), xor(ik[:8], ik[8:]))
