"""Toolkit traffic in words: ENVELOPE with its packets, proactive commands and their answers.

ETSI TS 102 223 (6, 7, 8), 3GPP TS 31.115 (packets in short messages), ETSI TS 102 225 (SCP80).
"""

from __future__ import annotations

from typing import Final

from hil.errors import CodecError
from hil.report.command import Command
from hil.report.object_words import application, size
from hil.wire import cat, tlv
from hil.wire.cat_values import CommandType, Refresh, Result
from hil.wire.identifiers import ECASD_TAR, ISD_R_TAR, MNO_SD_TAR, isd_p_aid
from hil.wire.scp80 import CommandHeader
from hil.wire.sms_parts import Part, read_part
from hil.wire.sms_tpdu import SmsDeliver, SmsSubmit

_ENVELOPES: Final = {
    0xD1: "SMS-PP DOWNLOAD",
    0xD2: "CELL BROADCAST DOWNLOAD",
    0xD3: "MENU SELECTION",
    0xD4: "CALL CONTROL",
    0xD5: "MO SHORT MESSAGE CONTROL",
    0xD6: "EVENT DOWNLOAD",
    0xD7: "TIMER EXPIRATION",
}
_EVENTS: Final = {0x03: "location status", 0x09: "data available", 0x0A: "channel status"}
_EVENT_LIST: Final = 0x99
_TARS: Final = {ISD_R_TAR: "ISD-R", ECASD_TAR: "ECASD", MNO_SD_TAR: "MNO-SD"}


def envelope(command: Command) -> str:
    """Name the envelope; of a short message the packet in it."""
    data = command.data
    told = f"ENVELOPE {_ENVELOPES.get(data[0], f'{data[0]:02X}')}" if data else "ENVELOPE"
    objects = _objects(data)
    if data[:1] == b"\xd1":
        tpdu = cat.find_object(objects, cat.SMS_TPDU)
        return told + (f": {_delivered(tpdu)}" if tpdu else "")
    event = cat.find_object(objects, _EVENT_LIST)
    if event:
        return f"{told}: {_EVENTS.get(event[0], f'event {event[0]:02X}')}"
    return told


def fetch(command: Command) -> str:
    """Name the proactive command that was fetched."""
    told = proactive(command.answer)
    return f"FETCH: {told}" if told else "FETCH"


def proactive(raw: bytes) -> str:
    """Name a proactive command, "" for anything else."""
    try:
        found = cat.ProactiveCommand.decode(raw)
    except CodecError:
        return ""
    kind, qualifier = found.kind, found.details.qualifier
    name = _command_name(kind)
    if kind == CommandType.REFRESH and qualifier in set(Refresh):
        return f"{name}, {_words(Refresh(qualifier).name)}"
    if kind == CommandType.SEND_SHORT_MESSAGE:
        tpdu = cat.find_object(found.objects, cat.SMS_TPDU)
        return f"{name}: {_submitted(tpdu)}" if tpdu else name
    return name


def terminal_response(command: Command) -> str:
    """Name the command that is answered, and the result."""
    objects = _objects(command.data)
    details = cat.find_object(objects, cat.COMMAND_DETAILS) or b""
    result = cat.find_object(objects, cat.RESULT) or b""
    told = "TERMINAL RESPONSE"
    if len(details) == 3:
        told += f" to {_command_name(details[1])}"
    if result:
        name = _words(Result(result[0]).name) if result[0] in set(Result) else ""
        told += f": {name or f'result {result[0]:02X}'}"
    return told


def _command_name(kind: int) -> str:
    if kind in set(CommandType):
        return CommandType(kind).name.replace("_", " ")
    return f"proactive command {kind:02X}"


def _words(name: str) -> str:
    return name.lower().replace("_", " ")


def _objects(data: bytes) -> tuple[tlv.Tlv, ...]:
    try:
        if data[:1] and 0xCF <= data[0] <= 0xE4:
            data = tlv.decode_one(data)[0].value
        return tlv.decode_all(data)
    except CodecError:
        return ()


def _delivered(tpdu: bytes) -> str:
    try:
        return _packet(SmsDeliver.decode(tpdu).user_data)
    except CodecError:
        return size(len(tpdu))


def _submitted(tpdu: bytes) -> str:
    try:
        return _packet(SmsSubmit.decode(tpdu).user_data)
    except CodecError:
        return size(len(tpdu))


def _packet(user_data: bytes) -> str:
    part = read_part(user_data)
    if part.total > 1:
        told = f"part {part.place} of {part.total} of a secured packet"
        return f"{told} {_header(part, whole=False)}".rstrip()
    return f"secured {part.kind or 'unknown'} packet {_header(part, whole=True)}".rstrip()


def _header(part: Part, *, whole: bool) -> str:
    raw = part.payload
    if part.kind == "response":
        return f"from {_tar(raw[3:6])}" if len(raw) >= 6 else ""
    if part.kind != "command" or len(raw) < 10:
        return ""
    told = f"to {_tar(raw[7:10])}, SPI {raw[3:5].hex().upper()}, KIc {raw[5]:02X}, KID {raw[6]:02X}"
    if not whole:
        return told
    flags = CommandHeader.decode(raw).parameters.flags
    return f"{told}, {'enciphered' if flags.ciphered else 'not enciphered'}"


def _tar(tar: bytes) -> str:
    number = int.from_bytes(tar, "big")
    name = _TARS.get(tar) or (application(isd_p_aid(number)) if 0x10 <= number <= 0xFFFF else "")
    return f"{name} (TAR {tar.hex().upper()})" if name else f"TAR {tar.hex().upper()}"
