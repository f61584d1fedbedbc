"""Data objects of BER-TLV files, in as many blocks as they need (ETSI TS 102 221, 11.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.equipment.card import commands
from hil.equipment.card.errors import ProcedureError, StatusWordError
from hil.errors import CodecError
from hil.wire import tlv
from hil.wire.status_words import is_success

if TYPE_CHECKING:
    from hil.equipment.card.card import Card

_MORE_AVAILABLE: Final = frozenset({0x62F1, 0x62F2})
_MORE_EXPECTED: Final = frozenset({0x63F1, 0x63F2})
_TAG_LIST: Final = 0x5C
_BLOCK: Final = 255
_MOST_BLOCKS: Final = 65_536


def retrieve_data(card: Card, tag: int) -> bytes:
    """Return the value of an object of the selected file; :class:`StatusWordError` without it."""
    with card.transaction():
        answer = card.send(commands.retrieve_data(tag))
        data = answer.data
        for _ in range(_MOST_BLOCKS):
            if answer.sw not in _MORE_AVAILABLE:
                break
            answer = card.send(commands.retrieve_next())
            data += answer.data
        else:
            raise ProcedureError(f"{card.name}: RETRIEVE DATA has no end")
    if not is_success(answer.sw):
        raise StatusWordError(answer.sw, f"RETRIEVE DATA of {tag:02X}", card.name)
    found, rest = tlv.decode_one(data)
    if found.tag != tag or rest:
        raise CodecError(f"answer to RETRIEVE DATA is not the one object {tag:02X}")
    return found.value


def list_data(card: Card) -> tuple[int, ...]:
    """Return the tags of all objects in the selected file."""
    listed, tags = retrieve_data(card, _TAG_LIST), []
    while listed:
        tag, size = _first_tag(listed)
        tags.append(tag)
        listed = listed[size:]
    return tuple(tags)


def set_data(card: Card, tag: int, value: bytes) -> None:
    """Write an object into the selected file, over the one with its tag."""
    whole = tlv.encode(tag, value)
    with card.transaction():
        for at in range(0, len(whole), _BLOCK):
            block = whole[at : at + _BLOCK]
            answer = card.send(commands.set_data(block, first=not at))
            last = at + _BLOCK >= len(whole)
            good = is_success(answer.sw) if last else answer.sw in _MORE_EXPECTED
            if not good:
                raise StatusWordError(answer.sw, f"SET DATA of {tag:02X}", card.name)


def delete_data(card: Card, tag: int) -> None:
    """Delete an object of the selected file."""
    card.expect(commands.set_data(tlv.encode(tag, b"")[:-1], first=True))


def _first_tag(data: bytes) -> tuple[int, int]:
    size = 1
    if data[0] & 0x1F == 0x1F:
        while size < len(data) and data[size] & 0x80:
            size += 1
        size += 1
    if size > len(data):
        raise CodecError("the list of tags is cut off")
    return int.from_bytes(data[:size], "big"), size
