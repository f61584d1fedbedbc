"""From elements to their decoded bodies and back, byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

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
from hil.wire.profile_package.package import TAGS, Element, make_element, split
from hil.wire.profile_package.pins import PinCodes, PukCodes


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
