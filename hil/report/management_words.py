"""Card management in words: GlobalPlatform commands and the functions of SGP.02 that they carry."""

from __future__ import annotations

from typing import Final

from hil.report.command import Command
from hil.report.object_words import application, groupings, is_blank, objects, size
from hil.wire.data_names import INSTALL_WAYS, SCP03T, STATUS_OF, tag_name
from hil.wire.identifiers import decode_eid

_LEVELS: Final = ((0x01, "C-MAC"), (0x02, "C-DECRYPTION"), (0x10, "R-MAC"), (0x20, "R-ENCRYPTION"))
_INSTALL_FIELDS: Final = 3


def initialize_update(command: Command) -> str:
    """Name key set, protocol and counter, as far as the answer tells them."""
    told = f"INITIALIZE UPDATE, key version {command.p1:02X}"
    answer = command.answer
    if len(answer) < 13:
        return told
    if answer[11] == 0x03:
        counter = f", counter {answer[-3:].hex().upper()}" if len(answer) in (32, 48) else ""
        return f"{told}: key set {answer[10]:02X}, SCP03 i={answer[12]:02X}{counter}"
    return f"{told}: key set {answer[10]:02X}, SCP{answer[11]:02X}"


def external_authenticate(command: Command) -> str:
    """Name the level of security."""
    levels = [name for bit, name in _LEVELS if command.p1 & bit]
    return f"EXTERNAL AUTHENTICATE, {' + '.join(levels) or 'no secure messaging'}"


def get_data(command: Command) -> str:
    """Name the object asked for, and the identity in the answer."""
    tag = command.p1 << 8 | command.p2
    told = f"GET DATA {tag_name(tag)}"
    asked = objects(command.data)
    if asked:
        told += f" ({asked})"
    raw = command.answer
    if tag == 0x5A and len(raw) in (16, 18):
        return f"{told}: EID {decode_eid(raw[-16:])}"
    return told


def store_data(command: Command) -> str:
    """Name block, groupings or objects, and segments of a profile."""
    place = f"block {command.p2}{', last' if command.p1 & 0x80 else ''}"
    if command.secured or is_blank(command.data):
        inside = ""
    elif command.p1 & 0x18 == 0x08:
        inside = groupings(command.data)
    else:
        inside = _segment(command.data) or objects(command.data)
    return f"STORE DATA {place}" + (f": {inside}" if inside else f", {size(len(command.data))}")


def _segment(data: bytes) -> str:
    name = SCP03T.get(data[0]) if data else None
    if name is None:
        return ""
    length = data[1] if len(data) > 1 else 0
    if length & 0x80:
        length = int.from_bytes(data[2 : 2 + (length & 0x7F)], "big")
    return f"{data[0]:02X} {name}, {size(length)}"


def install(command: Command) -> str:
    """Name what to install, and how."""
    ways = [name for bit, name in INSTALL_WAYS if command.p1 & bit]
    told = f"INSTALL [for {', '.join(ways) or 'nothing'}]"
    if command.secured or is_blank(command.data):
        return told
    fields: list[bytes] = []
    at = 0
    while len(fields) < _INSTALL_FIELDS and at < len(command.data):
        length = command.data[at]
        fields.append(command.data[at + 1 : at + 1 + length])
        at += 1 + length
    names = [application(one) for one in fields if len(one) >= 5]
    return f"{told} {names[-1]}" if names else told


def delete(command: Command) -> str:
    """Name what is deleted."""
    inside = "" if command.secured else objects(command.data)
    return f"DELETE {inside}" if inside else "DELETE"


def put_key(command: Command) -> str:
    """Name the key set and its first key."""
    more = ", several keys" if command.p2 & 0x80 else ""
    return f"PUT KEY, version {command.p1 & 0x7F:02X}, key {command.p2 & 0x7F:02X}{more}"


def get_status(command: Command) -> str:
    """Name what is listed."""
    inside = "" if command.secured else objects(command.data)
    told = f"GET STATUS of {STATUS_OF.get(command.p1, f'{command.p1:02X}')}"
    return f"{told} ({inside})" if inside else told


def set_status(command: Command) -> str:
    """Name the application and the new state."""
    aid = "" if command.secured or not command.data else f" of {application(command.data)}"
    return f"SET STATUS{aid} to {command.p2:02X}"


def load(command: Command) -> str:
    """Name the block."""
    return f"LOAD block {command.p2}{', last' if command.p1 & 0x80 else ''}"
