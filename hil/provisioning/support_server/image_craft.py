"""The work on one image that needs no store: script, envelope, signature (patent operation 540).

All that must be new for each image (its id, the host challenge, the nonce) is in the job, so that
the image says the same whichever process makes it; only an ECDSA signature differs each time.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from functools import lru_cache

from hil.errors import CodecError
from hil.provisioning.errors import Refusal, RefusalCode
from hil.wire.image import SigningKey, image_of, seal
from hil.wire.image_envelope import SigningKind
from hil.wire.install_script import prepare_install
from hil.wire.packets import PacketSet
from hil.wire.scp03_keys import KeySet


@dataclass(frozen=True, slots=True)
class ImageJob:
    """What one image is made of.

    ``clear``: delete first what an earlier image may have left of the ISD-P. ``signer``: the
    signing key as PEM. ``device_key`` enciphers the image for the device, None leaves it readable.
    """

    packet_set: PacketSet
    keys: KeySet = field(repr=False)
    counter: int
    enable: bool
    clear: bool
    signed_by: SigningKind
    signer: bytes = field(repr=False)
    device_id: str | None
    device_key: bytes | None = field(repr=False)
    image_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    host_challenge: bytes = field(default_factory=lambda: secrets.token_bytes(8))
    nonce: bytes = field(default_factory=lambda: secrets.token_bytes(12))


def craft(job: ImageJob) -> bytes:
    """Return the image file; Refusal when the packets do not fit one."""
    packet_set = job.packet_set
    try:
        script = prepare_install(
            job.keys,
            job.counter,
            job.host_challenge,
            isdp_aid=packet_set.isdp_aid,
            memory=packet_set.memory,
            enable=job.enable,
            clear=job.clear,
        )
        image = image_of(
            packet_set,
            image_id=job.image_id,
            counter=job.counter,
            steps_before=script.before,
            steps_after=script.after,
            device_id=job.device_id,
        )
        return seal(image, _signer(job.signed_by, job.signer), job.device_key, nonce=job.nonce)
    except CodecError as err:
        raise Refusal(
            RefusalCode.INVALID,
            f"no image can be made of the packets of {packet_set.iccid}: {err}",
        ) from err


@lru_cache(maxsize=4)
def _signer(kind: SigningKind, pem: bytes) -> SigningKey:
    return SigningKey.from_pem(kind, pem)
