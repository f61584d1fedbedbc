"""Command strings without marks: cut by instruction and P3, run until the first error."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.command_script import CompactResponse
from hil.wire.compact_script import FILE_ANSWERS, MANAGEMENT_ANSWERS, read_commands, run

IN = st.builds(
    lambda ins, p1, p2, data: CommandApdu(0, ins, p1, p2, data),
    st.sampled_from([0xA4, 0xD6, 0xDC, 0x20]),
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(min_size=1, max_size=60),
)
OUT = st.builds(
    lambda ins, le: CommandApdu(0, ins, 0, 0, le=le),
    st.sampled_from([0xB0, 0xB2]),
    st.integers(1, 256),
)


@given(st.lists(st.one_of(IN, OUT), max_size=8))
def test_commands_are_read_back(commands: list[CommandApdu]) -> None:
    raw = b"".join(one.encode() for one in commands)
    assert list(read_commands(raw, FILE_ANSWERS)) == commands


@given(st.binary(max_size=80), st.sampled_from([FILE_ANSWERS, MANAGEMENT_ANSWERS]))
def test_any_bytes_are_commands_or_a_codec_error(raw: bytes, answers: frozenset[int]) -> None:
    with contextlib.suppress(CodecError):
        list(read_commands(raw, answers))
    CompactResponse.decode(run(raw, answers, lambda _: ResponseApdu(b"", 0x9000)))


@pytest.mark.parametrize(
    ("raw", "answers", "expected"),
    [
        ("", [], "009000"),
        ("00A40004023F00", [("AABB", 0x9000)], "016102"),
        ("00A40004023F0000C0000002", [("AABB", 0x9000)], "029000AABB"),
        ("00A40004023F0000C0000000", [("AABB", 0x9000)], "029000AABB"),
        ("00A40004023F0000C0000005", [("AABB", 0x9000)], "026C02"),
        ("00A40004023F0000B0000002", [("AA", 0x9000), ("CCDD", 0x9000)], "029000CCDD"),
        ("00A40004023F0000B0000002", [("", 0x6A82)], "016A82"),
        ("00A40004023F0000B0000002", [("", 0x6283), ("", 0x6982)], "026982"),
        ("00C0000002", [], "016985"),
        ("00A40004023F", [], "016700"),
        ("00A40004023F0000B0", [("", 0x9000)], "026700"),
    ],
)
def test_what_comes_of_a_string(raw: str, answers: list[tuple[str, int]], expected: str) -> None:
    queue = [ResponseApdu(bytes.fromhex(data), sw) for data, sw in answers]
    result = run(bytes.fromhex(raw), FILE_ANSWERS, lambda _: queue.pop(0))
    assert result.hex().upper() == expected
    assert not queue


def test_f2_is_status_of_files_and_get_status_of_management() -> None:
    raw = bytes.fromhex("80F28002024F00")
    (command,) = read_commands(raw, MANAGEMENT_ANSWERS)
    assert (command.data.hex(), command.le) == ("4f00", None)
    first, _ = [*read_commands(raw[:5], FILE_ANSWERS), None]
    assert first == CommandApdu(0x80, 0xF2, 0x80, 0x02, le=2)


def test_more_than_255_commands_are_too_many() -> None:
    raw = bytes.fromhex("00B0000001") * 256
    assert run(raw, FILE_ANSWERS, lambda _: ResponseApdu(b"x", 0x9000)).hex() == "ff6700"
