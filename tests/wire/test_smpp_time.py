"""Times of SMPP: absolute with their zone, relative to now, and what is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hil.errors import CodecError
from hil.wire.smpp_time import read_time

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        # SMPP 3.4, 7.1.1.1: the zone in quarters of an hour.
        ("260304050607000+", NOW),
        ("260304050607500+", NOW + timedelta(seconds=0.5)),
        ("260304060607004+", NOW),
        ("260304040607004-", NOW),
        ("260304170607048+", NOW),
        # 7.1.1.2, its own example: two years, six months, ten days, 23 h, 34 min and 29 s.
        (
            "020610233429000R",
            NOW + timedelta(days=730 + 180 + 10, hours=23, minutes=34, seconds=29),
        ),
        ("000000000000000R", NOW),
        ("000000000099000R", NOW + timedelta(seconds=99)),
    ],
)
def test_times(text: str, meant: datetime) -> None:
    assert read_time(text, NOW) == meant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "26030405060700+",
        "2603040506070000+",
        "260304050607000Z",
        "261304050607000+",
        "260230050607000+",
        "260304250607000+",
        "260304050607049+",
        "\u0662" * 15 + "+",
    ],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(CodecError):
        read_time(text, NOW)
