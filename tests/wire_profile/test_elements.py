from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire.profile_package.applications import Rfm, SecurityDomain
from hil.wire.profile_package.authentication import AkaParameter, AlgorithmParameter
from hil.wire.profile_package.elements import Body, decode, decode_package, encode, encode_package
from hil.wire.profile_package.files import (
    FileElement,
    FillContent,
    FillOffset,
    GenericFileManagement,
    SelectPath,
    filled_size,
    render,
)
from hil.wire.profile_package.header import ProfileHeader, Service
from hil.wire.profile_package.package import NAMES, split
from hil.wire.profile_package.pins import PinCodes, PukCodes
from hil.wire.profile_package.response import EuiccResponse, PeStatus
from hil.wire.profile_package.structure import integer, oid, read_integer, read_oid
from tests.wire_profile.worked_der import ELEMENTS, RESPONSES

WORKED = {name: bytes.fromhex(raw) for name, raw in ELEMENTS}


def _body(name: str) -> Body:
    raw = next(raw for note, raw in WORKED.items() if note.startswith(name))
    return decode(split(raw)[0])


@pytest.mark.parametrize("name", WORKED)
def test_worked_element_comes_back_byte_for_byte(name: str) -> None:
    [element] = split(WORKED[name])
    assert element.name == name.split(":", maxsplit=1)[0]
    body = decode(element)
    assert encode(body).encode() == WORKED[name]
    assert decode(encode(body)) == body


@pytest.mark.parametrize(("name", "raw"), RESPONSES, ids=[name for name, _ in RESPONSES])
def test_worked_response_comes_back_byte_for_byte(name: str, raw: str) -> None:
    response = EuiccResponse.decode(bytes.fromhex(raw))
    assert response.encode().hex().upper() == raw
    assert response.ok == name.endswith(": ok")


def test_responses_read_as_they_are_worked() -> None:
    ok, invalid, status_word = (EuiccResponse.decode(bytes.fromhex(raw)) for _, raw in RESPONSES)
    assert ok.statuses == (PeStatus(0),)
    assert invalid == EuiccResponse((PeStatus(6, 7, 1),), aborted=True)
    assert invalid.text == "invalid-parameter (PE 7, information 1), aborted"
    assert status_word.statuses == (PeStatus(0x6A84, 9, None, 512),)
    assert status_word.statuses[0].name == "status word 6A84"


def test_header_fields() -> None:
    header = _body("header")
    assert isinstance(header, ProfileHeader)
    assert (header.major, header.minor, header.profile_type) == (2, 3, "test")
    assert header.iccid_digits == "89010000000000000012"
    assert header.services == (Service.USIM, Service.MILENAGE)
    assert header.templates == ("2.23.143.1.2.1", "2.23.143.1.2.4")


def test_pin_fields() -> None:
    pins = _body("pinCodes: PIN1")
    assert isinstance(pins, PinCodes)
    pin, adm = pins.pins
    assert (pin.reference, pin.value, pin.puk, pin.attributes, pin.tries) == (
        1,
        b"1234\xff\xff\xff\xff",
        1,
        7,
        0x33,
    )
    assert (adm.reference, adm.puk, adm.attributes, adm.tries) == (10, None, 3, 0xAA)
    shared = _body("pinCodes: shared")
    assert isinstance(shared, PinCodes)
    assert (shared.path, shared.pins) == (b"\x7f\xd0", ())
    puks = _body("pukCodes")
    assert isinstance(puks, PukCodes)
    assert puks.puks[0].tries == 0xAA


def test_aka_fields_and_no_key_in_repr() -> None:
    aka = _body("akaParameter")
    assert isinstance(aka, AkaParameter)
    algorithm = aka.configuration
    assert isinstance(algorithm, AlgorithmParameter)
    assert algorithm.algorithm == 1
    assert algorithm.key.hex().upper() == "465B5CE8B199B49FAA5F0A2EE238A6BC"
    assert algorithm.opc.hex().upper() == "CD63CB71954A9F4E48A5994E37A02BAF"
    assert "key=" not in repr(aka)
    assert "opc=" not in repr(aka)


def test_rfm_and_security_domain_are_read_by_position() -> None:
    rfm = _body("rfm")
    assert isinstance(rfm, Rfm)
    assert (rfm.tars, rfm.security_level, rfm.access) == ((b"\xb0\x01\x20",), 2, b"\x00")
    domain = _body("securityDomain")
    assert isinstance(domain, SecurityDomain)
    assert domain.instance.instance.hex().upper() == "A000000151000000"
    assert domain.instance.life_cycle == b"\x0f"
    assert domain.keys is not None
    assert (domain.keys[0].kvn, domain.keys[0].key_id) == (1, 1)


