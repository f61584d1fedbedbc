"""Files of a UICC: MF, DFs, ADFs and EFs as objects in memory (ETSI TS 102 221, section 8).

A :class:`FileTree` is one profile's file system, or that of the bare eUICC. How it is stored is in
:mod:`hil.virtual.euicc.file_store`; what commands do with it, in
:mod:`hil.virtual.euicc.file_commands`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from hil.virtual.euicc.refusal import RefusalError

MF_ID: Final = 0x3F00
CURRENT_ADF_ID: Final = 0x7FFF
MF_ARR_ID: Final = 0x2F06
DF_ARR_ID: Final = 0x6F06
ACTIVATED: Final = 0x05
DEACTIVATED: Final = 0x04
USABLE_WHEN_DEACTIVATED: Final = 0x40
"""Special file information: the file is read and updated although it is deactivated."""


class Structure(IntEnum):
    """Structure of an EF: first byte of the file descriptor, shareable."""

    TRANSPARENT = 0x41
    LINEAR = 0x42
    CYCLIC = 0x46
    BER_TLV = 0x79

    @property
    def has_records(self) -> bool:
        """Whether the file is read by records."""
        return self in (Structure.LINEAR, Structure.CYCLIC)


@dataclass(slots=True, eq=False)
class Ef:
    """An elementary file. ``content`` of a record file is all records in a row, the first first.

    Of a BER-TLV file it is the data objects in a row, no filling; ``reserved`` bytes of memory are
    kept for it and ``maximum`` is what it may grow to, 0 for no limit but the card's.

    ``security``: value of the FCP object 8B. ``sfi``: short file id, ``None`` for none. ``link``:
    path from the MF of the file that this one stands for, ``target`` that file. ``slot``: number of
    its row in the card's memory.
    """

    fid: int
    structure: Structure
    content: bytearray
    record_length: int = 0
    sfi: int | None = None
    security: bytes = b""
    life_cycle: int = ACTIVATED
    special: int = 0
    link: bytes = b""
    reserved: int = 0
    maximum: int = 0
    parent: Df | None = field(default=None, repr=False)
    target: Ef | None = field(default=None, repr=False)
    slot: int = -1

    def follow(self, target: Ef) -> None:
        """Share the content of another file, to which this one is a link."""
        self.target = target
        self.reserved, self.maximum = target.reserved, target.maximum
        self.structure, self.record_length = target.structure, target.record_length
        self.content = target.content

    @property
    def cost(self) -> int:
        """Bytes of non-volatile memory that the file is charged with."""
        return HEADER_COST + (0 if self.link else max(len(self.content), self.reserved))

    @property
    def records(self) -> int:
        """Number of records."""
        return len(self.content) // self.record_length if self.record_length else 0

    def record(self, number: int) -> bytes:
        """Return a record, counted from 1; 6A83 if there is none."""
        if not 1 <= number <= self.records:
            raise RefusalError(0x6A83, f"file {self.fid:04X} has {self.records} records")
        start = (number - 1) * self.record_length
        return bytes(self.content[start : start + self.record_length])

    @property
    def path(self) -> str:
        """File ids from below the MF down to this file, in hex."""
        return f"{self.parent.path}{self.fid:04X}" if self.parent else f"{self.fid:04X}"


@dataclass(slots=True, eq=False)
class Df:
    """A dedicated file: the MF, a DF, or an ADF (then with ``name``, its AID).

    An ADF's ``fid`` is the temporary id of its profile package: it stands in paths of the package
    and can not be selected. ``pins``: key references of its PIN status template; bit n of
    ``pin_states``, from b8, tells whether the n-th of them is enabled.
    """

    fid: int
    name: bytes = b""
    security: bytes = b""
    pins: bytes = b""
    pin_states: int = 0
    life_cycle: int = ACTIVATED
    link: bytes = b""
    parent: Df | None = field(default=None, repr=False)
    children: dict[int, Df | Ef] = field(default_factory=dict, repr=False)
    by_sfi: dict[int, Ef] = field(default_factory=dict, repr=False)
    slot: int = -1

    def follow(self, target: Df) -> None:
        """Show the files of another DF, to which this one is a link."""
        self.children, self.by_sfi = target.children, target.by_sfi

    @property
    def cost(self) -> int:
        """Bytes of non-volatile memory that the directory itself is charged with."""
        return HEADER_COST

    @property
    def path(self) -> str:
        """File ids from below the MF down to this file, in hex; empty for the MF."""
        return "" if self.parent is None else f"{self.parent.path}{self.fid:04X}"

    @property
    def application(self) -> Df:
        """The ADF this file belongs to, or the MF."""
        at = self
        while at.parent is not None and not at.name:
            at = at.parent
        return at

    def add(self, file: Df | Ef) -> None:
        """Put a file into this DF; 6A89 if the id is taken."""
        if file.fid in self.children:
            raise RefusalError(0x6A89, f"file {file.fid:04X} exists in {self.path or 'the MF'}")
        file.parent = self
        self.children[file.fid] = file
        if isinstance(file, Ef) and file.sfi is not None:
            self.by_sfi[file.sfi] = file

    def remove(self, file: Df | Ef) -> None:
        """Take a file out of this DF."""
        del self.children[file.fid]
        if isinstance(file, Ef) and self.by_sfi.get(file.sfi or 0) is file:
            del self.by_sfi[file.sfi or 0]

    def walk(self) -> Iterator[Df | Ef]:
        """Go through this DF and all below it, parents before children; links are not followed."""
        yield self
        if self.link:
            return
        for child in self.children.values():
            if isinstance(child, Df):
                yield from child.walk()
            else:
                yield child


class FileTree:
    """One file system. ``owner`` is the AID of its ISD-P, empty for the bare eUICC.

    ``deletions`` counts the files deleted since the last reset: what a channel has selected may be
    among them.
    """

    def __init__(self, mf: Df, *, owner: bytes = b"") -> None:
        self.mf = mf
        self.owner = owner
        self.deletions = 0

    @property
    def applications(self) -> list[Df]:
        """The ADFs, in the order they were made."""
        return [one for one in self.mf.children.values() if isinstance(one, Df) and one.name]

    def at(self, path: bytes) -> Df | Ef | None:
        """Return the file at a path from the MF, ADFs by temporary id, ``None`` if absent."""
        found: Df | Ef | None = self.mf
        for place in range(0, len(path), 2):
            if not isinstance(found, Df):
                return None
            found = found.children.get(int.from_bytes(path[place : place + 2], "big"))
        return found

    def tie_links(self) -> None:
        """Let every link share the content of its target; 6A82 for one that leads nowhere."""
        for file in self.mf.walk():
            if file.link and not self._tie(file, self.at(file.link)):
                raise RefusalError(0x6A82, f"file {file.path} links to {file.link.hex()}")

    def _tie(self, file: Df | Ef, target: Df | Ef | None) -> bool:
        """Let a link show its target; return whether it may."""
        if isinstance(file, Ef) and isinstance(target, Ef) and not target.link:
            file.follow(target)
            return True
        if isinstance(file, Df) and isinstance(target, Df) and self._may_show(file, target):
            file.follow(target)
            return True
        return False

    def size(self) -> int:
        """Bytes of non-volatile memory that the files are charged with."""
        return sum(file.cost for file in self.mf.walk())

    def holds(self, file: Df | Ef) -> bool:
        """Whether a file is still part of this tree."""
        at: Df | Ef = file
        while at.parent is not None:
            if at.parent.children.get(at.fid) is not at:
                return False
            at = at.parent
        return at is self.mf

    def next_slot(self) -> int:
        """Return the number of the next row in the card's memory."""
        return 1 + max(file.slot for file in self.mf.walk())

    @staticmethod
    def _may_show(link: Df, target: Df) -> bool:
        """Whether a DF may show the files of another: one without links, not above itself."""
        at: Df | None = link
        while at is not None:
            if at is target:
                return False
            at = at.parent
        return not target.link and not link.children and not target.name


HEADER_COST: Final = 24
"""Bytes a file costs besides its content: a round figure for descriptor and allocation."""


def find(start: Df, fid: int, mf: Df, active: Df | None) -> Df | Ef | None:
    """Find a file by id as SELECT with P1 = 00 does (ETSI TS 102 221, 8.4.1 and 11.1.1.2).

    In this order: a child of the current DF ``start``, that DF itself, its parent, a DF beside it;
    and always the MF and 7FFF, the ADF of the application that is active. The EFs beside the
    current DF are not among them, nor are temporary ids of ADFs.
    """
    if fid == MF_ID:
        return mf
    if fid == CURRENT_ADF_ID:
        return active
    child = start.children.get(fid)
    if child is not None and not _is_adf(child):
        return child
    for directory in (start, start.parent):
        if directory is not None and directory.fid == fid and not directory.name:
            return directory
    beside = None if start.parent is None else start.parent.children.get(fid)
    return beside if isinstance(beside, Df) and not beside.name else None


def _is_adf(file: Df | Ef) -> bool:
    return isinstance(file, Df) and bool(file.name)
