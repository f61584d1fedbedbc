"""FCP templates, the answers to SELECT and STATUS (ETSI TS 102 221, 11.1.1.3)."""

from __future__ import annotations

from typing import Final, Protocol

from hil.virtual.euicc.files import CURRENT_ADF_ID, Df, Ef, Structure
from hil.virtual.euicc.pin_store import UNIVERSAL
from hil.wire import tlv

_DF_DESCRIPTOR: Final = b"\x78\x21"
_CHARACTERISTICS: Final = bytes.fromhex("800171")
_TERMINAL_CAPABILITY: Final = bytes.fromhex("870101")


class PinStates(Protocol):
    """What a PIN status template tells about the PINs that a DF names."""

    def enabled(self, df: Df, reference: int) -> bool:
        """Whether a PIN is enabled."""

    def stands_in(self, df: Df) -> bool:
        """Whether the universal PIN stands in for a disabled one."""


def template(file: Df | Ef, *, free: int, pins: PinStates | None = None) -> bytes:
    """Return the template ``62`` of a file; ``free`` is the available memory in bytes.

    Without ``pins`` the PIN states are those of the moment the file was made.
    """
    return _directory(file, free, pins) if isinstance(file, Df) else _elementary(file, free)


def _directory(file: Df, free: int, pins: PinStates | None) -> bytes:
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
    return tlv.encode(0x62, body + tlv.encode(0xC6, _pin_status(file, pins)))


def _elementary(file: Ef, free: int) -> bytes:
    descriptor = bytes((file.structure, 0x21))
    if file.structure.has_records:
        descriptor += file.record_length.to_bytes(2, "big") + bytes((file.records,))
    body = tlv.encode(0x82, descriptor) + tlv.encode(0x83, file.fid.to_bytes(2, "big"))
    special = tlv.encode(0xC0, bytes((file.special,))) if file.special else b""
    if file.structure is Structure.BER_TLV:
        special += _data_objects(file, free)
    if special:
        body += tlv.encode(0xA5, special)
    body += tlv.encode(0x8A, bytes((file.life_cycle,))) + tlv.encode(0x8B, file.security)
    body += tlv.encode(0x80, _size(max(len(file.content), file.reserved)))
    body += tlv.encode(0x88, b"" if file.sfi is None else bytes((file.sfi << 3,)))
    return tlv.encode(0x62, body)


def _data_objects(file: Ef, free: int) -> bytes:
    """Return what A5 tells of a BER-TLV file: room left, coding, reserved and largest size."""
    used = len(file.content)
    room = max(0, file.reserved - used) + free
    if file.maximum:
        room = min(room, file.maximum - used)
    parts = tlv.encode(0x83, _size(max(0, room))) + bytes.fromhex("840101")
    parts += tlv.encode(0x85, _size(file.reserved))
    return parts + (tlv.encode(0x86, _size(file.maximum)) if file.maximum else b"")


def _size(size: int) -> bytes:
    return size.to_bytes(max(2, (size.bit_length() + 7) // 8), "big")


def _pin_status(file: Df, pins: PinStates | None) -> bytes:
    """Return PS_DO and the key references; the universal PIN stands behind its usage qualifier."""
    width = 8 * max(1, (len(file.pins) + 7) // 8)
    bits, replaces = file.pin_states, True
    if pins is not None:
        enabled = (pins.enabled(file, key) for key in file.pins)
        bits = sum(1 << (width - 1 - place) for place, one in enumerate(enabled) if one)
        replaces = pins.stands_in(file)
    states = tlv.encode(0x90, bits.to_bytes(width // 8, "big"))
    for key in file.pins:
        usage = bytes((0x95, 1, 0x08 if replaces else 0x00)) if key == UNIVERSAL else b""
        states += usage + bytes((0x83, 1, key))
    return states
