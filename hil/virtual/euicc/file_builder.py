"""Makes one file from its template, its Fcp and its fills (TCA interoperable format, 8.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from hil.virtual.euicc.files import DF_ARR_ID, MF_ARR_ID, MF_ID, Df, Ef, Structure
from hil.virtual.euicc.install_error import InstallError, Status
from hil.virtual.euicc.templates import Fill, TemplateFile
from hil.wire.profile_package.fcp import Fcp
from hil.wire.profile_package.files import FileItem, FileStep, FillContent, FillOffset

if TYPE_CHECKING:
    from hil.wire.profile_package.fcp import ProprietaryInfo

_KINDS: Final = {
    "TR": Structure.TRANSPARENT,
    "LF": Structure.LINEAR,
    "CY": Structure.CYCLIC,
    "BT": Structure.BER_TLV,
}
_BLANK: Final = Fill()
_SHAREABLE: Final = 0x40
_DIRECTORY: Final = 0x38
MAX_RECORDS: Final = 254
MAX_FILE: Final = 0xFFFF

Items = Sequence[FileItem | FileStep]


def is_directory(fcp: Fcp) -> bool:
    """Whether an Fcp without template makes a DF."""
    return fcp.descriptor is not None and fcp.descriptor[0] & 0x3F == _DIRECTORY


def build_df(template: TemplateFile | None, items: Items, parent: Df | None) -> Df:
    """Return a new DF, ADF or MF, not yet put into ``parent``."""
    fcp = _fcp(items)
    fid = _fid(template, fcp) if parent is not None else MF_ID
    name = fcp.df_name or b""
    if template is not None and template.kind == "ADF" and not name:
        raise InstallError(Status.BAD_VALUES, "an ADF has no name")
    if name and parent is not None and parent.parent is not None:
        raise InstallError(Status.BAD_VALUES, "an ADF stands below a DF")
    under_mf = parent is None or parent.parent is None
    return Df(
        fid,
        name,
        security=_security(template, fcp, MF_ARR_ID if under_mf else DF_ARR_ID),
        pins=fcp.pin_status or b"",
        life_cycle=fcp.life_cycle[0],
        link=fcp.link or b"",
    )


def build_ef(template: TemplateFile | None, items: Items, parent: Df) -> Ef:
    """Return a new EF, not yet put into ``parent``."""
    fcp = _fcp(items)
    fid = _fid(template, fcp)
    structure, record_length = _shape(template, fcp, fid)
    if fcp.link:
        return Ef(
            fid,
            structure,
            bytearray(),
            record_length,
            sfi=short_file_id(template, fcp, fid),
            security=_security(template, fcp, MF_ARR_ID if parent.parent is None else DF_ARR_ID),
            life_cycle=fcp.life_cycle[0],
            link=fcp.link,
        )
    size = _size(template, fcp, record_length, items)
    if record_length and (size % record_length or size // record_length > MAX_RECORDS):
        raise InstallError(
            Status.BAD_VALUES, f"file {fid:04X}: {size} bytes in records of {record_length}"
        )
    info = fcp.info
    maximum = 0
    if structure is Structure.BER_TLV:
        content = bytearray()
        apply_fills(content, items, room=size)
        if info is not None and info.maximum_size is not None:
            maximum = int.from_bytes(info.maximum_size, "big")
    else:
        content = _content(template, info, items, size, record_length)
    return Ef(
        fid,
        structure,
        content,
        record_length,
        sfi=short_file_id(template, fcp, fid),
        security=_security(template, fcp, MF_ARR_ID if parent.parent is None else DF_ARR_ID),
        life_cycle=fcp.life_cycle[0],
        special=info.special[0] if info is not None else 0,
        reserved=size if structure is Structure.BER_TLV else 0,
        maximum=maximum,
    )


def apply_fills(
    content: bytearray, items: Items, *, position: int = 0, room: int | None = None
) -> int:
    """Write the fills of ``items`` from ``position`` on; return the position behind them.

    With ``room`` the content grows as it is filled, up to that many bytes: a BER-TLV file holds
    what is put into it and no filling.
    """
    limit = len(content) if room is None else room
    for item in items:
        if isinstance(item, FillOffset):
            position += item.skip
        elif isinstance(item, FillContent):
            end = position + len(item.content)
            if end > limit:
                raise InstallError(Status.BAD_VALUES, f"fill up to byte {end} of a file of {limit}")
            if position > len(content):
                content += bytes(position - len(content))
            content[position:end] = item.content
            position = end
    return position


def _fcp(items: Items) -> Fcp:
    return next((item for item in items if isinstance(item, Fcp)), None) or Fcp()


def _fid(template: TemplateFile | None, fcp: Fcp) -> int:
    if fcp.file_id is not None:
        return int.from_bytes(fcp.file_id, "big")
    if template is None or template.fid is None:
        raise InstallError(Status.BAD_VALUES, "a file without file id")
    return template.fid


def _shape(template: TemplateFile | None, fcp: Fcp, fid: int) -> tuple[Structure, int]:
    descriptor = fcp.descriptor
    if descriptor is None:
        if template is None or template.kind not in _KINDS:
            raise InstallError(Status.BAD_VALUES, f"file {fid:04X} has no descriptor")
        structure = _KINDS[template.kind]
        length = (template.size or 0) if structure.has_records else 0
    else:
        try:
            structure = Structure(descriptor[0] | _SHAREABLE)
        except ValueError as err:
            raise InstallError(
                Status.BAD_VALUES, f"file {fid:04X} has descriptor {descriptor.hex()}"
            ) from err
        length = int.from_bytes(descriptor[2:4], "big") if structure.has_records else 0
    if structure.has_records and not 0 < length <= 255:
        raise InstallError(Status.BAD_VALUES, f"file {fid:04X} has records of {length} bytes")
    return structure, length


def _size(template: TemplateFile | None, fcp: Fcp, record_length: int, items: Items) -> int:
    size = fcp.size_bytes
    if size is None and template is not None:
        if record_length:
            size = None if template.records is None else template.records * record_length
        else:
            size = template.size
    if size is None:
        # A BER-TLV file says its largest size only; others end with what fills them.
        size = apply_fills(bytearray(MAX_FILE), items)
    if not 0 <= size <= MAX_FILE:
        raise InstallError(Status.BAD_VALUES, f"a file of {size} bytes")
    return size


def _content(
    template: TemplateFile | None,
    info: ProprietaryInfo | None,
    items: Items,
    size: int,
    record_length: int,
) -> bytearray:
    fill = template.content if template is not None and template.content else _BLANK
    if info is not None and info.fill is not None and info.repeat is not None:
        raise InstallError(Status.BAD_VALUES, "fill pattern and repeat pattern exclude each other")
    if info is not None and info.fill is not None:
        fill = Fill(info.fill[:-1], info.fill[-1:])
    elif info is not None and info.repeat is not None:
        fill = Fill(filler=info.repeat)
    if record_length:
        content = bytearray(fill.make(record_length) * (size // record_length))
    else:
        content = bytearray(fill.make(size))
    apply_fills(content, items)
    return content


def short_file_id(template: TemplateFile | None, fcp: Fcp, fid: int) -> int | None:
    """Return the SFI of a new file, ``None`` for none: its own, its template's or of its id."""
    if fcp.short_id is not None:
        return fcp.short_id[0] >> 3 if fcp.short_id else None
    if template is not None:
        return template.sfi
    return fid & 0x1F or None


def _security(template: TemplateFile | None, fcp: Fcp, arr: int) -> bytes:
    """Return EF.ARR id and record number; empty when nothing is said: then all is refused."""
    reference = fcp.security
    if reference is None:
        if template is None or template.arr_record is None:
            return b""
        reference = bytes((template.arr_record,))
    if len(reference) == 1:
        return arr.to_bytes(2, "big") + reference
    return reference
