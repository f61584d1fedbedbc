"""Bearer independent protocol: channels that the terminal opens for the card (ETSI TS 102 223).

Proactive commands and the data objects of their answers; events stand in
:mod:`hil.wire.toolkit_events`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from hil.errors import CodecError
from hil.wire import cat
from hil.wire.cat import CommandDetails, ProactiveCommand, TerminalResponse
from hil.wire.cat_values import CommandType, Device, Result
from hil.wire.tlv import Tlv

TIMER_IDENTIFIER: Final = 0xA4
TIMER_VALUE: Final = 0xA5
BEARER: Final = 0xB5
CHANNEL_DATA: Final = 0xB6
CHANNEL_DATA_LENGTH: Final = 0xB7
CHANNEL_STATUS: Final = 0xB8
BUFFER_SIZE: Final = 0xB9
TRANSPORT_LEVEL: Final = 0xBC
OTHER_ADDRESS: Final = 0xBE
NETWORK_ACCESS_NAME: Final = 0xC7
EVENT_LIST: Final = 0x99

TCP_CLIENT: Final = 0x02
DEFAULT_BEARER: Final = b"\x03"
FIRST_CHANNEL: Final = 0x21
LAST_CHANNEL: Final = 0x27
MAX_DATA: Final = 237
"""Bytes of channel data that fit a proactive command or terminal response of 255 bytes."""
MORE_THAN_255: Final = 0xFF
LINK_DROPPED: Final = 0x05
_SEND_IMMEDIATELY: Final = 0x01
_IMMEDIATE_LINK: Final = 0x01
_ADDRESS_TYPES: Final = {4: 0x21, 16: 0x57}
_DAY_S: Final = 24 * 3600
_LONGEST_LABEL: Final = 63


class BipError(IntEnum):
    """Additional information of result 3A (TS 102 223, 8.12.11)."""

    NO_CAUSE = 0x00
    NO_CHANNEL_AVAILABLE = 0x01
    CHANNEL_CLOSED = 0x02
    CHANNEL_INVALID = 0x03
    BUFFER_SIZE_NOT_AVAILABLE = 0x04
    SECURITY = 0x05
    TRANSPORT_NOT_AVAILABLE = 0x06
    REMOTE_NOT_REACHABLE = 0x07


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """Channel 1 to 7; whether its link stands; 05 in ``information`` for a link that dropped."""

    channel: int
    established: bool
    information: int = 0

    def value(self) -> bytes:
        """Return the value of the object."""
        first = (0x80 if self.established else 0) | self.channel
        return bytes((first, self.information))

    def encode(self) -> bytes:
        """Return the object."""
        return Tlv(CHANNEL_STATUS, self.value()).encode()

    @classmethod
    def decode(cls, value: bytes) -> Self:
        """Read the value of the object."""
        if len(value) != 2:
            raise CodecError(f"channel status has 2 bytes, not {len(value)}")
        return cls(value[0] & 0x07, bool(value[0] & 0x80), value[1])


@dataclass(frozen=True, slots=True)
class OpenChannel:
    """OPEN CHANNEL for a TCP client, or the same parameters in an administration request.

    ``address``: 4 or 16 bytes, absent in a request that does not say; ``bearer``: type and its
    parameters, 03 for the terminal's own; ``access_name``: dotted; ``port``: None as ``address``.
    """

    address: bytes | None
    port: int | None
    buffer_size: int | None = 1500
    bearer: bytes | None = DEFAULT_BEARER
    access_name: str | None = None
    protocol: int = TCP_CLIENT

    @property
    def host(self) -> str:
        """The address as text."""
        if self.address is None:
            raise CodecError("OPEN CHANNEL names no destination address")
        return str(ipaddress.ip_address(self.address))

    def objects(self) -> tuple[Tlv, ...]:
        """Return the data objects, in the order of the standard."""
        found: list[Tlv] = []
        if self.bearer is not None:
            found.append(Tlv(BEARER, self.bearer))
        if self.buffer_size is not None:
            found.append(Tlv(BUFFER_SIZE, self.buffer_size.to_bytes(2, "big")))
        if self.access_name is not None:
            found.append(Tlv(NETWORK_ACCESS_NAME, encode_access_name(self.access_name)))
        if self.port is not None:
            level = bytes((self.protocol,)) + self.port.to_bytes(2, "big")
            found.append(Tlv(TRANSPORT_LEVEL, level))
        if self.address is not None:
            if len(self.address) not in _ADDRESS_TYPES:
                raise CodecError(f"an address of {len(self.address)} bytes is neither IPv4 nor 6")
            kind = _ADDRESS_TYPES[len(self.address)]
            found.append(Tlv(OTHER_ADDRESS, bytes((kind,)) + self.address))
        return tuple(found)

    def encode(self, number: int) -> bytes:
        """Return the proactive command: the link is to stand before the terminal answers."""
        return _command(
            number, CommandType.OPEN_CHANNEL, _IMMEDIATE_LINK, Device.TERMINAL, self.objects()
        )

    @classmethod
    def of_objects(cls, objects: Iterable[Tlv]) -> Self:
        """Read the data objects; absent ones are None."""
        rows = tuple(objects)
        size = cat.find_object(rows, BUFFER_SIZE)
        level = cat.find_object(rows, TRANSPORT_LEVEL)
        other = cat.find_object(rows, OTHER_ADDRESS)
        name = cat.find_object(rows, NETWORK_ACCESS_NAME)
        if size is not None and len(size) != 2:
            raise CodecError("the buffer size of a channel has 2 bytes")
        if level is not None and len(level) != 3:
            raise CodecError("the transport level of a channel has 3 bytes")
        if other is not None and _ADDRESS_TYPES.get(len(other) - 1) != other[0]:
            raise CodecError("the destination address of a channel is neither IPv4 nor IPv6")
        return cls(
            address=None if other is None else other[1:],
            port=None if level is None else int.from_bytes(level[1:], "big"),
            buffer_size=None if size is None else int.from_bytes(size, "big"),
            bearer=cat.find_object(rows, BEARER),
            access_name=None if name is None else decode_access_name(name),
            protocol=TCP_CLIENT if level is None else level[0],
        )


def send_data(number: int, channel: int, data: bytes) -> bytes:
    """Return SEND DATA, to be sent at once and not stored."""
    if not 1 <= len(data) <= MAX_DATA:
        raise CodecError(f"SEND DATA carries 1 to {MAX_DATA} bytes, not {len(data)}")
    row = (Tlv(CHANNEL_DATA, data),)
    return _command(number, CommandType.SEND_DATA, _SEND_IMMEDIATELY, _device(channel), row)


def receive_data(number: int, channel: int, size: int) -> bytes:
    """Return RECEIVE DATA for at most ``size`` bytes."""
    row = (Tlv(CHANNEL_DATA_LENGTH, bytes((min(size, MAX_DATA),))),)
    return _command(number, CommandType.RECEIVE_DATA, 0, _device(channel), row)


def close_channel(number: int, channel: int) -> bytes:
    """Return CLOSE CHANNEL."""
    return _command(number, CommandType.CLOSE_CHANNEL, 0, _device(channel), ())


def get_channel_status(number: int) -> bytes:
    """Return GET CHANNEL STATUS."""
    return _command(number, CommandType.GET_CHANNEL_STATUS, 0, Device.TERMINAL, ())


def set_up_event_list(number: int, events: Iterable[int]) -> bytes:
    """Return SET UP EVENT LIST: only these events are reported from now on."""
    row = (Tlv(EVENT_LIST, bytes(events)),)
    return _command(number, CommandType.SET_UP_EVENT_LIST, 0, Device.TERMINAL, row)


def start_timer(number: int, timer: int, seconds: int) -> bytes:
    """Return TIMER MANAGEMENT (start) of timer 1 to 8."""
    rows = (Tlv(TIMER_IDENTIFIER, bytes((timer,))), Tlv(TIMER_VALUE, encode_time(seconds)))
    return _command(number, CommandType.TIMER_MANAGEMENT, 0, Device.TERMINAL, rows)


def channel_of(command: ProactiveCommand) -> int:
    """Return the channel, 1 to 7, that a command is about."""
    if not FIRST_CHANNEL <= command.destination <= LAST_CHANNEL:
        raise CodecError(f"device {command.destination:02X} is no channel")
    return command.destination - FIRST_CHANNEL + 1


def data_of(objects: Iterable[Tlv]) -> bytes:
    """Return the channel data among data objects, empty for none."""
    return cat.find_object(tuple(objects), CHANNEL_DATA) or b""


def length_of(objects: Iterable[Tlv]) -> int:
    """Return the channel data length among data objects; FF stands for 255 or more."""
    value = cat.require_object(tuple(objects), CHANNEL_DATA_LENGTH, "channel data length")
    if len(value) != 1:
        raise CodecError(f"channel data length has 1 byte, not {len(value)}")
    return value[0]


def status_of(objects: Iterable[Tlv]) -> ChannelStatus:
    """Return the channel status among data objects."""
    return ChannelStatus.decode(
        cat.require_object(tuple(objects), CHANNEL_STATUS, "channel status")
    )


def failed(details: CommandDetails, error: BipError) -> TerminalResponse:
    """Return the answer that a bearer independent protocol error prevents a command."""
    return TerminalResponse(details, Result.BIP_ERROR, bytes((error,)))


def encode_access_name(name: str) -> bytes:
    """Return a network access name as labels with their lengths (3GPP TS 23.003, 9.1)."""
    labels = [label.encode("ascii", "strict") for label in name.split(".")] if name else []
    if any(not 1 <= len(label) <= _LONGEST_LABEL for label in labels):
        raise CodecError(f"network access name {name!r} has a label that is empty or too long")
    return b"".join(bytes((len(label),)) + label for label in labels)


def decode_access_name(raw: bytes) -> str:
    """Read a network access name."""
    labels = []
    at = 0
    while at < len(raw):
        end = at + 1 + raw[at]
        label = raw[at + 1 : end]
        if end > len(raw) or not 1 <= len(label) <= _LONGEST_LABEL or not label.isascii():
            raise CodecError("a network access name is broken")
        if b"." in label:
            raise CodecError("a label of a network access name holds a dot")
        labels.append(label.decode("ascii"))
        at = end
    return ".".join(labels)


def encode_time(seconds: int) -> bytes:
    """Return hours, minutes and seconds in swapped BCD (TS 102 223, 8.38)."""
    if not 0 <= seconds < _DAY_S:
        raise CodecError(f"{seconds} s is no timer value: 0 to {_DAY_S - 1}")
    parts = (seconds // 3600, seconds // 60 % 60, seconds % 60)
    return bytes(part % 10 << 4 | part // 10 for part in parts)


def decode_time(raw: bytes) -> int:
    """Read a timer value; return seconds."""
    digits = [(byte & 0x0F, byte >> 4) for byte in raw]
    if len(raw) != 3 or any(ten > 9 or one > 9 for ten, one in digits):
        raise CodecError(f"timer value {raw.hex()} is not three bytes of swapped BCD")
    hours, minutes, seconds = (ten * 10 + one for ten, one in digits)
    if hours > 23 or minutes > 59 or seconds > 59:
        raise CodecError(f"timer value {raw.hex()} is no time")
    return hours * 3600 + minutes * 60 + seconds


def _device(channel: int) -> int:
    if not 1 <= channel <= 7:
        raise CodecError(f"channel {channel} is outside 1 to 7")
    return FIRST_CHANNEL + channel - 1


def _command(
    number: int, kind: CommandType, qualifier: int, to: int, objects: tuple[Tlv, ...]
) -> bytes:
    details = CommandDetails(number, kind, qualifier)
    return ProactiveCommand(details, to, objects).encode()
