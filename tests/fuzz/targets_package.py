"""Profile packages and each of their elements, packets, image files."""

from __future__ import annotations

from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec

from hil.wire import strict_cbor
from hil.wire.identifiers import isd_p_aid
from hil.wire.image import Image, image_of, open_image, seal
from hil.wire.image_envelope import SigningKey, SigningKind
from hil.wire.packets import Packet, PacketSet
from hil.wire.profile_package import elements, package
from hil.wire.profile_package.checks import check
from hil.wire.profile_package.generate import generate
from hil.wire.profile_package.profile_data import ProfileData
from hil.wire.profile_package.response import INSTALLED, EuiccResponse
from hil.wire.profile_package.streaming import split_stream
from hil.wire.profile_package.test_profile import inspect
from hil.wire.script_step import ScriptStep
from tests.fuzz.engine import Target, encoded


@cache
def _package() -> bytes:
    data = ProfileData(iccid="8900100000000000017", imsi="001010000000017", k=bytes(range(16)))
    return generate(data, profile_class="test", size=4000)


@cache
def _signer() -> SigningKey:
    return SigningKey("development", ec.derive_private_key(7, ec.SECP256R1()))


@cache
def _trusted() -> dict[SigningKind, ec.EllipticCurvePublicKey]:
    return {"development": _signer().private.public_key()}


def _elements() -> list[bytes]:
    """Return one element of each kind that the generated package has."""
    kinds = {one.tag: one.encode() for one in package.split(_package())}
    return list(kinds.values())


@cache
def _packet_set() -> PacketSet:
    return PacketSet(
        order_id="order-1",
        eid="89049032123451234512345678901235",
        iccid="8900123456789012341",
        isdp_aid=isd_p_aid(0x10),
        mno="mno-a",
        sm_dp="sm-dp-a",
        profile_type="prepaid",
        profile_class="operational",
        memory=60_000,
        counter=1,
        packets=(
            Packet(bytes.fromhex("840A30010102030405060708"), bytes.fromhex("8400")),
            Packet(bytes.fromhex("851133") + bytes(16), bytes.fromhex("8500")),
            Packet(bytes.fromhex("8602CCDD"), None),
        ),
    )


@cache
def _image() -> Image:
    steps = (ScriptStep(bytes.fromhex("00A4040000")), ScriptStep(bytes(5), b"\x01", "63CX"))
    return image_of(
        _packet_set(), image_id="image-1", counter=7, steps_before=steps, steps_after=()
    )


def _element(raw: bytes) -> object:
    found = package.split(raw)
    return [elements.decode(one) for one in found]


def _streamed(raw: bytes) -> object:
    pieces = [raw[start : start + 13] for start in range(0, len(raw), 13)]
    return list(split_stream(pieces))


def _opened(raw: bytes) -> object:
    return open_image(raw, trusted=_trusted())


TARGETS: dict[str, Target] = {
    "package": Target(
        elements.decode_package, lambda: [_package()], again=elements.encode_package, mutations=60
    ),
    "package-element": Target(_element, _elements, again=elements.encode_package, mutations=600),
    "package-stream": Target(_streamed, lambda: [_package()], mutations=60),
    "package-inspection": Target(inspect, lambda: [_package()], mutations=60),
    "package-checks": Target(check, lambda: [_package()], mutations=60),
    "euicc-response": Target(EuiccResponse.decode, lambda: [INSTALLED.encode()], again=encoded),
    "strict-cbor": Target(
        strict_cbor.decode,
        lambda: [strict_cbor.encode({1: [b"a", "b", {2: 3}], 2: None, 3: True})],
        again=strict_cbor.encode,
    ),
    "packet-set": Target(PacketSet.decode, lambda: [_packet_set().encode()], again=encoded),
    "image": Target(Image.decode, lambda: [_image().encode()], again=encoded),
    "image-file": Target(_opened, lambda: [seal(_image(), _signer())]),
}
