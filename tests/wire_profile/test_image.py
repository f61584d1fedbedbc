from __future__ import annotations

from dataclasses import replace

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from pycose.algorithms import A128GCM, Es256
from pycose.headers import IV, KID, Algorithm
from pycose.keys.ec2 import EC2Key
from pycose.keys.symmetric import SymmetricKey
from pycose.messages.cosemessage import CoseMessage
from pycose.messages.enc0message import Enc0Message
from pycose.messages.sign1message import Sign1Message

from hil.errors import CodecError
from hil.wire.image import (
    Image,
    ImageDecryptionError,
    ImageFormatError,
    ImageSignatureError,
    PublicKey,
    SigningKey,
    SigningKind,
    image_of,
    image_to_packets,
    open_image,
    seal,
)
from hil.wire.image_envelope import sign_and_encrypt, signing_kind
from hil.wire.packets import PacketError, PacketSet
from hil.wire.script_step import ScriptStep

DEVICE_KEY = bytes(range(16))
DEVELOPMENT = SigningKey.generate("development")
COMMERCIAL = SigningKey.generate("commercial")


@pytest.fixture
def image(packet_set: PacketSet) -> Image:
    return image_of(
        packet_set,
        image_id="image-1",
        counter=7,
        steps_before=(
            ScriptStep(bytes.fromhex("00A4040000")),
            ScriptStep(bytes(5), b"\x01", "63CX"),
        ),
        steps_after=(ScriptStep(bytes.fromhex("80E28800"), b""),),
        device_id="device-1",
    )


@pytest.mark.parametrize("device_key", [None, DEVICE_KEY, bytes(32)])
def test_open_gives_back_what_was_sealed(
    image: Image, packet_set: PacketSet, device_key: bytes | None
) -> None:
    raw = seal(image, DEVELOPMENT, device_key)
    again = open_image(raw, trusted=_trusted(), device_key=device_key)
    assert again == image
    assert again.digest == image.digest
    assert image_to_packets(again) == packet_set.packets
    assert signing_kind(raw) == "development"
    assert (packet_set.packets[2].command in raw) == (device_key is None)


def test_development_image_is_refused_in_commercial_life_and_the_other_way_round(
    image: Image,
) -> None:
    for signer, other in ((DEVELOPMENT, COMMERCIAL), (COMMERCIAL, DEVELOPMENT)):
        with pytest.raises(ImageSignatureError, match=f"with the {signer.kind} key"):
            open_image(seal(image, signer), trusted={other.kind: other.public_pem()})


def test_signature_of_a_stranger_is_refused(image: Image) -> None:
    raw = seal(image, SigningKey.generate("development"))
    with pytest.raises(ImageSignatureError, match="does not fit"):
        open_image(raw, trusted=_trusted())


def test_wrong_or_missing_device_key_is_refused(image: Image) -> None:
    raw = seal(image, DEVELOPMENT, DEVICE_KEY)
    trusted = {DEVELOPMENT.kind: DEVELOPMENT.private.public_key()}
    for key in (None, bytes(16), bytes(32)):
        with pytest.raises(ImageDecryptionError):
            open_image(raw, trusted=trusted, device_key=key)


def test_every_flipped_bit_is_refused(image: Image) -> None:
    raw = seal(image, DEVELOPMENT, DEVICE_KEY)
    for at in range(0, len(raw), 7):
        changed = raw[:at] + bytes((raw[at] ^ (1 << at % 8),)) + raw[at + 1 :]
        with pytest.raises(CodecError):
            open_image(changed, trusted=_trusted(), device_key=DEVICE_KEY)


def test_truncation_at_every_byte_is_refused(image: Image) -> None:
    raw = seal(image, DEVELOPMENT)
    for length in range(len(raw)):
        with pytest.raises(CodecError):
            open_image(raw[:length], trusted=_trusted())
    with pytest.raises(ImageFormatError):
        open_image(raw + b"\x00", trusted=_trusted())


def test_secrets_are_not_in_repr(image: Image) -> None:
    secret = replace(image, profile_class="test", disclosed_key=DEVICE_KEY)
    assert repr(DEVICE_KEY) not in repr(secret)
    assert "private" not in repr(DEVELOPMENT)


def test_image_with_a_wrong_packet_names_its_number(image: Image) -> None:
    value = cbor2.loads(image.encode())
    value[13] = [value[13][0], value[13][2], value[13][3]]
    with pytest.raises(PacketError) as caught:
        Image.decode(cbor2.dumps(value, canonical=True))
    assert caught.value.number == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [(0, 2), (2, "1"), (9, "friendly"), (11, [1]), (12, 0), (16, bytes(32)), (99, 1)],
)
def test_wrong_field_is_refused(image: Image, field: int, value: object) -> None:
    changed = cbor2.loads(image.encode()) | {field: value}
    with pytest.raises(ImageFormatError):
        Image.decode(cbor2.dumps(changed, canonical=True))


def test_key_of_an_operational_profile_is_not_disclosed(image: Image) -> None:
    with pytest.raises(ImageFormatError, match="discloses the key of an operational"):
        replace(image, disclosed_key=DEVICE_KEY).encode()


