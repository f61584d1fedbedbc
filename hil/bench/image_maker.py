"""Images made by the lab itself, with the key sets of the bench: good ones, and wrong on purpose.

Servers have their own way to make images; this one lets a test hand the device an image that no
honest server would make.
"""

from __future__ import annotations

import itertools
import secrets
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from hil.errors import ConfigError
from hil.wire.download import prepare_packets
from hil.wire.identifiers import isd_p_aid, luhn_digit, tar_of
from hil.wire.image import Image, SigningKey, SigningKind, image_of, seal
from hil.wire.install_script import prepare_install
from hil.wire.isdp_keys import derive
from hil.wire.isdr_commands import PROVISIONING_KVN
from hil.wire.packets import PacketSet
from hil.wire.profile_package.generate import ProfileClass, ProfileData, generate, personalise
from hil.wire.scp03 import KeySet

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.lab import Lab

FIRST_TAR: Final = 0x8000
"""ISD-Ps of the lab's own images begin here, apart from those that servers give out."""
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


class ImageMaker:
    """Makes profiles and images for one eUICC and one device, with the keys of the bench.

    ``life`` is the device's life state, whose signing key it trusts.
    """

    def __init__(self, lab: Lab, esim: Esim, life: SigningKind) -> None:
        if not (lab.euicc_keys and lab.device_keys and lab.server_keys):
            raise ConfigError(
                f"bench '{lab.name}' needs key_sets.euicc, .device and .servers to make images"
            )
        self._euicc, self._device = lab.euicc_keys, lab.device_keys
        self._signing = lab.server_keys.signing
        self._given = lab.profiles
        self.life = life
        self.esim = esim

    def profile(
        self,
        profile_class: ProfileClass = "operational",
        *,
        package: bytes | None = None,
        claimed_class: ProfileClass | None = None,
        tar: int | None = None,
        sm_dp: str = "lab",
        **fields: Any,  # noqa: ANN401 - of ProfileData
    ) -> LabProfile:
        """Make a profile and its packets; ``package`` instead of a generated one.

        ``claimed_class`` is what the header of the image will say, ``tar`` the ISD-P's (a free one
        by default), ``sm_dp`` who is said to have made it; ``fields`` are of ProfileData.
        """
        data = ProfileData(**(_numbers(profile_class) | fields))
        made = package or self._package(data, profile_class)
        aid = isd_p_aid(self._free_tar() if tar is None else tar)
        base = self._euicc.isd_p_base
        packets, s_enc = prepare_packets(
            made,
            derive(KeySet(base.kvn, base.enc, base.mac, base.dek), aid),
            aid,
            1,
            secrets.token_bytes(8),
        )
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
            counter=1,
            packets=packets,
            disclosed_key=s_enc if named == "test" else None,
        )
        return LabProfile(data, made, packet_set)

    def _free_tar(self) -> int:
        taken = {one.aid for one in self.esim.profiles()}
        return next(n for n in itertools.count(FIRST_TAR) if isd_p_aid(n) not in taken)

    def _package(self, data: ProfileData, profile_class: ProfileClass) -> bytes:
        """Return a package: a real test profile where the bench has one, else a generated one."""
        if profile_class == "test" and self._given:
            template = self._given[0].read_bytes()
            return personalise(template, data.iccid, data.imsi, data.k, data.opc)
        return generate(data, profile_class=profile_class)

    def image(
        self,
        profile: LabProfile,
        *,
        counter: int | None = None,
        enable: bool = True,
        isd_r: KeySet | None = None,
        **changes: Any,  # noqa: ANN401 - of Image
    ) -> Image:
        """Put a profile into an image; ``counter`` None asks the card, ``changes`` are of Image."""
        expected = self.esim.expected_counter() if counter is None else counter
        script = prepare_install(
            isd_r or self._isd_r(),
            expected,
            secrets.token_bytes(8),
            isdp_aid=profile.aid,
            memory=profile.packets.memory,
            enable=enable,
        )
        image = image_of(
            profile.packets,
            image_id=uuid.uuid4().hex,
            counter=expected,
            steps_before=script.before,
            steps_after=script.after,
            device_id=self._device.device_id,
        )
        return replace(image, **changes)

    def seal(
        self, image: Image, *, signed_by: SigningKind | None = None, enciphered: bool = True
    ) -> bytes:
        """Sign an image with the key of the device's life (or another), and encipher it."""
        kind = signed_by or self.life
        return seal(image, self._signer(kind), self._device.enc if enciphered else None)

    def sealed(self, profile: LabProfile) -> bytes:
        """Return the image file of a profile, as a good server makes it."""
        return self.seal(self.image(profile))

    def _isd_r(self) -> KeySet:
        for keys in self._euicc.isd_r_scp03:
            if keys.kvn == PROVISIONING_KVN:
                return KeySet(keys.kvn, keys.enc, keys.mac, keys.dek, keys.i)
        raise ConfigError(f"the eUICC key set has no SCP03 key set {PROVISIONING_KVN:#04x}")

    def _signer(self, kind: SigningKind) -> SigningKey:
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

        scalar = int.from_bytes(getattr(self._signing, kind), "big")
        return SigningKey(kind, ec.derive_private_key(scalar, ec.SECP256R1()))


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
