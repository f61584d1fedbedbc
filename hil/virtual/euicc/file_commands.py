"""Commands on files: READ, UPDATE, STATUS (ETSI TS 102 221, 11.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from hil.virtual.euicc import fcp
from hil.virtual.euicc.atr import Protocol as Transmission
from hil.virtual.euicc.file_store import save_content
from hil.virtual.euicc.files import Ef, FileTree, Structure
from hil.virtual.euicc.pins import INS_VERIFY, PinPresentations
from hil.virtual.euicc.procedure import WHOLE, check_le
from hil.virtual.euicc.refusal import RefusalError
from hil.wire import tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from hil.virtual.euicc.channel import Channel
    from hil.virtual.euicc.files import Df
    from hil.virtual.euicc.nvm import Nvm

READ: Final = 0x01
UPDATE: Final = 0x02
_SFI_GIVEN: Final = 0x80
_SHORT_READ: Final = 0x6282
_DONE: Final = ResponseApdu(b"", OK)
_WITHOUT_DATA: Final = frozenset({0xB0, 0xB2, 0xF2})
_NEXT, _PREVIOUS, _ABSOLUTE = 2, 3, 4


class AccessRules(Protocol):
    """Who may do what with a file."""

    def check(self, file: Df | Ef, operation: int) -> None:
        """Refuse with 6982 what no access rule allows now; bits as in AM_DO."""


class FileCommands:
    """Commands on the files of one file system."""

    def __init__(
        self,
        nvm: Nvm,
        tree: FileTree,
        access: AccessRules,
        pins: PinPresentations,
        transmission: Transmission,
    ) -> None:
        self._nvm = nvm
        self._tree = tree
        self._access = access
        self._pins = pins
        self._transmission = transmission
        self._handlers = {
            0xB0: self._read_binary,
            0xD6: self._update_binary,
            0xB2: self._read_record,
            0xDC: self._update_record,
            0xF2: self._status,
            INS_VERIFY: self._verify,
        }

    def process(self, command: CommandApdu, channel: Channel, *, free: int) -> ResponseApdu:
        """Answer one command; ``free`` is the memory that STATUS tells."""
        handler = self._handlers.get(command.ins)
        if handler is None:
            raise RefusalError(0x6D00, f"INS {command.ins:02X}")
        if bool(command.cla & 0x80) != (command.ins == 0xF2):
            raise RefusalError(0x6E00, f"CLA {command.cla:02X} of INS {command.ins:02X}")
        return handler(command, channel, free)

    def _read_binary(self, command: CommandApdu, channel: Channel, free: int) -> ResponseApdu:
        del free
        file, offset = self._binary(command, channel)
        self._access.check(file, READ)
        if offset >= len(file.content):
            raise RefusalError(0x6B00, f"offset {offset} in a file of {len(file.content)} bytes")
        left = len(file.content) - offset
        if command.le is None:
            check_le(command, min(left, WHOLE))
        wanted = command.le or WHOLE
        data = bytes(file.content[offset : offset + wanted])
        # T=0 corrects a wrong Le with 6Cxx; T=1 gives what there is, with a warning.
        short = len(data) < wanted and wanted != WHOLE and self._transmission is Transmission.T1
        return ResponseApdu(data, _SHORT_READ if short else OK)

    def _update_binary(self, command: CommandApdu, channel: Channel, free: int) -> ResponseApdu:
        del free
        file, offset = self._binary(command, channel)
        self._access.check(file, UPDATE)
        if offset + len(command.data) > len(file.content):
            raise RefusalError(0x6B00 if offset >= len(file.content) else 0x6700)
        content = bytearray(file.content)
        content[offset : offset + len(command.data)] = command.data
        return self._write(file, content)

    def _read_record(self, command: CommandApdu, channel: Channel, free: int) -> ResponseApdu:
        del free
        file = self._record_file(command, channel)
        self._access.check(file, READ)
        check_le(command, file.record_length)
        number = self._record_number(command, channel, file)
        return ResponseApdu(file.record(number), OK)

    def _update_record(self, command: CommandApdu, channel: Channel, free: int) -> ResponseApdu:
        del free
        file = self._record_file(command, channel)
        self._access.check(file, UPDATE)
        if len(command.data) != file.record_length:
            raise RefusalError(0x6700, f"records have {file.record_length} bytes")
        if file.structure is Structure.CYCLIC:
            if command.p2 & 7 != _PREVIOUS or command.p1:
                raise RefusalError(0x6A86, "a cyclic file is updated in previous mode only")
            # The oldest record becomes the newest, number 1.
            channel.record = 1
            return self._write(file, command.data + file.content[: -file.record_length])
        number = self._record_number(command, channel, file)
        start = (number - 1) * file.record_length
        content = bytearray(file.content)
        content[start : start + file.record_length] = command.data
        return self._write(file, content)

    def _status(self, command: CommandApdu, channel: Channel, free: int) -> ResponseApdu:
        if command.p1 > 2:
            raise RefusalError(0x6A86)
        _check_data(command)
        if command.p2 == 0x0C:
            return _DONE
        if command.p2 == 0x00:
            return ResponseApdu(fcp.template(channel.df, free=free), OK)
        application = channel.df.application
        if command.p2 == 0x01 and application.name:
            return ResponseApdu(tlv.encode(0x84, application.name), OK)
        raise RefusalError(0x6985 if command.p2 == 0x01 else 0x6A86)

    def _verify(self, command: CommandApdu, channel: Channel, free: int) -> ResponseApdu:
        del free
        return self._pins.verify(command, channel)

    def _binary(self, command: CommandApdu, channel: Channel) -> tuple[Ef, int]:
        if command.p1 & _SFI_GIVEN:
            if command.p1 & 0x60:
                raise RefusalError(0x6A86)
            _check_data(command)
            file, offset = self._by_sfi(command.p1 & 0x1F, channel), command.p2
        else:
            _check_data(command)
            file, offset = _current(channel), command.p1 << 8 | command.p2
        if file.structure is not Structure.TRANSPARENT:
            raise RefusalError(0x6981, f"file {file.fid:04X} is not transparent")
        return file, offset

    def _record_file(self, command: CommandApdu, channel: Channel) -> Ef:
        if command.p2 & 7 not in (_NEXT, _PREVIOUS, _ABSOLUTE):
            raise RefusalError(0x6A86)
        if command.p2 & 7 != _ABSOLUTE and command.p1:
            raise RefusalError(0x6A86, "next and previous take no record number")
        _check_data(command)
        sfi = command.p2 >> 3
        file = self._by_sfi(sfi, channel) if sfi else _current(channel)
        if not file.structure.has_records:
            raise RefusalError(0x6981, f"file {file.fid:04X} has no records")
        return file

    def _by_sfi(self, sfi: int, channel: Channel) -> Ef:
        file = channel.df.by_sfi.get(sfi)
        if file is None:
            raise RefusalError(0x6A82, f"no file with SFI {sfi:02X}")
        channel.ef, channel.record = file, 0
        return file

    def _record_number(self, command: CommandApdu, channel: Channel, file: Ef) -> int:
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

    def _write(self, file: Ef, content: bytes | bytearray) -> ResponseApdu:
        with self._nvm.transaction() as change:
            save_content(change, self._tree.owner, file, bytes(content))
        file.content[:] = content
        return _DONE


def _check_data(command: CommandApdu) -> None:
    if bool(command.data) == (command.ins in _WITHOUT_DATA):
        raise RefusalError(0x6700, f"Lc {len(command.data)} of INS {command.ins:02X}")


def _current(channel: Channel) -> Ef:
    if channel.ef is None:
        raise RefusalError(0x6986)
    return channel.ef
