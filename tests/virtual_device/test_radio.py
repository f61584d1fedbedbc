"""Whatever comes over the air, the radio keeps listening."""

from __future__ import annotations

import asyncio

import pytest

from hil.virtual.device.radio import Radio


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000,
        b"[]",
        b"7",
        b"null",
        b"\xff\xfe",
        b'{"deliver": 7, "id": 1}',
        b'{"deliver": "zz", "id": 1}',
        b'{"deliver": "00"}',
        b'{"submitted": {}}',
    ],
)
def test_what_is_no_message_is_passed_by(line: bytes) -> None:
    incoming: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
    radio = Radio.__new__(Radio)
    radio._submissions = {}
    radio._hear(line, incoming)
    assert incoming.empty()
    radio._hear(b'{"deliver": "0102", "id": 3}', incoming)
    assert incoming.get_nowait() == (3, b"\x01\x02")
