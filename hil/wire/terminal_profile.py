"""What a terminal can do: the bits of TERMINAL PROFILE in use here (ETSI TS 102 223, 5.2)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

_SIZE: Final = 32
_CHANNELS_BYTE: Final = 12
_CHANNELS_SHIFT: Final = 5


class Facility(IntEnum):
    """One bit each: eight times the byte, plus the bit, both from 0."""

    PROFILE_DOWNLOAD = 0
    SMS_PP_DOWNLOAD = 1
    TIMER_EXPIRATION = 5
    COMMAND_RESULT = 8
    MORE_TIME = 2 * 8 + 3
    POLL_INTERVAL = 2 * 8 + 5
    REFRESH = 2 * 8 + 7
    SEND_SHORT_MESSAGE = 3 * 8 + 1
    LOCAL_INFORMATION = 3 * 8 + 6
    SET_UP_EVENT_LIST = 4 * 8
    EVENT_LOCATION_STATUS = 4 * 8 + 4
    EVENT_DATA_AVAILABLE = 5 * 8 + 2
    EVENT_CHANNEL_STATUS = 5 * 8 + 3
    TIMER_START_STOP = 7 * 8
    TIMER_VALUE = 7 * 8 + 1
    OPEN_CHANNEL = 11 * 8
    CLOSE_CHANNEL = 11 * 8 + 1
    RECEIVE_DATA = 11 * 8 + 2
    SEND_DATA = 11 * 8 + 3
    GET_CHANNEL_STATUS = 11 * 8 + 4
    PACKET_BEARER = 12 * 8 + 1
    TCP_CLIENT = 16 * 8


CHANNELS: Final = frozenset(
    {
        Facility.SET_UP_EVENT_LIST,
        Facility.EVENT_DATA_AVAILABLE,
        Facility.EVENT_CHANNEL_STATUS,
        Facility.OPEN_CHANNEL,
        Facility.CLOSE_CHANNEL,
        Facility.RECEIVE_DATA,
        Facility.SEND_DATA,
        Facility.TCP_CLIENT,
    }
)
"""What a card needs to speak TCP through its terminal."""
EVENTS: Final = {
    0x03: Facility.EVENT_LOCATION_STATUS,
    0x09: Facility.EVENT_DATA_AVAILABLE,
    0x0A: Facility.EVENT_CHANNEL_STATUS,
}
"""Which facility reports an event (TS 102 223, 8.25)."""
TIMERS: Final = frozenset({Facility.TIMER_START_STOP, Facility.TIMER_EXPIRATION})


def encode_profile(facilities: Iterable[Facility], *, channels: int = 0) -> bytes:
    """Return the profile; ``channels``: how many of them at once, 0 to 7."""
    raw = bytearray(_SIZE)
    for one in facilities:
        raw[one // 8] |= 1 << one % 8
    raw[_CHANNELS_BYTE] |= (channels & 0x07) << _CHANNELS_SHIFT
    return bytes(raw)


def knows(profile: bytes, facilities: Iterable[Facility]) -> bool:
    """Whether a profile has all these facilities; bytes that it lacks count as 0."""
    return all(one // 8 < len(profile) and profile[one // 8] >> one % 8 & 1 for one in facilities)
