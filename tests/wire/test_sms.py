"""Short messages: worked TPDUs and parts, and every order of arrival."""

from __future__ import annotations

import contextlib
import itertools
import random
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire import sms
from hil.wire.sms import Address, Reassembler, SmsDeliver, SmsDeliverReport, SmsSubmit, Whole
from tests.wire.test_scp80 import PACKET_A, PACKET_B

STAMP = bytes.fromhex("22705200000000")
DELIVER_A = bytes.fromhex("400881214365877ff6227052000000003d027000") + PACKET_A


def test_worked_deliver() -> None:
    (user_data,) = sms.split(PACKET_A)
    message = SmsDeliver(Address("12345678"), user_data, STAMP)
    assert message.encode() == DELIVER_A
    assert SmsDeliver.decode(DELIVER_A) == message
    assert sms.decode_timestamp(message.timestamp) == datetime(2022, 7, 25, tzinfo=UTC)


def test_worked_parts() -> None:
    parts = sms.split(PACKET_B, reference=0x5A)
    assert [part[: 1 + part[0]].hex() for part in parts] == [
        "07700000035a0301",
        "0500035a0302",
        "0500035a0303",
    ]
    assert [len(part) - 1 - part[0] for part in parts] == [132, 134, 32]


def test_message_that_may_be_no_longer_than_137() -> None:
    assert len(sms.split(bytes(137))) == 1
    assert len(sms.split(bytes(138))) == 2
    assert sms.split(b"x", kind="response") == [b"\x02\x71\x00x"]
    assert sms.split(bytes(200), kind="response")[0][:3] == b"\x07\x71\x00"


@pytest.mark.parametrize(("size", "parts"), [(132 + 134 * 3, 4), (132 + 134 * 3 + 1, 5)])
def test_number_of_messages_is_the_least(size: int, parts: int) -> None:
    assert len(sms.split(bytes(size))) == parts


ADDRESSES = st.builds(
    Address, st.text("0123456789*#abc", max_size=20), st.sampled_from([0x81, 0x91, 0xA1])
)
DATA = st.binary(max_size=140)
BYTE = st.integers(0, 255)
DCS = st.sampled_from([0x04, 0x08, 0xF6, 0xF5, 0x14])


@given(
    st.builds(
        SmsDeliver,
        ADDRESSES,
        DATA,
        st.binary(min_size=7, max_size=7),
        BYTE,
        DCS,
        st.booleans(),
        st.booleans(),
    )
)
def test_deliver_is_read_back(message: SmsDeliver) -> None:
    assert SmsDeliver.decode(message.encode()) == message


@given(
    st.builds(SmsSubmit, ADDRESSES, DATA, BYTE, BYTE, DCS, st.booleans()),
    st.sampled_from([(b"", False), (b"\xa7", False), (bytes(7), False), (bytes(7), True)]),
)
def test_submit_is_read_back(message: SmsSubmit, validity: tuple[bytes, bool]) -> None:
    message = SmsSubmit(
        message.destination,
        message.user_data,
        message.reference,
        message.pid,
        message.dcs,
        message.has_header,
        *validity,
    )
    assert SmsSubmit.decode(message.encode()) == message


@given(
    st.builds(
        SmsDeliverReport,
        st.binary(min_size=1, max_size=140),
        st.none() | st.integers(0x80, 0xFF),
        BYTE,
        DCS,
        st.booleans(),
    )
)
def test_report_is_read_back(report: SmsDeliverReport) -> None:
    assert SmsDeliverReport.decode(report.encode()) == report


def test_report_with_nothing_to_say() -> None:
    assert SmsDeliverReport().encode() == b"\x00\x00"
    assert SmsDeliverReport.decode(b"\x00\x00").failure is None
    assert SmsDeliverReport(failure=0xD5).encode() == b"\x00\xd5\x00"
    assert SmsDeliverReport.decode(b"\x00\xd5\x00").failure == 0xD5


@given(st.binary(max_size=60), st.sampled_from([b"", DELIVER_A[:18], b"\x01\x00\x08\x81"]))
def test_any_bytes_raise_codec_errors_only(raw: bytes, start: bytes) -> None:
    for decode in (
        SmsDeliver.decode,
        SmsSubmit.decode,
        SmsDeliverReport.decode,
        sms.read_part,
        sms.decode_timestamp,
        Address.decode_value,
    ):
        with contextlib.suppress(CodecError):
            decode(start + raw)


def test_text_and_wrong_lengths_are_refused() -> None:
    with pytest.raises(CodecError, match="7-bit text"):
        SmsDeliver(Address("1"), b"", dcs=0x00).encode()
    with pytest.raises(CodecError, match="7-bit text"):
        SmsDeliver.decode(DELIVER_A[:8] + b"\x00" + DELIVER_A[9:])
    with pytest.raises(CodecError, match="holds 140"):
        SmsDeliver(Address("1"), bytes(141)).encode()
    with pytest.raises(CodecError, match="61 bytes of user data, but 60"):
        SmsDeliver.decode(DELIVER_A[:-1])
    with pytest.raises(CodecError, match="not an SMS-SUBMIT"):
        SmsSubmit.decode(DELIVER_A)


def test_addresses() -> None:
    assert Address.international("+4915112345678").encode_tp().hex() == "0d91945111325476f8"
    assert Address("01234567", 0x80).encode_value().hex() == "8010325476"
    assert Address.decode_value(bytes.fromhex("8010325476")) == Address("01234567", 0x80)
    with pytest.raises(CodecError):
        Address("12x")
    with pytest.raises(CodecError):
        Address("1" * 21)
    with pytest.raises(CodecError, match="alphanumeric"):
        Address("1", 0xD0)
    with pytest.raises(CodecError, match="filling inside"):
        Address.decode_value(bytes.fromhex("811ff2"))


