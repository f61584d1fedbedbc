"""EUICCResponse: what the eUICC says about the installation of a package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hil.errors import CodecError
from hil.wire import tlv
from hil.wire.profile_package.applications import Application, NonStandard
from hil.wire.profile_package.package import END, HEADER, NAMES, Element, split
from hil.wire.profile_package.structure import Fields, integer, null_field, objects
from hil.wire.tlv import Tlv

STATUS_NAMES: Final[dict[int, str]] = {
    0: "ok",
    1: "pe-not-supported",
    2: "memory-failure",
    3: "bad-values",
    4: "not-enough-memory",
    5: "invalid-request-format",
    6: "invalid-parameter",
    7: "runtime-not-supported",
    8: "lib-not-supported",
    9: "template-not-supported",
    10: "feature-not-supported",
    11: "pin-code-missing",
    31: "unsupported-profile-version",
}
"""Names of the status values of PEStatus."""

OK: Final = 0
PE_NOT_SUPPORTED: Final = 1
RUNTIME_NOT_SUPPORTED: Final = 7
_INVALID_REQUEST_FORMAT: Final = 5
_PASSED_OVER: Final = frozenset({OK, PE_NOT_SUPPORTED, RUNTIME_NOT_SUPPORTED, 8, 9, 10})
"""Statuses of elements that a good installation may have: done, or not mandated and left out."""

_SEQUENCE: Final = 0x30
_STATUS_WORDS: Final = (range(0x6000, 0x7000), range(0x9000, 0xA000))


@dataclass(frozen=True, slots=True)
class PeStatus:
    """Result for one element.

    ``identification``: of the element, None for all; ``additional``: a number that belongs to the
    status; ``offset``: of the part at fault, in bytes from the tag of the element. A ``status`` of
    6000 to 6FFF or 9000 to 9FFF is a status word, above 9FFF it is proprietary.
    """

    status: int
    identification: int | None = None
    additional: int | None = None
    offset: int | None = None
    extensions: tuple[Tlv, ...] = ()

    @property
    def name(self) -> str:
        """The status in words."""
        if any(self.status in words for words in _STATUS_WORDS):
            return f"status word {self.status:04X}"
        return STATUS_NAMES.get(self.status, f"status {self.status}")

    def __str__(self) -> str:
        """Return the result in words: ``bad-values (PE 8, byte 512)``."""
        details = (
            ("PE", self.identification),
            ("information", self.additional),
            ("byte", self.offset),
        )
        told = ", ".join(f"{name} {value}" for name, value in details if value is not None)
        return f"{self.name} ({told})" if told else self.name

    @classmethod
    def decode(cls, content: bytes) -> PeStatus:
        """Read the content of one PEStatus."""
        fields = Fields(content, "PEStatus")
        status = fields.integer(0x80, "status", maximum=0xFFFF)
        identification = fields.optional_integer(0x81, "identification", maximum=0x7FFF)
        additional = fields.optional_integer(0x82, "additional-information", maximum=0xFF)
        offset = fields.optional_integer(0x83, "offset", maximum=0x7FFFFFFF)
        return cls(status, identification, additional, offset, fields.rest())

    def encode(self) -> bytes:
        """Return the PEStatus with its tag."""
        values = (self.status, self.identification, self.additional, self.offset)
        content = b"".join(
            tlv.encode(0x80 | place, integer(value))
            for place, value in enumerate(values)
            if value is not None
        )
        return tlv.encode(_SEQUENCE, content + objects(self.extensions))


@dataclass(frozen=True, slots=True)
class EuiccResponse:
    """Result of a whole package: statuses, whether it was aborted, and an optional message."""

    statuses: tuple[PeStatus, ...]
    aborted: bool = False
    message: str | None = None
    extensions: tuple[Tlv, ...] = ()

    @property
    def ok(self) -> bool:
        """True if the profile is installed: not aborted, every element done or passed over."""
        return not self.aborted and all(one.status in _PASSED_OVER for one in self.statuses)

    @property
    def text(self) -> str:
        """The result in words, for a report."""
        parts = [str(one) for one in self.statuses]
        if self.aborted:
            parts.append("aborted")
        if self.message is not None:
            parts.append(self.message)
        return ", ".join(parts)

    @classmethod
    def decode(cls, raw: bytes) -> EuiccResponse:
        """Read an EUICCResponse with its tag; nothing may stand behind it."""
        outer = Fields(raw, "EUICCResponse")
        fields = Fields(outer.required(_SEQUENCE, "SEQUENCE"), "EUICCResponse")
        if outer.rest():
            raise CodecError("something stands behind the EUICCResponse")
        members = Fields(fields.required(0xA0, "peStatus"), "EUICCResponse: peStatus")
        statuses = tuple(PeStatus.decode(one) for one in members.repeated(_SEQUENCE))
        if members.rest():
            raise CodecError("EUICCResponse: peStatus: a member is no SEQUENCE")
        aborted = fields.null(0x81, "profileInstallationAborted")
        message = fields.optional_octets(0x82, "statusMessage", 2, 256)
        try:
            text = None if message is None else message.decode()
        except UnicodeDecodeError as err:
            raise CodecError("statusMessage of the EUICCResponse is not UTF-8") from err
        return cls(statuses, aborted, text, fields.rest())

    def encode(self) -> bytes:
        """Return the EUICCResponse with its tag."""
        content = tlv.encode(0xA0, b"".join(map(PeStatus.encode, self.statuses)))
        content += null_field(0x81, present=self.aborted)
        if self.message is not None:
            content += tlv.encode(0x82, self.message.encode())
        return tlv.encode(_SEQUENCE, content + objects(self.extensions))


INSTALLED: Final = EuiccResponse((PeStatus(OK),))
"""One PEStatus ok: 3007A0053003800100, the answer of an eUICC that does not list elements."""


def response_to(package: bytes) -> EuiccResponse:
    """Return what an eUICC says to ``package`` that finds nothing wrong inside its elements.

    One PEStatus for each element with an identification, in order. An element that few eUICCs do
    (``nonStandard``, an unknown one, code to load) is expected to be passed over with its status
    if it is not mandated, and to end the installation if it is.
    """
    try:
        elements = split(package)
    except CodecError:
        elements = ()
    tags = [element.tag for element in elements]
    framed = len(tags) > 1 and tags.index(END) == len(tags) - 1 if END in tags else False
    if not framed or tags[0] != HEADER or HEADER in tags[1:]:
        return EuiccResponse((PeStatus(_INVALID_REQUEST_FORMAT),), aborted=True)
    statuses = []
    for element in elements[1:]:
        status = _unlikely(element)
        answer = PeStatus(status, element.identification)
        if status != OK and (element.mandated or element.identification is None):
            return EuiccResponse((answer,), aborted=True)
        statuses.append(answer)
    return EuiccResponse(tuple(statuses))


def _unlikely(element: Element) -> int:
    """Return the status with which most eUICCs answer an element, whatever is in it."""
    if element.tag == Application.TAG:
        application = Application.decode(element.body)
        return OK if application.load_block is None else RUNTIME_NOT_SUPPORTED
    known = element.tag in NAMES and element.identification is not None
    return OK if known and element.tag != NonStandard.TAG else PE_NOT_SUPPORTED
