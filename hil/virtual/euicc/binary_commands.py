"""READ BINARY and UPDATE BINARY (ETSI TS 102 221, 11.1.3 and 11.1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.virtual.euicc.atr import Protocol as Transmission
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
from hil.virtual.euicc.procedure import WHOLE, check_le
from hil.virtual.euicc.refusal import RefusalError
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from hil.virtual.euicc.channel import Channel
    from hil.virtual.euicc.file_writer import FileWriter

_SFI_GIVEN: Final = 0x80
_RESERVED: Final = 0x60
_SHORT_READ: Final = 0x6282
_DONE: Final = ResponseApdu(b"", OK)


class BinaryCommands:
    """Commands on transparent files."""

    def __init__(self, writer: FileWriter, access: AccessRules, transmission: Transmission) -> None:
        self._writer = writer
        self._access = access
        self._transmission = transmission
        self.handlers = {0xB0: self._read, 0xD6: self._update}

    def _read(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        _check_header(command)
        without_data(command)
        file, offset = _place(command, channel)
        self._access.check(file, READ)
        check_usable(file)
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

    def _update(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        _check_header(command)
        with_data(command)
        file, offset = _place(command, channel)
        self._access.check(file, UPDATE)
        check_usable(file)
        if offset + len(command.data) > len(file.content):
            raise RefusalError(0x6B00 if offset >= len(file.content) else 0x6700)
        content = bytearray(file.content)
        content[offset : offset + len(command.data)] = command.data
        self._writer.write(file, content)
        return _DONE


def _check_header(command: CommandApdu) -> None:
    if command.p1 & _SFI_GIVEN and command.p1 & _RESERVED:
        raise RefusalError(0x6A86)


def _place(command: CommandApdu, channel: Channel) -> tuple[Ef, int]:
    """Return the file meant and the offset in it."""
    if command.p1 & _SFI_GIVEN:
        file, offset = by_sfi(command.p1 & 0x1F, channel), command.p2
    else:
        file, offset = current_ef(channel), command.p1 << 8 | command.p2
    if file.structure is not Structure.TRANSPARENT:
        raise RefusalError(0x6981, f"file {file.fid:04X} is not transparent")
    return file, offset
