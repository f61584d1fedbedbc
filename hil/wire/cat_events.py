"""The event "location status" of the card application toolkit (ETSI TS 102 223)."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from hil.errors import CodecError
from hil.wire import tlv
from hil.wire.apdu import CommandApdu
from hil.wire.cat import INS_ENVELOPE, TOOLKIT_CLA
from hil.wire.cat_values import Device

EVENT_DOWNLOAD: Final = 0xD6
_DEVICES, _EVENTS, _LOCATION_STATUS = 0x82, 0x99, 0x9B
_COMPREHENSION: Final = 0x80


class Event(IntEnum):
    """Events in use here."""

    LOCATION_STATUS = 0x03


class Service(IntEnum):
    """Location status: what service the terminal has."""

    NORMAL = 0x00
    LIMITED = 0x01
    NONE = 0x02


def location_status(service: int) -> CommandApdu:
    """Return ENVELOPE (EVENT DOWNLOAD, location status)."""
    body = tlv.encode(_EVENTS, bytes((Event.LOCATION_STATUS,)))
    body += tlv.encode(_DEVICES, bytes((Device.TERMINAL, Device.UICC)))
    body += tlv.encode(_LOCATION_STATUS, bytes((service,)))
    return CommandApdu(TOOLKIT_CLA, INS_ENVELOPE, 0, 0, tlv.encode(EVENT_DOWNLOAD, body))


def read_location_status(command: CommandApdu) -> int | None:
    """Return the service that an EVENT DOWNLOAD reports, ``None`` if it reports something else."""
    whole, rest = tlv.decode_one(command.data)
    if whole.tag != EVENT_DOWNLOAD or rest:
        raise CodecError("the ENVELOPE is no single EVENT DOWNLOAD (D6)")
    found = {one.tag | _COMPREHENSION: one.value for one in whole.children()}
    if found.get(_EVENTS) != bytes((Event.LOCATION_STATUS,)):
        return None
    status = found.get(_LOCATION_STATUS)
    if status is None or len(status) != 1:
        raise CodecError("event location status lacks its status of one byte")
    return status[0]
