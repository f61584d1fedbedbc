"""Images made by the lab itself, with the key sets of the bench: good ones, and wrong on purpose.

Servers have their own way to make images; this one lets a test hand the device an image that no
honest server would make.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hil.bench.profile_maker import LabProfile, ProfileMaker
from hil.errors import ConfigError
from hil.wire.image import Image, SigningKey, SigningKind, image_of, seal
from hil.wire.install_script import prepare_install
from hil.wire.isdr_commands import PROVISIONING_KVN
from hil.wire.scp03 import KeySet

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.lab import Lab


class ImageMaker(ProfileMaker):
    """Makes profiles and images for one eUICC and one device, with the keys of the bench.

    ``life`` is the device's life state, whose signing key it trusts.
    """

    def __init__(self, lab: Lab, esim: Esim, life: SigningKind) -> None:
        if not (lab.euicc_keys and lab.device_keys and lab.server_keys):
            raise ConfigError(
                f"bench '{lab.name}' needs key_sets.euicc, .device and .servers to make images"
            )
        super().__init__(lab, esim)
        self._device = lab.device_keys
        self._signing = lab.server_keys.signing
        self.life = life

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
