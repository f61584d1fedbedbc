"""Card application toolkit: ENVELOPE, FETCH, proactive commands and their answers.

ETSI TS 102 223 and 3GPP TS 31.111. Tags are read with and without the comprehension bit (b8).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from hil.errors import CodecError
from hil.wire import tlv
from hil.wire.apdu import CommandApdu
from hil.wire.cat_values import CommandType, Device, Refresh, Result
from hil.wire.sms_address import Address
from hil.wire.tlv import Tlv

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "CommandDetails",
    "CommandType",
    "Device",
    "ProactiveCommand",
    "Refresh",
    "Result",
    "SmsPpDownload",
    "TerminalResponse",
    "envelope_sms_pp",
    "envelope_tag",
    "fetch",
    "find_object",
    "parse_envelope",
    "refresh",
    "require_object",
    "send_short_message",
    "terminal_profile",
    "terminal_response",
]

INS_TERMINAL_PROFILE: Final = 0x10
INS_FETCH: Final = 0x12
INS_TERMINAL_RESPONSE: Final = 0x14
INS_ENVELOPE: Final = 0xC2
TOOLKIT_CLA: Final = 0x80

SMS_PP_DOWNLOAD: Final = 0xD1
PROACTIVE: Final = 0xD0

COMMAND_DETAILS: Final = 0x81
DEVICE_IDENTITIES: Final = 0x82
RESULT: Final = 0x83
ADDRESS: Final = 0x86
SMS_TPDU: Final = 0x8B
FILE_LIST: Final = 0x92
IMEI: Final = 0x94
IMEI_OF_TERMINAL: Final = 0x01
"""Qualifier of PROVIDE LOCAL INFORMATION."""
"""Qualifier of PROVIDE LOCAL INFORMATION."""
_COMPREHENSION: Final = 0x80


@dataclass(frozen=True, slots=True)
class SmsPpDownload:
    """An SMS-DELIVER handed to the card; ``service_centre`` is the address object, if any."""

    tpdu: bytes
    service_centre: Address | None = None


def envelope_sms_pp(
    tpdu: bytes, address: Address | None = None, *, cla: int = TOOLKIT_CLA
) -> CommandApdu:
    """Return ENVELOPE (SMS-PP DOWNLOAD); ``address`` is that of the service centre."""
    body = tlv.encode(DEVICE_IDENTITIES, bytes((Device.NETWORK, Device.UICC)))
    if address is not None:
        body += tlv.encode(ADDRESS, address.encode_value())
    body += tlv.encode(SMS_TPDU, tpdu)
    return CommandApdu(cla, INS_ENVELOPE, 0, 0, tlv.encode(SMS_PP_DOWNLOAD, body))


def envelope_tag(command: CommandApdu) -> int:
    """Return what kind of ENVELOPE this is: D1 SMS-PP, D3 menu selection, D6 event."""
    if command.ins != INS_ENVELOPE:
        raise CodecError(f"INS {command.ins:02X} is not ENVELOPE")
    return tlv.decode_one(command.data)[0].tag


def parse_envelope(command: CommandApdu) -> SmsPpDownload:
    """Read ENVELOPE (SMS-PP DOWNLOAD); :class:`CodecError` for anything else."""
    if envelope_tag(command) != SMS_PP_DOWNLOAD:
        raise CodecError(f"ENVELOPE {envelope_tag(command):02X} is not SMS-PP DOWNLOAD (D1)")
    whole, rest = tlv.decode_one(command.data)
    if rest:
        raise CodecError(f"{len(rest)} bytes behind the ENVELOPE object")
    objects = whole.children()
    address = find_object(objects, ADDRESS)
    return SmsPpDownload(
        require_object(objects, SMS_TPDU, "ENVELOPE"),
        None if address is None else Address.decode_value(address),
    )


@dataclass(frozen=True, slots=True)
class CommandDetails:
    """Number, type and qualifier: repeated by the terminal in its response."""

    number: int
    kind: int
    qualifier: int

    def encode(self) -> bytes:
        """Return the three bytes."""
        values = (self.number, self.kind, self.qualifier)
        if any(not 0 <= value <= 0xFF for value in values):
            raise CodecError("command number, type and qualifier are bytes")
        return bytes(values)

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read the three bytes."""
        if len(raw) != 3:
            raise CodecError(f"command details have 3 bytes, not {len(raw)}")
        return cls(*raw)


