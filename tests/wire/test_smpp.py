"""SMPP 3.4: hand-made bytes, a foreign library, streams in any pieces."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire.smpp import (
    Bind,
    Body,
    Command,
    DataMessage,
    Named,
    Party,
    Pdu,
    ShortMessage,
    SmppError,
    Status,
    StreamReader,
    Tag,
)


# The worked example of SMPP 3.4, section 3.2.2 (bind_transmitter).
def test_bind_of_the_standard() -> None:
    raw = bytes.fromhex(
        "0000002f0000000200000000000000015"
        "34d50503354455354007365637265743038005355424d4954310000010100"
    )
    pdu = Pdu.decode(raw)
    assert pdu == Pdu(
        Command.BIND_TRANSMITTER, 1, Bind("SMPP3TEST", "secret08", "SUBMIT1", 0, 1, 1)
    )
    assert pdu.encode() == raw
    assert "secret08" not in repr(pdu)


def test_answers() -> None:
    bind = Pdu(Command.BIND_TRANSCEIVER, 7, Bind("sm-sr", "secret"))
    assert bind.answer("centre").encode().hex() == (
        "00000017800000090000000000000007" + b"centre\0".hex()
    )
    refused = bind.answer(status=Status.INVALID_PASSWORD)
    assert refused.encode().hex() == "00000010800000090000000e00000007"
    assert Pdu.decode(refused.encode()) == refused
    assert Pdu(Command.ENQUIRE_LINK, 1).answer() == Pdu(Command.ENQUIRE_LINK_RESP, 1)
    with pytest.raises(CodecError, match="has no answer"):
        refused.answer()


TEXT = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=8)
BYTE = st.integers(0, 255)
PARTIES = st.builds(Party, TEXT, BYTE, BYTE)
OPTIONS = st.dictionaries(
    st.integers(0, 0xFFFF).filter(lambda tag: tag != Tag.MESSAGE_PAYLOAD),
    st.binary(max_size=20),
    max_size=3,
)
SHORT = st.builds(
    ShortMessage,
    PARTIES,
    PARTIES,
    st.binary(max_size=400),
    BYTE,
    BYTE,
    BYTE,
    st.text("ABC", max_size=5),
    BYTE,
    TEXT,
    TEXT,
    BYTE,
    BYTE,
    BYTE,
    OPTIONS,
)
DATA = st.builds(
    DataMessage,
    PARTIES,
    PARTIES,
    st.binary(max_size=400),
    BYTE,
    BYTE,
    st.text("ABC", max_size=5),
    BYTE,
    OPTIONS,
)
BODIES: dict[Command, st.SearchStrategy[Body | None]] = {
    Command.BIND_RECEIVER: st.builds(Bind, TEXT, TEXT, TEXT, BYTE, BYTE, BYTE, TEXT),
    Command.BIND_TRANSCEIVER_RESP: st.builds(Named, TEXT, OPTIONS),
    Command.SUBMIT_SM: SHORT,
    Command.DELIVER_SM: SHORT,
    Command.SUBMIT_SM_RESP: st.builds(Named, TEXT, OPTIONS),
    Command.DATA_SM: DATA,
    Command.DATA_SM_RESP: st.none(),
    Command.UNBIND: st.none(),
    Command.GENERIC_NACK: st.none(),
    Command.ENQUIRE_LINK: st.none(),
}
NUMBERS = st.integers(0, 0xFFFFFFFF)
PDUS = st.sampled_from(list(BODIES)).flatmap(
    lambda command: st.builds(Pdu, st.just(command), NUMBERS, BODIES[command], NUMBERS)
)


@given(PDUS)
def test_messages_are_read_back(pdu: Pdu) -> None:
    assert Pdu.decode(pdu.encode()) == pdu


@given(st.lists(PDUS, max_size=4), st.integers(1, 50))
def test_a_stream_in_pieces_gives_whole_messages(pdus: list[Pdu], size: int) -> None:
    stream = b"".join(pdu.encode() for pdu in pdus)
    reader = StreamReader()
    found: list[bytes] = []
    for at in range(0, len(stream), size):
        found += reader.feed(stream[at : at + size])
    assert [Pdu.decode(raw) for raw in found] == pdus


@given(st.binary(max_size=80), st.sampled_from(list(Command)))
def test_any_bytes_raise_codec_errors_only(raw: bytes, command: Command) -> None:
    head = (16 + len(raw)).to_bytes(4, "big") + command.to_bytes(4, "big") + bytes(7) + b"\x05"
    for data in (raw, head + raw):
        with contextlib.suppress(CodecError):
            pdu = Pdu.decode(data)
            assert Pdu.decode(pdu.encode()) == pdu
        with contextlib.suppress(CodecError):
            StreamReader().feed(data)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("00000010", Status.INVALID_COMMAND_LENGTH),
        ("00000011000000150000000000000009", Status.INVALID_COMMAND_LENGTH),
        ("00000010000000770000000000000009", Status.INVALID_COMMAND_ID),
        ("00000011000000150000000000000009ff", Status.INVALID_COMMAND_LENGTH),
        ("00000010000000040000000000000009", Status.INVALID_MESSAGE_LENGTH),
        ("00000012000000020000000000000009ffff", Status.INVALID_MESSAGE_LENGTH),
    ],
)
def test_what_to_put_into_the_nack(raw: str, status: Status) -> None:
    with pytest.raises(SmppError) as refused:
        Pdu.decode(bytes.fromhex(raw))
    assert refused.value.status is status
    assert refused.value.sequence == (9 if len(raw) > 8 else 0)


@pytest.mark.parametrize("head", ["0000000f", "ffffffff"])
def test_impossible_lengths_end_the_stream(head: str) -> None:
    with pytest.raises(SmppError, match="are read"):
        StreamReader().feed(bytes.fromhex(head))


def test_a_foreign_library_reads_and_writes_the_same() -> None:
    foreign = pytest.importorskip("aiosmpplib")
    state = pytest.importorskip("aiosmpplib.state")
    theirs = foreign.BindTransceiver(sequence_num=3, system_id="sm-sr", password="secret")
    ours = Pdu(Command.BIND_TRANSCEIVER, 3, Bind("sm-sr", "secret"))
    assert ours.encode() == theirs.pdu()
    for kind, command in (
        (foreign.SubmitSm, Command.SUBMIT_SM),
        (foreign.DeliverSm, Command.DELIVER_SM),
    ):
        theirs = kind(
            sequence_num=9,
            short_message="hello",
            source=state.PhoneNumber("4915100000001", state.TON.INTERNATIONAL, state.NPI.ISDN),
            destination=state.PhoneNumber("1234"),
            registered_delivery=1,
            protocol_id=0x7F,
            encoding="latin_1",
        )
        pdu = Pdu.decode(theirs.pdu())
        assert pdu == Pdu(
            command,
            9,
            ShortMessage(
                Party("4915100000001", 1, 1),
                Party("1234", 0, 0),
                b"hello",
                protocol_id=0x7F,
                data_coding=3,
                registered_delivery=1,
            ),
        )
        assert pdu.encode() == theirs.pdu()
    raw = Pdu(Command.SUBMIT_SM, 9, pdu.body).answer("id-77").encode()
    header = foreign.SubmitSmResp.parse_header(raw)
    read = foreign.SubmitSmResp.from_pdu(raw, header)
    assert (read.message_id, read.sequence_num) == ("id-77", 9)


def test_long_message_goes_into_the_option() -> None:
    body = ShortMessage(Party("1"), Party("2"), bytes(300))
    raw = Pdu(Command.SUBMIT_SM, 1, body).encode()
    assert bytes.fromhex("0424012c") in raw
    twice = body.encode().replace(b"\x00\x04\x24", b"\x01\xff\x04\x24")
    with pytest.raises(CodecError, match="both"):
        ShortMessage.decode(twice)


def test_impossible_messages_are_refused() -> None:
    with pytest.raises(CodecError, match="cannot carry"):
        Pdu(Command.ENQUIRE_LINK, 1, Named("x")).encode()
    with pytest.raises(CodecError, match="needs a body"):
        Pdu(Command.SUBMIT_SM, 1).encode()
    with pytest.raises(CodecError, match="less than 9"):
        Bind("a", "123456789").encode()
    with pytest.raises(CodecError, match="cannot carry"):
        Bind("\u20ac", "1").encode()
    with pytest.raises(CodecError, match="0 to 255"):
        Party("1", 256).encode(21)
    with pytest.raises(CodecError, match="4 bytes"):
        Pdu(Command.UNBIND, -1).encode()
