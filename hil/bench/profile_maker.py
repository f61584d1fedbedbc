"""Profiles made by the lab itself, and their packets, with the key sets of the bench.

Servers have their own way; this one needs the card alone, and lets a test make what no honest
server would.
"""

from __future__ import annotations

import itertools
import secrets
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from hil.errors import ConfigError
from hil.known_secrets import announce
from hil.wire.download import prepare_packets
from hil.wire.identifiers import isd_p_aid, luhn_digit, tar_of
from hil.wire.isdp_keys import derive
from hil.wire.packets import PacketSet
from hil.wire.profile_package.generate import ProfileClass, ProfileData, generate, personalise
from hil.wire.scp03 import KeySet

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.lab import Lab

FIRST_TAR: Final = 0x8000
"""ISD-Ps of the lab's own profiles begin here, apart from those that servers give out."""
FREE_MEMORY: Final = 40_000
_serials = itertools.count(1)


@dataclass(frozen=True, slots=True)
class LabProfile:
    """A profile of the lab: what was put in, and the packets made of it."""

    data: ProfileData = field(repr=False)
    package: bytes = field(repr=False)
    packets: PacketSet = field(repr=False)

    @property
    def iccid(self) -> str:
        """ICCID that the card will show."""
        return self.packets.iccid

    @property
    def imsi(self) -> str:
        """IMSI that the card will show."""
        return self.data.imsi

    @property
    def aid(self) -> bytes:
        """AID of its ISD-P."""
        return self.packets.isdp_aid

    @property
    def tar(self) -> int:
        """TAR of its ISD-P."""
        return int.from_bytes(tar_of(self.aid), "big")


class ProfileMaker:
    """Makes profiles for one eUICC, with the ISD-P base keys of the bench."""

    def __init__(self, lab: Lab, esim: Esim) -> None:
        if not lab.euicc_keys:
            raise ConfigError(f"bench '{lab.name}' needs key_sets.euicc to make profiles")
        self._euicc = lab.euicc_keys
        self._given = lab.profiles
        self.esim = esim

    def profile(
        self,
        profile_class: ProfileClass = "operational",
        *,
        package: bytes | None = None,
        claimed_class: ProfileClass | None = None,
        tar: int | None = None,
        sm_dp: str = "lab",
        counter: int = 1,
        **fields: Any,  # noqa: ANN401 - of ProfileData
    ) -> LabProfile:
        """Make a profile and its packets; ``package`` instead of a generated one.

        ``claimed_class`` is what the header of the image will say, ``tar`` the ISD-P's (a free one
        by default), ``sm_dp`` who is said to have made it, ``counter`` the ISD-P's sequence counter
        that the packets expect; ``fields`` are of ProfileData.
        """
        data = ProfileData(**(_numbers(profile_class) | fields))
        announce(f"profile {data.iccid}", data)
        made = package or self._package(data, profile_class)
        aid = isd_p_aid(self._free_tar() if tar is None else tar)
        packets, s_enc = prepare_packets(
            made,
            self.keys(aid),
            aid,
            counter,
            secrets.token_bytes(8),
        )
        announce(f"profile {data.iccid}", {"s_enc": s_enc})
        named = claimed_class or profile_class
        packet_set = PacketSet(
            order_id=uuid.uuid4().hex,
            eid=self._euicc.eid,
            iccid=data.iccid,
            isdp_aid=aid,
            mno="lab",
            sm_dp=sm_dp,
            profile_type=named,
            profile_class=named,
            memory=FREE_MEMORY,
            counter=counter,
            packets=packets,
            disclosed_key=s_enc if named == "test" else None,
        )
        return LabProfile(data, made, packet_set)

    def keys(self, aid: bytes) -> KeySet:
        """Return the SCP03 key set that an ISD-P has from the start."""
        base = self._euicc.isd_p_base
        derived = derive(KeySet(base.kvn, base.enc, base.mac, base.dek), aid)
        announce(f"ISD-P {aid.hex().upper()}", derived)
        return derived

    def _free_tar(self) -> int:
        taken = {one.aid for one in self.esim.profiles()}
        return next(n for n in itertools.count(FIRST_TAR) if isd_p_aid(n) not in taken)

    def _package(self, data: ProfileData, profile_class: ProfileClass) -> bytes:
        """Return a package: a real test profile where the bench has one, else a generated one."""
        if profile_class == "test" and self._given:
            template = self._given[0].read_bytes()
            return personalise(template, data.iccid, data.imsi, data.k, data.opc)
        return generate(data, profile_class=profile_class)


def _numbers(profile_class: ProfileClass) -> dict[str, str | bytes]:
    """Return fresh numbers: test network 001 01 for tests, 999 70 (internal use) for the rest."""
    serial = next(_serials)
    body = f"89001099{secrets.randbelow(10**6):06d}{serial:04d}"
    network = "00101" if profile_class == "test" else "99970"
    return {
        "iccid": body + luhn_digit(body),
        "imsi": network + f"{secrets.randbelow(10**10):010d}",
        "k": secrets.token_bytes(16),
        "opc": secrets.token_bytes(16),
    }