@dataclass(frozen=True, slots=True)
class ProactiveCommand:
    """A command from the card to the terminal; ``objects`` are those behind the first two."""

    details: CommandDetails
    destination: int
    objects: tuple[Tlv, ...] = ()

    @property
    def kind(self) -> int:
        """Type of command, by name in :class:`CommandType`."""
        return self.details.kind

    @property
    def tpdu(self) -> bytes:
        """The SMS TPDU of SEND SHORT MESSAGE."""
        return require_object(self.objects, SMS_TPDU, "SEND SHORT MESSAGE")

    def encode(self) -> bytes:
        """Return the data that FETCH brings."""
        body = tlv.encode(COMMAND_DETAILS, self.details.encode())
        body += tlv.encode(DEVICE_IDENTITIES, bytes((Device.UICC, self.destination)))
        body += b"".join(one.encode() for one in self.objects)
        return tlv.encode(PROACTIVE, body)

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read what FETCH brought."""
        whole, rest = tlv.decode_one(raw)
        if whole.tag != PROACTIVE or rest:
            raise CodecError("FETCH brought no single proactive command (D0)")
        objects = whole.children()
        details = CommandDetails.decode(
            require_object(objects, COMMAND_DETAILS, "proactive command")
        )
        devices = require_object(objects, DEVICE_IDENTITIES, "proactive command")
        if len(devices) != 2 or devices[0] != Device.UICC:
            raise CodecError("a proactive command comes from the UICC")
        others = tuple(one for one in objects if not _is(one, COMMAND_DETAILS, DEVICE_IDENTITIES))
        return cls(details, devices[1], others)


def send_short_message(number: int, tpdu: bytes, address: Address | None = None) -> bytes:
    """Return SEND SHORT MESSAGE around an SMS-SUBMIT; ``address`` is the service centre's."""
    objects: tuple[Tlv, ...] = (Tlv(SMS_TPDU, tpdu),)
    if address is not None:
        objects = (Tlv(ADDRESS, address.encode_value()), *objects)
    details = CommandDetails(number, CommandType.SEND_SHORT_MESSAGE, 0)
    return ProactiveCommand(details, Device.NETWORK, objects).encode()


def refresh(number: int, mode: int = Refresh.UICC_RESET, files: Sequence[bytes] = ()) -> bytes:
    """Return REFRESH; ``files`` are full paths (from 3F00) of the files changed."""
    objects: tuple[Tlv, ...] = ()
    if files:
        objects = (Tlv(FILE_LIST, bytes((len(files),)) + b"".join(files)),)
    return ProactiveCommand(
        CommandDetails(number, CommandType.REFRESH, mode), Device.TERMINAL, objects
    ).encode()


def provide_imei(number: int) -> bytes:
    """Return PROVIDE LOCAL INFORMATION for the IMEI; the answer brings it as object 14."""
    details = CommandDetails(number, CommandType.PROVIDE_LOCAL_INFORMATION, IMEI_OF_TERMINAL)
    return ProactiveCommand(details, Device.TERMINAL, ()).encode()


def terminal_profile(bits: bytes) -> CommandApdu:
    """Return TERMINAL PROFILE."""
    return CommandApdu(TOOLKIT_CLA, INS_TERMINAL_PROFILE, 0, 0, bits)


def fetch(length: int) -> CommandApdu:
    """Return FETCH for the number of bytes in the status word 91xx (00 is 256)."""
    return CommandApdu(TOOLKIT_CLA, INS_FETCH, 0, 0, le=length or 256)


@dataclass(frozen=True, slots=True)
class TerminalResponse:
    """What the terminal answers to a proactive command; ``result`` is its general result."""

    details: CommandDetails
    result: int
    additional: bytes = b""
    objects: tuple[Tlv, ...] = ()

    @property
    def done(self) -> bool:
        """Whether the command was performed (results 00 to 0F)."""
        return self.result < 0x10

    def encode(self) -> CommandApdu:
        """Return TERMINAL RESPONSE."""
        if not 0 <= self.result <= 0xFF:
            raise CodecError(f"general result {self.result} is not a byte")
        body = tlv.encode(COMMAND_DETAILS, self.details.encode())
        body += tlv.encode(DEVICE_IDENTITIES, bytes((Device.TERMINAL, Device.UICC)))
        body += tlv.encode(RESULT, bytes((self.result,)) + self.additional)
        body += b"".join(one.encode() for one in self.objects)
        return CommandApdu(TOOLKIT_CLA, INS_TERMINAL_RESPONSE, 0, 0, body)

    @classmethod
    def decode(cls, command: CommandApdu) -> Self:
        """Read TERMINAL RESPONSE."""
        if command.ins != INS_TERMINAL_RESPONSE:
            raise CodecError(f"INS {command.ins:02X} is not TERMINAL RESPONSE")
        objects = tlv.decode_all(command.data)
        result = require_object(objects, RESULT, "TERMINAL RESPONSE")
        if not result:
            raise CodecError("TERMINAL RESPONSE has an empty result")
        details = require_object(objects, COMMAND_DETAILS, "TERMINAL RESPONSE")
        others = tuple(
            one for one in objects if not _is(one, COMMAND_DETAILS, DEVICE_IDENTITIES, RESULT)
        )
        return cls(CommandDetails.decode(details), result[0], result[1:], others)


def terminal_response(command: ProactiveCommand, result: int = Result.DONE) -> CommandApdu:
    """Return the terminal's answer to a proactive command."""
    return TerminalResponse(command.details, result).encode()


def _is(one: Tlv, *tags: int) -> bool:
    return one.tag | _COMPREHENSION in tags


def find_object(objects: tuple[Tlv, ...], tag: int) -> bytes | None:
    """Return the value of an object, with or without the comprehension bit in its tag."""
    return next((one.value for one in objects if _is(one, tag | _COMPREHENSION)), None)


def require_object(objects: tuple[Tlv, ...], tag: int, where: str) -> bytes:
    """Return the value of an object as :func:`find_object`; :class:`CodecError` if absent."""
    value = find_object(objects, tag)
    if value is None:
        raise CodecError(f"{where} lacks the object {tag:02X}")
    return value
