"""The two messages of a key establishment and their answers, for both ends.

SGP.02, 4.1.3.1 (SM-DP and ISD-P) and 4.1.1.8 (SM-SR and ISD-R): DGI ``3A01`` brings the certificate
and gets a random challenge; ``3A02`` ‖ ``7F49`` ‖ ``5F37`` brings what is asked for, the ephemeral
key and a signature, and gets the receipt.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final, Self

from hil.errors import CodecError
from hil.wire import dgi, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.ecc import PUBLIC_KEY, SIGNATURE, PrivateKey, PublicKey
from hil.wire.gp_certificate import Certificate
from hil.wire.key_establishment import Established, Reference, derive, receipt

DGI_CERTIFICATE: Final = 0x3A01
DGI_KEYS: Final = 0x3A02
_CHALLENGE: Final = 0x85
_RECEIPT: Final = 0x86
_SIGNED_CHALLENGE: Final = b"\x00\x85"
CHALLENGES: Final = (16, 32)
"""Lengths that a random challenge may have."""
_BLOCK: Final = 255


class ReceiptError(CodecError):
    """The card's receipt is wrong: the two ends do not have the same keys."""


def certificate_message(certificate: Certificate) -> bytes:
    """Return DGI ``3A01`` with a certificate in it."""
    return dgi.encode(DGI_CERTIFICATE, certificate.encode())


def read_challenge(answer: bytes) -> bytes:
    """Return RC from the answer to the certificate: ``85``, 16 or 32 bytes."""
    found, rest = tlv.decode_one(answer)
    if found.tag != _CHALLENGE or rest or len(found.value) not in CHALLENGES:
        raise CodecError("the answer to a certificate is 85 with 16 or 32 bytes")
    return found.value


def challenge_answer(challenge: bytes) -> bytes:
    """Return the card's answer to the certificate."""
    if len(challenge) not in CHALLENGES:
        raise CodecError(f"a random challenge has 16 or 32 bytes, not {len(challenge)}")
    return tlv.encode(_CHALLENGE, challenge)


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """The second message. ``template``: ``A6`` as it came or goes, over which the receipt is."""

    reference: Reference
    template: bytes
    ephemeral: PublicKey
    signature: bytes

    def encode(self) -> bytes:
        """Return the groupings ``3A02``, ``7F49``, ``5F37``."""
        return self._unsigned() + dgi.encode(SIGNATURE, self.signature)

    @classmethod
    def make(
        cls, reference: Reference, ephemeral: PublicKey, signer: PrivateKey, challenge: bytes
    ) -> Self:
        """Sign a request, after the card's challenge, with the key of the certificate."""
        bare = cls(reference, reference.encode(), ephemeral, b"")
        signature = signer.sign(bare._message(challenge))
        return cls(reference, bare.template, ephemeral, signature)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read the three groupings in their order."""
        groups = dgi.decode_all(data)
        if [one.tag for one in groups] != [DGI_KEYS, PUBLIC_KEY, SIGNATURE]:
            raise CodecError("a key request is 3A02, 7F49 and 5F37")
        template, key, signature = (one.value for one in groups)
        return cls(Reference.decode(template), template, PublicKey.decode(key), signature)

    def is_signed_by(self, key: PublicKey, challenge: bytes) -> bool:
        """Whether the holder of the certificate's key answered this challenge."""
        return key.verifies(self.signature, self._message(challenge))

    def _unsigned(self) -> bytes:
        return dgi.encode(DGI_KEYS, self.template) + dgi.encode(PUBLIC_KEY, self.ephemeral.encode())

    def _message(self, challenge: bytes) -> bytes:
        # The tag of RC has two bytes here, 00 85 (SGP.02, table 81).
        return self._unsigned() + _SIGNED_CHALLENGE + bytes((len(challenge),)) + challenge


def card_answer(
    request: KeyRequest, static: PrivateKey, random: bytes = b"", sin: bytes = b""
) -> tuple[Established, bytes]:
    """Do the card's part with SK.ECASD.ECKA; return the keys and its answer.

    ``random``: derivation random if the request asks for one, as long as the curve wants.
    """
    if random and len(random) != static.curve.random:
        raise CodecError(f"the derivation random has {static.curve.random} bytes")
    made = derive(static.agree(request.ephemeral), request.reference, random, sin)
    answer = tlv.encode(_CHALLENGE, random) if random else b""
    return made, answer + tlv.encode(_RECEIPT, receipt(made, request.template, random))


def host_keys(
    request: KeyRequest,
    answer: bytes,
    ephemeral: PrivateKey,
    static: PublicKey,
    sin: bytes = b"",
) -> Established:
    """Do the host's part with the answer and PK.ECASD.ECKA.

    :class:`ReceiptError` if the receipt is wrong: then the card has other keys, or is another card.
    """
    objects = tlv.decode_all(answer, limit=4)
    random = tlv.find(objects, _CHALLENGE) or b""
    made = derive(ephemeral.agree(static), request.reference, random, sin)
    expected = receipt(made, request.template, random)
    given = tlv.require(objects, _RECEIPT, where="answer to a key request")
    if not hmac.compare_digest(given, expected):
        raise ReceiptError("the receipt of the card is wrong: other keys, or another card")
    return made


def store_data(message: bytes, *, first: int = 0, last: bool) -> tuple[CommandApdu, ...]:
    """Cut a message into STORE DATA blocks (P1 09, the last one 89), numbered from ``first``.

    ``last``: whether the message ends the sequence. The certificate's does not: the key request
    goes on with the next number.
    """
    pieces = [message[at : at + _BLOCK] for at in range(0, len(message), _BLOCK)]
    return tuple(
        CommandApdu(
            0x80,
            0xE2,
            0x89 if last and number == len(pieces) - 1 else 0x09,
            first + number,
            piece,
            256,
        )
        for number, piece in enumerate(pieces)
    )
