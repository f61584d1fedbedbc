"""The image file: all that a device needs to install one profile with nobody else at hand.

CBOR in COSE (RFC 9052): COSE_Sign1 with ES256 over the image, or over a COSE_Encrypt0 (AES-GCM)
of it for the one device that holds the key. The protected ``kid`` names the signing key,
``development`` or ``commercial`` (patent operations 540, 570, 630; memory 430 holds both public
halves). The format is our own; docs/image-file.md describes it field by field.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, cast

from hil.errors import CodecError
from hil.wire import strict_cbor
from hil.wire.cbor_map import MapReader
from hil.wire.image_envelope import (
    ImageDecryptionError,
    ImageFormatError,
    ImageSignatureError,
    PublicKey,
    SigningKey,
    SigningKind,
    sign_and_encrypt,
    verify_and_decrypt,
)
from hil.wire.packets import (
    MAX_COUNTER,
    MAX_PACKETS,
    PROFILE_CLASSES,
    Packet,
    PacketSet,
    ProfileClass,
    packets_to_rows,
    rows_to_packets,
)
from hil.wire.script_step import ScriptStep

__all__ = [
    "Image",
    "ImageDecryptionError",
    "ImageFormatError",
    "ImageSignatureError",
    "PublicKey",
    "SigningKey",
    "SigningKind",
    "image_of",
    "image_to_packets",
    "open_image",
    "seal",
]

IMAGE_VERSION: Final = 1
MAX_STEPS: Final = 64
_DIGEST_FIELD: Final = 16


@dataclass(frozen=True, slots=True)
class Image:
    """One profile for one eUICC (and, with ``device_id``, for one device).

    * ``eid``: 32 digits; ``iccid``: 18 to 20 digits; ``isdp_aid``: 5 to 16 bytes.
    * ``counter``: SCP03 sequence counter of the ISD-R's provisioning key set that
      ``steps_before`` expect; an ISD-R that is further on makes the image stale.
    * ``steps_before``, ``steps_after``: APDUs to send before and after the packets.
    * ``disclosed_key``: SCP03t session key S-ENC of a test profile; never in ``repr``.
    """

    image_id: str
    eid: str
    iccid: str
    isdp_aid: bytes
    mno: str
    sm_dp: str
    profile_type: str
    profile_class: ProfileClass
    counter: int
    steps_before: tuple[ScriptStep, ...]
    packets: tuple[Packet, ...]
    steps_after: tuple[ScriptStep, ...] = ()
    device_id: str | None = None
    disclosed_key: bytes | None = field(default=None, repr=False)
    version: int = IMAGE_VERSION

    def _body(self) -> dict[int, object]:
        body: dict[int, object] = {
            0: self.version,
            1: self.image_id,
            2: self.eid,
            4: self.iccid,
            5: self.isdp_aid,
            6: self.mno,
            7: self.sm_dp,
            8: self.profile_type,
            9: self.profile_class,
            10: self.counter,
            11: [step.to_row() for step in self.steps_before],
            12: len(self.packets),
            13: packets_to_rows(self.packets, f"{self.image_id}/{self.eid}/{self.iccid}"),
            14: [step.to_row() for step in self.steps_after],
        }
        if self.device_id is not None:
            body[3] = self.device_id
        if self.disclosed_key is not None:
            body[15] = self.disclosed_key
        return body

    @property
    def digest(self) -> bytes:
        """SHA-256 over the encoding without its own field, 32 bytes: the identity of the image."""
        return hashlib.sha256(strict_cbor.encode(self._body())).digest()

    def encode(self) -> bytes:
        """Return the CBOR of the image, unsigned."""
        raw = strict_cbor.encode(self._body() | {_DIGEST_FIELD: self.digest})
        Image.decode(raw)
        return raw

    @classmethod
    def decode(cls, raw: bytes) -> Image:
        """Read the CBOR of an image; raise ImageFormatError, or PacketError with a number."""
        try:
            fields = MapReader(strict_cbor.decode(raw), "image", ImageFormatError)
        except ImageFormatError:
            raise
        except CodecError as err:
            raise ImageFormatError(f"image cannot be read: {err}") from err
        if fields.uint(0, "version", maximum=0xFFFF) != IMAGE_VERSION:
            raise ImageFormatError(f"image is not of version {IMAGE_VERSION}: make it anew")
        image_id = fields.text(1, "image id")
        eid = fields.digits(2, "EID", (32,))
        iccid = fields.digits(4, "ICCID", (18, 19, 20))
        count = fields.uint(12, "number of packets", maximum=MAX_PACKETS)
        if not count:
            raise ImageFormatError("image has no packets")
        image = cls(
            image_id=image_id,
            eid=eid,
            iccid=iccid,
            device_id=fields.optional_text(3, "device id"),
            isdp_aid=fields.octets(5, "ISD-P AID", range(5, 17)),
            mno=fields.text(6, "MNO"),
            sm_dp=fields.text(7, "SM-DP"),
            profile_type=fields.text(8, "profile type"),
            profile_class=cast(ProfileClass, fields.word(9, "profile class", PROFILE_CLASSES)),
            counter=fields.uint(10, "counter", maximum=MAX_COUNTER),
            steps_before=_steps(fields.array(11, "steps before")),
            packets=rows_to_packets(
                fields.array(13, "packets"), count, f"{image_id}/{eid}/{iccid}"
            ),
            steps_after=_steps(fields.array(14, "steps after")),
            disclosed_key=fields.optional_octets(15, "disclosed key", (16, 24, 32)),
        )
        digest = fields.octets(_DIGEST_FIELD, "digest", (32,))
        fields.end()
        if digest != image.digest:
            raise ImageFormatError("digest of the image does not fit its content")
        if image.disclosed_key is not None and image.profile_class != "test":
            raise ImageFormatError(f"image discloses the key of an {image.profile_class} profile")
        return image


def _steps(rows: list[object]) -> tuple[ScriptStep, ...]:
    if len(rows) > MAX_STEPS:
        raise ImageFormatError(f"image has {len(rows)} steps in one script; at most {MAX_STEPS}")
    try:
        return tuple(ScriptStep.from_row(row) for row in rows)
    except CodecError as err:
        raise ImageFormatError(f"image has a wrong step: {err}") from err


def image_of(
    packet_set: PacketSet,
    *,
    image_id: str,
    counter: int,
    steps_before: tuple[ScriptStep, ...],
    steps_after: tuple[ScriptStep, ...],
    device_id: str | None = None,
) -> Image:
    """Put the packets of one profile and the ISD-R scripts into one image (operation 540)."""
    return Image(
        image_id=image_id,
        eid=packet_set.eid,
        iccid=packet_set.iccid,
        isdp_aid=packet_set.isdp_aid,
        mno=packet_set.mno,
        sm_dp=packet_set.sm_dp,
        profile_type=packet_set.profile_type,
        profile_class=packet_set.profile_class,
        counter=counter,
        steps_before=steps_before,
        packets=packet_set.packets,
        steps_after=steps_after,
        device_id=device_id,
        disclosed_key=packet_set.disclosed_key,
    )


def image_to_packets(image: Image) -> tuple[Packet, ...]:
    """Return the packets, the very bytes that went into the image."""
    return image.packets


def seal(
    image: Image,
    signer: SigningKey,
    device_key: bytes | None = None,
    *,
    nonce: bytes | None = None,
) -> bytes:
    """Return the image file: signed, and with ``device_key`` (16 or 32 bytes) enciphered.

    ``nonce``: 12 bytes, never used twice with one key; random by default.
    """
    return sign_and_encrypt(image.encode(), signer, device_key, nonce=nonce)


def open_image(
    raw: bytes,
    *,
    trusted: Mapping[SigningKind, PublicKey],
    device_key: bytes | None = None,
) -> Image:
    """Verify, decipher and read an image file.

    ``trusted`` maps the signing kinds accepted here to public keys (PEM or cryptography's own).
    Raises ImageSignatureError (unknown kind, wrong signature), ImageDecryptionError (no key, wrong
    key), ImageFormatError (anything else), PacketError (a packet, with its number).
    """
    return Image.decode(verify_and_decrypt(raw, trusted=trusted, device_key=device_key))
