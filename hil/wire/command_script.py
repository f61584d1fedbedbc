"""Command and response scripts in the expanded remote format: ETSI TS 102 226, section 5.2.

A script is a row of data objects: commands (22), immediate and error actions (81, 82), chaining
(83), and the SCP03t objects 84 to 87 of SGP.02, which stand where commands stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Self

from hil.errors import CodecError
from hil.wire import tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.tlv import Tlv

if TYPE_CHECKING:
    from collections.abc import Iterable

C_APDU: Final = 0x22
R_APDU: Final = 0x23
NUMBER_EXECUTED: Final = 0x80
IMMEDIATE_ACTION: Final = 0x81
ERROR_ACTION: Final = 0x82
CHAINING: Final = 0x83
BAD_FORMAT: Final = 0x90
SECURED_OBJECTS: Final = frozenset({0x84, 0x85, 0x86, 0x87})
"""SCP03t in place of command APDUs."""
SECURED_ERRORS: Final = frozenset({0x9F44, 0x9F45, 0x9F46})

_COMMAND_DEFINITE: Final = 0xAA
_COMMAND_INDEFINITE: Final = 0xAE
_RESPONSE_DEFINITE: Final = 0xAB
_RESPONSE_INDEFINITE: Final = 0xAF
_END: Final = b"\x00\x00"
_IN_COMMANDS: Final = SECURED_OBJECTS | {C_APDU, IMMEDIATE_ACTION, ERROR_ACTION, CHAINING}
_IN_RESPONSES: Final = (
    SECURED_OBJECTS | SECURED_ERRORS | {R_APDU, IMMEDIATE_ACTION, CHAINING, BAD_FORMAT}
)


class Chaining(IntEnum):
    """Value of the chaining object, which comes first in a script."""

    FIRST_DELETED_ON_RESET = 0x01
    FIRST_KEPT_ON_RESET = 0x11
    MORE_TO_FOLLOW = 0x02
    LAST = 0x03


@dataclass(frozen=True, slots=True)
class CommandScript:
    """What the sender wants done, in order; ``indefinite`` chooses the form AE 80 … 00 00."""

    items: tuple[Tlv, ...]
    indefinite: bool = False

    @classmethod
    def of(cls, commands: Iterable[CommandApdu], *, indefinite: bool = False) -> Self:
        """Return a script of plain command APDUs."""
        return cls(tuple(Tlv(C_APDU, one.encode()) for one in commands), indefinite)

    @property
    def commands(self) -> tuple[CommandApdu, ...]:
        """The command APDUs among the items; :class:`CodecError` when one is broken."""
        return tuple(CommandApdu.decode(one.value) for one in self.items if one.tag == C_APDU)

    @property
    def chaining(self) -> Chaining | None:
        """The chaining value, if the script begins with one."""
        return _chaining(self.items)

    def encode(self) -> bytes:
        """Return the script."""
        body = b"".join(one.encode() for one in self.items)
        return _enclose(body, _COMMAND_DEFINITE, _COMMAND_INDEFINITE, indefinite=self.indefinite)

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read a script in either form.

        :class:`CodecError` for broken lengths, unknown objects, or chaining in the wrong place.
        """
        items, indefinite = _open(raw, _COMMAND_DEFINITE, _COMMAND_INDEFINITE)
        _check(items, _IN_COMMANDS, "command")
        script = cls(items, indefinite)
        _ = script.chaining
        return script


