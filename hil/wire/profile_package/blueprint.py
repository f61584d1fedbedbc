"""Makes file elements: access rules, file descriptors and contents in the field's terms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from hil.wire.profile_package import fcp as control
from hil.wire.profile_package.fcp import Fcp, ProprietaryInfo, minimal_bytes
from hil.wire.profile_package.files import (
    File,
    FileElement,
    FileItem,
    FillContent,
    FillOffset,
    PlacedFile,
)
from hil.wire.profile_package.package import TAGS, PeHeader

_PIN1: Final = "A406830101950108"
_PIN2: Final = "A406830181950108"
_ADM1: Final = "A40683010A950108"

ACCESS_RULES: Final = tuple(
    bytes.fromhex(rule)
    for rule in (
        f"8001019000 800102{_PIN1} 800158{_ADM1}",
        f"800101{_PIN1} 80015A{_ADM1}",
        f"80015B{_ADM1}",
        f"8001019000 80011A9700 800140{_ADM1}",
        f"800103{_PIN1} 800158{_ADM1}",
        f"800111{_PIN1} 80014A{_ADM1}",
        f"800103{_PIN1} 800158{_ADM1} 840132{_PIN1}",
        f"800101{_PIN1} 800102{_PIN2} 800158{_ADM1}",
        f"8001019000 80011A{_PIN1} 800140{_ADM1}",
        f"8001019000 80015A{_ADM1}",
        f"8001019000 800118{_ADM1} 8001429700",
        f"800101{_PIN1} 80015A9700",
        f"800113{_PIN1} 800148{_ADM1}",
        f"80015E{_ADM1}",
    )
)
"""Records 1 to 14 of EF.ARR: the rules that the templates' files refer to."""

RULE_DIRECTORY: Final = 14
RULE_READ_ALWAYS: Final = 10
RULE_RECORD: Final = 46
"""Bytes of a record of EF.ARR."""

MF_ARR: Final = b"\x2f\x06"
ADF_ARR: Final = b"\x6f\x06"
HIGH_UPDATE: Final = b"\x80"


def rows_to_items(rows: Iterable[bytes], record: int) -> tuple[FileItem, ...]:
    """Return fills that write each row at the start of its record and leave the rest of it."""
    items: list[FileItem] = []
    skip = 0
    for row in rows:
        if skip and row:
            items.append(FillOffset(skip))
            skip = 0
        if row:
            items.append(FillContent(row))
        skip += record - len(row)
    return tuple(items)


_SHORT_IDS: Final = {0x2FE2: b"\x10", 0x2F06: b"\x30"}
"""Short file ids of EF.ICCID (02) and EF.ARR (06), which the templates leave to the package.

ETSI TS 102 221, 13.2 and 13.4; so in the GSMA TS.48 packages. Terminals read the ICCID by it.
"""


class ElementBuilder:
    """Collects the files of one element; ``arr``: id of the EF.ARR its files refer to."""

    def __init__(self, name: str, identification: int, template: str, arr: bytes) -> None:
        self._tag = TAGS[name]
        self._header = PeHeader(identification)
        self._template = template
        self._arr = arr
        self._files: list[PlacedFile] = []

    @property
    def files(self) -> tuple[PlacedFile, ...]:
        """The files so far, for an element that has them too."""
        return tuple(self._files)

    def take(self, files: Iterable[PlacedFile]) -> None:
        """Add files that were made for the same element of another profile."""
        self._files += files

    def add(self, name: str, file: File) -> None:
        """Put a ready file into the place called ``name``."""
        self._files.append(FileElement.place(self._tag, name, file))

    def transparent(
        self,
        name: str,
        file_id: int,
        size: int,
        rule: int,
        content: bytes = b"",
        *,
        fill: bytes | None = None,
        repeat: bytes | None = None,
        special: bytes = b"\x00",
    ) -> None:
        """Add a transparent EF of ``size`` bytes; ``content`` is written at its start."""
        info = ProprietaryInfo(special, fill, repeat)
        descriptor = self._fcp(control.TRANSPARENT, file_id, rule, size, info)
        items = (FillContent(content),) if content else ()
        self.add(name, File((descriptor, *items)))

    def linear(
        self,
        name: str,
        file_id: int,
        record: int,
        count: int,
        rule: int,
        *,
        rows: Sequence[bytes] = (),
        fill: bytes | None = None,
        special: bytes = b"\x00",
    ) -> None:
        """Add a linear fixed EF of ``count`` records of ``record`` bytes."""
        info = ProprietaryInfo(special, fill)
        self.add(name, _linear(self._arr, file_id, (record, count), rule, rows=rows, info=info))

    def cyclic(
        self,
        name: str,
        file_id: int,
        record: int,
        count: int,
        rule: int,
        *,
        fill: bytes | None = None,
        repeat: bytes | None = None,
    ) -> None:
        """Add a cyclic EF of high update activity."""
        info = ProprietaryInfo(HIGH_UPDATE, fill, repeat)
        size = record * count
        self.add(name, File((self._fcp(control.cyclic(record), file_id, rule, size, info),)))

    def directory(
        self, name: str, file_id: int, pin_status: bytes, *, df_name: bytes | None = None
    ) -> None:
        """Add a DF, or an ADF with its AID and temporary file id."""
        descriptor = Fcp(
            file_id=None if name == "mf" else file_id.to_bytes(2, "big"),
            df_name=df_name,
            security=self._arr_of_directory() + bytes((RULE_DIRECTORY,)),
            pin_status=pin_status,
        )
        self.add(name, File((descriptor,)))

    def rules(self, file_id: int) -> None:
        """Add EF.ARR with the access rules of the templates."""
        self.add("ef-arr", _rules(self._arr, file_id))

    def build(self) -> FileElement:
        """Return the element, its files in the order of the module."""
        files = tuple(sorted(self._files, key=lambda placed: placed.position))
        return FileElement(self._tag, self._header, self._template, files)

    def _arr_of_directory(self) -> bytes:
        # An ADF and what lies beside it refer to the MF's EF.ARR; a DF in an ADF to the ADF's.
        in_adf = self._tag in (TAGS["gsm-access"], TAGS["df-5gs"], TAGS["df-saip"])
        return ADF_ARR if in_adf else MF_ARR

    def _fcp(
        self, descriptor: bytes, file_id: int, rule: int, size: int, info: ProprietaryInfo
    ) -> Fcp:
        return _fcp(descriptor, file_id, self._arr + bytes((rule,)), size, info)


def _fcp(descriptor: bytes, file_id: int, security: bytes, size: int, info: ProprietaryInfo) -> Fcp:
    return Fcp(
        descriptor=descriptor,
        file_id=file_id.to_bytes(2, "big"),
        security=security,
        size=minimal_bytes(size),
        short_id=_SHORT_IDS.get(file_id),
        info=info,
    )


def _linear(
    arr: bytes,
    file_id: int,
    shape: tuple[int, int],
    rule: int,
    *,
    rows: Sequence[bytes],
    info: ProprietaryInfo,
) -> File:
    record, count = shape
    security = arr + bytes((rule,))
    descriptor = _fcp(control.linear_fixed(record), file_id, security, record * count, info)
    return File((descriptor, *rows_to_items(rows, record)))


@lru_cache(maxsize=16)
def _rules(arr: bytes, file_id: int) -> File:
    shape = RULE_RECORD, len(ACCESS_RULES)
    return _linear(arr, file_id, shape, RULE_READ_ALWAYS, rows=ACCESS_RULES, info=ProprietaryInfo())
