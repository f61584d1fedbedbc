"""What a card says about a file (FCP template), and reading files after it.

ETSI TS 102 221, 11.1.1.3 (FCP template) and 13.1 (EF.DIR).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from hil.equipment.card.commands import MF
from hil.errors import CodecError
from hil.wire import tlv

if TYPE_CHECKING:
    from hil.equipment.card.card import Card

EF_DIR: Final = 0x2F00
_FCP: Final = 0x62
_LONGEST_FILE: Final = 0x8000


class FileKind(Enum):
    """How a file is made."""

    FOLDER = "folder"
    TRANSPARENT = "transparent"
    LINEAR = "linear fixed"
    CYCLIC = "cyclic"
    BER_TLV = "BER-TLV"


_KINDS: Final = {1: FileKind.TRANSPARENT, 2: FileKind.LINEAR, 6: FileKind.CYCLIC}


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One FCP template. ``size`` in bytes; records have one length, all of it 0 elsewhere."""

    kind: FileKind
    file_id: int | None
    size: int
    record_length: int
    records: int
    raw: bytes

    def without_proprietary(self) -> bytes:
        """Return the template without A5, where a card reports what changes, as free memory."""
        return b"".join(one.encode() for one in tlv.decode_all(_inner(self.raw)) if one.tag != 0xA5)


@dataclass(frozen=True, slots=True)
class Application:
    """One entry of EF.DIR."""

    aid: bytes
    label: str


def parse_fcp(template: bytes) -> FileFacts:
    """Read an FCP template; :class:`CodecError` if it is none or lacks its file descriptor."""
    objects = tlv.decode_all(_inner(template))
    descriptor = tlv.require(objects, 0x82, where="FCP template")
    if not descriptor:
        raise CodecError("the file descriptor in an FCP template is empty")
    file_id = tlv.find(objects, 0x83)
    kind = _kind(descriptor[0])
    length = records = 0
    if kind in (FileKind.LINEAR, FileKind.CYCLIC):
        if len(descriptor) < 5:
            raise CodecError("the file descriptor of a record file lacks record length or number")
        length, records = int.from_bytes(descriptor[2:4], "big"), descriptor[4]
    return FileFacts(
        kind=kind,
        file_id=None if file_id is None else int.from_bytes(file_id, "big"),
        size=int.from_bytes(tlv.find(objects, 0x80) or b"", "big"),
        record_length=length,
        records=records,
        raw=template,
    )


def _inner(template: bytes) -> bytes:
    return tlv.require(tlv.decode_all(template), _FCP, where="answer to SELECT")


def _kind(descriptor: int) -> FileKind:
    if descriptor & 0x38 == 0x38:
        return FileKind.BER_TLV if descriptor & 0x07 == 0x01 else FileKind.FOLDER
    try:
        return _KINDS[descriptor & 0x07]
    except KeyError:
        raise CodecError(f"file descriptor byte {descriptor:02X} is no kind of file") from None


def read_selected(card: Card, facts: FileFacts) -> tuple[bytes, ...]:
    """Read the selected file: one piece, or a piece a record.

    Raises :class:`hil.equipment.card.errors.StatusWordError` where access is refused, and
    :class:`CodecError` for a kind that has no READ.
    """
    if facts.kind is FileKind.TRANSPARENT:
        if facts.size > _LONGEST_FILE:
            raise CodecError(f"a transparent file of {facts.size} bytes; at most {_LONGEST_FILE}")
        return (card.read_binary(facts.size),)
    if facts.kind in (FileKind.LINEAR, FileKind.CYCLIC):
        length = facts.record_length
        return tuple(card.read_record(one, length) for one in range(1, facts.records + 1))
    raise CodecError(f"a {facts.kind.value} file cannot be read as a whole")


def read_file(card: Card, *path: int) -> tuple[bytes, ...]:
    """Select a path of file ids and read the file at its end."""
    with card.transaction():
        return read_selected(card, parse_fcp(card.select(path).data))


def applications(card: Card) -> tuple[Application, ...]:
    """Return the applications that EF.DIR lists."""
    found = []
    for record in read_file(card, MF, EF_DIR):
        entry = record.rstrip(b"\xff")
        if not entry:
            continue
        objects = tlv.decode_all(tlv.require(_entries(record), 0x61, where="record of EF.DIR"))
        aid = tlv.require(objects, 0x4F, where="record of EF.DIR")
        label = (tlv.find(objects, 0x50) or b"").decode("latin-1")
        found.append(Application(aid, label))
    return tuple(found)


def _entries(record: bytes) -> tuple[tlv.Tlv, ...]:
    """Read the first object only: what follows is filling, and an AID may end in FF."""
    return (tlv.decode_one(record)[0],)
