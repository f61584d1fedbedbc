"""READ RECORD, UPDATE RECORD and INCREASE (ETSI TS 102 221, 11.1.5, 11.1.6 and 11.1.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.virtual.euicc.current_file import (
    INCREASE,
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
from hil.virtual.euicc.procedure import check_le
from hil.virtual.euicc.refusal import RefusalError
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from hil.virtual.euicc.channel import Channel
    from hil.virtual.euicc.file_writer import FileWriter

_NEXT, _PREVIOUS, _ABSOLUTE = 2, 3, 4
_SFI_GIVEN: Final = 0x80
_LONGEST_ADDEND: Final = 127
_DONE: Final = ResponseApdu(b"", OK)


class RecordCommands:
    """Commands on linear fixed and cyclic files; record 1 of a cyclic file is the newest."""

    def __init__(self, writer: FileWriter, access: AccessRules) -> None:
        self._writer = writer
        self._access = access
        self.handlers = {0xB2: self._read, 0xDC: self._update, 0x32: self._increase}

    def _read(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        _check_mode(command)
        without_data(command)
        file = record_file(command.p2 >> 3, channel)
        self._access.check(file, READ)
        check_usable(file)
        check_le(command, file.record_length)
        number = _record_number(command, channel, file)
        return ResponseApdu(file.record(number), OK)

    def _update(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        _check_mode(command)
        with_data(command)
        file = record_file(command.p2 >> 3, channel)
        if file.structure is Structure.CYCLIC and command.p2 & 7 != _PREVIOUS:
            raise RefusalError(0x6A86, "a cyclic file is updated in previous mode only")
        if len(command.data) != file.record_length:
            raise RefusalError(0x6700, f"records have {file.record_length} bytes")
        self._access.check(file, UPDATE)
        check_usable(file)
        if file.structure is Structure.CYCLIC:
            self._push(file, command.data, channel)
            return _DONE
        number = _record_number(command, channel, file)
        start = (number - 1) * file.record_length
        content = bytearray(file.content)
        content[start : start + file.record_length] = command.data
        self._writer.write(file, content)
        return _DONE

    def _increase(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        if command.p2 or (command.p1 and command.p1 & ~0x1F != _SFI_GIVEN):
            raise RefusalError(0x6A86)
        if not 1 <= len(command.data) <= _LONGEST_ADDEND:
            raise RefusalError(0x6700, f"a value of {len(command.data)} bytes to be added")
        sfi = command.p1 & 0x1F
        file = by_sfi(sfi, channel) if sfi else current_ef(channel)
        if file.structure is not Structure.CYCLIC:
            raise RefusalError(0x6981, f"file {file.fid:04X} is not cyclic")
        if command.le is not None:
            check_le(command, file.record_length + len(command.data))
        self._access.check(file, INCREASE)
        check_usable(file)
        value = int.from_bytes(file.record(1), "big") + int.from_bytes(command.data, "big")
        if value >> 8 * file.record_length:
            raise RefusalError(0x9850, f"file {file.fid:04X} is at its maximum")
        record = value.to_bytes(file.record_length, "big")
        self._push(file, record, channel)
        return ResponseApdu(record + command.data, OK)

    def _push(self, file: Ef, record: bytes, channel: Channel) -> None:
        """Overwrite the oldest record, which becomes the newest, number 1."""
        if not file.records:
            raise RefusalError(0x6A83, f"file {file.fid:04X} has no records")
        self._writer.write(file, record + file.content[: -file.record_length])
        channel.record = 1


def record_file(sfi: int, channel: Channel) -> Ef:
    """Return the file with records that a command means; 6981 for another structure."""
    file = by_sfi(sfi, channel) if sfi else current_ef(channel)
    if not file.structure.has_records:
        raise RefusalError(0x6981, f"file {file.fid:04X} has no records")
    return file


def _check_mode(command: CommandApdu) -> None:
    """Refuse an unknown mode. P1 has no significance with next and previous (11.1.5.2)."""
    if command.p2 & 7 not in (_NEXT, _PREVIOUS, _ABSOLUTE):
        raise RefusalError(0x6A86)


def _record_number(command: CommandApdu, channel: Channel, file: Ef) -> int:
    mode = command.p2 & 7
    if mode == _ABSOLUTE:
        number = command.p1 or channel.record
        file.record(number)
        return number
    number = channel.record + 1 if mode == _NEXT else (channel.record or file.records + 1) - 1
    if file.structure is Structure.CYCLIC and file.records:
        number = (number - 1) % file.records + 1
    file.record(number)
    channel.record = number
    return number
