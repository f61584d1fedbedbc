"""What an SM-DP may send through the SM-SR (ES3.SendData), and for which ISD-P it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hil.errors import CodecError
from hil.provisioning.es_status import FunctionStatus, refusal
from hil.wire import dgi, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.command_script import C_APDU, SECURED_OBJECTS
from hil.wire.tlv import Tlv

MAX_DATA: Final = 262_144
INSTALL: Final = 0xE6
FOR_PERSONALIZATION: Final = 0x20
STORE_DATA: Final = 0xE2
_ESTABLISHMENT: Final = frozenset({0x3A01, 0x3A02, 0x7F49, 0x5F37})
"""Data groupings of EstablishISDPKeySet (SGP.02, 4.1.3.1)."""


def parse_data(data: bytes) -> tuple[Tlv, ...]:
    """Return the objects of SendData: command APDUs (22) and SCP03t objects (84 to 87)."""
    if not data or len(data) > MAX_DATA:
        raise refusal(
            FunctionStatus.DATA_INVALID, f"SendData has {len(data)} bytes; 1 to {MAX_DATA} can go"
        )
    try:
        items = tlv.decode_all(data)
        for item in items:
            if item.tag == C_APDU:
                CommandApdu.decode(item.value)
            elif item.tag not in SECURED_OBJECTS:
                raise CodecError(f"object {item.tag:02X} is neither a command nor SCP03t")
    except CodecError as err:
        raise refusal(FunctionStatus.DATA_INVALID, f"SendData: {err}") from err
    return items


def check_for_isd_r(items: Sequence[Tlv]) -> bytes | None:
    """Return the AID of the ISD-P that commands to the ISD-R are for; None: the one before.

    An SM-DP may have an own ISD-P personalised through the ISD-R, and nothing else: INSTALL [for
    personalization], then STORE DATA with the groupings of a key establishment. STORE DATA alone
    goes on with the sequence that the SendData before began.
    """
    try:
        commands = [CommandApdu.decode(item.value) for item in items if item.tag == C_APDU]
        if len(commands) != len(items):
            raise CodecError("only INSTALL [for personalization] and STORE DATA may go there")
        aid = None
        if commands[0].ins == INSTALL:
            aid = _personalised(commands.pop(0))
        data = b"".join(_stored(command) for command in commands)
        if not data:
            raise CodecError("STORE DATA is missing")
        strange = {group.tag for group in dgi.decode_all(data)} - _ESTABLISHMENT
        if strange:
            raise CodecError(f"data grouping {min(strange):04X} is not one of a key establishment")
    except CodecError as err:
        raise refusal(FunctionStatus.DATA_NOT_ALLOWED, f"SendData to the ISD-R: {err}") from err
    return aid


def _personalised(command: CommandApdu) -> bytes:
    if (command.ins, command.p1, command.p2) != (INSTALL, FOR_PERSONALIZATION, 0):
        raise CodecError("the first command is not INSTALL [for personalization]")
    data = command.data
    if len(data) < 3 or data[:2] != b"\x00\x00" or len(data) != data[2] + 6:
        raise CodecError("INSTALL [for personalization] names no application")
    return data[3 : 3 + data[2]]


def _stored(command: CommandApdu) -> bytes:
    if command.ins != STORE_DATA:
        raise CodecError(f"instruction {command.ins:02X} is not STORE DATA")
    return command.data
