"""Secured packets over short messages: ETSI TS 102 225 in the dialect of 3GPP TS 31.115.

A packet is what stands in the user data behind the header; :mod:`hil.wire.sms` puts it into short
messages. With ciphering the data is filled with zeros to whole blocks, and the checksum covers the
filling; without, there is no filling. Checksums: CRC-16, CRC-32, AES-CMAC, DES-CBC-MAC.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple, Self

from hil.errors import CodecError
from hil.wire.crc import crc16, crc32
from hil.wire.scp80_keys import BlockMode, KeyKind, OtaKeySet
from hil.wire.scp80_parameters import (
    CRC16,
    CRC32,
    LAST_COUNTER,
    SGP02_SPI,
    CounterDecision,
    CounterMode,
    Integrity,
    ProofOfReceipt,
    ResponseStatus,
    SecurityParameters,
    Spi,
    accept_counter,
    read_spi,
    sgp02_weaknesses,
)

__all__ = [
    "SGP02_SPI",
    "CommandHeader",
    "CommandPacket",
    "CounterDecision",
    "CounterMode",
    "Integrity",
    "KeyKind",
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
_INNER: Final = 6
"""Bytes of counter and filling count."""
_CRC: Final = {CRC16: (2, crc16), CRC32: (4, crc32)}


class PacketSecurityError(CodecError):
    """A packet is not authentic. A card drops it without an answer and moves no counter.

    ``counter``: what stands in its place; nothing vouches for it.
    """

    def __init__(self, why: str, counter: int = 0) -> None:
        super().__init__(why)
        self.counter = counter


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

    @property
    def key_set(self) -> int:
        """Version of the key set that KIc and KID name, 0 for the receiver's choice.

        A counter belongs to one key set, so two different ones are a :class:`CodecError`; but the
        name of a key that neither the packet nor its receipt uses says nothing.
        """
        flags = self.parameters.flags
        receipt = flags.por is not ProofOfReceipt.NEVER
        checksum = Integrity.CRYPTOGRAPHIC_CHECKSUM
        ciphers = flags.ciphered or (receipt and flags.por_ciphered)
        signs = flags.integrity is checksum or (receipt and flags.por_integrity is checksum)
        named = {self.kic_kvn if ciphers else 0, self.kid_kvn if signs else 0} - {0}
        if len(named) > 1:
            raise CodecError(f"KIc names key set {self.kic_kvn:X}, KID {self.kid_kvn:X}")
        return named.pop() if named else self.kic_kvn or self.kid_kvn


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
    kvn = keys.kvn << 4
    octets = bytes((kvn | parameters.kic_algorithm, kvn | parameters.kid_algorithm))
    clear = parameters.spi + octets + parameters.tar
    security = _security_of(parameters, response=False)
    return _wrap(clear, (counter, b""), data, security, keys)


def unwrap_command(packet: bytes, keys: OtaKeySet) -> CommandPacket:
    """Open a command packet.

    :class:`PacketSecurityError` when the checksum is wrong, plain :class:`CodecError` for wrong
    lengths, another key set, or an algorithm that is not spoken. The counter is handed out, not
    judged: see :func:`accept_counter`.
    """
    header = CommandHeader.decode(packet)
    # Key version 0 leaves the choice to the receiver.
    if header.key_set not in (0, keys.kvn):
        raise CodecError(f"the packet names key set {header.key_set:X}, not {keys.kvn:X}")
    security = _security_of(header.parameters, response=False)
    counter, _, data = _unwrap(packet, _COMMAND_HEADER, 0, security, keys)
    return CommandPacket(header, counter, data)


def wrap_response(
    response: ResponsePacket, parameters: SecurityParameters, keys: OtaKeySet
) -> bytes:
    """Return the proof of receipt, secured as the command's ``parameters`` ask for."""
    if not 0 <= response.status <= 0xFF or len(response.tar) != 3:
        raise CodecError("a response packet has a status of one byte and a TAR of three")
    inner = (response.counter, bytes((response.status,)))
    security = _security_of(parameters, response=True)
    return _wrap(response.tar, inner, response.data, security, keys)


def unwrap_response(
    packet: bytes, parameters: SecurityParameters, keys: OtaKeySet
) -> ResponsePacket:
    """Open a proof of receipt; errors as in :func:`unwrap_command`.

    The sender checks that the counter echoes that of its command.
    """
    if len(packet) < _RESPONSE_HEADER or int.from_bytes(packet[:2], "big") != len(packet) - 2:
        raise CodecError(f"response packet of {len(packet)} bytes does not fit its length")
    security = _security_of(parameters, response=True)
    counter, status, data = _unwrap(packet, _RESPONSE_HEADER, 1, security, keys)
    return ResponsePacket(bytes(packet[3:6]), counter, status[0], data)


