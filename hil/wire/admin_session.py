"""Asking a security domain for an HTTP administration session (GlobalPlatform Amendment B).

The request travels as the data of a secured packet to the security domain. Everything in it but the
frame may be absent: then the card takes what it has stored. Tags after table 3-3 as pySim reads it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from hil.errors import CodecError
from hil.wire import bip, tlv
from hil.wire.bip import OpenChannel
from hil.wire.identifiers import decode_eid, encode_eid, is_valid_eid
from hil.wire.tlv import Tlv

TRIGGER: Final = 0x81
SESSION: Final = 0x83
CONNECTION: Final = 0x84
SECURITY: Final = 0x85
RETRY: Final = 0x86
HTTP_POST: Final = 0x89
HOST: Final = 0x8A
AGENT_ID: Final = 0x8B
URI: Final = 0x8C
FIRST_PSK_KVN, LAST_PSK_KVN = 0x40, 0x4F
_TIMER_VALUE: Final = 0x25
_PRINTABLE: Final = re.compile(rb"[\x21-\x7e]{1,255}")
_IDENTITY: Final = re.compile(rb"[0-9A-Fa-f]+")
_IDENTITY_START: Final = Tlv(0x80, b"\x02")


@dataclass(frozen=True, slots=True)
class PskIdentity:
    """Who a card says it is in TLS: the EID, its security domain, and which key it uses."""

    eid: str
    aid: bytes
    kvn: int
    kid: int = 0x01

    def encode(self) -> bytes:
        """Return the identity: hex digits of data objects, as text (SGP.02, 2.4.3.2)."""
        objects = (
            _IDENTITY_START,
            Tlv(0x81, encode_eid(self.eid)),
            Tlv(0x4F, self.aid),
            Tlv(0x82, bytes((self.kid,))),
            Tlv(0x83, bytes((self.kvn,))),
        )
        return b"".join(one.encode() for one in objects).hex().upper().encode()

    @classmethod
    def decode(cls, text: bytes) -> Self:
        """Read an identity; :class:`CodecError` for any that is not of this form."""
        if not _IDENTITY.fullmatch(text) or len(text) % 2:
            raise CodecError("a PSK identity is hex digits, two for each byte")
        objects = tlv.decode_all(bytes.fromhex(text.decode()), limit=8)
        if [one.tag for one in objects] != [0x80, 0x81, 0x4F, 0x82, 0x83]:
            raise CodecError("a PSK identity has the objects 80, 81, 4F, 82 and 83")
        start, eid, aid, kid, kvn = objects
        if start != _IDENTITY_START or len(eid.value) != 16:
            raise CodecError("a PSK identity begins with 800102 and the EID")
        if len(kid.value) != 1 or len(kvn.value) != 1 or not 5 <= len(aid.value) <= 16:
            raise CodecError("a PSK identity names an AID, a key identifier and a key version")
        number = decode_eid(eid.value)
        if not is_valid_eid(number):
            raise CodecError("the EID of a PSK identity has wrong check digits")
        return cls(number, aid.value, kvn.value[0], kid.value[0])


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often the card tries again by itself, and after how many seconds each time."""

    attempts: int
    delay_s: int

    def encode(self) -> bytes:
        """Return counter and timer value."""
        timer = Tlv(_TIMER_VALUE, bip.encode_time(self.delay_s)).encode()
        return self.attempts.to_bytes(2, "big") + timer

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read counter and timer value; a report of failure wished for is passed over."""
        if len(raw) < 2:
            raise CodecError("a retry policy begins with a counter of 2 bytes")
        timer, _report = tlv.decode_one(raw[2:])
        if timer.tag & 0x7F != _TIMER_VALUE:
            raise CodecError("a retry policy has a timer value behind its counter")
        return cls(int.from_bytes(raw[:2], "big"), bip.decode_time(timer.value))


@dataclass(frozen=True, slots=True)
class AdminRequest:
    """What a request says; None for what the card is to take from its own memory."""

    connection: OpenChannel | None = None
    psk_identity: bytes | None = None
    kvn: int | None = None
    kid: int | None = None
    retry: RetryPolicy | None = None
    host: bytes | None = None
    agent_id: bytes | None = None
    uri: bytes | None = None

    def encode(self) -> bytes:
        """Return the request."""
        objects: list[Tlv] = []
        if self.connection is not None:
            rows = b"".join(one.encode() for one in self.connection.objects())
            objects.append(Tlv(CONNECTION, rows))
        if self.kvn is not None:
            identity = self.psk_identity or b""
            key = bytes((2, self.kvn, 0x01 if self.kid is None else self.kid))
            objects.append(Tlv(SECURITY, bytes((len(identity),)) + identity + key))
        if self.retry is not None:
            objects.append(Tlv(RETRY, self.retry.encode()))
        texts = ((HOST, self.host), (AGENT_ID, self.agent_id), (URI, self.uri))
        post = b"".join(tlv.encode(tag, text) for tag, text in texts if text is not None)
        if post:
            objects.append(Tlv(HTTP_POST, post))
        session = b"".join(one.encode() for one in objects)
        return tlv.encode(TRIGGER, tlv.encode(SESSION, session) if session else b"")

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read a request; unknown objects are passed over."""
        whole, rest = tlv.decode_one(raw)
        if whole.tag != TRIGGER or rest:
            raise CodecError("an administration request is one object 81")
        session = tlv.decode_all(tlv.find(whole.children(), SESSION) or b"")
        post = tlv.decode_all(tlv.find(session, HTTP_POST) or b"")
        connection = tlv.find(session, CONNECTION)
        identity, kvn, kid = _security(tlv.find(session, SECURITY))
        retry = tlv.find(session, RETRY)
        return cls(
            connection=(
                None if connection is None else OpenChannel.of_objects(tlv.decode_all(connection))
            ),
            psk_identity=identity,
            kvn=kvn,
            kid=kid,
            retry=None if retry is None else RetryPolicy.decode(retry),
            host=_text(tlv.find(post, HOST)),
            agent_id=_text(tlv.find(post, AGENT_ID)),
            uri=_text(tlv.find(post, URI)),
        )


def is_admin_request(data: bytes) -> bool:
    """Whether the data of a packet ask for a session; command scripts begin with AA or AE."""
    return data[:1] == bytes((TRIGGER,))


def _security(raw: bytes | None) -> tuple[bytes | None, int | None, int | None]:
    if raw is None:
        return None, None, None
    size = raw[0] if raw else 0
    identity, key = raw[1 : 1 + size], raw[1 + size :]
    if len(identity) != size or len(key) < 3 or key[0] != 2:
        raise CodecError("security parameters are a PSK identity, and key version and identifier")
    return identity or None, key[1], key[2]


def _text(value: bytes | None) -> bytes | None:
    """Refuse what would break the lines of an HTTP request."""
    if value is not None and not _PRINTABLE.fullmatch(value):
        raise CodecError("host, agent id and URI of an administration request are printable ASCII")
    return value