@dataclass(frozen=True, slots=True)
class ResponseScript:
    """What came of a script. ``executed`` counts executed commands; it is absent when indefinite.

    Execution ends at the first command with an error status word, whose answer is the last.
    """

    items: tuple[Tlv, ...]
    executed: int | None = None
    indefinite: bool = False

    @classmethod
    def of(cls, answers: Iterable[ResponseApdu], *, indefinite: bool = False) -> Self:
        """Return the answers to the command APDUs of a script."""
        items = tuple(Tlv(R_APDU, one.encode()) for one in answers)
        return cls(items, None if indefinite else len(items), indefinite)

    @property
    def answers(self) -> tuple[ResponseApdu, ...]:
        """The answer APDUs among the items; :class:`CodecError` when one is broken."""
        return tuple(ResponseApdu.decode(one.value) for one in self.items if one.tag == R_APDU)

    @property
    def bad_format(self) -> int | None:
        """The code of a bad format answer, if there is one."""
        value = tlv.find(self.items, BAD_FORMAT)
        if value is not None and len(value) != 1:
            raise CodecError(f"bad format answer has {len(value)} bytes, not 1")
        return value[0] if value else None

    def encode(self) -> bytes:
        """Return the script."""
        body = b"".join(one.encode() for one in self.items)
        if self.executed is not None:
            if not 0 <= self.executed <= 0xFFFF:
                raise CodecError(f"{self.executed} executed commands do not fit two bytes")
            size = 1 if self.executed <= 0xFF else 2
            body = tlv.encode(NUMBER_EXECUTED, self.executed.to_bytes(size, "big")) + body
        return _enclose(body, _RESPONSE_DEFINITE, _RESPONSE_INDEFINITE, indefinite=self.indefinite)

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read a response script in either form; errors as in :meth:`CommandScript.decode`."""
        items, indefinite = _open(raw, _RESPONSE_DEFINITE, _RESPONSE_INDEFINITE)
        executed: int | None = None
        if items and items[0].tag == NUMBER_EXECUTED:
            if not 1 <= len(items[0].value) <= 2:
                raise CodecError("number of executed commands has one or two bytes")
            executed = int.from_bytes(items[0].value, "big")
            items = items[1:]
        _check(items, _IN_RESPONSES, "response")
        return cls(items, executed, indefinite)


@dataclass(frozen=True, slots=True)
class CompactResponse:
    """Answer in the compact format: how many commands ran, and the last one's answer."""

    executed: int
    last: ResponseApdu

    def encode(self) -> bytes:
        """Return number, status word, data."""
        if not 0 <= self.executed <= 0xFF:
            raise CodecError(f"{self.executed} executed commands do not fit one byte")
        return bytes((self.executed,)) + self.last.sw.to_bytes(2, "big") + self.last.data

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read an answer. The formats are not marked: read as the command was sent."""
        if len(raw) < 3:
            raise CodecError(f"compact answer of {len(raw)} bytes is too short")
        return cls(raw[0], ResponseApdu(bytes(raw[3:]), int.from_bytes(raw[1:3], "big")))


def is_expanded(raw: bytes) -> bool:
    """Whether data begins like a command script in the expanded format."""
    return raw[:1] in (bytes((_COMMAND_DEFINITE,)), bytes((_COMMAND_INDEFINITE,)))


def _enclose(body: bytes, definite: int, without: int, *, indefinite: bool) -> bytes:
    if indefinite:
        return bytes((without, 0x80)) + body + _END
    return tlv.encode(definite, body)


def _open(raw: bytes, definite: int, without: int) -> tuple[tuple[Tlv, ...], bool]:
    if raw[:2] == bytes((without, 0x80)):
        if raw[-2:] != _END or len(raw) < 4:
            raise CodecError("script of indefinite length does not end in 00 00")
        return tlv.decode_all(raw[2:-2]), True
    whole, rest = tlv.decode_one(raw)
    if whole.tag != definite or rest:
        raise CodecError(
            f"data begins with {whole.tag:02X}; one whole script ({definite:02X}) was expected"
        )
    return tlv.decode_all(whole.value), False


def _check(items: tuple[Tlv, ...], known: frozenset[int], name: str) -> None:
    for place, one in enumerate(items):
        if one.tag not in known:
            raise CodecError(f"object {one.tag:02X} has no meaning in a {name} script")
        if one.tag == CHAINING and place:
            raise CodecError(f"chaining must come first in a {name} script, not at {place + 1}")


def _chaining(items: tuple[Tlv, ...]) -> Chaining | None:
    if not items or items[0].tag != CHAINING:
        return None
    value = items[0].value
    if len(value) != 1 or value[0] not in list(Chaining):
        raise CodecError(f"chaining value {value.hex().upper()} is not known")
    return Chaining(value[0])
