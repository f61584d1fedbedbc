"""How a device registers: an authentication with the key of its enabled profile.

The run of 3GPP TS 33.102, 6.3, in the lines of the radio face. Causes of a rejection are those of
3GPP TS 24.301, 9.9.3.9.
"""

from __future__ import annotations

import logging
from typing import Final

from hil.errors import CodecError
from hil.virtual.network.authentication_centre import AuthenticationCentre
from hil.wire.aka import AkaError, AuthenticationVector

log = logging.getLogger(__name__)

IMSI_UNKNOWN: Final = 2
ILLEGAL_UE: Final = 3
_MOST_RESYNCHRONISATIONS: Final = 1


class Registration:
    """One device's registration: the challenge it was given, and the IMSI it holds now."""

    def __init__(self, centre: AuthenticationCentre) -> None:
        self._centre = centre
        self._asked = ""
        self._vector: AuthenticationVector | None = None
        self._resynchronisations = 0
        self.imsi: str | None = None

    def request(self, given: object) -> dict[str, object]:
        """Answer ``register`` with a challenge; an IMSI that nobody here has is rejected."""
        imsi = given.get("imsi") if isinstance(given, dict) else None
        if not isinstance(imsi, str) or not (imsi.isascii() and imsi.isdigit()):
            raise CodecError("register needs an imsi of digits")
        self.imsi, self._asked, self._resynchronisations = None, imsi, 0
        return self._challenge()

    def response(self, res: bytes) -> dict[str, object]:
        """Judge RES: registered, or rejected."""
        vector, self._vector = self._expected(), None
        if not vector.proves(res):
            return self._reject(ILLEGAL_UE, "its RES is wrong")
        self.imsi = self._asked
        log.info("%s registered", self.imsi)
        return {"registered": {"imsi": self.imsi, "plmn": self._centre.plmn}}

    def out_of_step(self, auts: bytes) -> dict[str, object]:
        """Take AUTS: challenge anew with the card's own sequence number, once."""
        vector, self._vector = self._expected(), None
        self._resynchronisations += 1
        if self._resynchronisations > _MOST_RESYNCHRONISATIONS:
            return self._reject(ILLEGAL_UE, "it is out of step again")
        try:
            self._centre.resynchronise(self._asked, vector.rand, auts)
        except AkaError as err:
            return self._reject(ILLEGAL_UE, str(err))
        log.info("%s was out of step", self._asked)
        return self._challenge()

    def network_refused(self) -> dict[str, object]:
        """Reject a device whose card takes another network for its own: the keys differ."""
        self._expected()
        self._vector = None
        return self._reject(ILLEGAL_UE, "the card found the MAC of AUTN wrong")

    def _expected(self) -> AuthenticationVector:
        if self._vector is None:
            raise CodecError("an answer came without a challenge")
        return self._vector

    def _challenge(self) -> dict[str, object]:
        self._vector = self._centre.challenge(self._asked)
        if self._vector is None:
            return self._reject(IMSI_UNKNOWN, "no subscriber of this network")
        return {"challenge": {"rand": self._vector.rand.hex(), "autn": self._vector.autn.hex()}}

    def _reject(self, cause: int, why: str) -> dict[str, object]:
        log.info("%s rejected: %s", self._asked, why)
        return {"rejected": {"cause": cause}}
