"""Card application toolkit messages against worked bytes."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire import cat
from hil.wire.apdu import CommandApdu
from hil.wire.cat import CommandDetails, ProactiveCommand, SmsPpDownload, TerminalResponse
from hil.wire.sms import Address
from hil.wire.tlv import Tlv
from tests.wire.test_sms import DELIVER_A

ENVELOPE_A = bytes.fromhex("80c200005dd15b82028381860580103254768b4e") + DELIVER_A


def test_worked_envelope() -> None:
    command = cat.envelope_sms_pp(DELIVER_A, Address("01234567", 0x80))
    assert command.encode() == ENVELOPE_A
    download = cat.parse_envelope(CommandApdu.decode(ENVELOPE_A))
    assert download == SmsPpDownload(DELIVER_A, Address("01234567", 0x80))


def test_objects_without_comprehension_bit_are_read_too() -> None:
    raw = bytes.fromhex("80c200000cd10a020283810b0401020304")
    assert cat.parse_envelope(CommandApdu.decode(raw)).tpdu == bytes.fromhex("01020304")


@given(
    st.binary(max_size=180),
    st.none() | st.builds(Address, st.text("0123456789", max_size=20), st.just(0x91)),
)
def test_envelopes_are_read_back(tpdu: bytes, address: Address | None) -> None:
    command = cat.envelope_sms_pp(tpdu, address)
    back = cat.parse_envelope(CommandApdu.decode(command.encode()))
    assert back == SmsPpDownload(tpdu, address)


def test_refresh_is_as_printed() -> None:
    assert cat.refresh(1).hex() == "d009810301010482028182"
    assert cat.refresh(2, cat.Refresh.FILE_CHANGE, [bytes.fromhex("3f002fe2")]).hex() == (
        "d0108103020101820281829205013f002fe2"
    )
    command = ProactiveCommand.decode(cat.refresh(1))
    assert command == ProactiveCommand(CommandDetails(1, 1, 4), cat.Device.TERMINAL)
    assert cat.terminal_response(command).encode().hex() == ("801400000c810301010482028281830100")


def test_send_short_message() -> None:
    raw = cat.send_short_message(3, b"\x01\x02", Address("12", 0x91))
    assert raw.hex() == "d01181030313008202818386029121" + "8b020102"
    command = ProactiveCommand.decode(raw)
    assert command.kind == cat.CommandType.SEND_SHORT_MESSAGE
    assert command.tpdu == b"\x01\x02"
    with pytest.raises(CodecError, match="lacks the object 8B"):
        _ = ProactiveCommand.decode(cat.refresh(1)).tpdu


DETAILS = st.builds(CommandDetails, *[st.integers(0, 255)] * 3)
OBJECTS = st.lists(
    st.builds(Tlv, st.sampled_from([0x8B, 0x86, 0x92, 0x05]), st.binary(max_size=150)), max_size=3
).map(tuple)


@given(DETAILS, st.sampled_from([0x82, 0x83]), OBJECTS)
def test_proactive_commands_are_read_back(
    details: CommandDetails, destination: int, objects: tuple[Tlv, ...]
) -> None:
    command = ProactiveCommand(details, destination, objects)
    assert ProactiveCommand.decode(command.encode()) == command


@given(DETAILS, st.integers(0, 255), st.binary(max_size=5), OBJECTS)
def test_terminal_responses_are_read_back(
    details: CommandDetails, result: int, additional: bytes, objects: tuple[Tlv, ...]
) -> None:
    response = TerminalResponse(details, result, additional, objects)
    assert TerminalResponse.decode(response.encode()) == response
    assert response.done == (result < 16)


def test_fetch_and_profile() -> None:
    assert cat.fetch(0x0B).encode().hex() == "801200000b"
    assert cat.fetch(0).encode().hex() == "8012000000"
    assert cat.terminal_profile(b"\xff\xff").encode().hex() == "8010000002ffff"


@given(st.binary(max_size=60), st.sampled_from([b"", b"\xd1\x0a", b"\xd0\x09\x81\x03"]))
def test_any_bytes_raise_codec_errors_only(raw: bytes, start: bytes) -> None:
    data = start + raw
    with contextlib.suppress(CodecError):
        cat.parse_envelope(CommandApdu(0x80, 0xC2, 0, 0, data))
    with contextlib.suppress(CodecError):
        TerminalResponse.decode(CommandApdu(0x80, 0x14, 0, 0, data))
    with contextlib.suppress(CodecError):
        ProactiveCommand.decode(data)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("80c2000002d300", "D3 is not SMS-PP"),
        ("80c2000002d100", "lacks the object 8B"),
        ("80c2000003d10000", "bytes behind"),
        ("8014000000", "not ENVELOPE"),
    ],
)
def test_broken_envelopes(raw: str, text: str) -> None:
    with pytest.raises(CodecError, match=text):
        cat.parse_envelope(CommandApdu.decode(bytes.fromhex(raw)))


@pytest.mark.parametrize(
    "raw", ["d000", "d10981030101048202818200", "d009810301010482028281", "d00781020101820281"]
)
def test_broken_proactive_commands(raw: str) -> None:
    with pytest.raises(CodecError):
        ProactiveCommand.decode(bytes.fromhex(raw))


def test_broken_terminal_responses() -> None:
    with pytest.raises(CodecError, match="empty result"):
        TerminalResponse.decode(CommandApdu(0x80, 0x14, 0, 0, bytes.fromhex("81030101048300")))
    with pytest.raises(CodecError, match="not TERMINAL RESPONSE"):
        TerminalResponse.decode(CommandApdu(0x80, 0x12, 0, 0))
    with pytest.raises(CodecError):
        TerminalResponse(CommandDetails(1, 1, 256), 0).encode()
    with pytest.raises(CodecError):
        TerminalResponse(CommandDetails(1, 1, 1), 256).encode()
