"""PEStatus says where in an element the fault is, and which number the status is about."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from hil.errors import CodecError
from hil.virtual.euicc.install_checks import check_files
from hil.virtual.euicc.install_error import InstallError, Status
from hil.virtual.euicc.installer import install
from hil.wire import tlv
from hil.wire.profile_package.elements import error_offset, part_offset
from hil.wire.profile_package.file_names import FILE_NAMES
from hil.wire.profile_package.files import File, FileElement, PlacedFile
from hil.wire.profile_package.package import Element, PeHeader, make_element, split
from hil.wire.profile_package.response import EuiccResponse, PeStatus
from tests.euicc.bad_packages import CASES, Case
from tests.euicc.terminal import profile

OWNER = bytes(16)

PLACES = {
    "a fill behind the end of a file": "A40D830B0000000000000000000000",
    "an ADF without a name": "A209A10783027FD0",
    "half a record": "A50BA109820442210026800127",
    "a file that the template does not have": "A900",
    "a template of no element": "810667810F010263",
    "an EF twice": "620E8202412183026F99",
    "a path to nowhere": "80027F99",
    "a fill without a file": "810100",
    "a fill beyond the file": "81020102",
    "a PIN of three digits": "30",
    "a PUK of letters": "300D8001018108" + b"abcdefgh".hex().upper(),
    "a sequence number of 48 bits": "8306FFFFFFFFFFFF",
    "Milenage with a long key": "8220" + "00" * 32,
    "TUAK without rounds": "870100",
    "KVN 80": "30",
    "an AES key of 15 bytes": "30",
    "personalisation data that is cut off": "040400703266",
    "privileges of two bytes": "A1",
    "a key of two components": "30",
    "data for an instance": "3007040580E2900000",
    "restrictions of open personalisation": "A403D90101",
    "CAT_TP without CAT_TP": "A508800203FF81020400",
}
"""Name of a bad package, and what stands where its PEStatus points."""

NUMBERS = {
    "an unknown version": 99,
    "service CAT_TP": 20,
    "service JAVACARD": 11,
    "a template not known": 99,
    "a PUK that is not there": 8,
    "an algorithm not known": 9,
}
"""Name of a bad package, and the additional information of its PEStatus."""


@cache
def good() -> bytes:
    return profile(size=0)


def refusal(package: bytes) -> PeStatus:
    with pytest.raises(InstallError) as caught:
        install(package, OWNER)
    return caught.value.status


def bad(name: str) -> bytes:
    (case,) = (one for one in CASES if one.name == name)
    return case.make(good())


def blamed(package: bytes, status: PeStatus) -> Element:
    """Return the last element with the identification of a PEStatus."""
    found = [one for one in split(package) if one.identification == status.identification]
    return found[-1]


@pytest.mark.parametrize("name", PLACES)
def test_the_offset_points_at_the_part_at_fault(name: str) -> None:
    package = bad(name)
    status = refusal(package)
    assert status.offset is not None
    there = blamed(package, status).encode()[status.offset :]
    assert there.hex().upper().startswith(PLACES[name])


def test_of_two_equal_members_the_second_is_at_fault() -> None:
    assert refusal(bad("an EF twice")).offset == len(
        bytes.fromhex("A12E A006800081021234 A124 3022 8000 620E8202412183026F998B0101800104")
    )


@pytest.mark.parametrize("name", NUMBERS)
def test_the_additional_information_is_the_number_of_the_status(name: str) -> None:
    assert refusal(bad(name)).additional == NUMBERS[name]


def starts(data: bytes, at: int) -> set[int]:
    """Return where the members of ``data`` start, at every level, and where they end."""
    found = set()
    place = 0
    while place < len(data):
        found.add(at + place)
        try:
            tag, start, end = tlv.read_header(data, place)
        except CodecError:
            return found
        if tag & (0x20 << 8 * ((tag.bit_length() - 1) // 8)):
            found |= starts(data[start:end], at + start)
        place = end
    return found | {at + len(data)}


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_an_offset_always_is_the_start_of_a_member(case: Case) -> None:
    package = case.make(good())
    try:
        install(package, OWNER)
    except InstallError as err:
        status = err.status
    else:
        pytest.skip("refused elsewhere")
    if status.offset is None:
        return
    element = blamed(package, status)
    assert status.offset in starts(element.encode(), 0) - {0}


def test_what_breaks_the_format_is_found() -> None:
    """A PIN value of 7 bytes: the second PIN of the pinCodes, its member 81."""
    pins = bytes.fromhex(
        "A0058000810103 A125A023 3010 800101 8108 31323334FFFFFFFF 820101 300F 80010A"
        "8107 35353535353535 830103"
    )
    element = make_element(0xA2, pins)
    assert error_offset(element) == 2 + pins.index(bytes.fromhex("810735353535353535"))


def test_a_missing_member_is_placed_where_it_should_stand() -> None:
    """A PUK without value: the end of its SEQUENCE."""
    puks = bytes.fromhex("A0058000810102 A105 3003 800101".replace(" ", ""))
    assert error_offset(make_element(0xA3, puks)) == 2 + len(puks)


def test_a_file_out_of_order_is_found() -> None:
    body = bytes.fromhex("A0058000810101 810667810F010201 A400 A200")
    assert error_offset(make_element(0xB0, body)) == 2 + len(body) - 2


def test_a_good_element_has_no_place() -> None:
    for element in split(good()):
        assert error_offset(element) is None


def test_a_part_that_is_not_there_has_no_place() -> None:
    element = split(good())[1]
    assert part_offset(element, ((0xA2, 1),)) is None
    assert part_offset(element, ()) == 0
    assert part_offset(element, ((0xA0, 0),)) == element.size - len(element.body)


def test_the_response_tells_it_in_words() -> None:
    """The published form of a PEStatus with a status word and an offset."""
    raw = bytes.fromhex("300FA00D300B80026A8481010983020200")
    assert EuiccResponse.decode(raw).text == "status word 6A84 (PE 9, byte 512)"
    status = PeStatus(Status.BAD_VALUES, 8, 0)
    assert EuiccResponse((status,), aborted=True).encode().hex() == (
        "300fa00b30098001038101088201008100"
    )
    assert str(replace(status, offset=7)) == "bad-values (PE 8, information 0, byte 7)"


@pytest.mark.parametrize("name", FILE_NAMES["csim"])
def test_csim_has_no_optional_file(name: str) -> None:
    """The module calls all members of PE-CSIM mandatory; the ADF and each EF is missed."""
    files = {one: PlacedFile(at, File()) for at, one in enumerate(FILE_NAMES["csim"], 2)}
    whole = FileElement(0xB9, PeHeader(1), "2.23.143.1.2.10", tuple(files.values()))
    check_files(whole)
    lacking = tuple(file for one, file in files.items() if one != name)
    with pytest.raises(InstallError, match=f"csim lacks {name}"):
        check_files(replace(whole, files=lacking))
