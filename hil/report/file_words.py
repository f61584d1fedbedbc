"""Commands on files, PINs and channels in words (ETSI TS 102 221, 11; TS 102 222, 6)."""

from __future__ import annotations

from typing import Final

from hil.report.command import Command
from hil.report.object_words import application, is_blank, size
from hil.wire.current_files import Place
from hil.wire.identifiers import decode_iccid
from hil.wire.instructions import instruction_name

_MODES: Final = {0x02: "next record", 0x03: "previous record"}
_REFERENCES: Final = {0x01: "PIN1", 0x81: "PIN2", 0x11: "universal PIN"}
_ICCID: Final = "EF.ICCID"
_UNKNOWN: Final = "a file that nobody saw selected"


def pin(reference: int) -> str:
    """Return the name of a key reference (ETSI TS 102 221, 9.5.1, table 9.3)."""
    if reference in _REFERENCES:
        return _REFERENCES[reference]
    number = reference & 0x7F
    if 0x01 <= number <= 0x08:
        return f"{'PIN2' if reference & 0x80 else 'PIN'} of application {number}"
    if 0x0A <= number <= 0x0E:
        return f"ADM{number - 0x09 + (5 if reference >= 0x80 else 0)}"
    return f"key reference {reference:02X}"


def select(command: Command, place: Place) -> str:
    """Name what is selected."""
    if command.p1 == 0x04:
        ending = ", the session ends" if command.p2 & 0x60 == 0x40 else ""
        return f"SELECT {application(command.data)}{ending}"
    told = place.name
    if not told:
        return f"SELECT {command.data.hex().upper() or 'by unknown rules'}"
    return f"SELECT {told}"


def contents(command: Command, place: Place) -> str:
    """Name the file, and which bytes or record."""
    name = instruction_name(command.ins, command.cla)
    told = f"{name} {place.name if place.file is not None else _UNKNOWN}"
    if command.ins in (0xB0, 0xD6):
        offset = command.p2 if command.p1 & 0x80 else command.p1 << 8 | command.p2
        told += f" from {offset}" if offset else ""
    elif command.ins in (0xB2, 0xDC):
        mode = _MODES.get(command.p2 & 0x07)
        told += f", {mode}" if mode else f", record {command.p1 or 'current'}"
    writes = command.ins in (0xD6, 0xDC, 0xDB)
    data = command.data if writes else command.answer
    told += f", {size(len(data))}" if writes else ""
    if place.name == _ICCID and len(data) == 10 and not is_blank(data):
        told += f": ICCID {decode_iccid(data)}"
    return told


def of_pin(command: Command) -> str:
    """Name the PIN, and whether only the tries left were asked for."""
    name = instruction_name(command.ins, command.cla).removesuffix(" PIN")
    asks = " (how many tries are left)" if not command.data and command.ins in (0x20, 0x2C) else ""
    return f"{name} {pin(command.p2)}{asks}"


def manage_channel(command: Command) -> str:
    """Name the channel that is opened or closed."""
    if command.p1 & 0x80:
        return f"MANAGE CHANNEL: close {command.p2 or command.channel}"
    number = command.p2 or (command.answer[0] if len(command.answer) == 1 else 0)
    return f"MANAGE CHANNEL: open {number or 'any'}"


def status(place: Place) -> str:
    """Name where the channel is."""
    return f"STATUS of {place.name}" if place.name else "STATUS"


def authenticate(command: Command) -> str:
    """Name the context."""
    contexts = {0x00: "GSM context", 0x01: "3G context", 0x02: "VGCS/VBS context", 0x04: "GBA"}
    return f"AUTHENTICATE, {contexts.get(command.p2 & 0x7F, f'P2 {command.p2:02X}')}"
