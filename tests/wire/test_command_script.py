"""Scripts in the expanded and the compact format."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire import command_script
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.command_script import Chaining, CommandScript, CompactResponse, ResponseScript
from hil.wire.tlv import Tlv
from tests.wire.test_scp80 import SCRIPT_A, command_apdus, script_b


def test_worked_command_scripts() -> None:
    (enable,) = CommandScript.decode(SCRIPT_A).commands
    assert (enable.ins, enable.p1, enable.p2, enable.le) == (0xE2, 0x88, 0x00, None)
    assert CommandScript.of([enable]).encode() == SCRIPT_A
    four = CommandScript.decode(script_b())
    assert [one.encode() for one in four.commands] == command_apdus()
    assert CommandScript.of(four.commands).encode() == script_b()


def test_worked_response_scripts() -> None:
    raw = bytes.fromhex("ab0780010123029000")
    script = ResponseScript.decode(raw)
    assert script.executed == 1
    assert script.answers == (ResponseApdu(b"", 0x9000),)
    assert ResponseScript.of(script.answers).encode() == raw
    indefinite = bytes.fromhex("af80230290000000")
    assert ResponseScript.decode(indefinite).executed is None
    assert ResponseScript.of(script.answers, indefinite=True).encode() == indefinite


def test_compact_answer_of_a_real_card() -> None:
    answer = CompactResponse.decode(bytes.fromhex("016132"))
    assert answer == CompactResponse(1, ResponseApdu(b"", 0x6132))
    assert answer.encode() == bytes.fromhex("016132")


ITEMS = st.builds(
    Tlv, st.sampled_from([0x22, 0x81, 0x82, 0x84, 0x85, 0x86, 0x87]), st.binary(max_size=300)
)
ANSWERS = st.builds(
    Tlv, st.sampled_from([0x23, 0x81, 0x84, 0x86, 0x90, 0x9F46]), st.binary(max_size=300)
)


@given(st.lists(ITEMS, max_size=6), st.booleans(), st.none() | st.sampled_from(list(Chaining)))
def test_command_scripts_are_read_back(
    items: list[Tlv], indefinite: bool, chaining: Chaining | None
) -> None:
    first = () if chaining is None else (Tlv(0x83, bytes((chaining,))),)
    script = CommandScript((*first, *items), indefinite)
    back = CommandScript.decode(script.encode())
    assert back == script
    assert back.chaining is chaining
    assert command_script.is_expanded(script.encode())


@given(st.lists(ANSWERS, max_size=6), st.booleans(), st.none() | st.integers(0, 0xFFFF))
def test_response_scripts_are_read_back(
    items: list[Tlv], indefinite: bool, executed: int | None
) -> None:
    script = ResponseScript(tuple(items), executed, indefinite)
    assert ResponseScript.decode(script.encode()) == script
    assert not command_script.is_expanded(script.encode())


@given(
    st.binary(max_size=120),
    st.sampled_from([b"", b"\xaa\x10", b"\xae\x80", b"\xab\x05", b"\xaf\x80"]),
)
def test_any_bytes_raise_codec_errors_only(raw: bytes, start: bytes) -> None:
    for data in (start + raw, start + raw + b"\x00\x00"):
        with contextlib.suppress(CodecError):
            script = CommandScript.decode(data)
            assert script.commands is not None
        with contextlib.suppress(CodecError):
            answer = ResponseScript.decode(data)
            assert (answer.answers, answer.bad_format) is not None
        with contextlib.suppress(CodecError):
            CompactResponse.decode(data)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("ab00", "AB; one whole script .AA. was expected"),
        ("aa0000", "was expected"),
        ("aa0122", "has no length"),
        ("aa022300", "23 has no meaning in a command script"),
        ("aa052200830103", "chaining must come first"),
        ("aa03830104", "chaining value 04"),
        ("ae802200", "does not end in 00 00"),
        ("ae8000", "does not end"),
        ("", "no data object"),
    ],
)
def test_broken_command_scripts(raw: str, text: str) -> None:
    with pytest.raises(CodecError, match=text):
        CommandScript.decode(bytes.fromhex(raw))


@pytest.mark.parametrize(
    ("raw", "text"),
    [("ab028000", "one or two bytes"), ("ab022200", "22 has no meaning"), ("af80", "does not end")],
)
def test_broken_response_scripts(raw: str, text: str) -> None:
    with pytest.raises(CodecError, match=text):
        ResponseScript.decode(bytes.fromhex(raw))


def test_bad_format_answer() -> None:
    assert ResponseScript.decode(bytes.fromhex("ab03900101")).bad_format == 1
    assert ResponseScript(()).bad_format is None
    with pytest.raises(CodecError):
        _ = ResponseScript.decode(bytes.fromhex("ab029000")).bad_format
    with pytest.raises(CodecError):
        ResponseScript((), 0x10000).encode()
    with pytest.raises(CodecError):
        CompactResponse(256, ResponseApdu(b"", 0x9000)).encode()


def test_broken_command_in_a_script() -> None:
    script = CommandScript.decode(bytes.fromhex("aa0322010a"))
    with pytest.raises(CodecError, match="at least 4 bytes"):
        _ = script.commands
    assert CommandScript.of([CommandApdu(0, 0xA4, 0, 0)]).encode().hex() == "aa06220400a40000"
