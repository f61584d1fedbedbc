"""Authentication vectors, as an authentication centre makes them (3GPP TS 33.102, 6.3.2)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Final

from hil.wire.aka.algorithm import AkaAlgorithm
from hil.wire.aka.gsm import gsm_kc, gsm_sres
from hil.wire.aka.tokens import make_autn

SEPARATION_AMF: Final = b"\x80\x00"
"""AMF with the separation bit, as vectors for EPS and 5G have it (TS 33.102, annex H)."""


@dataclass(frozen=True, slots=True)
class AuthenticationVector:
    """RAND and AUTN for the card, XRES to compare, CK and IK; Kc and SRES for 2G."""

    rand: bytes
    autn: bytes
    xres: bytes = field(repr=False)
    ck: bytes = field(repr=False)
    ik: bytes = field(repr=False)
    kc: bytes = field(repr=False)
    sres: bytes = field(repr=False)

    @classmethod
    def make(
        cls, algorithm: AkaAlgorithm, rand: bytes, sqn: int, amf: bytes = SEPARATION_AMF
    ) -> AuthenticationVector:
        """Return the vector for one RAND and sequence number."""
        keys = algorithm.f2345(rand)
        autn = make_autn(algorithm, rand, sqn, amf, ak=keys.ak)
        return cls(rand, autn, keys.res, keys.ck, keys.ik, gsm_kc(keys), gsm_sres(keys))

    def proves(self, res: bytes) -> bool:
        """Whether a RES is the one that only the subscriber's card can give; in constant time."""
        return hmac.compare_digest(self.xres, res)
