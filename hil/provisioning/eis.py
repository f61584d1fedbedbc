"""The eUICC information set (EIS): what the eUICC maker tells an SM-SR of one eUICC, signed.

The payload is JSON with sorted keys and no blanks; the signature is ES256 (RFC 7518, 3.4: r ‖ s, 64
bytes) over ``hil eis`` ‖ 00 ‖ payload. It holds key version numbers, never keys. Signed again it is
the same to the byte (RFC 6979), so a delivery that is repeated is known for the same.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256

from hil.errors import CodecError
from hil.wire.identifiers import is_valid_eid

MAX_PAYLOAD: Final = 65_536
_LABEL: Final = b"hil eis\x00"


@dataclass(frozen=True, slots=True)
class EisProfile:
    """A profile that the eUICC left the factory with; AID as hex."""

    iccid: str
    isdp_aid: str
    state: str
    fallback: bool


@dataclass(frozen=True, slots=True)
class Eis:
    """One eUICC (SGP.02, EIS): identity, memory in bytes, AIDs as hex, key versions, profiles.

    ``ecasd_certificate``: CERT.ECASD.ECKA as hex, empty for an eUICC without one. ``scp81_kvns``
    is empty for one that opens no administration sessions.
    """

    eid: str
    eum: str
    production_date: str
    memory: int
    isd_r_aid: str
    ecasd_aid: str
    isd_p_load_file_aid: str
    isd_p_module_aid: str
    scp80_kvns: tuple[int, ...]
    scp03_kvns: tuple[int, ...]
    msisdn: str | None
    profiles: tuple[EisProfile, ...]
    ecasd_certificate: str = ""
    scp81_kvns: tuple[int, ...] = ()

    def encode(self) -> bytes:
        """Return the payload that is signed."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, payload: bytes) -> Eis:
        """Read a payload; CodecError for anything that :meth:`encode` would not have written."""
        if len(payload) > MAX_PAYLOAD:
            raise CodecError(f"EIS of {len(payload)} bytes is longer than {MAX_PAYLOAD}")
        try:
            raw: Any = json.loads(payload)
            eis = cls(
                **raw
                | {
                    "scp80_kvns": tuple(raw["scp80_kvns"]),
                    "scp03_kvns": tuple(raw["scp03_kvns"]),
                    "scp81_kvns": tuple(raw["scp81_kvns"]),
                    "profiles": tuple(EisProfile(**row) for row in raw["profiles"]),
                }
            )
            again = eis.encode()
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as err:
            raise CodecError(f"EIS cannot be read: {type(err).__name__}") from err
        if again != payload:
            raise CodecError("EIS is not in its one spelling: keys sorted, no blanks")
        if not isinstance(eis.eid, str) or not is_valid_eid(eis.eid):
            raise CodecError("EIS names no valid EID")
        if not isinstance(eis.memory, int) or not isinstance(eis.eum, str):
            raise CodecError("EIS has a field of a wrong type")
        return eis


@dataclass(frozen=True, slots=True)
class SignedEis:
    """The payload of an EIS and its maker's signature (64 bytes)."""

    payload: bytes
    signature: bytes


def sign(eis: Eis, key: ec.EllipticCurvePrivateKey) -> SignedEis:
    """Sign with the eUICC maker's P-256 key."""
    payload = eis.encode()
    algorithm = ec.ECDSA(SHA256(), deterministic_signing=True)
    r, s = decode_dss_signature(key.sign(_LABEL + payload, algorithm))
    return SignedEis(payload, r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def is_signed_by(signed: SignedEis, key: ec.EllipticCurvePublicKey) -> bool:
    """Whether the holder of ``key`` signed this EIS."""
    if len(signed.signature) != 64:
        return False
    r = int.from_bytes(signed.signature[:32], "big")
    s = int.from_bytes(signed.signature[32:], "big")
    try:
        key.verify(encode_dss_signature(r, s), _LABEL + signed.payload, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