@pytest.mark.parametrize(
    ("place", "header"),
    [
        (0, {1: -7}),
        (0, {1: -7, 4: b"development", 3: 0}),
        (0, {1: -35, 4: b"development"}),
        (1, {6: b"x"}),
        (1, {4: b"commercial"}),
    ],
)
def test_other_headers_are_refused(image: Image, place: int, header: dict[int, object]) -> None:
    parts = list(cbor2.loads(seal(image, DEVELOPMENT)).value)
    parts[place] = cbor2.dumps(header, canonical=True) if place == 0 else header
    with pytest.raises(ImageFormatError, match="just ES256 and a kid"):
        open_image(cbor2.dumps(cbor2.CBORTag(18, parts)), trusted=_trusted())


def test_unknown_signing_key_is_refused(image: Image) -> None:
    parts = list(cbor2.loads(seal(image, DEVELOPMENT)).value)
    parts[0] = cbor2.dumps({1: -7, 4: b"private"}, canonical=True)
    with pytest.raises(ImageSignatureError, match="no known kind"):
        open_image(cbor2.dumps(cbor2.CBORTag(18, parts)), trusted=_trusted())


def test_keys_survive_pem_and_other_keys_are_refused(image: Image) -> None:
    again = SigningKey.from_pem("development", DEVELOPMENT.private_pem())
    assert open_image(seal(image, again), trusted=_trusted()) == image
    other = ec.generate_private_key(ec.SECP384R1())
    pem = SigningKey("development", other).private_pem()
    for wrong in (pem, b"no key", DEVELOPMENT.public_pem()):
        with pytest.raises(CodecError):
            SigningKey.from_pem("development", wrong)
    with pytest.raises(ImageSignatureError, match="trusted development key"):
        open_image(seal(image, DEVELOPMENT), trusted={"development": b"no key"})
    with pytest.raises(ImageDecryptionError, match="16 or 32"):
        seal(image, DEVELOPMENT, bytes(24))


def test_pycose_opens_what_we_sealed(image: Image) -> None:
    raw = seal(image, DEVELOPMENT, DEVICE_KEY)
    message = CoseMessage.decode(raw)
    assert isinstance(message, Sign1Message)
    message.key = _pycose_key(DEVELOPMENT.private.public_key())
    assert message.phdr[Algorithm] is Es256
    assert message.phdr[KID] == b"development"
    assert message.verify_signature()
    assert message.payload is not None
    inner = CoseMessage.decode(message.payload)
    assert isinstance(inner, Enc0Message)
    inner.key = SymmetricKey(k=DEVICE_KEY)
    assert inner.phdr[Algorithm] is A128GCM
    assert inner.decrypt() == image.encode()


def test_we_open_what_pycose_sealed(image: Image) -> None:
    inner = Enc0Message(
        phdr={Algorithm: A128GCM}, uhdr={IV: bytes(range(12))}, payload=image.encode()
    )
    inner.key = SymmetricKey(k=DEVICE_KEY)
    outer = Sign1Message(
        phdr={Algorithm: Es256, KID: b"development"}, uhdr={}, payload=inner.encode()
    )
    numbers = DEVELOPMENT.private.private_numbers()
    outer.key = _pycose_key(
        DEVELOPMENT.private.public_key(), numbers.private_value.to_bytes(32, "big")
    )
    assert open_image(outer.encode(), trusted=_trusted(), device_key=DEVICE_KEY) == image


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xd2",
        b"\xd2\x84" + b"\x9b" + b"\xff" * 8,
        b"\x5b" + b"\x7f" * 8,
        b"\x9f" * 10_000,
        b"\x81" * 10_000,
        b"\xd2" * 10_000,
        b"\xc2\x5a\x00\x00\x00\x01\x00",
        b"\xd2\x84\x43\xa1\x01\x26\xa0\x40\x40",
        b"\xd2\x84\x43\xa1\x01\x81\xa0\x40\x40",
        b"\xd2\x84\x45\xa2\x01\x26\x04\x80\xa0\x40\x40",
        b"\xba\x00\x10\x00\x00" + b"\x00" * 100,
        bytes(8 * 1024 * 1024),
    ],
    ids=lambda raw: f"{raw[:6].hex()}-{len(raw)}",
)
def test_hostile_cbor_is_refused(raw: bytes) -> None:
    with pytest.raises(CodecError):
        open_image(raw, trusted=_trusted(), device_key=DEVICE_KEY)
    with pytest.raises(CodecError):
        Image.decode(raw)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_raise_only_codec_error(raw: bytes) -> None:
    for hostile in (raw, b"\xd2\x84" + raw, b"\xd2\x84\x43\xa1\x01\x26\xa0" + raw):
        with pytest.raises(CodecError):
            open_image(hostile, trusted=_trusted(), device_key=DEVICE_KEY)


@settings(deadline=None, max_examples=40)
@given(st.binary(min_size=1, max_size=120))
def test_any_signed_bytes_raise_only_codec_error(raw: bytes) -> None:

    for key in (None, DEVICE_KEY):
        with pytest.raises(CodecError):
            open_image(
                sign_and_encrypt(raw, DEVELOPMENT, key), trusted=_trusted(), device_key=DEVICE_KEY
            )


def _trusted() -> dict[SigningKind, PublicKey]:
    return {DEVELOPMENT.kind: DEVELOPMENT.public_pem()}


def _pycose_key(public: ec.EllipticCurvePublicKey, private: bytes = b"") -> EC2Key:
    numbers = public.public_numbers()
    return EC2Key(
        crv="P_256",
        x=numbers.x.to_bytes(32, "big"),
        y=numbers.y.to_bytes(32, "big"),
        d=private,
    )
