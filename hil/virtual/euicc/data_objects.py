"""RETRIEVE DATA and SET DATA: data objects in BER-TLV files (ETSI TS 102 221, 11.3).

An object that comes in pieces is kept in volatile memory and written when it is whole: power lost
or a command that breaks the transfer off leaves the file as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc.current_file import (
    READ,
    UPDATE,
    AccessRules,
    by_sfi,
    check_usable,
    current_ef,
    with_data,
    without_data,
)
from hil.virtual.euicc.files import Ef, Structure
from hil.virtual.euicc.procedure import WHOLE
from hil.virtual.euicc.refusal import RefusalError
from hil.wire import tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from hil.virtual.euicc.channel import Channel
    from hil.virtual.euicc.file_memory import FileMemory

_FIRST, _AGAIN, _NEXT = 0x80, 0x40, 0x00
_BLOCK_BITS: Final = 0xE0
_SFI_BITS: Final = 0x1F
_TAG_LIST: Final = 0x5C
_MORE_AVAILABLE: Final = 0x62F1
_MORE_EXPECTED: Final = 0x63F1
_CONTEXT_CLASS: Final = 0x80
_LONGEST_TAG: Final = 3
_LONGEST_LENGTH: Final = 3
_DONE: Final = ResponseApdu(b"", OK)


@dataclass(slots=True)
class Transfer:
    """One object on its way.

    Going out, ``whole`` is the object, of which ``done`` bytes are out; coming in, what has come of
    ``size`` bytes. ``before``: how far it was before the last block, for a repetition.
    """

    file: Ef
    tag: int
    outgoing: bool
    whole: bytes
    size: int
    done: int = 0
    before: int = 0


class DataObjectCommands:
    """Commands on BER-TLV files."""

    def __init__(self, access: AccessRules, memory: FileMemory) -> None:
        self._access = access
        self._memory = memory
        self.handlers = {0xCB: self._retrieve, 0xDB: self._set}

    def _retrieve(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        block = _block(command)
        if block == _FIRST:
            with_data(command)
            file = _data_file(command, channel)
            self._access.check(file, READ)
            check_usable(file)
            tag = _tag_alone(command.data)
            whole = _find(file, tag)
            channel.transfer = Transfer(file, tag, True, whole, len(whole))
        else:
            without_data(command)
        going = _running(channel, outgoing=True)
        if block == _AGAIN:
            going.done = going.before
        left = going.size - going.done
        if not left:
            raise RefusalError(0x6985, "the object is out")
        if not command.data and (command.le is None or left < command.le < WHOLE):
            # Nothing has gone out yet: the terminal asks again with the right length.
            raise RefusalError(0x6C00 | (left if left < WHOLE else 0))
        piece = going.whole[going.done : going.done + (command.le or WHOLE)]
        going.before, going.done = going.done, going.done + len(piece)
        return ResponseApdu(piece, OK if going.done == going.size else _MORE_AVAILABLE)

    def _set(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        block = _block(command)
        with_data(command)
        if block == _FIRST:
            file = _data_file(command, channel)
            self._access.check(file, UPDATE)
            check_usable(file)
            channel.transfer = None
            tag, size = _announced(command.data)
            if size is None:
                self._delete(file, tag)
                return _DONE
            self._check_room(file, tag, size)
            coming = Transfer(file, tag, False, command.data, size)
            channel.transfer = coming
        else:
            coming = _running(channel, outgoing=False)
            if block == _AGAIN:
                coming.whole = coming.whole[: coming.before]
            coming.before = len(coming.whole)
            coming.whole += command.data
        if len(coming.whole) > coming.size:
            channel.transfer = None
            raise RefusalError(0x6A80, f"object {coming.tag:X} is longer than it said")
        if len(coming.whole) < coming.size:
            return ResponseApdu(b"", _MORE_EXPECTED)
        channel.transfer = None
        others = [one for one in objects(coming.file) if one.tag != coming.tag]
        self._replace(coming.file, others, coming.whole)
        return _DONE

    def _delete(self, file: Ef, tag: int) -> None:
        present = objects(file)
        others = [one for one in present if one.tag != tag]
        if len(others) == len(present):
            raise RefusalError(0x6A88, f"no object {tag:X}")
        self._replace(file, others, b"")

    def _check_room(self, file: Ef, tag: int, size: int) -> None:
        used = sum(len(one.encode()) for one in objects(file) if one.tag != tag)
        if file.maximum and used + size > file.maximum:
            raise RefusalError(0x6A84, f"file {file.fid:04X} may have {file.maximum} bytes")
        self._memory.check_room(max(used + size, file.reserved) - (file.cost - _head_cost(file)))

    def _replace(self, file: Ef, others: list[tlv.Tlv], added: bytes) -> None:
        self._memory.rewrite(file, b"".join(one.encode() for one in others) + added)


def objects(file: Ef) -> list[tlv.Tlv]:
    """Return the data objects in a BER-TLV file; what a package put in wrongly is no object."""
    found, rest = [], bytes(file.content)
    while rest:
        try:
            one, rest = tlv.decode_one(rest)
        except CodecError:
            break
        found.append(one)
    return found


def _find(file: Ef, tag: int) -> bytes:
    if tag == _TAG_LIST:
        tags = (one.tag for one in objects(file))
        listed = b"".join(tag.to_bytes((tag.bit_length() + 7) // 8, "big") for tag in tags)
        return tlv.encode(_TAG_LIST, listed)
    value = tlv.find(objects(file), tag)
    if value is None:
        raise RefusalError(0x6A88, f"no object {tag:X}")
    return tlv.encode(tag, value)


def _head_cost(file: Ef) -> int:
    return file.cost - max(len(file.content), file.reserved)


def _block(command: CommandApdu) -> int:
    block = command.p2 & _BLOCK_BITS
    if command.p1 or block not in (_FIRST, _AGAIN, _NEXT):
        raise RefusalError(0x6A86)
    if block != _FIRST and command.p2 & _SFI_BITS:
        raise RefusalError(0x6A86, "only the first block names a file")
    return block


def _data_file(command: CommandApdu, channel: Channel) -> Ef:
    sfi = command.p2 & _SFI_BITS
    file = by_sfi(sfi, channel) if sfi else current_ef(channel)
    if file.structure is not Structure.BER_TLV:
        raise RefusalError(0x6981, f"file {file.fid:04X} has no data objects")
    return file


def _running(channel: Channel, *, outgoing: bool) -> Transfer:
    running = channel.transfer
    file = current_ef(channel)
    if running is None or running.file is not file or running.outgoing is not outgoing:
        raise RefusalError(0x6985, "no data object is on its way")
    return running


def _tag_alone(data: bytes) -> int:
    """Return a tag that is all of the data."""
    tag, size = _read_tag(data)
    if size != len(data):
        raise RefusalError(0x6A80, "more than a tag")
    return tag


def _announced(data: bytes) -> tuple[int, int | None]:
    """Return the tag and size of the object that begins in ``data``, None for a tag alone."""
    tag, at = _read_tag(data)
    if tag == _TAG_LIST:
        raise RefusalError(0x6A80, "the list of tags is made by the card")
    if at == len(data):
        return tag, None
    more = data[at] & 0x7F if data[at] & 0x80 else 0
    start = at + 1 + more
    length = int.from_bytes(data[at + 1 : start], "big") if more else data[at]
    if more > _LONGEST_LENGTH or tlv.encode_length(length) != data[at:start]:
        raise RefusalError(0x6A80, f"length of object {tag:X}")
    return tag, start + length


def _read_tag(data: bytes) -> tuple[int, int]:
    """Return a tag of the context-specific class, or 5C, and its size in bytes."""
    if data[0] == _TAG_LIST:
        return _TAG_LIST, 1
    size = 1
    if data[0] & 0x1F == 0x1F:
        while size < len(data) and data[size] & 0x80:
            size += 1
        size += 1
    if data[0] & 0xC0 != _CONTEXT_CLASS or not size <= min(len(data), _LONGEST_TAG):
        raise RefusalError(0x6A80, f"{data[:size].hex()} is no tag of a data object")
    return int.from_bytes(data[:size], "big"), size
