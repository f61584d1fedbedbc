"""The service centre's time stamp: 3GPP TS 23.040, 9.2.3.11, 7 bytes in swapped digits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hil.errors import CodecError
from hil.wire.bcd import swap_nibbles

_EAST_OR_WEST = 0x80


def encode_timestamp(moment: datetime) -> bytes:
    """Return the time stamp of an aware ``datetime``; zones count in quarters of an hour."""
    offset = moment.utcoffset()
    if offset is None:
        raise CodecError("a time stamp needs a time zone")
    quarters = round(offset.total_seconds() / 900)
    zone = bytes.fromhex(f"{abs(quarters):02d}")[0] | (_EAST_OR_WEST if quarters < 0 else 0)
    return swap_nibbles(bytes.fromhex(f"{moment:%y%m%d%H%M%S}") + bytes((zone,)))


def decode_timestamp(raw: bytes) -> datetime:
    """Read a time stamp; years are 2000 to 2099. :class:`CodecError` for an impossible date."""
    if len(raw) != 7:
        raise CodecError(f"a time stamp has 7 bytes, not {len(raw)}")
    straight = swap_nibbles(raw)
    zone = straight[6]
    digits = straight[:6].hex() + f"{zone & 0x7F:02x}"
    if not digits.isdigit():
        raise CodecError(f"time stamp {raw.hex().upper()} has digits above 9")
    quarters = int(digits[12:]) * (-1 if zone & _EAST_OR_WEST else 1)
    year, month, day, hour, minute, second = (int(digits[n : n + 2]) for n in range(0, 12, 2))
    try:
        zoned = timezone(timedelta(minutes=15 * quarters)) if quarters else UTC
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=zoned)
    except ValueError as err:
        raise CodecError(f"time stamp {raw.hex().upper()}: {err}") from err