class _Security(NamedTuple):
    """One direction's checksum and cipher."""

    integrity: Integrity
    ciphered: bool
    kic_algorithm: int
    kid_algorithm: int

    def check_bytes(self, keys: OtaKeySet) -> int:
        """Return the length of the checksum."""
        if self.integrity is Integrity.CRYPTOGRAPHIC_CHECKSUM:
            return keys.mac_bytes
        return 0 if self.integrity is Integrity.NONE else _CRC[self.kid_algorithm][0]

    def check(self, message: bytes, keys: OtaKeySet) -> bytes:
        """Return the checksum over ``message``."""
        if self.integrity is Integrity.CRYPTOGRAPHIC_CHECKSUM:
            return keys.signer_for(self.kid_algorithm).of(message)[: keys.mac_bytes]
        if self.integrity is Integrity.NONE:
            return b""
        return _CRC[self.kid_algorithm][1](message)

    def cipher(self, keys: OtaKeySet) -> BlockMode | None:
        """Return the cipher, ``None`` for a packet in clear."""
        return keys.cipher_for(self.kic_algorithm) if self.ciphered else None


@lru_cache(maxsize=256)
def _security(spi: bytes, kic_algorithm: int, kid_algorithm: int, *, response: bool) -> _Security:
    """Read what one direction asks for, and refuse what is not spoken."""
    flags = read_spi(spi)
    integrity = flags.por_integrity if response else flags.integrity
    ciphered = flags.por_ciphered if response else flags.ciphered
    if integrity is Integrity.DIGITAL_SIGNATURE:
        raise CodecError("SPI asks for digital signatures, which are not spoken")
    if integrity is Integrity.REDUNDANCY_CHECK and kid_algorithm not in _CRC:
        raise CodecError(
            f"KID asks for redundancy check {kid_algorithm:X}; "
            "only CRC-16 (1) and CRC-32 (5) are spoken"
        )
    return _Security(integrity, ciphered, kic_algorithm, kid_algorithm)


def _security_of(parameters: SecurityParameters, *, response: bool) -> _Security:
    return _security(
        parameters.spi, parameters.kic_algorithm, parameters.kid_algorithm, response=response
    )


def _wrap(
    clear: bytes, inner: tuple[int, bytes], data: bytes, security: _Security, keys: OtaKeySet
) -> bytes:
    """Secure ``data``; ``inner`` is the counter and what stands behind the filling count."""
    counter, status = inner
    fixed = _INNER + len(status) + security.check_bytes(keys)
    cipher = security.cipher(keys)
    filling = 0 if cipher is None else -(fixed + len(data)) % cipher.block_size
    total = 1 + len(clear) + fixed + len(data) + filling
    if total > 0xFFFF:
        raise CodecError(f"{len(data)} bytes of data do not fit one packet")
    if not 0 <= counter <= LAST_COUNTER:
        raise CodecError(f"packet counter {counter} does not fit 5 bytes")
    head = total.to_bytes(2, "big") + bytes((len(clear) + fixed,)) + clear
    plain = counter.to_bytes(5, "big") + bytes((filling,)) + status
    padded = data + bytes(filling)
    prefix = RESPONSE_UDH if status else b""
    secret = plain + security.check(prefix + head + plain + padded, keys) + padded
    return head + (secret if cipher is None else cipher.encrypt(secret))


def _unwrap(
    packet: bytes, clear: int, status_bytes: int, security: _Security, keys: OtaKeySet
) -> tuple[int, bytes, bytes]:
    """Open a packet whose clear part is ``clear`` bytes long: counter, status, data."""
    start = _INNER + status_bytes
    fixed = start + security.check_bytes(keys)
    if packet[2] != clear - 3 + fixed:
        raise CodecError(f"packet header says {packet[2]} bytes; {clear - 3 + fixed} fit its SPI")
    secret = packet[clear:]
    cipher = security.cipher(keys)
    plain = secret if cipher is None else cipher.decrypt(secret)
    if len(plain) < fixed:
        raise CodecError(f"packet ends {fixed - len(plain)} bytes before its data")
    padded = plain[fixed:]
    prefix = RESPONSE_UDH if status_bytes else b""
    check = security.check(prefix + packet[:clear] + plain[:start] + padded, keys)
    if not hmac.compare_digest(check, plain[start:fixed]):
        raise PacketSecurityError(
            "packet checksum is wrong: changed on its way, or other keys",
            int.from_bytes(plain[:5], "big"),
        )
    filling = plain[5]
    if filling > len(padded):
        raise CodecError(f"packet says {filling} filling bytes, but has {len(padded)} of data")
    data = padded[: len(padded) - filling]
    return int.from_bytes(plain[:5], "big"), plain[_INNER:start], data
