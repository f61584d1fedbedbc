"""CREATE FILE, DELETE FILE and RESIZE FILE (ETSI TS 102 222, 6.3, 6.4 and 6.10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc.current_file import (
    CREATE_DF,
    CREATE_EF,
    DELETE_CHILD,
    DELETE_SELF,
    RESIZE,
    AccessRules,
    with_data,
)
from hil.virtual.euicc.file_builder import (
    MAX_FILE,
    MAX_RECORDS,
    build_df,
    build_ef,
    is_directory,
    short_file_id,
)
from hil.virtual.euicc.files import CURRENT_ADF_ID, MF_ID, Df, Ef, FileTree, Structure
from hil.virtual.euicc.install_error import InstallError
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.selection import find_file
from hil.wire import tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.profile_package.fcp import Fcp, ProprietaryInfo
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from hil.virtual.euicc.channel import Channel
    from hil.virtual.euicc.file_memory import FileMemory

_FCP: Final = 0x62
_RESERVED_IDS: Final = frozenset({MF_ID, CURRENT_ADF_ID, 0x3FFF, 0xFFFF})
_LIFE_CYCLES: Final = frozenset({0x01, 0x03, 0x04, 0x05})
_LONGEST_SFI: Final = 0x1E
_DONE: Final = ResponseApdu(b"", OK)


class FileManagementCommands:
    """Make, remove and resize files, as remote file management does."""

    def __init__(self, tree: FileTree, access: AccessRules, memory: FileMemory) -> None:
        self._tree = tree
        self._access = access
        self._memory = memory
        self.handlers = {0xE0: self._create, 0xE4: self._delete, 0xD4: self._resize}

    def _create(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        _check_header(command)
        fcp, objects = _read_fcp(command.data)
        parent = channel.df
        directory = is_directory(fcp)
        self._access.check(parent, CREATE_DF if directory else CREATE_EF)
        if parent.link:
            raise RefusalError(0x6985, "a link to a DF takes no files")
        _check_new(fcp, objects, directory=directory)
        self._check_free(fcp, parent)
        made: Df | Ef
        try:
            made = build_df(None, (fcp,), parent) if directory else build_ef(None, (fcp,), parent)
        except InstallError as err:
            raise RefusalError(0x6A80, str(err)) from err
        self._memory.add(made, parent)
        if isinstance(made, Df):
            channel.df, channel.ef = made, None
        else:
            channel.ef = made
        channel.record, channel.transfer = 0, None
        return _DONE

    def _delete(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        _check_header(command)
        file = self._named(command.data, channel)
        parent = file.parent
        if parent is None or (isinstance(file, Df) and file.name):
            raise RefusalError(0x6985, f"file {file.fid:04X} is not deleted by this command")
        try:
            self._access.check(file, DELETE_SELF)
        except RefusalError:
            self._access.check(parent, DELETE_CHILD)
        below = list(file.walk())[1:] if isinstance(file, Df) else []
        gone = {file.path, *(one.path for one in below)}
        for one in self._tree.mf.walk():
            if one.link and one.link.hex().upper() in gone and one.path not in gone:
                raise RefusalError(0x6985, f"file {one.path} is a link to it")
        self._memory.remove(file, parent, below)
        return _DONE

    def _resize(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        _check_header(command)
        fcp, _ = _read_fcp(command.data)
        if fcp.file_id is None:
            raise RefusalError(0x6A80, "no file id")
        file = self._named(fcp.file_id, channel)
        if isinstance(file, Df):
            raise RefusalError(0x6981, f"{file.fid:04X} is not an EF")
        self._access.check(file, RESIZE)
        if file.structure is Structure.BER_TLV:
            self._limit(file, fcp)
        else:
            self._stretch(file, fcp)
        channel.ef = file
        channel.df = file.parent or channel.df
        channel.record, channel.transfer = 0, None
        return _DONE

    def _limit(self, file: Ef, fcp: Fcp) -> None:
        """Set what is reserved for a BER-TLV file and what it may have; its objects stay."""
        reserved = file.reserved if fcp.size_bytes is None else fcp.size_bytes
        maximum = file.maximum
        if fcp.info is not None and fcp.info.maximum_size is not None:
            maximum = int.from_bytes(fcp.info.maximum_size, "big")
        if maximum and maximum < max(reserved, len(file.content)):
            raise RefusalError(0x6A80, f"file {file.fid:04X} holds {len(file.content)} bytes")
        self._memory.resize(file, bytes(file.content), reserved=reserved, maximum=maximum)

    def _stretch(self, file: Ef, fcp: Fcp) -> None:
        """Cut a file, or fill it up behind what it has, the oldest records of a cyclic one."""
        size = fcp.size_bytes
        if size is None or not 0 < size <= MAX_FILE:
            raise RefusalError(0x6A80, "no size that a file may have")
        if file.record_length and (
            size % file.record_length or size // file.record_length > MAX_RECORDS
        ):
            raise RefusalError(0x6A80, f"{size} bytes in records of {file.record_length}")
        content = bytes(file.content[:size]).ljust(size, b"\xff")
        self._memory.resize(file, content, reserved=0, maximum=0)

    def _named(self, data: bytes, channel: Channel) -> Df | Ef:
        file = find_file(data, channel, self._tree)
        if file is None:
            raise RefusalError(0x6A82, f"file {data.hex()}")
        return file

    def _check_free(self, fcp: Fcp, parent: Df) -> None:
        fid = int.from_bytes(fcp.file_id or b"", "big")
        if fid in _RESERVED_IDS:
            raise RefusalError(0x6A80, f"file id {fid:04X} is reserved")
        if fid in parent.children:
            raise RefusalError(0x6A89, f"file {fid:04X} exists in {parent.path or 'the MF'}")
        sfi = short_file_id(None, fcp, fid)
        if not is_directory(fcp) and sfi is not None and sfi in parent.by_sfi:
            raise RefusalError(0x6A80, f"another file has the SFI {sfi:02X}")
        names = {one.name for one in self._tree.applications}
        if fcp.df_name is not None and fcp.df_name in names:
            raise RefusalError(0x6A8A, f"application {fcp.df_name.hex()} exists")


def _check_header(command: CommandApdu) -> None:
    if command.p1 or command.p2:
        raise RefusalError(0x6A86)
    with_data(command)


def _read_fcp(data: bytes) -> tuple[Fcp, tuple[tlv.Tlv, ...]]:
    """Read an FCP template, its objects in any order; 6A80 for one that is none."""
    try:
        (template,) = tlv.decode_all(data)
        if template.tag != _FCP:
            raise RefusalError(0x6A80, f"{template.tag:X} is not an FCP template")
        objects = template.children()
        info = tlv.find(objects, 0xA5)
        parts = () if info is None else tlv.decode_all(info)
    except (CodecError, ValueError) as err:
        raise RefusalError(0x6A80, f"FCP template: {err}") from err
    descriptor, fid = tlv.find(objects, 0x82), tlv.find(objects, 0x83)
    if fid is not None and len(fid) != 2:
        raise RefusalError(0x6A80, "a file id has 2 bytes")
    special = tlv.find(parts, 0xC0) or b"\x00"
    fcp = Fcp(
        descriptor=descriptor,
        file_id=fid,
        df_name=tlv.find(objects, 0x84),
        life_cycle=tlv.find(objects, 0x8A) or b"\x05",
        security=tlv.find(objects, 0x8B),
        size=tlv.find(objects, 0x80),
        pin_status=_key_references(tlv.find(objects, 0xC6)),
        short_id=tlv.find(objects, 0x88),
        info=ProprietaryInfo(
            special=special[:1],
            fill=tlv.find(parts, 0xC1),
            repeat=tlv.find(parts, 0xC2),
            maximum_size=tlv.find(parts, 0x86),
        ),
    )
    return fcp, objects


def _key_references(template: bytes | None) -> bytes | None:
    """Return the key references of a PIN status template."""
    if template is None:
        return None
    try:
        found = tlv.decode_all(template)
    except CodecError as err:
        raise RefusalError(0x6A80, f"PIN status template: {err}") from err
    return b"".join(one.value for one in found if one.tag == 0x83)


def _check_new(fcp: Fcp, objects: tuple[tlv.Tlv, ...], *, directory: bool) -> None:
    """Refuse with 6A80 a template that lacks what a new file needs, or has what is not offered."""
    required = [0x82, 0x83, 0x8A, 0x8B, *([0xC6] if directory else [0x80])]
    lacking = [tag for tag in required if tlv.find(objects, tag) is None]
    if lacking:
        raise RefusalError(0x6A80, f"FCP template lacks {lacking[0]:X}")
    descriptor, security = fcp.descriptor or b"", fcp.security or b""
    if len(descriptor) not in (2, 4, 5) or len(security) != 3:
        raise RefusalError(0x6A80, "file descriptor, or security attributes other than EF.ARR")
    if len(fcp.life_cycle) != 1 or fcp.life_cycle[0] not in _LIFE_CYCLES:
        raise RefusalError(0x6A80, f"life cycle {fcp.life_cycle.hex()}")
    if fcp.df_name is not None and (not directory or not 5 <= len(fcp.df_name) <= 16):
        raise RefusalError(0x6A80, "a DF name has 5 to 16 bytes and belongs to a DF")
    if directory:
        return
    if fcp.size is None or len(fcp.size) > 4 or not 0 < int.from_bytes(fcp.size, "big") <= MAX_FILE:
        raise RefusalError(0x6A80, "no size that a file may have")
    short_id = fcp.short_id
    if short_id and (len(short_id) > 1 or short_id[0] & 7 or short_id[0] >> 3 > _LONGEST_SFI):
        raise RefusalError(0x6A80, f"short file id {short_id.hex()}")
