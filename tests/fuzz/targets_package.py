"""Profile packages and each of their elements, packets, image files."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec

from hil.wire import strict_cbor
from hil.wire.identifiers import isd_p_aid
from hil.wire.image import Image, image_of, open_image, seal
from hil.wire.image_envelope import SigningKey, SigningKind
from hil.wire.packets import Packet, PacketSet
from hil.wire.profile_package import elements, package
from hil.wire.profile_package.applications import Application, NonStandard
from hil.wire.profile_package.authentication import AkaParameter, CdmaParameter, MappingParameter
from hil.wire.profile_package.checks import check
from hil.wire.profile_package.fcp import Fcp
from hil.wire.profile_package.files import FillContent, GenericFileManagement, SelectPath
from hil.wire.profile_package.generate import generate
from hil.wire.profile_package.header import MandatoryAid, ProfileHeader
from hil.wire.profile_package.instances import ApplicationInstance, SystemParameters
from hil.wire.profile_package.package import PeHeader
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
    """Return one element of each kind that the generated package has, and those it lacks."""
    kinds = {one.tag: one.encode() for one in package.split(_package())}
    aid = bytes.fromhex("A00000000102030405")
    system = SystemParameters(volatile_quota=b"\x01\x00", sim_toolkit=bytes(9))
    applied = ApplicationInstance(aid, aid, aid, b"\x00", b"\x81\x00", system=system)
    steps = (SelectPath(b"\x7f\xd0"), Fcp(file_id=b"\x6f\x07"), FillContent(bytes(9)))
    others: tuple[elements.Body, ...] = (
        Application(PeHeader(901), bytes.fromhex("4F05A000000001C40100"), (applied,)),
        NonStandard(PeHeader(902), "1.3.6.1.4.1.1", b"anything"),
        CdmaParameter(PeHeader(903), bytes.fromhex("00000000FFFFFFFF")),
        AkaParameter(PeHeader(904), MappingParameter(b"\x01", aid)),
        GenericFileManagement(PeHeader(905), (steps,)),
        _with_library(),
    )
    return [*kinds.values(), *(elements.encode(one).encode() for one in others)]


def _with_library() -> ProfileHeader:
    head = elements.decode(package.split(_package())[0])
    assert isinstance(head, ProfileHeader)
    return replace(head, aids=(MandatoryAid(b"\xa0\x00\x00\x00\x01", b"\x01\x00"),))


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
