"""Gives a template package (GSMA TS.48, or one of an operator) the data of one subscription."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Final

from hil.errors import CodecError
from hil.wire import identifiers
from hil.wire.profile_package.authentication import AkaParameter, AlgorithmParameter
from hil.wire.profile_package.elements import Body, decode, encode
from hil.wire.profile_package.fcp import Fcp
from hil.wire.profile_package.files import DoNotCreate, File, FileElement, FillContent, PlacedFile
from hil.wire.profile_package.header import ProfileHeader
from hil.wire.profile_package.package import Element, join, split

_CHANGED: Final = ("header", "mf", "iot", "usim", "akaParameter")
"""Elements that hold something of the subscription; the others are not even decoded."""

_ICCID_ELEMENTS = ("mf", "iot")
_IMSI_ELEMENTS = ("usim", "iot")


def personalise(
    template: bytes,
    iccid: str,
    imsi: str,
    k: bytes,
    opc: bytes,
    *,
    connectivity: bytes | None = None,
    pol: bytes | None = None,
) -> bytes:
    """Return ``template`` with this ICCID, IMSI, K and OPc; all else stays byte for byte.

    Changed are the header, EF.ICCID, EF.IMSI of every USIM, and K and OPc (16 bytes each) of every
    akaParameter; elements without these are copied as they are. ``connectivity`` and ``pol``, if
    given, go into the header (tags 87 and 84), as M2M wants it. IMS identities and CDMA keys are
    not derived from them and stay those of the template.

    Raises CodecError if the template lacks one of the places.
    """
    if len(k) != 16 or len(opc) != 16:
        raise CodecError("K and OPc to personalise with must have 16 bytes each")
    ef_iccid, ef_imsi = identifiers.encode_iccid(iccid), identifiers.encode_imsi(imsi)
    done: set[str] = set()

    def change(body: Body) -> Body:
        if isinstance(body, ProfileHeader):
            done.add("header")
            return replace(
                body,
                iccid=identifiers.encode_header_iccid(iccid),
                connectivity=body.connectivity if connectivity is None else connectivity,
                pol=body.pol if pol is None else pol,
            )
        if isinstance(body, AkaParameter) and isinstance(body.configuration, AlgorithmParameter):
            done.add("akaParameter")
            return replace(body, configuration=replace(body.configuration, key=k, opc=opc))
        if isinstance(body, FileElement):
            for name, content, elements in (
                ("ef-iccid", ef_iccid, _ICCID_ELEMENTS),
                ("ef-imsi", ef_imsi, _IMSI_ELEMENTS),
            ):
                if body.name in elements and body.file(name) is not None:
                    done.add(name)
                    body = _with_content(body, name, content)
        return body

    elements = []
    for element, before in _decoded(template):
        after = before if before is None else change(before)
        if after is None or after is before or after == before:
            elements.append(element)
        else:
            elements.append(encode(after, element.offset))
    missing = {"header", "ef-iccid", "ef-imsi", "akaParameter"} - done
    if missing:
        raise CodecError(f"template package lacks {', '.join(sorted(missing))}")
    return join(elements)


@lru_cache(maxsize=8)
def _decoded(template: bytes) -> tuple[tuple[Element, Body | None], ...]:
    """Return the elements of a template, those to change decoded; once for all its profiles."""
    return tuple(
        (element, decode(element) if element.name in _CHANGED else None)
        for element in split(template)
    )


def _with_content(element: FileElement, name: str, content: bytes) -> FileElement:
    """Return the element with the fills of one file replaced by ``content``."""

    def filled(file: File) -> File:
        kept = tuple(item for item in file.items if isinstance(item, Fcp | DoNotCreate))
        return File((*kept, FillContent(content)))

    position = FileElement.place(element.tag, name, File()).position
    files = tuple(
        PlacedFile(one.position, filled(one.file)) if one.position == position else one
        for one in element.files
    )
    return replace(element, files=files)
