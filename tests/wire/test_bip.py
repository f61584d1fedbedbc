"""Bearer independent protocol and its events: known bytes, read back, and hostile ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire import bip, cat, tlv, toolkit_events
from hil.wire.apdu import CommandApdu
from hil.wire.bip import ChannelStatus, OpenChannel
from hil.wire.cat import ProactiveCommand, TerminalResponse

LOOPBACK = bytes((127, 0, 0, 1))


def test_open_channel_has_the_bytes_of_the_standard() -> None:
    # Coded by hand after TS 102 223, 6.6.27, 8.52, 8.55, 8.58, 8.59 and 8.70.
    opened = OpenChannel(LOOPBACK, 443, 1500, access_name="hil.test")
    assert opened.encode(1).hex() == (
        "d027" "8103014001" "82028182" "b50103" "b90205dc"
        "c709" "0368696c0474657374" "bc030201bb" "be05217f000001"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (bip.send_data(2, 1, b"\x01\x02"), "d00d" "8103024301" "82028121" "b6020102"),
        (bip.receive_data(3, 2, 200), "d00c" "8103034200" "82028122" "b701c8"),
        (bip.close_channel(4, 7), "d009" "8103044100" "82028127"),
        (bip.get_channel_status(5), "d009" "8103054400" "82028182"),
        (bip.set_up_event_list(6, (9, 10)), "d00d" "8103060500" "82028182" "9902090a"),
        (bip.start_timer(7, 1, 601), "d011" "8103072700" "82028182" "a40101" "a503000110"),
    ],
)  # fmt: skip
def test_commands_have_the_bytes_of_the_standard(command: bytes, expected: str) -> None:
    assert command.hex() == expected


def test_a_long_answer_to_receive_data_has_a_long_length() -> None:
    # A real card takes 36 ED for a broken object and hears nothing: the length is BER.
    details = cat.CommandDetails(1, 0x42, 0)
    row = (tlv.Tlv(0x36, bytes(237)), tlv.Tlv(0x37, b"\xff"))
    answer = TerminalResponse(details, 0, objects=row).encode()
    assert "3681ed" in answer.encode().hex()
    read = TerminalResponse.decode(answer)
    assert (bip.data_of(read.objects), bip.length_of(read.objects)) == (bytes(237), 0xFF)


def test_events_have_the_bytes_of_the_standard() -> None:
    status = ChannelStatus(1, established=True)
    assert toolkit_events.data_available(status, 1000).encode().hex() == (
        "80c2000010" "d60e" "990109" "82028281" "b8028100" "b701ff"
    )  # fmt: skip
    dropped = ChannelStatus(1, established=False, information=bip.LINK_DROPPED)
    assert toolkit_events.channel_status(dropped).encode().hex() == (
        "80c200000d" "d60b" "99010a" "82028281" "b8020105"
    )  # fmt: skip
    assert toolkit_events.timer_expiration(1, 3661).encode().hex() == (
        "80c200000e" "d70c" "82028281" "a40101" "a503101010"
    )  # fmt: skip


addresses = st.one_of(
    st.none(), st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16)
)
labels = st.text("abcxyz0189-", min_size=1, max_size=20)
channels = st.builds(
    OpenChannel,
    address=addresses,
    port=st.none() | st.integers(0, 65_535),
    buffer_size=st.none() | st.integers(0, 65_535),
    bearer=st.none() | st.binary(min_size=1, max_size=8),
    access_name=st.none() | st.lists(labels, min_size=1, max_size=3).map(".".join),
)


@given(channels)
def test_open_channel_is_read_back(opened: OpenChannel) -> None:
    command = ProactiveCommand.decode(opened.encode(9))
    assert OpenChannel.of_objects(command.objects) == opened


@given(st.integers(0, 86_399))
def test_times_are_read_back(seconds: int) -> None:
    assert bip.decode_time(bip.encode_time(seconds)) == seconds


@pytest.mark.parametrize("raw", ["", "0000", "00000000", "420000", "000600", "0a0000", "000006"])
def test_what_is_no_time_is_refused(raw: str) -> None:
    with pytest.raises(CodecError):
        bip.decode_time(bytes.fromhex(raw))


@given(
    st.builds(ChannelStatus, st.integers(1, 7), st.booleans(), st.integers(0, 255)),
    st.integers(0, 400),
)
def test_events_are_read_back(status: ChannelStatus, available: int) -> None:
    event = toolkit_events.parse_event(toolkit_events.data_available(status, available))
    assert (event.status, event.available) == (status, min(available, 255))
    assert toolkit_events.parse_event(toolkit_events.channel_status(status)).status == status


@given(st.binary(max_size=60))
def test_any_bytes_are_an_event_or_a_codec_error(raw: bytes) -> None:
    command = CommandApdu(0x80, 0xC2, 0, 0, raw)
    for parse in (toolkit_events.parse_event, toolkit_events.parse_timer):
        try:
            parse(command)
        except CodecError:
            continue


@given(st.binary(max_size=60))
def test_any_bytes_are_channel_parameters_or_a_codec_error(raw: bytes) -> None:
    try:
        OpenChannel.of_objects(tlv.decode_all(raw))
    except CodecError:
        return


def test_what_is_no_channel_is_refused() -> None:
    with pytest.raises(CodecError, match="no channel"):
        bip.channel_of(ProactiveCommand.decode(bip.get_channel_status(1)))
    with pytest.raises(CodecError, match="1 to 7"):
        bip.close_channel(1, 8)
    with pytest.raises(CodecError, match="1 to 237"):
        bip.send_data(1, 1, bytes(238))


@pytest.mark.parametrize(
    "raw", [b"\x00", b"\x03ab", b"\x03a.b", b"\x01\xe4", b"\x40" + b"a" * 64], ids=repr
)
def test_a_broken_access_name_is_refused(raw: bytes) -> None:
    with pytest.raises(CodecError, match="access name"):
        bip.decode_access_name(raw)


def test_the_longest_label_of_an_access_name_is_read() -> None:
    assert bip.decode_access_name(b"\x3f" + b"a" * 63) == "a" * 63
