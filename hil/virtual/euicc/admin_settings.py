"""What the card knows of its administration server, and the key it shares with it (SCP81)."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import cbor2

from hil.errors import CodecError, ConfigError
from hil.wire.admin_session import FIRST_PSK_KVN, LAST_PSK_KVN, RetryPolicy
from hil.wire.bip import OpenChannel, encode_access_name
from hil.wire.tls.messages import Suite

SUITES: Final = {"gcm": Suite.PSK_AES_128_GCM_SHA256, "cbc": Suite.PSK_AES_128_CBC_SHA256}
DEFAULT_RETRY: Final = RetryPolicy(2, 30)
_KNOWN: Final = frozenset(
    {
        "kvn",
        "kid",
        "psk",
        "address",
        "port",
        "host",
        "uri",
        "agent_id",
        "bearer",
        "access_name",
        "buffer",
        "retries",
        "retry_delay_s",
        "suites",
        "encrypt_then_mac",
    }
)


@dataclass(frozen=True, slots=True)
class AdminSettings:
    """Where the server is and how to speak with it; ``agent_id`` empty for that of SGP.02.

    ``kvn`` and ``kid`` name the key to use unless a request names another one.
    """

    connection: OpenChannel
    kvn: int
    kid: int = 1
    host: str = ""
    uri: str = "/"
    agent_id: str = ""
    retry: RetryPolicy = DEFAULT_RETRY
    suites: tuple[Suite, ...] = tuple(SUITES.values())
    encrypt_then_mac: bool = True

    def encode(self) -> bytes:
        """Return the record for the card's memory."""
        channel = self.connection
        return cbor2.dumps(
            [
                [
                    channel.address,
                    channel.port,
                    channel.buffer_size,
                    channel.bearer,
                    channel.access_name,
                ],
                [self.kvn, self.kid, self.host, self.uri, self.agent_id],
                [self.retry.attempts, self.retry.delay_s],
                [int(one) for one in self.suites],
                self.encrypt_then_mac,
            ]
        )

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read the record."""
        channel, (kvn, kid, host, uri, agent_id), retry, suites, etm = cbor2.loads(raw)
        return cls(
            OpenChannel(*channel),
            kvn,
            kid,
            host,
            uri,
            agent_id,
            RetryPolicy(*retry),
            tuple(Suite(one) for one in suites),
            etm,
        )


@dataclass(frozen=True, slots=True)
class Scp81:
    """The factory's share: settings, and the key, 16 to 64 bytes."""

    settings: AdminSettings
    psk: bytes = field(repr=False)


def read_scp81(row: object) -> Scp81 | None:
    """Read ``isd_r.scp81`` of a factory file; ``None`` where a card has no SCP81."""
    if row is None:
        return None
    if not isinstance(row, Mapping):
        raise _wrong("must be an object")
    unknown = sorted(set(row) - _KNOWN)
    if unknown:
        raise _wrong(f"unknown field {unknown[0]!r}; known: {', '.join(sorted(_KNOWN))}")
    psk = _octets(row, "psk", 16, 64)
    if psk is None or len(psk) % 8:
        # Key wrapping between the makers of card and network knows whole blocks only.
        raise _wrong("psk must be 16, 24, 32, 40, 48, 56 or 64 bytes of hex digits")
    suites = row.get("suites", list(SUITES))
    if not isinstance(suites, list) or not suites or not set(suites) <= set(SUITES):
        raise _wrong(f"suites must be a list of {' and '.join(SUITES)}, the preferred first")
    settings = AdminSettings(
        connection=_connection(row),
        kvn=_number(row, "kvn", FIRST_PSK_KVN, low=FIRST_PSK_KVN, high=LAST_PSK_KVN),
        kid=_number(row, "kid", 1, low=1, high=0x7F),
        host=_text(row, "host", ""),
        uri=_text(row, "uri", "/"),
        agent_id=_text(row, "agent_id", ""),
        retry=RetryPolicy(
            _number(row, "retries", 2, high=0xFFFF), _number(row, "retry_delay_s", 30, high=86_399)
        ),
        suites=tuple(SUITES[one] for one in suites),
        encrypt_then_mac=row.get("encrypt_then_mac", True) is True,
    )
    if not settings.uri.startswith("/"):
        raise _wrong("uri must begin with /")
    return Scp81(settings, psk)


def _connection(row: Mapping[str, Any]) -> OpenChannel:
    address = row.get("address")
    name = _text(row, "access_name", "")
    try:
        packed = None if address is None else ipaddress.ip_address(str(address)).packed
        encode_access_name(name)
    except (ValueError, CodecError) as err:
        raise _wrong(str(err)) from err
    return OpenChannel(
        packed,
        _number(row, "port", 443, low=1, high=0xFFFF),
        _number(row, "buffer", 1500, low=64, high=0xFFFF),
        _octets(row, "bearer", 1, 16) or b"\x03",
        name or None,
    )


def _number(row: Mapping[str, Any], name: str, default: int, *, low: int = 0, high: int) -> int:
    value = row.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _wrong(f"{name} must be a number from {low} to {high}")
    return value


def _text(row: Mapping[str, Any], name: str, default: str) -> str:
    value = row.get(name, default)
    if not isinstance(value, str) or any(not "\x21" <= one <= "\x7e" for one in value):
        raise _wrong(f"{name} must be printable ASCII without blanks")
    return value


def _octets(row: Mapping[str, Any], name: str, low: int, high: int) -> bytes | None:
    value = row.get(name)
    if value is None:
        return None
    try:
        raw = bytes.fromhex(value)
    except (TypeError, ValueError):
        raw = b""
    if not low <= len(raw) <= high:
        # The value itself stays out of the text: it may be a key.
        raise _wrong(f"{name} must be {low} to {high} bytes of hex digits")
    return raw


def _wrong(why: str) -> ConfigError:
    return ConfigError(f"factory file, isd_r.scp81: {why}")
