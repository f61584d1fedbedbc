from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire import device_frames as frames

U32 = st.integers(0, 2**32 - 1)
ANY_FRAME = st.one_of(
    st.builds(frames.Data, U32, st.binary(min_size=1, max_size=1100)),
    st.builds(frames.Acknowledge, U32, U32, U32),
    st.builds(frames.Finish, st.binary(min_size=32, max_size=32)),
    st.builds(frames.Done, st.sampled_from(frames.TransferResult)),
    st.just(frames.Escape()),
)


@given(ANY_FRAME)
def test_every_frame_comes_back_and_holds_no_zero(frame: frames.Frame) -> None:
    line = frames.encode(frame)
    assert line.endswith(b"\x00")
    assert b"\x00" not in line[:-1]
    assert frames.decode(line[:-1]) == frame


@given(st.binary(max_size=600))
def test_any_bytes_give_a_frame_or_a_codec_error(line: bytes) -> None:
    try:
        frame = frames.decode(line)
    except CodecError:
        return
    assert frames.encode(frame)[:-1] == line or frames.decode(frames.encode(frame)[:-1]) == frame


@given(st.lists(ANY_FRAME, max_size=4), st.integers(1, 50))
def test_frames_are_found_however_the_stream_is_cut(sent: list[frames.Frame], step: int) -> None:
    stream = b"".join(map(frames.encode, sent))
    deframer = frames.Deframer()
    got = [f for i in range(0, len(stream), step) for f in deframer.feed(stream[i : i + step])]
    assert got == sent
    assert deframer.damaged == 0


@pytest.mark.parametrize("position", range(24))
def test_a_flipped_bit_never_passes_for_a_frame(position: int) -> None:
    line = bytearray(frames.encode(frames.Data(7, bytes(range(40)))))
    line[position] ^= 0x10
    deframer = frames.Deframer()
    assert deframer.feed(bytes(line)) == []
    assert deframer.damaged >= 1
    assert deframer.feed(frames.encode(frames.Escape())) == [frames.Escape()]


def test_stuffing_vectors_of_the_cobs_paper_hold() -> None:
    # Groups of 254 bytes without a zero are closed by FF and need no zero behind them.
    for length in (0, 1, 253, 254, 255, 507, 508, 509, 1024):
        payload = b"\x11" * length + b"\x00" * 3 + b"\x22" * length
        frame = frames.Data(0, payload)
        assert frames.decode(frames.encode(frame)[:-1]) == frame


def test_the_check_is_the_ethernet_crc() -> None:
    # type 03, CRC-32 of the single byte 03 = 4B0BBE37 (zlib.crc32)
    assert frames.encode(frames.Escape()) == bytes.fromhex("06034b0bbe3700")


def test_the_line_overhead_of_a_full_block_stays_below_two_percent() -> None:
    line = frames.encode(frames.Data(1, bytes(range(1, 256)) * 4))
    assert len(line) < 1.02 * 1020


def test_an_endless_line_without_a_delimiter_is_bounded() -> None:
    deframer = frames.Deframer()
    for _ in range(20):
        deframer.feed(b"\x55" * 1000)
    assert len(deframer.pending) <= frames.MAX_FRAME + 1