MOMENTS = st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30)).map(
    lambda moment: moment.replace(microsecond=0)
)


@given(MOMENTS, st.integers(-48, 56))
def test_timestamps_are_read_back(moment: datetime, quarters: int) -> None:
    zoned = moment.replace(tzinfo=timezone(timedelta(minutes=15 * quarters)))
    back = sms.decode_timestamp(sms.encode_timestamp(zoned))
    assert back == zoned
    assert back.utcoffset() == zoned.utcoffset()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_every_order_of_the_worked_parts(order: tuple[int, ...]) -> None:
    parts = sms.split(PACKET_B, reference=0x5A)
    joiner = Reassembler()
    came = [joiner.add("1", parts[place], now_s=0) for place in order]
    assert came == [None, None, Whole("command", PACKET_B)]


@given(st.integers(1, 3000), st.integers(30, 140), st.integers(0, 255), st.randoms())
def test_any_order_and_duplicates_give_the_packet_once(
    size: int, limit: int, reference: int, dice: random.Random
) -> None:
    payload = bytes((place * place >> 3) & 0xFF for place in range(size))
    parts = sms.split(payload, reference=reference, limit=limit)
    assert all(len(part) <= limit for part in parts)
    shuffled = list(parts)
    dice.shuffle(shuffled)
    joiner = Reassembler()
    for part in shuffled[:-1]:
        assert joiner.add("1", part, now_s=0) is None
        assert joiner.add("1", part, now_s=0) is None
    assert joiner.add("1", shuffled[-1], now_s=0) == Whole("command", payload)
    assert len(joiner) == 0


def test_senders_and_references_are_kept_apart() -> None:
    joiner = Reassembler()
    one = sms.split(b"a" * 200, reference=1)
    two = sms.split(b"b" * 200, reference=2, kind="response")
    assert joiner.add("1", one[0], now_s=0) is None
    assert joiner.add("1", two[1], now_s=0) is None
    assert joiner.add("2", one[1], now_s=0) is None
    assert joiner.add("1", two[0], now_s=0) == Whole("response", b"b" * 200)
    assert joiner.add("1", one[1], now_s=0) == Whole("command", b"a" * 200)
    assert len(joiner) == 1


def test_references_of_16_bits_are_others_than_those_of_8() -> None:
    """3GPP TS 23.040, 9.2.3.24.8: element 08, which some centres write."""
    first, second = (bytes.fromhex(one) for one in ("087000080400010201", "060804000102 02"))
    narrow = sms.split(b"n" * 200, reference=1)
    joiner = Reassembler()
    assert joiner.add("1", second + b"two", now_s=0) is None
    assert joiner.add("1", narrow[0], now_s=0) is None
    assert joiner.add("1", first + b"one ", now_s=0) == Whole("command", b"one two")
    assert joiner.add("1", narrow[1], now_s=0) == Whole("command", b"n" * 200)


def test_another_number_of_parts_is_refused() -> None:
    joiner = Reassembler()
    joiner.add("1", sms.split(bytes(200), reference=1)[0], now_s=0)
    with pytest.raises(CodecError, match="3 parts, but earlier ones said 2"):
        joiner.add("1", sms.split(bytes(400), reference=1)[1], now_s=0)
    assert joiner.add("1", sms.split(bytes(200), reference=1)[1], now_s=0) is not None


def test_reference_used_again_gives_the_newer_packet() -> None:
    joiner = Reassembler()
    joiner.add("1", sms.split(b"a" * 200, reference=1)[1], now_s=0)
    new = sms.split(b"b" * 200, reference=1)
    joiner.add("1", new[1], now_s=1)
    assert joiner.add("1", new[0], now_s=1) == Whole("command", b"b" * 200)


def test_parts_do_not_wait_for_ever() -> None:
    joiner = Reassembler(timeout_s=10, capacity=2)
    parts = sms.split(bytes(200), reference=1)
    joiner.add("1", parts[0], now_s=0)
    assert joiner.add("1", parts[1], now_s=10) is None
    joiner.add("2", parts[0], now_s=11)
    joiner.add("3", parts[0], now_s=12)
    assert len(joiner) == 2
    assert joiner.add("3", parts[1], now_s=12) is not None


@pytest.mark.parametrize(
    "header",
    [
        "",
        "03",
        "0270",
        "0500035a0300",
        "0500035a0304",
        "0500035a0301",
        "0400020102",
        "0608030001020100",
        "0870000804000102 03",
        "00",
    ],
)
def test_broken_headers_are_refused(header: str) -> None:
    with pytest.raises(CodecError):
        Reassembler().add("1", bytes.fromhex(header), now_s=0)


def test_limits_that_cannot_be() -> None:
    with pytest.raises(CodecError):
        sms.split(b"", limit=141)
    with pytest.raises(CodecError):
        sms.split(b"", limit=8)
    with pytest.raises(CodecError, match="at most 255"):
        sms.split(bytes(132 + 254 * 134 + 1))
    with pytest.raises(CodecError):
        sms.split(b"", reference=256)


def test_a_report_without_user_data_is_what_was_encoded() -> None:
    for report in (
        SmsDeliverReport(),
        SmsDeliverReport(failure=0x81),
        SmsDeliverReport(pid=0x01, dcs=0x04),
        SmsDeliverReport(failure=0xD5, pid=0x41),
    ):
        assert SmsDeliverReport.decode(report.encode()) == report
    assert SmsDeliverReport.decode(bytes.fromhex("408100")) == SmsDeliverReport(failure=0x81)
