"""Records searched and increased (ETSI TS 102 221, 11.1.7 and 11.1.8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.equipment.card import commands
from hil.equipment.card.errors import StatusWordError
from hil.errors import CodecError
from hil.wire.status_words import is_success

if TYPE_CHECKING:
    from hil.equipment.card.card import Card

_NOT_FOUND: Final = frozenset({0x6282, 0x6A83})
"""Cards of older releases say 6A83."""


@dataclass(frozen=True, slots=True)
class Increased:
    """The new record of a cyclic file, and what was added to the one before."""

    record: bytes
    added: bytes

    @property
    def value(self) -> int:
        """The new record as a number."""
        return int.from_bytes(self.record, "big")


def search_records(
    card: Card, pattern: bytes, *, first: int = 1, backward: bool = False, channel: int = 0
) -> tuple[int, ...]:
    """Return the numbers of the records of the selected file that hold ``pattern``, from ``first``.

    Empty when there are none. :class:`StatusWordError` when the card refuses.
    """
    command = commands.search_record(pattern, first=first, backward=backward, channel=channel)
    answer = card.send(command)
    if answer.sw in _NOT_FOUND:
        return ()
    if not is_success(answer.sw):
        raise StatusWordError(answer.sw, "SEARCH RECORD", card.name)
    return tuple(answer.data)


def increase(card: Card, added: bytes, *, channel: int = 0) -> Increased:
    """Add a value to the selected cyclic file; :class:`StatusWordError` 9850 at its maximum."""
    data = card.expect(commands.increase(added, channel=channel)).data
    if len(data) <= len(added) or data[-len(added) :] != added:
        raise CodecError(f"answer to INCREASE has {len(data)} bytes and does not end in the value")
    return Increased(data[: -len(added)], added)
