"""Command and response APDUs: every case, every length form, and hostile bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.status_words import describe, is_success, is_warning

BYTE = st.integers(0, 255)
COMMANDS = st.builds(
    CommandApdu,
    BYTE,
    BYTE,
    BYTE,
    BYTE,
    st.binary(max_size=300),
    st.none() | st.integers(1, 65_536),
)


@pytest.mark.parametrize(
    ("text", "command", "case"),
    [
        ("80F22002", CommandApdu(0x80, 0xF2, 0x20, 0x02), 1),
        ("80CA006600", CommandApdu(0x80, 0xCA, 0, 0x66, le=256), 2),
        ("00B0000009", CommandApdu(0, 0xB0, 0, 0, le=9), 2),
        ("00A40004023F00", CommandApdu(0, 0xA4, 0, 4, b"\x3f\x00"), 3),
        ("80F28002024F0000", CommandApdu(0x80, 0xF2, 0x80, 2, b"\x4f\x00", 256), 4),
        ("00B00000000000", CommandApdu(0, 0xB0, 0, 0, le=65_536), 2),
        ("00B00000000101", CommandApdu(0, 0xB0, 0, 0, le=257), 2),
        ("00D60000000100" + "5A" * 256, CommandApdu(0, 0xD6, 0, 0, b"\x5a" * 256), 3),
        ("00CB0000000001AA0200", CommandApdu(0, 0xCB, 0, 0, b"\xaa", 512), 4),
    ],
)
def test_each_case_has_its_bytes(text: str, command: CommandApdu, case: int) -> None:
    assert command.encode().hex().upper() == text
    assert CommandApdu.decode(bytes.fromhex(text)) == command
    assert command.case == case


@given(COMMANDS)
def test_what_is_written_is_read_back(command: CommandApdu) -> None:
    assert CommandApdu.decode(command.encode()) == command


@given(st.binary(max_size=600))
def test_any_bytes_are_a_command_or_a_codec_error(raw: bytes) -> None:
    try:
        command = CommandApdu.decode(raw)
    except CodecError:
        return
    assert CommandApdu.decode(command.encode()) == command


@pytest.mark.parametrize(
    "text", ["", "00A400", "00A400040000", "00A40004023F", "00A40004013F0000", "00B000000001"]
)
def test_lengths_that_disagree_are_refused(text: str) -> None:
    with pytest.raises(CodecError):
        CommandApdu.decode(bytes.fromhex(text))


@pytest.mark.parametrize(
    ("cla", "channel"), [(0x00, 0), (0x83, 3), (0x84, 0), (0x40, 4), (0xCF, 19), (0xE0, 4)]
)
def test_channel_is_in_the_class_byte(cla: int, channel: int) -> None:
    assert CommandApdu(cla, 0xA4, 0, 0).channel == channel


@given(st.sampled_from([0x00, 0x04, 0x0C, 0x80, 0x84]), st.integers(0, 19), st.integers(0, 19))
def test_a_command_moves_between_channels_and_stays_itself(cla: int, one: int, two: int) -> None:
    moved = CommandApdu(cla, 0xF2, 0, 0).on_channel(one).on_channel(two)
    assert moved.channel == two
    assert moved.cla & 0x80 == cla & 0x80
    secured = moved.cla & (0x20 if moved.cla & 0x40 else 0x0C)
    assert bool(secured) == bool(cla & 0x0C)


def test_impossible_fields_are_refused() -> None:
    with pytest.raises(CodecError, match="must be bytes"):
        CommandApdu(0x180, 0, 0, 0)
    with pytest.raises(CodecError, match="Le 0"):
        CommandApdu(0, 0, 0, 0, le=0)
    with pytest.raises(CodecError, match="at most 65535"):
        CommandApdu(0, 0, 0, 0, bytes(65_536))
    with pytest.raises(CodecError, match="channel 20"):
        CommandApdu(0, 0, 0, 0).on_channel(20)
    with pytest.raises(CodecError, match="not two bytes"):
        ResponseApdu(b"", 0x10000)


@given(st.binary(max_size=300), st.integers(0, 0xFFFF))
def test_an_answer_is_read_back(data: bytes, sw: int) -> None:
    answer = ResponseApdu(data, sw)
    assert ResponseApdu.decode(answer.encode()) == answer
    assert (answer.sw1, answer.sw2) == (sw >> 8, sw & 0xFF)


def test_an_answer_without_status_word_is_refused() -> None:
    with pytest.raises(CodecError):
        ResponseApdu.decode(b"\x90")


@pytest.mark.parametrize(
    ("sw", "text"),
    [
        (0x9000, "9000 success"),
        (0x6A82, "6A82 file or application not found"),
        (0x63C2, "63C2 verification failed, 2 tries left"),
        (0x6110, "6110 16 answer bytes wait for GET RESPONSE"),
        (0x6C00, "6C00 wrong Le, 256 bytes are available"),
        (0x69E1, "69E1 POL1 of the profile prevents this action"),
        (0x6AFF, "6AFF wrong parameters"),
        (0x1234, "1234 unknown status word"),
    ],
)
def test_status_words_have_names(sw: int, text: str) -> None:
    assert describe(sw) == text


def test_success_and_warning_are_told_apart() -> None:
    assert [sw for sw in (0x9000, 0x910B, 0x6283, 0x63C1, 0x6A82) if is_success(sw)] == [
        0x9000,
        0x910B,
    ]
    assert [sw for sw in (0x9000, 0x910B, 0x6283, 0x63C1, 0x6A82) if is_warning(sw)] == [
        0x6283,
        0x63C1,
    ]
