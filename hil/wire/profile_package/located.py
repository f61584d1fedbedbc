"""Bytes that know where in an element they stand: how the place of a format error is found.

Decoding a package is the hot path, and nearly all packages are right. So an element that broke the
format is decoded once more, from :class:`Located` bytes, and the member that was looked at last is
the place of the error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self, SupportsIndex, overload


@dataclass(slots=True)
class Trail:
    """``at``: offset of the member looked at last, in bytes from the tag of the element."""

    at: int = 0


class Located(bytes):
    """A piece of an element. ``at``: offset of its first byte; ``trail`` is shared by all."""

    at: int
    trail: Trail

    @classmethod
    def make(cls, data: bytes, at: int, trail: Trail) -> Self:
        """Return ``data`` with its place."""
        made = cls(data)
        made.at, made.trail = at, trail
        return made


Pair = tuple[int, bytes]


class LocatedPairs(list[Pair]):
    """Members of a SEQUENCE; whichever is looked at leaves its offset on the trail."""

    def __init__(self, pairs: list[Pair], starts: list[int], trail: Trail) -> None:
        """Take the members; ``starts`` has one offset more, of what would stand behind them."""
        super().__init__(pairs)
        self._starts = starts
        self._trail = trail

    @overload
    def __getitem__(self, place: SupportsIndex) -> Pair: ...
    @overload
    def __getitem__(self, place: slice) -> LocatedPairs: ...
    def __getitem__(self, place: SupportsIndex | slice) -> Pair | LocatedPairs:
        """Return one member, noting it, or some of them."""
        if isinstance(place, slice):
            starts = self._starts[place]
            return LocatedPairs(super().__getitem__(place), starts, self._trail)
        if self._starts:
            self._trail.at = self._starts[min(place.__index__(), len(self._starts) - 1)]
        return super().__getitem__(place)

    def __iter__(self) -> Iterator[Pair]:
        """Yield the members, noting each."""
        for place in range(len(self)):
            yield self[place]
