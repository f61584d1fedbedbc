"""SMPP 3.4 between an SM-SR and an SMS centre: whole messages, and messages out of a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from hil.errors import CodecError
from hil.wire.smpp_bodies import Bind, DataMessage, Named, Party, ShortMessage
from hil.wire.smpp_values import (
    ESM_DELIVERY_ACKNOWLEDGEMENT,
    ESM_DELIVERY_RECEIPT,
    ESM_MESSAGE_TYPE,
    ESM_UDHI,
    INTERFACE_VERSION,
    RESPONSE,
    SME_ACKNOWLEDGEMENT,
    SME_ACKNOWLEDGEMENT_MASK,
    Command,
    Status,
    Tag,
)

__all__ = [
    "ESM_DELIVERY_ACKNOWLEDGEMENT",
    "ESM_DELIVERY_RECEIPT",
    "ESM_MESSAGE_TYPE",
    "ESM_UDHI",
    "INTERFACE_VERSION",
    "LONGEST",
    "SME_ACKNOWLEDGEMENT",
    "SME_ACKNOWLEDGEMENT_MASK",
    "Bind",
    "Body",
    "Command",
    "DataMessage",
    "Named",
    "Party",
    "Pdu",
    "ShortMessage",
    "SmppError",
    "Status",
    "StreamReader",
    "Tag",
]

HEADER: Final = 16
LONGEST: Final = 70_000
"""Longest message read in bytes: one message_payload and all that may stand around it."""

Body = Bind | Named | ShortMessage | DataMessage

_BODIES: Final[dict[Command, type[Bind | Named | ShortMessage | DataMessage]]] = {
    Command.BIND_RECEIVER: Bind,
    Command.BIND_TRANSMITTER: Bind,
    Command.BIND_TRANSCEIVER: Bind,
    Command.BIND_RECEIVER_RESP: Named,
    Command.BIND_TRANSMITTER_RESP: Named,
    Command.BIND_TRANSCEIVER_RESP: Named,
    Command.SUBMIT_SM: ShortMessage,
    Command.DELIVER_SM: ShortMessage,
    Command.DATA_SM: DataMessage,
    Command.SUBMIT_SM_RESP: Named,
    Command.DELIVER_SM_RESP: Named,
    Command.DATA_SM_RESP: Named,
}


class SmppError(CodecError):
    """A message that cannot be read. ``sequence`` and ``status`` are for the generic_nack."""

    def __init__(self, text: str, *, sequence: int = 0, status: Status) -> None:
        super().__init__(text)
        self.sequence = sequence
        self.status = status


@dataclass(frozen=True, slots=True)
class Pdu:
    """One message. Responses with an error status may come without body."""

    command: Command
    sequence: int
    body: Body | None = None
    status: int = Status.OK

    @property
    def is_response(self) -> bool:
        """Whether this answers another message."""
        return bool(self.command & RESPONSE)

    def answer(self, name: str = "", *, status: int = Status.OK) -> Pdu:
        """Return the response to this request; ``name`` is the system or message id.

        With an error status a response to bind or submit has no body.
        """
        if self.is_response:
            raise CodecError(f"{self.command.name.lower()} is a response and has no answer")
        command = Command(self.command | RESPONSE)
        named = command in _BODIES and status == Status.OK
        return Pdu(command, self.sequence, Named(name) if named else None, status)

    def encode(self) -> bytes:
        """Return the message."""
        expected = _BODIES.get(self.command)
        if self.body is not None and type(self.body) is not expected:
            raise CodecError(f"{self.command.name.lower()} cannot carry this body")
        if expected is not None and self.body is None and not self.is_response:
            raise CodecError(f"{self.command.name.lower()} needs a body")
        if not 0 <= self.sequence <= 0xFFFFFFFF or not 0 <= self.status <= 0xFFFFFFFF:
            raise CodecError("SMPP sequence number and status have 4 bytes")
        body = b"" if self.body is None else self.body.encode()
        numbers = (HEADER + len(body), self.command, self.status, self.sequence)
        return b"".join(number.to_bytes(4, "big") for number in numbers) + body

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read one whole message; :class:`SmppError` says what to put into the generic_nack."""
        if len(raw) < HEADER:
            raise SmppError(
                f"SMPP message of {len(raw)} bytes is shorter than its header",
                status=Status.INVALID_COMMAND_LENGTH,
            )
        length, number, status, sequence = (
            int.from_bytes(raw[at : at + 4], "big") for at in range(0, HEADER, 4)
        )
        if length != len(raw):
            raise SmppError(
                f"SMPP message says {length} bytes, but has {len(raw)}",
                sequence=sequence,
                status=Status.INVALID_COMMAND_LENGTH,
            )
        try:
            command = Command(number)
        except ValueError as err:
            raise SmppError(
                f"SMPP command {number:08X} is not known",
                sequence=sequence,
                status=Status.INVALID_COMMAND_ID,
            ) from err
        kind = _BODIES.get(command)
        rest = raw[HEADER:]
        if kind is None or (not rest and number & RESPONSE):
            if rest:
                raise SmppError(
                    f"{command.name.lower()} has {len(rest)} bytes too many",
                    sequence=sequence,
                    status=Status.INVALID_COMMAND_LENGTH,
                )
            return cls(command, sequence, None, status)
        try:
            return cls(command, sequence, kind.decode(rest), status)
        except CodecError as err:
            raise SmppError(
                f"{command.name.lower()}: {err}",
                sequence=sequence,
                status=Status.INVALID_MESSAGE_LENGTH,
            ) from err


class StreamReader:
    """Cuts a stream into whole messages; holds at most one unfinished message."""

    def __init__(self, *, longest: int = LONGEST) -> None:
        self._buffer = b""
        self._longest = longest

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes as they come; return the messages they complete.

        :class:`SmppError` for an impossible length: the stream is lost, close the connection.
        """
        self._buffer += data
        whole: list[bytes] = []
        while len(self._buffer) >= 4:
            length = int.from_bytes(self._buffer[:4], "big")
            if not HEADER <= length <= self._longest:
                raise SmppError(
                    f"SMPP message of {length} bytes; "
                    f"between {HEADER} and {self._longest} are read",
                    status=Status.INVALID_COMMAND_LENGTH,
                )
            if len(self._buffer) < length:
                break
            whole.append(self._buffer[:length])
            self._buffer = self._buffer[length:]
        return whole
