"""A test CI, and who has certificates of it: eUICC maker, SM-DPs, SM-SRs, the cards' ECASDs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hil.provisioning.certificates import Identity, Issuer, personalise_ecasd
from hil.provisioning.credentials import Credentials
from hil.wire.ecc import PrivateKey
from hil.wire.gp_certificate import Role
from tests.provisioning.world import factory_of


def _key() -> PrivateKey:
    return PrivateKey.generate()


@dataclass
class TestCi:
    """One certificate issuer with one eUICC maker under it."""

    __test__ = False

    ci: Issuer = field(default_factory=lambda: Issuer(b"test CI", _key()))
    maker: Issuer = field(default_factory=lambda: Issuer(b"test EUM", _key()))

    def factory(self, eid: str, **over: object) -> dict[str, Any]:
        """Return factory data with an ECASD; new ISD-Ps have no keys, for they are established."""
        return personalise_ecasd(factory_of(eid, **over), self.maker, self.ci.key.public, _key())

    def credentials(self, role: Role, name: str, **over: Any) -> Credentials:  # noqa: ANN401 - fields
        """Return what an SM-DP or SM-SR has of this CI."""
        key = _key()
        made = self.ci.issue(name.encode(), key.public, role=role, **over)
        maker = self.ci.issue(self.maker.id, self.maker.key.public)
        return Credentials(Identity(made, key), self.ci.key.public, {"eum-1": maker.encode()})
