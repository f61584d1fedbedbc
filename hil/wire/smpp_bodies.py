"""Bodies of SMPP 3.4 messages: SMPP 3.4, section 4, and the optional parameters of 5.3."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Self

from hil.errors import CodecError
from hil.wire.smpp_values import INTERFACE_VERSION, Tag

_LONGEST_SHORT_MESSAGE: Final = 254


class Reader:
    """Takes fields off a body one after another; :class:`CodecError` when they run out."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def text(self, size: int, name: str) -> str:
        """Read a C octet string of at most ``size`` bytes, its zero counted."""
        end = self._raw.find(b"\x00", self._at, self._at + size)
        if end < 0:
            raise CodecError(f"{name} has no end within {size} bytes")
        value = self._raw[self._at : end].decode("latin-1")
        self._at = end + 1
        return value

    def byte(self, name: str) -> int:
        """Read one byte."""
        return self.octets(1, name)[0]

    def octets(self, size: int, name: str) -> bytes:
        """Read ``size`` bytes."""
        end = self._at + size
        if end > len(self._raw):
            raise CodecError(f"{name} of an SMPP message is cut off")
        value = self._raw[self._at : end]
        self._at = end
        return bytes(value)

    def options(self) -> dict[int, bytes]:
        """Read the optional parameters up to the end."""
        found: dict[int, bytes] = {}
        while self._at < len(self._raw):
            head = self.octets(4, "optional parameter")
            tag, size = int.from_bytes(head[:2], "big"), int.from_bytes(head[2:], "big")
            found[tag] = self.octets(size, f"optional parameter {tag:04X}")
        return found

    def end(self) -> None:
        """Refuse bytes that are left."""
        if self._at != len(self._raw):
            raise CodecError(f"{len(self._raw) - self._at} bytes too many in an SMPP message")


