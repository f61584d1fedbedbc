"""The answer to reset, read: ISO/IEC 7816-3, section 8.2; ETSI TS 102 221, section 6.3."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import xor
from typing import Final

from hil.errors import CodecError

_LONGEST: Final = 33
_CONVENTIONS: Final = {0x3B: "direct", 0x3F: "inverse"}
_GLOBAL: Final = 15
_CLASSES: Final = {0x01: "A (5 V)", 0x02: "B (3 V)", 0x04: "C (1.8 V)"}


@dataclass(frozen=True, slots=True)
class Atr:
    """One answer to reset. ``protocols``: numbers in the order offered, 15 (global bytes) left out.

    ``classes``: the supply voltages offered, empty if the card does not say. ``euicc``: b2 of the
    second global TB after T=15, which an eUICC sets (ETSI TS 102 221, 6.3.3); ``None`` without it.
    """

    raw: bytes
    convention: str
    protocols: tuple[int, ...]
    historical: bytes
    classes: tuple[str, ...]
    euicc: bool | None

    def describe(self) -> str:
        """Return one line for a reader."""
        protocols = ", ".join(f"T={one}" for one in self.protocols)
        parts = [protocols, f"{self.convention} convention"]
        if self.classes:
            parts.append("classes " + ", ".join(self.classes))
        if self.euicc:
            parts.append("eUICC functions")
        if self.historical:
            parts.append(f"historical bytes {self.historical.hex().upper()}")
        return "; ".join(parts)


def decode(raw: bytes) -> Atr:
    """Read an ATR; :class:`CodecError` where it breaks off, goes on, or has a wrong check byte."""
    if len(raw) > _LONGEST or len(raw) < 2 or raw[0] not in _CONVENTIONS:
        raise CodecError("an ATR begins with 3B or 3F and has 2 to 33 bytes")
    historical, marks, at = raw[1] & 0x0F, raw[1] >> 4, 2
    offered: list[int] = []
    about = 0
    global_bytes: dict[str, int] = {}
    while marks:
        for bit, name in ((0x1, "TA"), (0x2, "TB"), (0x4, "TC"), (0x8, "TD")):
            if not marks & bit:
                continue
            if at >= len(raw):
                raise CodecError(f"ATR is cut off in its interface bytes, after {at} bytes")
            if about == _GLOBAL:
                global_bytes.setdefault(name, raw[at])
            at += 1
        if not marks & 0x8:
            break
        marks, about = raw[at - 1] >> 4, raw[at - 1] & 0x0F
        offered.append(about)
    end = at + historical
    protocols = tuple(dict.fromkeys(one for one in offered if one != _GLOBAL)) or (0,)
    # TCK is there unless T=0 alone is offered (8.2.5).
    checked = any(offered)
    if len(raw) != end + checked:
        raise CodecError(f"ATR has {len(raw)} bytes where it announces {end + checked}")
    if checked and reduce(xor, raw[1:], 0):
        raise CodecError("the check byte TCK of the ATR is wrong")
    supply, functions = global_bytes.get("TA"), global_bytes.get("TB")
    return Atr(
        raw=bytes(raw),
        convention=_CONVENTIONS[raw[0]],
        protocols=protocols,
        historical=bytes(raw[at:end]),
        classes=tuple(text for bit, text in _CLASSES.items() if supply and supply & bit),
        euicc=None if functions is None else bool(functions & 0x02),
    )