def test_generic_file_management_fills_from_the_running_position() -> None:
    generic = _body("genericFileManagement")
    assert isinstance(generic, GenericFileManagement)
    path, fcp, *fills = generic.commands[0]
    assert path == SelectPath(b"\x7f\x10")
    assert fills == [FillContent(b"\x01\x02"), FillOffset(1), FillContent(b"\x04")]
    assert render((fcp, *fills), 5) == bytes.fromhex("0102FF04FF")
    assert filled_size(fills) == 4
    with pytest.raises(CodecError, match="runs over"):
        render(fills, 3)


def test_file_element_finds_its_files() -> None:
    mf = _body("mf")
    assert isinstance(mf, FileElement)
    iccid = mf.file("ef-iccid")
    assert iccid is not None
    assert render(iccid.items, 10).hex() == "98100000000000000021"
    assert mf.file("ef-pl") is None
    with pytest.raises(CodecError, match="no file called"):
        mf.file("ef-imsi")


def test_unknown_fields_at_the_end_are_kept() -> None:
    end = WORKED["end: identification 9"]
    longer = b"\xaa\x0a" + end[2:] + b"\x9f\x50\x00"
    assert encode_package(decode_package(longer)) == longer


@pytest.mark.parametrize(
    ("what", "raw"),
    [
        ("long form of a short length", "AA8107A0058000810109"),
        ("header missing", "AA00"),
        ("fields out of order", "AA07A0058101098000"),
        ("identification too big", "AA0AA00880008104 01000000"),
        ("negative identification", "AA07A0058000810189"),
        ("padded integer", "AA08A006800081020009"),
        ("mandated not empty", "AA08A006800100810109"),
        ("field doubled", "AA0EA0058000810109A0058000810109"),
        ("file position doubled", "B316A0058000810108810667810F010204A200A200"),
        ("aka of two choices", "A416A0058000810105A10DA000A109"),
        ("empty", ""),
    ],
)
def test_broken_element_is_refused(what: str, raw: str) -> None:
    with pytest.raises(CodecError):
        decode_package(bytes.fromhex(raw))


@pytest.mark.parametrize("name", WORKED)
def test_truncation_and_flips_raise_only_codec_error(name: str) -> None:
    raw = WORKED[name]
    for length in range(len(raw)):
        with pytest.raises(CodecError):
            decode_package(raw[:length])
    for at in range(len(raw)):
        for flip in (0x01, 0x20, 0x80, 0xFF):
            try:
                decode_package(raw[:at] + bytes((raw[at] ^ flip,)) + raw[at + 1 :])
            except CodecError:
                continue


def _swallow(raw: bytes) -> None:
    try:
        decode_package(raw)
    except CodecError:
        return


@settings(max_examples=200)
@given(st.sampled_from(sorted(NAMES)), st.binary(max_size=80))
def test_any_body_raises_only_codec_error(tag: int, body: bytes) -> None:
    tag_bytes = tag.to_bytes(1 if tag < 0x100 else 2, "big")
    for content in (body, b"\xa0\x05\x80\x00\x81\x01\x05" + body):
        _swallow(tag_bytes + bytes((len(content),)) + content)


@pytest.mark.parametrize(
    "raw",
    [
        b"\xb0" * 5000,
        b"\xa0\x80" * 5000,
        b"\xb3\x84\xff\xff\xff\xff",
        b"\xb3\x85\x01\x00\x00\x00\x00",
        b"\xbf" + b"\xff" * 5000,
        b"\xa1\x82\x4e\x20" + b"\xa0\x05\x80\x00\x81\x01\x05" + b"\x30\x00" * 9996 + b"\x00",
        b"\xab\x00" * 5000,
        bytes(2 * 1024 * 1024),
    ],
    ids=lambda raw: f"{raw[:6].hex()}-{len(raw)}",
)
def test_bombs_are_refused(raw: bytes) -> None:
    with pytest.raises(CodecError):
        decode_package(raw)


@given(st.integers(min_value=0, max_value=1 << 40))
def test_integers_come_back(number: int) -> None:
    assert read_integer(integer(number), "test", maximum=1 << 40) == number


@given(st.lists(st.integers(min_value=0, max_value=1 << 40), max_size=6), st.integers(0, 2))
def test_object_identifiers_come_back(arcs: list[int], first: int) -> None:
    dotted = ".".join(map(str, [first, 39, *arcs]))
    assert read_oid(oid(dotted), "test") == dotted
