"""Secured packets over short messages: ETSI TS 102 225 in the dialect of 3GPP TS 31.115.

A packet is what stands in the user data behind the header; :mod:`hil.wire.sms` puts it into short
messages. With ciphering the data is filled with zeros to whole blocks, and the checksum covers the
filling; without, there is no filling.
"""

from __future__ import annotations

import hmac
import zlib
from dataclasses import dataclass
from typing import Final, Self

from hil.errors import CodecError
from hil.wire.aes import BLOCK, Mac, cbc_decrypt, cbc_encrypt
from hil.wire.scp80_parameters import (
    CRC32,
    LAST_COUNTER,
    SGP02_SPI,
    CounterDecision,
    CounterMode,
    Integrity,
    OtaKeySet,
    ProofOfReceipt,
    ResponseStatus,
    SecurityParameters,
    Spi,
    accept_counter,
    require_aes,
    sgp02_weaknesses,
)

__all__ = [
    "SGP02_SPI",
    "CommandHeader",
    "CommandPacket",
    "CounterDecision",
    "CounterMode",
    "Integrity",
    "OtaKeySet",
    "PacketSecurityError",
    "ProofOfReceipt",
    "ResponsePacket",
    "ResponseStatus",
    "SecurityParameters",
    "Spi",
    "accept_counter",
    "sgp02_weaknesses",
    "unwrap_command",
    "unwrap_response",
    "wrap_command",
    "wrap_response",
]

RESPONSE_UDH: Final = bytes.fromhex("027100")
"""Stands before a response packet in its checksum, however many messages carry it."""

_COMMAND_HEADER: Final = 10
_RESPONSE_HEADER: Final = 6
_CHECK_BYTES: Final = {
    Integrity.NONE: 0,
    Integrity.REDUNDANCY_CHECK: 4,
    Integrity.CRYPTOGRAPHIC_CHECKSUM: 8,
}


class PacketSecurityError(CodecError):
    """A packet is not authentic. A card drops it without an answer and moves no counter."""


@dataclass(frozen=True, slots=True)
class CommandHeader:
    """The clear part of a command packet: enough to choose application and key set."""

    parameters: SecurityParameters
    kic_kvn: int
    kid_kvn: int

    @classmethod
    def decode(cls, packet: bytes) -> Self:
        """Read the clear part; :class:`CodecError` when lengths do not fit."""
        if len(packet) < _COMMAND_HEADER:
            raise CodecError(f"command packet of {len(packet)} bytes is too short")
        if int.from_bytes(packet[:2], "big") != len(packet) - 2:
            raise CodecError(
                f"command packet says {int.from_bytes(packet[:2], 'big')} bytes, "
                f"but {len(packet) - 2} follow"
            )
        kic, kid = packet[5], packet[6]
        parameters = SecurityParameters(
            bytes(packet[3:5]), bytes(packet[7:10]), kic & 0x0F, kid & 0x0F
        )
        return cls(parameters, kic >> 4, kid >> 4)


@dataclass(frozen=True, slots=True)
class CommandPacket:
    """A command packet opened: who it is for, its counter (5 bytes), its data without filling."""

    header: CommandHeader
    counter: int
    data: bytes


@dataclass(frozen=True, slots=True)
class ResponsePacket:
    """A proof of receipt opened; ``status`` is a byte, by name in :class:`ResponseStatus`."""

    tar: bytes
    counter: int
    status: int
    data: bytes


def wrap_command(
    data: bytes, counter: int, parameters: SecurityParameters, keys: OtaKeySet
) -> bytes:
    """Return the packet around ``data`` (a script, or anything else the application reads)."""
    spi = parameters.flags
    kvn = keys.kvn << 4
    head = parameters.spi + bytes((kvn | parameters.kic_algorithm, kvn | parameters.kid_algorithm))
    clear = head + parameters.tar
    return _wrap(
        clear,
        _counter_bytes(counter),
        b"",
        data,
        _Security(spi.integrity, spi.ciphered, parameters, keys),
        prefix=b"",
    )


def unwrap_command(packet: bytes, keys: OtaKeySet) -> CommandPacket:
    """Open a command packet.

    :class:`PacketSecurityError` when the checksum is wrong, plain :class:`CodecError` for wrong
    lengths, another key set, or an algorithm that is not spoken. The counter is handed out, not
    judged: see :func:`accept_counter`.
    """
    header = CommandHeader.decode(packet)
    spi = header.parameters.flags
    for name, kvn in (("KIc", header.kic_kvn), ("KID", header.kid_kvn)):
        # Key version 0 leaves the choice to the receiver.
        if kvn not in (0, keys.kvn):
            raise CodecError(f"{name} names key set {kvn:X}, not {keys.kvn:X}")
    security = _Security(spi.integrity, spi.ciphered, header.parameters, keys)
    counter, _, data = _unwrap(packet, _COMMAND_HEADER, 0, security, prefix=b"")
    return CommandPacket(header, counter, data)


