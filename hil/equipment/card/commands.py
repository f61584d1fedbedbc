"""Commands of ETSI TS 102 221 that a bench sends to a card, as APDUs."""

from __future__ import annotations

from typing import Final

from hil.wire.apdu import CommandApdu

MF: Final = 0x3F00
CURRENT_ADF: Final = 0x7FFF
_RETURN_FCP: Final = 0x04
_FIRST_BLOCK: Final = 0x80
_UNIVERSAL_PIN: Final = 0x11


def select_file(file_id: int, *, channel: int = 0) -> CommandApdu:
    """Return SELECT by file id, FCP template wanted (11.1.1)."""
    command = CommandApdu(0x00, 0xA4, 0x00, _RETURN_FCP, file_id.to_bytes(2, "big"), 256)
    return command.on_channel(channel)


def select_application(aid: bytes, *, channel: int = 0) -> CommandApdu:
    """Return SELECT by AID, FCP or FCI template wanted (11.1.1)."""
    return CommandApdu(0x00, 0xA4, 0x04, _RETURN_FCP, aid, 256).on_channel(channel)


def read_binary(length: int, offset: int = 0, *, channel: int = 0) -> CommandApdu:
    """Return READ BINARY of 1 to 256 bytes from an offset up to 7FFF (11.1.3)."""
    return CommandApdu(0x00, 0xB0, offset >> 8, offset & 0xFF, le=length).on_channel(channel)


def update_binary(data: bytes, offset: int = 0, *, channel: int = 0) -> CommandApdu:
    """Return UPDATE BINARY of up to 255 bytes (11.1.4)."""
    return CommandApdu(0x00, 0xD6, offset >> 8, offset & 0xFF, data).on_channel(channel)


def read_record(number: int, length: int, *, channel: int = 0) -> CommandApdu:
    """Return READ RECORD in absolute mode (11.1.5)."""
    return CommandApdu(0x00, 0xB2, number, 0x04, le=length).on_channel(channel)


def update_record(number: int, data: bytes, *, channel: int = 0) -> CommandApdu:
    """Return UPDATE RECORD in absolute mode (11.1.6)."""
    return CommandApdu(0x00, 0xDC, number, 0x04, data).on_channel(channel)


def get_data(tag: int, *, cla: int = 0x00) -> CommandApdu:
    """Return GET DATA of one data object (GlobalPlatform 11.3)."""
    return CommandApdu(cla, 0xCA, tag >> 8, tag & 0xFF, le=256)


def verify_pin(reference: int, pin: bytes) -> CommandApdu:
    """Return VERIFY PIN; the PIN is filled up to 8 bytes with FF (11.1.9)."""
    return CommandApdu(0x00, 0x20, 0x00, reference, _pin(pin))


def authenticate_3g(rand: bytes, autn: bytes) -> CommandApdu:
    """Return AUTHENTICATE in the 3G context (3GPP TS 31.102, 7.1)."""
    return CommandApdu(
        0x00, 0x88, 0x00, 0x81, bytes((len(rand),)) + rand + bytes((len(autn),)) + autn, 256
    )


def authenticate_gsm(rand: bytes) -> CommandApdu:
    """Return AUTHENTICATE in the 2G context (3GPP TS 31.102, 7.1)."""
    return CommandApdu(0x00, 0x88, 0x00, 0x80, bytes((len(rand),)) + rand, 256)


def open_channel() -> CommandApdu:
    """Return MANAGE CHANNEL open; the answer is the channel's number (11.1.17)."""
    return CommandApdu(0x00, 0x70, 0x00, 0x00, le=1)


def close_channel(channel: int) -> CommandApdu:
    """Return MANAGE CHANNEL close (11.1.17)."""
    return CommandApdu(0x00, 0x70, 0x80, channel)


def pin_state(reference: int) -> CommandApdu:
    """Return VERIFY PIN without a value, which tells the tries left (11.1.9)."""
    return CommandApdu(0x00, 0x20, 0x00, reference)


def change_pin(reference: int, old: bytes, new: bytes) -> CommandApdu:
    """Return CHANGE PIN (11.1.10)."""
    return CommandApdu(0x00, 0x24, 0x00, reference, _pin(old) + _pin(new))


def disable_pin(reference: int, pin: bytes, *, universal: bool = False) -> CommandApdu:
    """Return DISABLE PIN; with ``universal`` the universal PIN stands in for it (11.1.11)."""
    return CommandApdu(0x00, 0x26, 0x80 | _UNIVERSAL_PIN if universal else 0, reference, _pin(pin))


def enable_pin(reference: int, pin: bytes) -> CommandApdu:
    """Return ENABLE PIN (11.1.12)."""
    return CommandApdu(0x00, 0x28, 0x00, reference, _pin(pin))


def unblock_pin(reference: int, puk: bytes, new: bytes) -> CommandApdu:
    """Return UNBLOCK PIN (11.1.13)."""
    return CommandApdu(0x00, 0x2C, 0x00, reference, _pin(puk) + _pin(new))


def puk_state(reference: int) -> CommandApdu:
    """Return UNBLOCK PIN without values, which tells the tries of the PUK left (11.1.13)."""
    return CommandApdu(0x00, 0x2C, 0x00, reference)


def search_record(
    pattern: bytes, *, first: int = 1, backward: bool = False, channel: int = 0
) -> CommandApdu:
    """Return SEARCH RECORD, simple, from record ``first`` on (11.1.7)."""
    mode = 0x05 if backward else 0x04
    return CommandApdu(0x00, 0xA2, first, mode, pattern, 256).on_channel(channel)


def increase(added: bytes, *, channel: int = 0) -> CommandApdu:
    """Return INCREASE of the current cyclic file (11.1.8)."""
    return CommandApdu(0x80, 0x32, 0x00, 0x00, added, 256).on_channel(channel)


def retrieve_data(tag: int) -> CommandApdu:
    """Return RETRIEVE DATA, first block (11.3.1)."""
    raw = tag.to_bytes((tag.bit_length() + 7) // 8 or 1, "big")
    return CommandApdu(0x80, 0xCB, 0x00, _FIRST_BLOCK, raw, 256)


def retrieve_next() -> CommandApdu:
    """Return RETRIEVE DATA, next block (11.3.1)."""
    return CommandApdu(0x80, 0xCB, 0x00, 0x00, le=256)


def set_data(block: bytes, *, first: bool) -> CommandApdu:
    """Return SET DATA of one block; a tag alone deletes its object (11.3.2)."""
    return CommandApdu(0x80, 0xDB, 0x00, _FIRST_BLOCK if first else 0x00, block)


def activate_file() -> CommandApdu:
    """Return ACTIVATE FILE for the current EF (11.1.15)."""
    return CommandApdu(0x00, 0x44, 0x00, 0x00)


def deactivate_file() -> CommandApdu:
    """Return DEACTIVATE FILE for the current EF (11.1.14)."""
    return CommandApdu(0x00, 0x04, 0x00, 0x00)


def _pin(value: bytes) -> bytes:
    return value.ljust(8, b"\xff")
