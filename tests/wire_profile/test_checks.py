from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hil.wire.profile_package.applications import End, SecurityDomain
from hil.wire.profile_package.authentication import AkaParameter, AlgorithmParameter
from hil.wire.profile_package.checks import check
from hil.wire.profile_package.elements import Body, decode_package, encode_package
from hil.wire.profile_package.fcp import Fcp
from hil.wire.profile_package.files import (
    FileElement,
    FillContent,
    GenericFileManagement,
    SelectPath,
)
from hil.wire.profile_package.generate import ProfileData, generate
from hil.wire.profile_package.header import ProfileHeader, Service
from hil.wire.profile_package.package import PeHeader
from hil.wire.profile_package.pins import PinCodes, PukCodes

DATA = ProfileData("8900100000000000017", "001010000000017", bytes(16), bytes(16))
GOOD = decode_package(generate(DATA, profile_class="test", size=7000))


def _findings(bodies: Iterable[Body]) -> str:
    return "; ".join(map(str, check(encode_package(bodies))))


def _without(name: str) -> list[Body]:
    return [body for body in GOOD if not (isinstance(body, FileElement) and body.name == name)]


def _header(**changes: object) -> list[Body]:
    header = GOOD[0]
    assert isinstance(header, ProfileHeader)
    return [replace(header, **changes), *GOOD[1:]]  # type: ignore[arg-type]


def test_good_package_has_no_findings() -> None:
    assert check(encode_package(GOOD)) == ()


def test_ts48_packages_have_no_findings(ts48_packages: dict[str, bytes]) -> None:
    for name, der in ts48_packages.items():
        assert check(der) == (), name


def test_frame() -> None:
    assert "header must be first" in _findings(GOOD[1:])
    assert "header must be first" in _findings([GOOD[0], *GOOD])
    assert "end must be last" in _findings(GOOD[:-1])
    assert "end must be last" in _findings([*GOOD, GOOD[4]])
    assert "where the MF must be made" in _findings(_without("mf"))


def test_identification_must_be_unique() -> None:
    end = GOOD[-1]
    assert isinstance(end, End)
    doubled = replace(end, header=PeHeader(1))
    assert "PE 1: identification is used 2 times" in _findings([*GOOD[:-1], doubled])


def test_elements_need_their_application_before_them() -> None:
    text = _findings(_without("usim"))
    assert "opt-usim needs usim before it" in text
    assert "df-5gs needs usim before it" in text
    assert "service USIM is asked for" in text
    assert "opt-isim needs isim" in _findings(_without("isim"))


def test_second_application_needs_a_service() -> None:
    usim = next(body for body in GOOD if isinstance(body, FileElement) and body.name == "usim")
    second = replace(usim, header=PeHeader(500))
    bodies = [*GOOD[:-1], second, GOOD[-1]]
    assert "2 elements usim" in _findings(bodies)
    header = GOOD[0]
    assert isinstance(header, ProfileHeader)
    allowed = replace(header, services=(*header.services, Service.MULTIPLE_USIM))
    assert "2 elements usim" not in _findings([allowed, *bodies[1:]])


def test_services_and_algorithms_must_agree() -> None:
    text = _findings(_header(services=(Service.USIM, Service.ISIM, Service.MILENAGE)))
    assert "service MILENAGE is asked for" in text
    assert "uses USIM_TEST_ALGORITHM" in text
    assert "service CAVE is asked for" in _findings(_header(services=(3, 1, 2, 6, 17)))


def test_algorithm_that_does_not_exist() -> None:
    odd = AkaParameter(PeHeader(501), AlgorithmParameter(9, bytes(16), bytes(16)))
    assert "PE 501: algorithm 9 does not exist" in _findings([*GOOD[:-1], odd, GOOD[-1]])
    assert "no NAA before it" in _findings([GOOD[0], odd, *GOOD[1:]])


def test_iccid_of_header_and_file_must_agree() -> None:
    text = _findings(_header(iccid=bytes.fromhex("8900100000000000025F")))
    assert "EF.ICCID differs from the header" in text
    assert "ICCID cannot be read" in _findings(_header(iccid=b"\xaa" * 10))


def test_puk_must_exist() -> None:
    bodies = [
        replace(body, puks=body.puks[:1]) if isinstance(body, PukCodes) else body for body in GOOD
    ]
    assert "PIN 129 names PUK 129" in _findings(bodies)
    assert any(isinstance(body, PinCodes) for body in GOOD)


def test_keys_must_be_legal_and_single() -> None:
    def change(body: Body) -> Body:
        if isinstance(body, SecurityDomain) and body.keys:
            return replace(body, keys=(*body.keys, body.keys[0], replace(body.keys[0], kvn=0xFF)))
        return body

    text = _findings(map(change, GOOD))
    assert "key 01 of version 01 is there twice" in text
    assert "key 01 of version FF is not legal" in text


def test_files_are_created_once_and_filled_within_their_size() -> None:
    file = Fcp(file_id=b"\x6f\x42", size=b"\x02")
    steps = (SelectPath(b"\x7f\x10"), file, FillContent(bytes(3)), file)
    bodies = [*GOOD[:-1], GenericFileManagement(PeHeader(502), (steps,)), GOOD[-1]]
    text = _findings(bodies)
    assert "PE 502: file 6F42 of 2 bytes is filled up to byte 3" in text
    assert "PE 502: file 7F106F42 is created twice" in text
