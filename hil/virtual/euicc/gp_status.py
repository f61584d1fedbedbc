"""GET STATUS: what a security domain lists, and how it goes on (GlobalPlatform, 11.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc.refusal import RefusalError
from hil.wire import tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

INS: Final = 0xF2
ISSUER_DOMAIN, APPLICATIONS, LOAD_FILES, LOAD_FILES_AND_MODULES = 0x80, 0x40, 0x20, 0x10
_SCOPES: Final = (ISSUER_DOMAIN, APPLICATIONS, LOAD_FILES, LOAD_FILES_AND_MODULES)
_TLV, _NEXT = 0x02, 0x01
_MORE: Final = 0x6310
_ROOM: Final = 239
"""Bytes of plain answer that fit 256 with padding and R-MAC."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: ``state`` is the life cycle byte; fields that are ``None`` are left out."""

    aid: bytes
    state: int
    privileges: bytes | None = None
    load_file: bytes | None = None
    modules: tuple[bytes, ...] = ()
    domain: bytes | None = None

    def encode(self) -> bytes:
        """Return the ``E3`` object (table 11-36)."""
        body = tlv.encode(0x4F, self.aid) + tlv.encode(0x9F70, bytes((self.state,)))
        for tag, value in ((0xC5, self.privileges), (0xC4, self.load_file), (0xCC, self.domain)):
            if value is not None:
                body += tlv.encode(tag, value)
        return tlv.encode(0xE3, body + b"".join(tlv.encode(0x84, one) for one in self.modules))

    def encode_old(self) -> bytes:
        """Return length, AID, life cycle, first privilege byte: without data objects."""
        privileges = (self.privileges or b"\x00")[:1]
        return bytes((len(self.aid),)) + self.aid + bytes((self.state,)) + privileges


class StatusPages:
    """Lists entries in as many answers as it takes: 6310, then P2 b1 for the next ones."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []

    @staticmethod
    def check(command: CommandApdu) -> None:
        """Refuse P1 and P2 that GET STATUS does not have."""
        if command.p1 not in _SCOPES or command.p2 & ~(_TLV | _NEXT):
            raise RefusalError(0x6A86, f"P1 P2 {command.p1:02X}{command.p2:02X}")

    def answer(
        self, command: CommandApdu, entries: Callable[[int], Iterable[Entry]]
    ) -> ResponseApdu:
        """Answer GET STATUS; ``entries`` gives the lines of a scope (P1). 6A88 for none."""
        self.check(command)
        try:
            wanted = tlv.require(tlv.decode_all(command.data), 0x4F, where="GET STATUS")
        except CodecError as err:
            raise RefusalError(0x6A80, str(err)) from err
        if not command.p2 & _NEXT:
            chosen = [one for one in entries(command.p1) if one.aid.startswith(wanted)]
            in_objects = bool(command.p2 & _TLV)
            self._rest = [one.encode() if in_objects else one.encode_old() for one in chosen]
        if not self._rest:
            raise RefusalError(0x6A88, "nothing fits GET STATUS")
        answer = self._rest.pop(0)
        while self._rest and len(answer) + len(self._rest[0]) <= _ROOM:
            answer += self._rest.pop(0)
        return ResponseApdu(answer, _MORE if self._rest else OK)
