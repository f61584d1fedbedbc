"""Files in a package: Fcp, fills, file elements after templates, and generic file management."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Final

from hil.errors import CodecError
from hil.wire import tlv
from hil.wire.profile_package.fcp import Fcp
from hil.wire.profile_package.file_names import FILE_NAMES
from hil.wire.profile_package.package import NAMES, PE_HEADER, PeHeader
from hil.wire.profile_package.structure import (
    Fields,
    integer,
    oid,
    read_integer,
    read_oid,
    read_pairs,
)
from hil.wire.tlv import Tlv

MAX_OFFSET: Final = 0xFFFF
MAX_FILE: Final = 0xFFFFFF
"""Largest file rendered, in bytes: three times what a card has."""

_FIRST_FILE: Final = 2
"""Position of the first file in a file element: header 0, template 1."""


@dataclass(frozen=True, slots=True)
class DoNotCreate:
    """Leave this file out although its template creates it by default."""


@dataclass(frozen=True, slots=True)
class FillOffset:
    """Skip so many bytes from the present position."""

    skip: int


@dataclass(frozen=True, slots=True)
class FillContent:
    """Write bytes at the present position and move on behind them."""

    content: bytes


@dataclass(frozen=True, slots=True)
class SelectPath:
    """Choose the current DF: 0 to 8 bytes of file ids below MF, ADFs by their temporary id."""

    path: bytes


FileItem = DoNotCreate | Fcp | FillOffset | FillContent | Tlv
"""Members of a File; Tlv: an alternative unknown here."""

FileStep = SelectPath | Fcp | FillOffset | FillContent | Tlv
"""Members of a FileManagement; Tlv: an alternative unknown here."""


def render(items: Iterable[FileItem | FileStep], size: int, blank: bytes = b"\xff") -> bytes:
    """Return a file of ``size`` bytes after its pattern and all fills.

    What neither fills has ``blank`` (1 byte). A pattern fills each record of a record file, or the
    whole file. Raises CodecError when a fill runs over the end.
    """
    if not 0 <= size <= MAX_FILE:
        raise CodecError(f"a file of {size} bytes cannot be rendered")
    content = bytearray(blank * size)
    position = 0
    for item in items:
        if isinstance(item, Fcp):
            content[:] = _patterned(item, bytes(content))
            position = 0
        elif isinstance(item, FillOffset):
            position += item.skip
        elif isinstance(item, FillContent):
            end = position + len(item.content)
            if end > size:
                raise CodecError(f"fill up to byte {end} runs over a file of {size} bytes")
            content[position:end] = item.content
            position = end
    return bytes(content)


def _patterned(fcp: Fcp, content: bytes) -> bytes:
    """Return the content that the Fcp's pattern gives, or ``content`` if it has none."""
    info = fcp.info
    if info is None or (not info.fill and not info.repeat):
        return content
    size = fcp.record_length or len(content)
    if info.fill:
        record = (info.fill + info.fill[-1:] * max(0, size - len(info.fill)))[:size]
    else:
        pattern = info.repeat or b""
        record = (pattern * (size // len(pattern) + 1))[:size]
    return (record * (len(content) // max(1, size) + 1))[: len(content)]


def filled_size(items: Iterable[FileItem | FileStep]) -> int:
    """Return the end of the last fill, in bytes."""
    position = end = 0
    for item in items:
        if isinstance(item, FillOffset):
            position += item.skip
        elif isinstance(item, FillContent):
            position += len(item.content)
            end = position
    return end


@dataclass(frozen=True, slots=True)
class File:
    """One file of a file element: what differs from its template, and its content."""

    items: tuple[FileItem, ...] = ()
    _encoded: bytes | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def fcp(self) -> Fcp | None:
        """The file descriptor, if the package gives one."""
        return next((item for item in self.items if isinstance(item, Fcp)), None)

    @property
    def created(self) -> bool:
        """False if the package says not to create the file."""
        return not any(isinstance(item, DoNotCreate) for item in self.items)

    @classmethod
    def decode(cls, value: bytes, where: str) -> File:
        """Read the content of a File."""
        return cls(tuple(_read_item(tag, one, where) for tag, one in read_pairs(value, where)))

    def encode(self) -> bytes:
        """Return the content."""
        if self._encoded is None:
            content = b"".join(
                _encode_item(item, fcp_tag=0xA1, content_tag=0x83) for item in self.items
            )
            # Never changed afterwards; the profiles of an operator share most of their files.
            object.__setattr__(self, "_encoded", content)
            return content
        return self._encoded


def _read_item(tag: int, value: bytes, where: str) -> FileItem:
    if tag == 0x80:
        if value:
            raise CodecError(f"{where}: doNotCreate must be empty")
        return DoNotCreate()
    if tag == 0xA1:
        return Fcp.decode(value, where)
    if tag == 0x82:
        return FillOffset(read_integer(value, f"{where}: offset", maximum=MAX_OFFSET))
    if tag == 0x83:
        return FillContent(value)
    return Tlv(tag, value)


def _read_step(tag: int, value: bytes, where: str) -> FileStep:
    if tag == 0x80:
        if len(value) > 8:
            raise CodecError(f"{where}: filePath is longer than 8 bytes")
        return SelectPath(value)
    if tag == 0x62:
        return Fcp.decode(value, where)
    if tag == 0x02:
        return FillOffset(read_integer(value, f"{where}: offset", maximum=MAX_OFFSET))
    if tag == 0x81:
        return FillContent(value)
    return Tlv(tag, value)


def _encode_item(item: FileItem | FileStep, *, fcp_tag: int, content_tag: int) -> bytes:
    match item:
        case DoNotCreate():
            return tlv.encode(0x80, b"")
        case SelectPath(path):
            return tlv.encode(0x80, path)
        case FillOffset(skip):
            return tlv.encode(0x82 if fcp_tag == 0xA1 else 0x02, integer(skip))
        case FillContent(content):
            return tlv.encode(content_tag, content)
        case Fcp():
            return tlv.encode(fcp_tag, item.encode())
        case _:
            return item.encode()


@dataclass(frozen=True, slots=True)
class PlacedFile:
    """A file and its position in its element: 2 is the first (header is 0, template 1)."""

    position: int
    file: File

    @property
    def tag(self) -> int:
        """Tag of the field: A2 to BE, then BF1F and on."""
        return 0xA0 | self.position if self.position < 31 else 0xBF00 | self.position


@dataclass(frozen=True, slots=True)
class FileElement:
    """An element made of files after a template: mf, telecom, usim, opt-usim, df-5gs, ….

    ``tag``: which one. ``template``: object identifier of the template, dotted; it, not the tag,
    says which defaults hold. ``files`` in the order of their positions.
    """

    tag: int
    header: PeHeader
    template: str
    files: tuple[PlacedFile, ...] = ()

    @property
    def name(self) -> str:
        """Name of the element, such as ``opt-usim``."""
        return NAMES[self.tag]

    def file(self, name: str) -> File | None:
        """Return the file called ``name`` in the module (``ef-imsi``), None if it is absent."""
        try:
            position = FILE_NAMES[self.name].index(name) + _FIRST_FILE
        except ValueError as err:
            raise CodecError(f"{self.name} has no file called {name!r}") from err
        return next((one.file for one in self.files if one.position == position), None)

    @classmethod
    def place(cls, tag: int, name: str, file: File) -> PlacedFile:
        """Return ``file`` at the position that ``name`` has in the element ``tag``."""
        try:
            return PlacedFile(FILE_NAMES[NAMES[tag]].index(name) + _FIRST_FILE, file)
        except ValueError as err:
            raise CodecError(f"{NAMES[tag]} has no file called {name!r}") from err

    @classmethod
    def decode(cls, tag: int, body: bytes) -> FileElement:
        """Read the body of a file element."""
        name = NAMES[tag]
        members = read_pairs(body, name)
        if len(members) < 2 or members[0][0] != PE_HEADER or members[1][0] != 0x81:
            raise CodecError(f"{name} does not begin with its header and its template")
        header = PeHeader.decode(members[0][1], name)
        template = read_oid(members[1][1], f"template of {name}")
        files: list[PlacedFile] = []
        for tag_read, value in members[2:]:
            position = tag_read & 0x1F if tag_read < 0x100 else tag_read & 0xFF
            file = PlacedFile(position, File.decode(value, f"{name}, file {position}"))
            if file.tag != tag_read or position <= (files[-1].position if files else 1):
                raise CodecError(f"{name}: field {tag_read:X} is no file, doubled or out of order")
            files.append(file)
        return cls(tag, header, template, tuple(files))

    def encode(self) -> bytes:
        """Return the body."""
        files = b"".join(tlv.encode(one.tag, one.file.encode()) for one in self.files)
        return self.header.encode() + tlv.encode(0x81, oid(self.template)) + files


@dataclass(frozen=True, slots=True)
class GenericFileManagement:
    """genericFileManagement: create any file in any place; each command is a row of steps."""

    TAG: ClassVar[int] = 0xA1

    header: PeHeader
    commands: tuple[tuple[FileStep, ...], ...]
    extensions: tuple[Tlv, ...] = ()

    @classmethod
    def decode(cls, body: bytes) -> GenericFileManagement:
        """Read the body."""
        where = "genericFileManagement"
        fields = Fields(body, where)
        header = PeHeader.decode(fields.required(PE_HEADER, "header"), where)
        commands = []
        for command, value in read_pairs(fields.required(0xA1, "fileManagementCMD"), where):
            if command != 0x30:
                raise CodecError(f"{where}: {command:X} is no command")
            pairs = read_pairs(value, where)
            commands.append(tuple(_read_step(tag, step, where) for tag, step in pairs))
        return cls(header, tuple(commands), fields.rest())

    def encode(self) -> bytes:
        """Return the body."""
        commands = b"".join(
            tlv.encode(
                0x30,
                b"".join(_encode_item(step, fcp_tag=0x62, content_tag=0x81) for step in command),
            )
            for command in self.commands
        )
        extensions = b"".join(map(Tlv.encode, self.extensions))
        return self.header.encode() + tlv.encode(0xA1, commands) + extensions
