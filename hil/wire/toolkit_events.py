"""ENVELOPE for events and timers: what the terminal reports to the card (ETSI TS 102 223)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from hil.errors import CodecError
from hil.wire import bip, cat, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.bip import ChannelStatus
from hil.wire.cat_values import Device

EVENT_DOWNLOAD: Final = 0xD6
TIMER_EXPIRATION: Final = 0xD7


class Event(IntEnum):
    """Events in use here (TS 102 223, 8.25)."""

    LOCATION_STATUS = 0x03
    DATA_AVAILABLE = 0x09
    CHANNEL_STATUS = 0x0A


@dataclass(frozen=True, slots=True)
class ToolkitEvent:
    """An event by its number; ``status`` for those of channels, ``available`` bytes that wait."""

    kind: int
    status: ChannelStatus | None = None
    available: int = 0


def data_available(status: ChannelStatus, available: int) -> CommandApdu:
    """Return ENVELOPE (EVENT DOWNLOAD - data available)."""
    length = tlv.encode(bip.CHANNEL_DATA_LENGTH, bytes((min(available, bip.MORE_THAN_255),)))
    return _event(Event.DATA_AVAILABLE, status.encode() + length)


def channel_status(status: ChannelStatus) -> CommandApdu:
    """Return ENVELOPE (EVENT DOWNLOAD - channel status)."""
    return _event(Event.CHANNEL_STATUS, status.encode())


def timer_expiration(timer: int, seconds: int) -> CommandApdu:
    """Return ENVELOPE (TIMER EXPIRATION); ``seconds`` have really passed."""
    body = tlv.encode(cat.DEVICE_IDENTITIES, bytes((Device.TERMINAL, Device.UICC)))
    body += tlv.encode(bip.TIMER_IDENTIFIER, bytes((timer,)))
    body += tlv.encode(bip.TIMER_VALUE, bip.encode_time(seconds))
    return _envelope(TIMER_EXPIRATION, body)


def parse_event(command: CommandApdu) -> ToolkitEvent:
    """Read ENVELOPE (EVENT DOWNLOAD)."""
    objects = _objects(command, EVENT_DOWNLOAD)
    kind = cat.require_object(objects, bip.EVENT_LIST, "EVENT DOWNLOAD")
    if len(kind) != 1:
        raise CodecError("EVENT DOWNLOAD reports one event at a time")
    if kind[0] not in (Event.DATA_AVAILABLE, Event.CHANNEL_STATUS):
        return ToolkitEvent(kind[0])
    status = bip.status_of(objects)
    available = bip.length_of(objects) if kind[0] == Event.DATA_AVAILABLE else 0
    return ToolkitEvent(kind[0], status, available)


def parse_timer(command: CommandApdu) -> int:
    """Return the timer whose expiration an ENVELOPE reports."""
    objects = _objects(command, TIMER_EXPIRATION)
    timer = cat.require_object(objects, bip.TIMER_IDENTIFIER, "TIMER EXPIRATION")
    if len(timer) != 1:
        raise CodecError("a timer identifier has 1 byte")
    return timer[0]


def _objects(command: CommandApdu, tag: int) -> tuple[tlv.Tlv, ...]:
    whole, rest = tlv.decode_one(command.data)
    if whole.tag != tag or rest:
        raise CodecError(f"ENVELOPE {whole.tag:02X} is not the one object {tag:02X}")
    return whole.children()


def _event(kind: Event, more: bytes) -> CommandApdu:
    body = tlv.encode(bip.EVENT_LIST, bytes((kind,)))
    body += tlv.encode(cat.DEVICE_IDENTITIES, bytes((Device.TERMINAL, Device.UICC)))
    return _envelope(EVENT_DOWNLOAD, body + more)


def _envelope(tag: int, body: bytes) -> CommandApdu:
    return CommandApdu(cat.TOOLKIT_CLA, cat.INS_ENVELOPE, 0, 0, tlv.encode(tag, body))