def wrap_response(
    response: ResponsePacket, parameters: SecurityParameters, keys: OtaKeySet
) -> bytes:
    """Return the proof of receipt, secured as the command's ``parameters`` ask for."""
    spi = parameters.flags
    if not 0 <= response.status <= 0xFF or len(response.tar) != 3:
        raise CodecError("a response packet has a status of one byte and a TAR of three")
    return _wrap(
        response.tar,
        _counter_bytes(response.counter),
        bytes((response.status,)),
        response.data,
        _Security(spi.por_integrity, spi.por_ciphered, parameters, keys),
        prefix=RESPONSE_UDH,
    )


def unwrap_response(
    packet: bytes, parameters: SecurityParameters, keys: OtaKeySet
) -> ResponsePacket:
    """Open a proof of receipt; errors as in :func:`unwrap_command`.

    The sender checks that the counter echoes that of its command.
    """
    if len(packet) < _RESPONSE_HEADER or int.from_bytes(packet[:2], "big") != len(packet) - 2:
        raise CodecError(f"response packet of {len(packet)} bytes does not fit its length")
    spi = parameters.flags
    security = _Security(spi.por_integrity, spi.por_ciphered, parameters, keys)
    counter, status, data = _unwrap(packet, _RESPONSE_HEADER, 1, security, prefix=RESPONSE_UDH)
    return ResponsePacket(bytes(packet[3:6]), counter, status[0], data)


class _Security:
    """One direction's checksum and cipher."""

    __slots__ = ("_crc", "_kic", "_mac", "check_bytes", "ciphered")

    def __init__(
        self, integrity: Integrity, ciphered: bool, parameters: SecurityParameters, keys: OtaKeySet
    ) -> None:
        if integrity not in _CHECK_BYTES:
            raise CodecError("SPI asks for digital signatures, which are not spoken")
        self.check_bytes = _CHECK_BYTES[integrity]
        self.ciphered = ciphered
        self._mac: Mac | None = None
        self._kic = keys.kic
        if integrity is Integrity.CRYPTOGRAPHIC_CHECKSUM:
            require_aes(parameters.kid_algorithm, what="KID")
            self._mac = Mac(keys.kid)
        elif integrity is Integrity.REDUNDANCY_CHECK and parameters.kid_algorithm != CRC32:
            raise CodecError(
                f"KID asks for redundancy check {parameters.kid_algorithm:X}; "
                "only CRC-32 (5) is spoken"
            )
        if ciphered:
            require_aes(parameters.kic_algorithm, what="KIc")

    def check(self, message: bytes) -> bytes:
        if self._mac is not None:
            return self._mac.of(message)[: self.check_bytes]
        return zlib.crc32(message).to_bytes(4, "big")[: self.check_bytes]

    def filling(self, length: int) -> int:
        return -length % BLOCK if self.ciphered else 0

    def cipher(self, block: bytes) -> bytes:
        return cbc_encrypt(self._kic, block) if self.ciphered else block

    def decipher(self, block: bytes) -> bytes:
        return cbc_decrypt(self._kic, block) if self.ciphered else block


def _wrap(
    clear: bytes, counter: bytes, status: bytes, data: bytes, security: _Security, *, prefix: bytes
) -> bytes:
    fixed = len(counter) + 1 + len(status) + security.check_bytes
    filling = security.filling(fixed + len(data))
    header_length = len(clear) + fixed
    total = 1 + header_length + len(data) + filling
    if total > 0xFFFF:
        raise CodecError(f"{len(data)} bytes of data do not fit one packet")
    head = total.to_bytes(2, "big") + bytes((header_length,)) + clear
    inner = counter + bytes((filling,)) + status
    padded = data + bytes(filling)
    check = security.check(prefix + head + inner + padded)
    return head + security.cipher(inner + check + padded)


def _unwrap(
    packet: bytes, clear: int, status_bytes: int, security: _Security, *, prefix: bytes
) -> tuple[int, bytes, bytes]:
    fixed = 6 + status_bytes + security.check_bytes
    if packet[2] != clear - 3 + fixed:
        raise CodecError(f"packet header says {packet[2]} bytes; {clear - 3 + fixed} fit its SPI")
    plain = security.decipher(packet[clear:])
    if len(plain) < fixed:
        raise CodecError(f"packet ends {fixed - len(plain)} bytes before its data")
    inner = plain[: 6 + status_bytes]
    padded = plain[fixed:]
    check = security.check(prefix + packet[:clear] + inner + padded)
    if not hmac.compare_digest(check, plain[6 + status_bytes : fixed]):
        raise PacketSecurityError("packet checksum is wrong: changed on its way, or other keys")
    filling = plain[5]
    if filling > len(padded):
        raise CodecError(f"packet says {filling} filling bytes, but has {len(padded)} of data")
    data = padded[: len(padded) - filling]
    return int.from_bytes(plain[:5], "big"), inner[6:], data


def _counter_bytes(counter: int) -> bytes:
    if not 0 <= counter <= LAST_COUNTER:
        raise CodecError(f"packet counter {counter} does not fit 5 bytes")
    return counter.to_bytes(5, "big")
