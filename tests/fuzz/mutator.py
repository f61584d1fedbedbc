"""Deterministic mutations of known inputs, as they happen to bytes in the field and in attacks."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Final

LONGEST: Final = 4096
_ODD: Final = (0x00, 0x01, 0x7F, 0x80, 0x81, 0x82, 0x83, 0x84, 0x1F, 0x9F, 0xBF, 0xFE, 0xFF)


def mutations(seeds: Sequence[bytes], seed: int) -> Iterator[bytes]:
    """Yield inputs without end, the same for the same ``seed``."""
    source = random.Random(seed)  # noqa: S311 - repeatable, not secret
    pool = [one for one in seeds if one] or [bytes(16)]
    while True:
        data = bytearray(source.choice(pool))
        for _ in range(source.choice((1, 1, 1, 2, 3, 8))):
            source.choice(_WAYS)(data, source, pool)
            if not data:
                break
        yield bytes(data[:LONGEST])


def _place(data: bytearray, source: random.Random) -> int:
    # Heads hold tags and lengths: they are hit more often than their share.
    reach = len(data) if source.random() < 0.6 else min(len(data), 16)
    return source.randrange(reach) if reach else 0


def _flip(data: bytearray, source: random.Random, _pool: Sequence[bytes]) -> None:
    if data:
        data[_place(data, source)] ^= 1 << source.randrange(8)


def _odd(data: bytearray, source: random.Random, _pool: Sequence[bytes]) -> None:
    if data:
        data[_place(data, source)] = source.choice(_ODD)


def _step(data: bytearray, source: random.Random, _pool: Sequence[bytes]) -> None:
    if data:
        at = _place(data, source)
        data[at] = (data[at] + source.choice((-1, 1, -16, 16))) & 0xFF


def _cut(data: bytearray, source: random.Random, _pool: Sequence[bytes]) -> None:
    del data[_place(data, source) :]


def _drop(data: bytearray, source: random.Random, _pool: Sequence[bytes]) -> None:
    at = _place(data, source)
    del data[at : at + source.choice((1, 1, 2, 4, 16))]


def _insert(data: bytearray, source: random.Random, _pool: Sequence[bytes]) -> None:
    at = _place(data, source)
    data[at:at] = source.randbytes(source.choice((1, 1, 2, 4, 16)))


def _repeat(data: bytearray, source: random.Random, _pool: Sequence[bytes]) -> None:
    at = _place(data, source)
    piece = data[at : at + source.choice((1, 2, 4, 16, 64))]
    data[at:at] = piece * source.choice((1, 2, 16, 200))


def _splice(data: bytearray, source: random.Random, pool: Sequence[bytes]) -> None:
    other = source.choice(pool)
    data[_place(data, source) :] = other[source.randrange(len(other)) :]


def _long_length(data: bytearray, source: random.Random, _pool: Sequence[bytes]) -> None:
    at = _place(data, source)
    data[at : at + 1] = source.choice(
        (b"\x84\xff\xff\xff\xff", b"\x82\xff\xff", b"\x80", b"\x81\x00")
    )


_WAYS: Final = (
    _flip,
    _flip,
    _odd,
    _odd,
    _step,
    _cut,
    _drop,
    _insert,
    _repeat,
    _splice,
    _long_length,
)