@dataclass(frozen=True, slots=True)
class Bind:
    """A client makes itself known; in which role says the command id."""

    system_id: str
    password: str = field(repr=False)
    system_type: str = ""
    interface_version: int = INTERFACE_VERSION
    address_ton: int = 0
    address_npi: int = 0
    address_range: str = ""

    def encode(self) -> bytes:
        """Return the body."""
        return b"".join(
            (
                _text(self.system_id, 16, "system_id"),
                _text(self.password, 9, "password"),
                _text(self.system_type, 13, "system_type"),
                _bytes(self.interface_version, self.address_ton, self.address_npi),
                _text(self.address_range, 41, "address_range"),
            )
        )

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read the body."""
        read = Reader(raw)
        body = cls(
            read.text(16, "system_id"),
            read.text(9, "password"),
            read.text(13, "system_type"),
            read.byte("interface_version"),
            read.byte("addr_ton"),
            read.byte("addr_npi"),
            read.text(41, "address_range"),
        )
        read.end()
        return body


@dataclass(frozen=True, slots=True)
class Named:
    """A response that names one thing: the system (16 bytes) or the message (65 bytes)."""

    name: str = ""
    options: dict[int, bytes] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the body."""
        return _text(self.name, 65, "message_id") + _options(self.options)

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read the body."""
        read = Reader(raw)
        return cls(read.text(65, "message_id"), read.options())


@dataclass(frozen=True, slots=True)
class Party:
    """An address with its type of number and numbering plan."""

    address: str
    ton: int = 1
    npi: int = 1

    def encode(self, size: int) -> bytes:
        """Return type, plan and address of at most ``size`` bytes, its zero counted."""
        return _bytes(self.ton, self.npi) + _text(self.address, size, "address")

    @classmethod
    def read(cls, read: Reader, size: int) -> Self:
        """Read type, plan and address."""
        ton, npi = read.octets(2, "address")
        return cls(read.text(size, "address"), ton, npi)


@dataclass(frozen=True, slots=True)
class ShortMessage:
    """Body of submit_sm and deliver_sm. ``message`` is what stands there, header included.

    Up to 254 bytes stand in the short_message field, more in the option message_payload.
    """

    source: Party
    destination: Party
    message: bytes
    esm_class: int = 0
    protocol_id: int = 0
    data_coding: int = 0
    service_type: str = ""
    priority: int = 0
    schedule: str = ""
    validity: str = ""
    registered_delivery: int = 0
    replace_if_present: int = 0
    default_message_id: int = 0
    options: dict[int, bytes] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the body."""
        short, options = self.message, self.options
        if len(short) > _LONGEST_SHORT_MESSAGE:
            short, options = b"", {**options, Tag.MESSAGE_PAYLOAD: self.message}
        return b"".join(
            (
                _text(self.service_type, 6, "service_type"),
                self.source.encode(21),
                self.destination.encode(21),
                _bytes(self.esm_class, self.protocol_id, self.priority),
                _text(self.schedule, 17, "schedule_delivery_time"),
                _text(self.validity, 17, "validity_period"),
                _bytes(
                    self.registered_delivery,
                    self.replace_if_present,
                    self.data_coding,
                    self.default_message_id,
                    len(short),
                ),
                short,
                _options(options),
            )
        )

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read the body; a message both in its field and in the option is refused."""
        read = Reader(raw)
        service = read.text(6, "service_type")
        source, destination = Party.read(read, 21), Party.read(read, 21)
        esm, pid, priority = read.octets(3, "esm_class")
        schedule = read.text(17, "schedule_delivery_time")
        validity = read.text(17, "validity_period")
        registered, replace, coding, default_id, size = read.octets(5, "registered_delivery")
        message = read.octets(size, "short_message")
        options = read.options()
        payload = options.pop(Tag.MESSAGE_PAYLOAD, None)
        if payload is not None and message:
            raise CodecError("an SMPP message has both short_message and message_payload")
        return cls(
            source,
            destination,
            message if payload is None else payload,
            esm,
            pid,
            coding,
            service,
            priority,
            schedule,
            validity,
            registered,
            replace,
            default_id,
            options,
        )


@dataclass(frozen=True, slots=True)
class DataMessage:
    """Body of data_sm; ``message`` stands in the option message_payload."""

    source: Party
    destination: Party
    message: bytes = b""
    esm_class: int = 0
    data_coding: int = 0
    service_type: str = ""
    registered_delivery: int = 0
    options: dict[int, bytes] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return the body."""
        return b"".join(
            (
                _text(self.service_type, 6, "service_type"),
                self.source.encode(65),
                self.destination.encode(65),
                _bytes(self.esm_class, self.registered_delivery, self.data_coding),
                _options({**self.options, Tag.MESSAGE_PAYLOAD: self.message}),
            )
        )

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read the body."""
        read = Reader(raw)
        service = read.text(6, "service_type")
        source, destination = Party.read(read, 65), Party.read(read, 65)
        esm, registered, coding = read.octets(3, "esm_class")
        options = read.options()
        message = options.pop(Tag.MESSAGE_PAYLOAD, b"")
        return cls(source, destination, message, esm, coding, service, registered, options)


def _text(value: str, size: int, name: str) -> bytes:
    try:
        raw = value.encode("latin-1")
    except UnicodeEncodeError as err:
        raise CodecError(f"{name} has a character that SMPP cannot carry") from err
    if b"\x00" in raw or len(raw) >= size:
        raise CodecError(f"{name} must have less than {size} characters, none of them zero")
    return raw + b"\x00"


def _bytes(*values: int) -> bytes:
    if any(not 0 <= value <= 0xFF for value in values):
        raise CodecError("SMPP fields of one byte are 0 to 255")
    return bytes(values)


def _options(options: dict[int, bytes]) -> bytes:
    body = b""
    for tag, value in options.items():
        if not 0 <= tag <= 0xFFFF or len(value) > 0xFFFF:
            raise CodecError(f"optional parameter {tag:04X} of {len(value)} bytes cannot be")
        body += int(tag).to_bytes(2, "big") + len(value).to_bytes(2, "big") + value
    return body
