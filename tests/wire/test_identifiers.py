"""EID, ICCID, IMSI and AIDs against published values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire import identifiers as ids

DIGITS = st.text("0123456789", min_size=6, max_size=15)
ANY = st.binary(max_size=20)


@pytest.mark.parametrize(
    "eid",
    [
        "89049032123456789012345678901203",
        "89001012000000000000000000001508",
        "89049032123451234512345678901235",
        "89086030202200000022000023022943",
    ],
)
def test_published_eids_are_valid(eid: str) -> None:
    assert ids.is_valid_eid(eid)
    assert ids.eid_check_digits(eid[:30]) == eid[30:]
    assert ids.decode_eid(ids.encode_eid(eid)) == eid
    assert ids.encode_eid(eid).hex() == eid


@pytest.mark.parametrize("eid", ["89049032123451234512345678901234", "", "8904", "x" * 32])
def test_wrong_eids_are_seen(eid: str) -> None:
    assert not ids.is_valid_eid(eid)


@given(st.text("0123456789", min_size=30, max_size=30), st.integers(0, 31), st.integers(1, 9))
def test_check_digits_catch_every_wrong_digit(first: str, place: int, by: int) -> None:
    eid = first + ids.eid_check_digits(first)
    wrong = eid[:place] + str((int(eid[place]) + by) % 10) + eid[place + 1 :]
    assert ids.is_valid_eid(eid)
    assert not ids.is_valid_eid(wrong)


def test_aids_of_sgp02() -> None:
    assert ids.isd_p_aid(0x22).hex().upper() == "A0000005591010FFFFFFFF8900002200"
    assert ids.tar_of(ids.ISD_R_AID) == ids.ISD_R_TAR
    assert ids.tar_of(ids.ECASD_AID) == ids.ECASD_TAR
    assert ids.ISD_P_LOAD_FILE_AID.hex().upper() == "A0000005591010FFFFFFFF8900000D00"
    assert ids.ISD_P_MODULE_AID.hex().upper() == "A0000005591010FFFFFFFF8900000E00"
    assert not ids.is_isd_p_aid(ids.ISD_R_AID)
    assert not ids.is_isd_p_aid(ids.ISD_P_MODULE_AID)


@given(st.integers(0x10, 0xFFFF))
def test_the_tar_of_an_isd_p_is_in_its_aid(tar: int) -> None:
    assert ids.tar_of(ids.isd_p_aid(tar)) == tar.to_bytes(3, "big")
    assert ids.is_isd_p_aid(ids.isd_p_aid(tar))


@pytest.mark.parametrize("tar", [0x0F, 0x10000, -1])
def test_a_tar_that_no_isd_p_may_have_is_refused(tar: int) -> None:
    with pytest.raises(CodecError):
        ids.isd_p_aid(tar)


def test_iccid_is_swapped_on_the_card_and_straight_in_a_package() -> None:
    iccid = "8988211000000123454"
    assert ids.encode_iccid(iccid).hex() == "988812010000103254f4"
    assert ids.encode_header_iccid(iccid).hex() == "8988211000000123454f"
    assert ids.decode_iccid(ids.encode_iccid(iccid)) == iccid
    assert ids.decode_header_iccid(ids.encode_header_iccid(iccid)) == iccid


def test_luhn_digit_against_a_known_number() -> None:
    assert ids.luhn_digit("7992739871") == "3"
    iccid = "891004234814455936" + ids.luhn_digit("891004234814455936")
    assert ids.is_valid_iccid(iccid)
    assert not ids.is_valid_iccid(iccid[:-1] + str((int(iccid[-1]) + 1) % 10))
    assert not ids.is_valid_iccid("7992739871")


@pytest.mark.parametrize(
    ("imsi", "raw"),
    [("001010123456789", "080910101032547698"), ("00101012345678", "0801101010325476f8")],
)
def test_imsi_of_even_and_odd_length(imsi: str, raw: str) -> None:
    assert ids.encode_imsi(imsi).hex() == raw
    assert ids.decode_imsi(bytes.fromhex(raw)) == imsi


@given(DIGITS)
def test_an_imsi_is_read_back(imsi: str) -> None:
    assert len(ids.encode_imsi(imsi)) == 9
    assert ids.decode_imsi(ids.encode_imsi(imsi)) == imsi


@given(st.text("0123456789", max_size=20))
def test_an_iccid_is_read_back(iccid: str) -> None:
    assert ids.decode_iccid(ids.encode_iccid(iccid)) == iccid
    assert ids.decode_header_iccid(ids.encode_header_iccid(iccid)) == iccid


@given(ANY)
def test_any_bytes_are_digits_or_a_codec_error(raw: bytes) -> None:
    for read in (
        ids.decode_eid,
        ids.decode_iccid,
        ids.decode_header_iccid,
        ids.decode_imsi,
        ids.tar_of,
    ):
        try:
            read(raw)
        except CodecError:
            continue


@pytest.mark.parametrize(
    "raw",
    [
        "010910100000810071",  # one digit
        "ff" * 9,
        "000910101032547698",
        "0809101010325476",
        "080910101032547a98",
        "0802101010325476f8",
    ],
)
def test_an_unwritten_or_broken_imsi_is_refused(raw: str) -> None:
    with pytest.raises(CodecError):
        ids.decode_imsi(bytes.fromhex(raw))


def test_digits_only() -> None:
    with pytest.raises(CodecError):
        ids.encode_imsi("12345\u0666")
    with pytest.raises(CodecError):
        ids.encode_imsi("12345")
    with pytest.raises(CodecError):
        ids.encode_eid("8" * 31)
    with pytest.raises(CodecError):
        ids.eid_check_digits("8" * 29)
    with pytest.raises(CodecError):
        ids.encode_iccid("8" * 21)


def test_an_imei_has_the_bytes_of_the_conformance_test() -> None:
    """Sequence 1.2 of PROVIDE LOCAL INFORMATION in the tests of terminals (27.22.4.15)."""
    assert ids.encode_imei("123456789012345").hex() == "1a32547698103254"


@pytest.mark.parametrize("imei", ["", "12345678901234", "1234567890123456", "12345678901234x"])
def test_what_is_no_imei_is_refused(imei: str) -> None:
    with pytest.raises(CodecError):
        ids.encode_imei(imei)
