"""A profile package as a row of profile elements: cut by tag and length, nothing decoded.

TCA eUICC Profile Package: Interoperable Format. A package is a plain concatenation of profile
elements (PEs), each one context tag; there is no outer SEQUENCE. The order is that of installation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from hil.errors import CodecError
from hil.wire import tlv
from hil.wire.profile_package.structure import (
    Fields,
    header_size,
    integer,
    null_field,
    read_der_header,
    read_objects,
)
from hil.wire.tlv import Tlv

MAX_PACKAGE: Final = 1024 * 1024
"""Longest package read, in bytes."""

MAX_ELEMENTS: Final = 1024
EMPTY: Final = "profile package is empty"

NAMES: Final[dict[int, str]] = {
    0xA0: "header",
    0xA1: "genericFileManagement",
    0xA2: "pinCodes",
    0xA3: "pukCodes",
    0xA4: "akaParameter",
    0xA5: "cdmaParameter",
    0xA6: "securityDomain",
    0xA7: "rfm",
    0xA8: "application",
    0xA9: "nonStandard",
    0xAA: "end",
    0xAB: "rfu1",
    0xAC: "rfu2",
    0xAD: "rfu3",
    0xAE: "rfu4",
    0xAF: "rfu5",
    0xB0: "mf",
    0xB1: "cd",
    0xB2: "telecom",
    0xB3: "usim",
    0xB4: "opt-usim",
    0xB5: "isim",
    0xB6: "opt-isim",
    0xB7: "phonebook",
    0xB8: "gsm-access",
    0xB9: "csim",
    0xBA: "opt-csim",
    0xBB: "eap",
    0xBC: "df-5gs",
    0xBD: "df-saip",
    0xBE: "df-snpn",
    0xBF1F: "df-5gprose",
    0xBF20: "iot",
    0xBF21: "opt-iot",
}
"""Names of the profile elements by tag, as in the ASN.1 module 3.3.1."""

TAGS: Final = {name: tag for tag, name in NAMES.items()}
"""Tags of the profile elements by name."""

HEADER: Final = TAGS["header"]
END: Final = TAGS["end"]
PE_HEADER: Final = 0xA0
"""Tag of the PEHeader, the first member of every element but the profile header."""

MAX_IDENTIFICATION: Final = 0x7FFF
_RESERVED: Final = range(0xAB, 0xB0)


@dataclass(frozen=True, slots=True)
class PeHeader:
    """``identification``: 0 to 32767, unique in a package; comes back in PEStatus.

    ``mandated``: an eUICC that does not know this element must stop the installation.
    """

    identification: int
    mandated: bool = True
    extensions: tuple[Tlv, ...] = ()

    @classmethod
    def decode(cls, value: bytes, where: str) -> PeHeader:
        """Read the content of a PEHeader."""
        fields = Fields(value, f"header of {where}")
        mandated = fields.null(0x80, "mandated")
        number = fields.integer(0x81, "identification", maximum=MAX_IDENTIFICATION)
        return cls(number, mandated, fields.rest())

    def encode(self) -> bytes:
        """Return the PEHeader with its tag."""
        content = null_field(0x80, present=self.mandated)
        content += tlv.encode(0x81, integer(self.identification))
        return tlv.encode(PE_HEADER, content + b"".join(map(Tlv.encode, self.extensions)))


@dataclass(frozen=True, slots=True)
class Element:
    """One profile element, undecoded.

    ``body``: content without tag and length, in bytes. ``identification`` is None for the header,
    for reserved elements and for unknown ones without a PEHeader. ``offset``: of the tag, in bytes
    from the start of the package. The body stays out of ``repr``: it may hold keys.
    """

    tag: int
    name: str
    identification: int | None
    mandated: bool
    body: bytes = field(repr=False)
    offset: int = 0

    def encode(self) -> bytes:
        """Return tag, length and body."""
        return tlv.encode(self.tag, self.body)

    @property
    def size(self) -> int:
        """Length with tag and length field, in bytes."""
        return header_size(self.tag, len(self.body)) + len(self.body)


def make_element(tag: int, body: bytes, offset: int = 0) -> Element:
    """Return the element with this tag and body; a known one must begin with its PEHeader."""
    name = NAMES.get(tag, f"unknown {tag:X}")
    if tag == HEADER or tag in _RESERVED:
        return Element(tag, name, None, mandated=False, body=body, offset=offset)
    tag_read, start, end = read_der_header(body, 0, name) if body else (None, 0, 0)
    if tag_read != PE_HEADER:
        if tag in NAMES:
            raise CodecError(f"{name} at byte {offset} does not begin with its header")
        return Element(tag, name, None, mandated=False, body=body, offset=offset)
    header = PeHeader.decode(body[start:end], f"{name} at byte {offset}")
    return Element(tag, name, header.identification, header.mandated, body, offset)


def split(der: bytes) -> tuple[Element, ...]:
    """Cut a package into its elements; raise CodecError if it is not a row of them.

    Only tags, lengths and PEHeaders are looked at; ``checks`` and ``test_profile`` look inside.
    """
    return tuple(iterate(der))


def iterate(der: bytes) -> Iterator[Element]:
    """Yield the elements of a package one by one; what stands behind them is not looked at yet."""
    if not der:
        raise CodecError(EMPTY)
    if len(der) > MAX_PACKAGE:
        raise CodecError(f"profile package of {len(der)} bytes is longer than {MAX_PACKAGE}")
    offset = 0
    for member in read_objects(der, "profile package", limit=MAX_ELEMENTS):
        element = make_element(member.tag, member.value, offset)
        yield element
        offset += element.size


def first(der: bytes, name: str) -> Element | None:
    """Return the first element of that name, or None; elements behind it are not looked at."""
    return next((element for element in iterate(der) if element.name == name), None)


def join(elements: Iterable[Element]) -> bytes:
    """Return the package made of these elements."""
    return b"".join(element.encode() for element in elements)
