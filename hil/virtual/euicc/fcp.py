"""FCP templates, the answers to SELECT and STATUS (ETSI TS 102 221, 11.1.1.3)."""

from __future__ import annotations

from typing import Final

from hil.virtual.euicc.files import CURRENT_ADF_ID, Df, Ef, Structure
from hil.wire import tlv

_DF_DESCRIPTOR: Final = b"\x78\x21"
_CHARACTERISTICS: Final = bytes.fromhex("800171")
_TERMINAL_CAPABILITY: Final = bytes.fromhex("870101")


def template(file: Df | Ef, *, free: int) -> bytes:
    """Return the template ``62`` of a file; ``free`` is the available memory in bytes."""
    return _directory(file, free) if isinstance(file, Df) else _elementary(file)


def _directory(file: Df, free: int) -> bytes:
    if file.parent is None:
        proprietary = _CHARACTERISTICS + b"\x83\x04" + free.to_bytes(4, "big")
        proprietary += _TERMINAL_CAPABILITY
    elif file.name:
        proprietary = _CHARACTERISTICS
    else:
        proprietary = b""
    fid = CURRENT_ADF_ID if file.name else file.fid
    body = tlv.encode(0x82, _DF_DESCRIPTOR) + tlv.encode(0x83, fid.to_bytes(2, "big"))
    if file.name:
        body += tlv.encode(0x84, file.name)
    if proprietary:
        body += tlv.encode(0xA5, proprietary)
    body += tlv.encode(0x8A, bytes((file.life_cycle,))) + tlv.encode(0x8B, file.security)
    return tlv.encode(0x62, body + tlv.encode(0xC6, _pin_status(file)))


def _elementary(file: Ef) -> bytes:
    descriptor = bytes((file.structure, 0x21))
    if file.structure.has_records:
        descriptor += file.record_length.to_bytes(2, "big") + bytes((file.records,))
    body = tlv.encode(0x82, descriptor) + tlv.encode(0x83, file.fid.to_bytes(2, "big"))
    special = tlv.encode(0xC0, bytes((file.special,))) if file.special else b""
    if file.structure is Structure.BER_TLV:
        special += bytes.fromhex("840101")
    if special:
        body += tlv.encode(0xA5, special)
    body += tlv.encode(0x8A, bytes((file.life_cycle,))) + tlv.encode(0x8B, file.security)
    size = len(file.content)
    body += tlv.encode(0x80, size.to_bytes(max(2, (size.bit_length() + 7) // 8), "big"))
    body += tlv.encode(0x88, b"" if file.sfi is None else bytes((file.sfi << 3,)))
    return tlv.encode(0x62, body)


def _pin_status(file: Df) -> bytes:
    """Return PS_DO and the key references; key 11 stands behind its usage qualifier."""
    state_bytes = max(1, (len(file.pins) + 7) // 8)
    states = tlv.encode(0x90, file.pin_states.to_bytes(state_bytes, "big"))
    for key in file.pins:
        states += (bytes.fromhex("950108") if key == 0x11 else b"") + bytes((0x83, 1, key))
    return states
