"""Times of SMPP 3.4 (section 7.1): ``YYMMDDhhmmsstnnp``, absolute or relative."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from hil.errors import CodecError

_TIME: Final = re.compile(r"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d)(\d\d)([-+R])", re.ASCII)
_QUARTERS: Final = 48
_QUARTER: Final = timedelta(minutes=15)


def read_time(text: str, now: datetime) -> datetime:
    """Return the time that ``text`` means, in UTC; a relative one counts from ``now``.

    Years and months of a relative time have 365 and 30 days. :class:`CodecError` if it is no time.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise CodecError("a time of SMPP has 15 digits and a sign or R")
    years, months, days, hours, minutes, seconds, tenths, quarters = map(int, match.groups()[:-1])
    if match[9] == "R":
        passed = timedelta(
            days=365 * years + 30 * months + days, hours=hours, minutes=minutes, seconds=seconds
        )
        return now + passed
    if quarters > _QUARTERS:
        raise CodecError("no time zone is more than 12 hours away")
    away = quarters * _QUARTER * (-1 if match[9] == "-" else 1)
    try:
        found = datetime(
            2000 + years, months, days, hours, minutes, seconds, tenths * 100_000, timezone(away)
        )
    except ValueError as err:
        raise CodecError(f"no such time: {err}") from err
    return found.astimezone(UTC)
