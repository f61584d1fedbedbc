"""Attacks on the rule that lets only test profiles in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire.profile_package.applications import Application, NonStandard
from hil.wire.profile_package.authentication import (
    AkaParameter,
    AlgorithmParameter,
    CdmaParameter,
    MappingParameter,
)
from hil.wire.profile_package.elements import (
    Body,
    UnknownElement,
    decode_package,
    encode,
    encode_package,
)
from hil.wire.profile_package.fcp import Fcp, ProprietaryInfo
from hil.wire.profile_package.files import (
    DoNotCreate,
    File,
    FileElement,
    FillContent,
    GenericFileManagement,
    PlacedFile,
    SelectPath,
)
from hil.wire.profile_package.generate import ProfileData, generate
from hil.wire.profile_package.package import TAGS, PeHeader
from hil.wire.profile_package.test_profile import TestProfileRule, inspect

K = bytes.fromhex("465B5CE8B199B49FAA5F0A2EE238A6BC")
OPC = bytes.fromhex("CD63CB71954A9F4E48A5994E37A02BAF")
TEST_DATA = ProfileData("8900100000000000017", "001010000000017", K, OPC)
OPERATIONAL_DATA = ProfileData("8949012345678901231", "262019876543210", K, OPC)
GOOD = decode_package(generate(TEST_DATA, profile_class="test", size=0))


def _reasons(bodies: Iterable[Body]) -> str:
    inspection = inspect(encode_package(bodies))
    assert inspection.is_test == (not inspection.reasons)
    return "; ".join(inspection.reasons)


def _changed(change: Callable[[Body], Body]) -> list[Body]:
    return [change(body) for body in GOOD]


def _before_end(*bodies: Body) -> list[Body]:
    return [*GOOD[:-1], *bodies, GOOD[-1]]


def _with_algorithm(**changes: object) -> Callable[[Body], Body]:
    def change(body: Body) -> Body:
        if isinstance(body, AkaParameter) and isinstance(body.configuration, AlgorithmParameter):
            configuration = replace(body.configuration, **changes)  # type: ignore[arg-type]
            return replace(body, configuration=configuration)
        return body

    return change


def _with_imsi_file(file: File | None) -> Callable[[Body], Body]:
    def change(body: Body) -> Body:
        if not isinstance(body, FileElement) or body.name != "usim":
            return body
        place = FileElement.place(body.tag, "ef-imsi", File()).position
        files = [one for one in body.files if one.position != place]
        if file is not None:
            files.append(PlacedFile(place, file))
        return replace(body, files=tuple(sorted(files, key=lambda one: one.position)))

    return change


def test_generated_test_profile_is_one() -> None:
    inspection = inspect(generate(TEST_DATA, profile_class="test"))
    assert inspection.is_test
    assert inspection.reasons == ()
    assert (inspection.iccid, inspection.imsi) == (TEST_DATA.iccid, TEST_DATA.imsi)
    assert inspection.algorithms == (3, 3)


def test_ts48_packages_are_test_profiles(ts48_packages: dict[str, bytes]) -> None:
    for name, der in ts48_packages.items():
        assert inspect(der).is_test, (name, inspect(der).reasons)


@pytest.mark.parametrize("profile_class", ["operational", "provisioning"])
def test_other_classes_are_none(profile_class: str) -> None:
    der = generate(OPERATIONAL_DATA, profile_class=profile_class)  # type: ignore[arg-type]
    assert len(inspect(der).reasons) == 2


def test_operational_content_with_test_in_the_profile_type() -> None:
    data = replace(OPERATIONAL_DATA, profile_type="GSMA Generic eUICC Test Profile")
    inspection = inspect(generate(data, profile_class="operational"))
    assert not inspection.is_test
    assert inspection.profile_type == "GSMA Generic eUICC Test Profile"


def test_milenage_in_the_second_aka_parameter_only() -> None:
    seen = 0

    def change(body: Body) -> Body:
        nonlocal seen
        if isinstance(body, AkaParameter):
            seen += 1
            return body if seen == 1 else _with_algorithm(algorithm=1)(body)
        return body

    assert "found 3, 1" in _reasons(_changed(change))


def test_test_imsi_with_operational_key() -> None:
    assert "test algorithm" in _reasons(_changed(_with_algorithm(algorithm=1)))


def test_test_content_with_an_operational_imsi() -> None:
    data = replace(TEST_DATA, imsi="262019876543210", algorithm=3)
    inspection = inspect(generate(data, profile_class="operational"))
    assert inspection.reasons == ("EF.IMSI of usim is not in a test network: 26201…",)


def test_element_behind_the_end() -> None:
    assert "behind the end" in _reasons([*GOOD, GOOD[4]])


def test_second_profile_behind_the_end() -> None:
    operational = decode_package(generate(OPERATIONAL_DATA, profile_class="operational", size=0))
    text = _reasons([*GOOD, *operational])
    assert "one and only header" in text
    assert "behind the end" in text


def test_non_standard_element() -> None:
    element = NonStandard(PeHeader(900), "1.3.6.1.4.1.1", b"anything")
    assert "cannot be looked into" in _reasons(_before_end(element))


def test_two_aka_parameters_of_which_one_is_the_test_algorithm() -> None:
    extra = AkaParameter(PeHeader(901), AlgorithmParameter(2, K, OPC))
    assert "found 3, 3, 2" in _reasons(_before_end(extra))


def test_keys_taken_from_elsewhere() -> None:
    mapped = AkaParameter(PeHeader(902), MappingParameter(b"\x01", bytes(16)))
    assert "keys from elsewhere" in _reasons(_before_end(mapped))


@pytest.mark.parametrize("tag", [0xAB, 0xAF, 0xBF25, 0x30])
def test_reserved_and_unknown_elements(tag: int) -> None:
    assert "cannot be looked into" in _reasons(_before_end(UnknownElement(tag, b"")))


def test_code_is_refused_unless_the_rule_allows_it() -> None:
    bodies = _before_end(Application(PeHeader(903), load_block=b"\xc4\x01\x00"))
    assert "holds code" in _reasons(bodies)
    assert inspect(encode_package(bodies), TestProfileRule(applications=True)).is_test


def test_no_keys_and_no_imsi() -> None:
    without_aka = [body for body in GOOD if not isinstance(body, AkaParameter)]
    assert "no akaParameter" in _reasons(without_aka)
    assert "no EF.IMSI" in _reasons(_changed(_with_imsi_file(None)))
    assert "no EF.IMSI" in _reasons(_changed(_with_imsi_file(File((DoNotCreate(),)))))


@pytest.mark.parametrize(
    "file",
    [
        File((Fcp(link=b"\x7f\x10\x6f\x42"),)),
        File((FillContent(bytes(9)),)),
        File(()),
        File((Fcp(size=b"\x0a"), FillContent(bytes.fromhex("080910100000001007")))),
        File((Fcp(info=ProprietaryInfo(fill=bytes.fromhex("082926109876543210"))),)),
    ],
    ids=["link", "zeros", "empty", "longer", "pattern"],
)
def test_imsi_that_is_hidden(file: File) -> None:
    assert "IMSI" in _reasons(_changed(_with_imsi_file(file)))


def test_link_to_another_file_is_named_and_a_link_to_an_imsi_is_not_enough() -> None:
    foreign = File((Fcp(link=b"\x7f\x10\x6f\x42"),))
    assert "a link to 7F106F42 holds no readable" in _reasons(_changed(_with_imsi_file(foreign)))
    other = File((Fcp(link=b"\x7f\xd1\x6f\x07"),))
    assert "no EF.IMSI" in _reasons(_changed(_with_imsi_file(other)))


def test_imsi_by_pattern_is_read() -> None:
    file = File((Fcp(info=ProprietaryInfo(fill=bytes.fromhex("080910100000000010"))),))
    assert inspect(encode_package(_changed(_with_imsi_file(file)))).is_test


def test_second_imsi_by_generic_file_management() -> None:
    def generic(path: bytes) -> GenericFileManagement:
        imsi = FillContent(bytes.fromhex("082926109876543210"))
        steps = (SelectPath(path), Fcp(file_id=b"\x6f\x07"), imsi)
        return GenericFileManagement(PeHeader(904), (steps,))

    text = _reasons(_before_end(generic(b"\x7f\xd0")))
    assert "generic file 7FD06F07 is not in a test network" in text
    # In an ISIM 6F07 is its service table, which says nothing about the network.
    assert _reasons(_before_end(generic(b"\x7f\xb0"))) == ""


def test_zero_key_rule_is_an_alternative() -> None:
    key = bytes(15) + b"\x42"
    bodies = _changed(_with_algorithm(algorithm=1, key=key))
    assert inspect(encode_package(bodies)).is_test
    assert not inspect(encode_package(bodies), TestProfileRule(zero_key=False)).is_test
    almost = _changed(_with_algorithm(algorithm=1, key=bytes(14) + b"\x01\x42"))
    assert not inspect(encode_package(almost)).is_test


def test_cdma_key_must_be_a_known_test_key() -> None:
    ts48 = CdmaParameter(PeHeader(905), bytes.fromhex("00000000FFFFFFFF"))
    assert inspect(encode_package(_before_end(ts48))).is_test
    assert "no known test key" in _reasons(_before_end(replace(ts48, key=K[:8])))


@pytest.mark.parametrize(
    ("raw", "country"),
    [
        ("008D03CB11033480DE03", None),  # 001, as in GSMA TS.48: 100 * 10 + 10 * 10 + 1 - 111
        ("008D03CB11033480D100", "310"),  # 100 * 3 + 10 * 1 + 10 - 111
        ("FFFFFFFFFFFFFFFFFFFF", "None"),
    ],
)
def test_cdma_identity_must_be_in_the_test_country(raw: str, country: str | None) -> None:
    tag = TAGS["csim"]
    files = tuple(
        FileElement.place(tag, name, File((FillContent(bytes.fromhex(content)),)))
        for name, content in (("ef-imsi-m", raw), ("ef-imsi-t", "008D03CB11033480DE03"))
    )
    csim = FileElement(tag, PeHeader(906), "2.23.143.1.2.10", files)
    expected = f"ef-imsi-m of csim has country {country}, not a test country" if country else ""
    assert _reasons(_before_end(csim)) == expected


def test_unknown_fields_beside_the_keys() -> None:
    end = encode(GOOD[-1])
    aka = next(body for body in GOOD if isinstance(body, AkaParameter))
    raw = encode(aka)
    longer = bytes((raw.tag, len(raw.body) + 3)) + raw.body + b"\x9f\x50\x00"
    der = encode_package(GOOD[:-1]) + longer + end.encode()
    assert any("fields that are unknown" in reason for reason in inspect(der).reasons)


def test_reasons_hold_no_keys() -> None:
    text = repr(inspect(generate(OPERATIONAL_DATA, profile_class="operational")))
    assert K.hex() not in text.lower()
    assert repr(K) not in text


@given(st.binary(max_size=200))
def test_any_bytes_raise_only_codec_error(raw: bytes) -> None:
    try:
        inspection = inspect(raw)
    except CodecError:
        return
    assert not inspection.is_test


@given(st.integers(min_value=0), st.integers(0, 7))
def test_any_flipped_bit_is_refused_or_judged(at: int, bit: int) -> None:
    der = bytearray(PACKAGE)
    der[at % len(der)] ^= 1 << bit
    try:
        inspection = inspect(bytes(der))
    except CodecError:
        return
    assert inspection.is_test == (not inspection.reasons)


PACKAGE = encode_package(GOOD)
