"""Dead Simple Signing Envelope (secure-systems-lab/dsse, protocol and envelope 1.0).

What is signed is the pre-authentication encoding of type and payload, so that a payload cannot be
taken for one of another type.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.seal.keys import SigningKey, VerifyingKey

MOST_BYTES = 64 * 1024 * 1024
"""Largest envelope that is read."""


class EnvelopeError(ValueError):
    """Bytes that are no envelope; the text says why."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature; ``keyid`` is a hint which key made it, and is not signed."""

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload, its type and who signed both."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """Return the JSON envelope, in the one form in which this package writes it."""
        record = {
            "payload": base64.b64encode(self.payload).decode(),
            "payloadType": self.payload_type,
            "signatures": [
                {"keyid": one.keyid, "sig": base64.b64encode(one.sig).decode()}
                for one in self.signatures
            ],
        }
        return (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode()

    def signers(self, keys: Sequence[VerifyingKey]) -> set[str]:
        """Return the key ids of those of ``keys`` that signed it; a wrong signature counts none."""
        signed = pae(self.payload_type, self.payload)
        return {
            key.keyid
            for key in keys
            if any(key.verifies(one.sig, signed) for one in self.signatures)
        }


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the pre-authentication encoding: what is signed (protocol.md, Signature Definition).

    >>> pae("http://example.com/HelloWorld", b"hello world")
    b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def sign(payload_type: str, payload: bytes, key: SigningKey) -> Envelope:
    """Return ``payload`` in an envelope that ``key`` signed."""
    signature = Signature(key.public.keyid, key.sign(pae(payload_type, payload)))
    return Envelope(payload_type, payload, (signature,))


def decode(data: bytes) -> Envelope:
    """Read an envelope; either alphabet of base64 is taken, as the protocol asks.

    Raises EnvelopeError.
    """
    if len(data) > MOST_BYTES:
        raise EnvelopeError(f"{len(data)} bytes are too many for an envelope")
    try:
        record = json.loads(data)
    except (ValueError, RecursionError) as err:
        raise EnvelopeError(f"it is no JSON ({type(err).__name__})") from err
    if not isinstance(record, dict):
        raise EnvelopeError("it is no JSON object")
    kind, rows = record.get("payloadType"), record.get("signatures")
    if not isinstance(kind, str) or not kind:
        raise EnvelopeError("its 'payloadType' is missing")
    if not isinstance(rows, list) or not rows:
        raise EnvelopeError("its 'signatures' are missing")
    return Envelope(kind, _base64(record, "payload"), tuple(_signature(row) for row in rows))


def _signature(row: object) -> Signature:
    if not isinstance(row, dict):
        raise EnvelopeError("a signature is no JSON object")
    keyid = row.get("keyid", "")
    if not isinstance(keyid, str):
        raise EnvelopeError("the 'keyid' of a signature is no text")
    return Signature(keyid, _base64(row, "sig"))


def _base64(row: dict[str, Any], name: str) -> bytes:
    text = row.get(name)
    if not isinstance(text, str):
        raise EnvelopeError(f"its '{name}' is missing")
    try:
        return base64.b64decode(text.translate({ord("-"): "+", ord("_"): "/"}), validate=True)
    except (binascii.Error, ValueError) as err:
        raise EnvelopeError(f"its '{name}' is no base64") from err
