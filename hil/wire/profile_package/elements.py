"""From elements to their decoded bodies and back, byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from hil.errors import CodecError
from hil.wire.profile_package.applications import (
    Application,
    End,
    NonStandard,
    Rfm,
    SecurityDomain,
)
from hil.wire.profile_package.authentication import AkaParameter, CdmaParameter
from hil.wire.profile_package.file_names import FILE_NAMES
from hil.wire.profile_package.files import FileElement, GenericFileManagement
from hil.wire.profile_package.header import ProfileHeader
from hil.wire.profile_package.located import Located, Trail
from hil.wire.profile_package.package import TAGS, Element, make_element, split
from hil.wire.profile_package.pins import PinCodes, PukCodes
from hil.wire.profile_package.structure import header_size, read_pairs


@dataclass(frozen=True, slots=True)
class UnknownElement:
    """An element this module does not know, or a reserved one: kept as it is."""

    tag: int
    body: bytes

    def encode(self) -> bytes:
        """Return the body."""
        return self.body


Body = (
    ProfileHeader
    | FileElement
    | GenericFileManagement
    | PinCodes
    | PukCodes
    | AkaParameter
    | CdmaParameter
    | SecurityDomain
    | Rfm
    | Application
    | NonStandard
    | End
    | UnknownElement
)
"""What an element can hold."""

FILE_ELEMENTS: Final = frozenset(TAGS[name] for name in FILE_NAMES)
"""Tags of the elements made of files after a template."""

_DECODERS: Final[dict[int, Callable[[bytes], Body]]] = {
    ProfileHeader.TAG: ProfileHeader.decode,
    GenericFileManagement.TAG: GenericFileManagement.decode,
    PinCodes.TAG: PinCodes.decode,
    PukCodes.TAG: PukCodes.decode,
    AkaParameter.TAG: AkaParameter.decode,
    CdmaParameter.TAG: CdmaParameter.decode,
    SecurityDomain.TAG: SecurityDomain.decode,
    Rfm.TAG: Rfm.decode,
    Application.TAG: Application.decode,
    NonStandard.TAG: NonStandard.decode,
    End.TAG: End.decode,
}


def decode(element: Element) -> Body:
    """Return the decoded body of one element; raise CodecError if it breaks the format."""
    if element.tag in FILE_ELEMENTS:
        return FileElement.decode(element.tag, element.body)
    decoder = _DECODERS.get(element.tag)
    if decoder is None:
        return UnknownElement(element.tag, element.body)
    return decoder(element.body)


def error_offset(element: Element) -> int | None:
    """Return where an element breaks the format, None if it does not.

    Bytes from its tag to the member at which reading stopped: the wrong one, or the one in whose
    place another was expected.
    """
    trail = Trail()
    start = header_size(element.tag, len(element.body))
    body = Located.make(element.body, start, trail)
    try:
        decode(replace(element, body=body))
    except CodecError:
        return trail.at
    return None


Part = tuple[tuple[int, int], ...]
"""Way to a member of an element: at each level a tag, and which of those with that tag (from 0)."""


def part_offset(element: Element, part: Part) -> int | None:
    """Return where a member stands, in bytes from the tag of its element; None if it is absent."""
    at = header_size(element.tag, len(element.body))
    content, found = element.body, 0
    for tag, number in part:
        before = 0
        for other, value in read_pairs(content, element.name):
            if other == tag and before == number:
                found, content = at, value
                at += header_size(tag, len(value))
                break
            before += other == tag
            at += header_size(other, len(value)) + len(value)
        else:
            return None
    return found


def encode(body: Body, offset: int = 0) -> Element:
    """Return the element that holds ``body``."""
    if isinstance(body, (FileElement, UnknownElement)):
        return make_element(body.tag, body.encode(), offset)
    return make_element(body.TAG, body.encode(), offset)


def decode_package(der: bytes) -> tuple[Body, ...]:
    """Return the decoded bodies of a whole package; raise CodecError if one breaks the format."""
    return tuple(decode(element) for element in split(der))


def encode_package(bodies: Iterable[Body]) -> bytes:
    """Return the package made of these bodies."""
    return b"".join(encode(body).encode() for body in bodies)
