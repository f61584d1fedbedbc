"""SCP03 against card traces, a foreign implementation's script, and itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.identifiers import ISD_R_AID, isd_p_aid
from hil.wire.scp03 import (
    CardSession,
    CryptogramError,
    HostSession,
    KeySet,
    PreparedSession,
    ResponseMacError,
    ResponseRules,
    card_challenge,
    card_cryptogram,
    derive_session,
    host_cryptogram,
    kcv,
    parse_initialize_update,
)
from tests.wire.scp03_traces import EID_ANSWER, PLAIN, TRACE_KEYS, TRACES, Trace

SCRIPT_KEYS = KeySet(
    0x30,
    bytes.fromhex("0f0e0d0c0b0a09080706050403020100"),
    bytes.fromhex("1f1e1d1c1b1a19181716151413121110"),
    bytes.fromhex("2f2e2d2c2b2a29282726252423222120"),
)
AID = isd_p_aid(0x10)
CHALLENGE = bytes(range(1, 9))
DONE = ResponseApdu(b"", 0x9000)


def command(text: str) -> CommandApdu:
    return CommandApdu.decode(bytes.fromhex(text))


def response(text: str) -> ResponseApdu:
    return ResponseApdu.decode(bytes.fromhex(text))


ALL_TRACES = pytest.mark.parametrize("trace", TRACES, ids=lambda trace: trace.name)


def host_of(trace: Trace) -> HostSession:
    host = HostSession(trace.keys, trace.challenge)
    assert host.initialize_update().encode().hex() == trace.initialize
    host.open(response(trace.answer + "9000"), aid=ISD_R_AID)
    return host


@ALL_TRACES
def test_host_says_what_the_traced_host_said(trace: Trace) -> None:
    host = host_of(trace)
    assert host.external_authenticate(trace.level).encode().hex() == trace.authenticate
    assert host.wrap(command(PLAIN[0])).encode().hex() == trace.wrapped[0]
    assert host.unwrap(response(trace.eid + "9000")) == response(EID_ANSWER + "9000")
    for plain, wrapped in zip(PLAIN[1:], trace.wrapped[1:], strict=True):
        assert host.wrap(command(plain)).encode().hex() == wrapped


@ALL_TRACES
def test_card_says_what_the_traced_card_said(trace: Trace) -> None:
    request = parse_initialize_update(command(trace.initialize))
    card = CardSession(
        trace.keys,
        request,
        challenge=card_challenge(trace.keys, trace.counter, ISD_R_AID),
        counter=trace.counter,
    )
    assert card.answer().encode().hex() == trace.answer + "9000"
    assert card.level == 0
    assert card.authenticate(command(trace.authenticate)) == DONE
    assert card.level == trace.level
    assert card.unwrap(command(trace.wrapped[0])) == command(PLAIN[0])
    assert card.wrap(response(EID_ANSWER + "9000")).encode().hex() == trace.eid + "9000"
    for plain, wrapped in zip(PLAIN[1:], trace.wrapped[1:], strict=True):
        assert card.unwrap(command(wrapped)) == command(plain)


@ALL_TRACES
def test_the_whole_session_is_known_without_the_card(trace: Trace) -> None:
    prepared = PreparedSession(
        trace.keys,
        trace.challenge,
        counter=trace.counter,
        aid=ISD_R_AID,
        level=trace.level,
    )
    initialize, authenticate = prepared.opening
    assert initialize.command.encode().hex() == trace.initialize
    assert initialize.expected.encode().hex() == trace.answer + "9000"
    assert authenticate.command.encode().hex() == trace.authenticate
    assert authenticate.expected == DONE
    exchange = prepared.exchange(command(PLAIN[0]), response(EID_ANSWER + "9000"))
    assert exchange.command.encode().hex() == trace.wrapped[0]
    assert exchange.expected.encode().hex() == trace.eid + "9000"


def test_check_values_of_the_trace_keys() -> None:
    assert kcv(TRACE_KEYS[128].enc).hex().upper() == "C35280"
    assert kcv(TRACE_KEYS[128].mac).hex().upper() == "013808"
    assert kcv(TRACE_KEYS[128].dek).hex().upper() == "840DE5"


def test_challenge_of_a_real_isd_p() -> None:
    enc = bytes.fromhex("AA75D7A83CF20FE79C606FF1B7E2CEB4")
    keys = KeySet(0x30, enc, enc, enc)
    host, card = bytes.fromhex("AF6B2B0E174BA140"), bytes.fromhex("E7359F8EEC577E51")
    assert card_challenge(keys, 7, isd_p_aid(0x22)) == card
    assert card_challenge(keys, 7, ISD_R_AID) != card
    session = derive_session(keys, host, card)
    assert session.mac.hex().upper() == "D8CA1E32C16EC4528E4BAC561F029DE3"
    wrong = card_cryptogram(session, host, card)
    assert wrong.hex().upper() == "EE97D403A7508CF2"
    answer = bytes(10) + bytes.fromhex("300370") + card + bytes.fromhex("86B91FBEA0E67D33000007")
    with pytest.raises(CryptogramError, match="key set 30"):
        HostSession(keys, host).open(ResponseApdu(answer, 0x9000))


def test_derived_values_of_the_worked_script() -> None:
    challenge = card_challenge(SCRIPT_KEYS, 7, AID)
    session = derive_session(SCRIPT_KEYS, CHALLENGE, challenge)
    assert challenge.hex() == "29144609402468f7"
    assert session.enc.hex() == "91a7b346a64e7512b46dadb502619192"
    assert session.mac.hex() == "bdd8833846c00d021d6c46a589ec0ca9"
    assert session.rmac.hex() == "a25b506f8cf1546a23f2b8bd5e0c70f3"
    assert card_cryptogram(session, CHALLENGE, challenge).hex() == "a5747f5458c3da6a"
    assert host_cryptogram(session, CHALLENGE, challenge).hex() == "9e722fc829fec824"


def test_worked_script() -> None:
    prepared = PreparedSession(SCRIPT_KEYS, CHALLENGE, counter=7, aid=AID)
    initialize, authenticate = prepared.opening
    assert initialize.command.encode().hex() == "8050300008010203040506070800"
    assert initialize.expected.encode().hex() == (
        "0000000000000000000030037029144609402468f7a5747f5458c3da6a0000079000"
    )
    assert authenticate.command.encode().hex() == "84823300109e722fc829fec8249ede6658037143e2"
    first = prepared.exchange(
        command("80e20800203a071d000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c")
    )
    assert first.command.encode().hex() == (
        "84e20800381c90a2216d22ed3b23e58d81c507373da07da9469d781893b9c2662b6f65ad03276a7c2aa893d7"
        "71b8ab2038b537476447143947b12c481e"
    )
    assert first.expected.encode().hex() == "0a8ff7df2ec08afa9000"
    second = prepared.exchange(
        command("80e2890115007012404142434445464748494a4b4c4d4e4f505100"),
        response("3007a00530038001009000"),
    )
    assert second.command.encode().hex() == (
        "84e289012896fda4de80d5374d0237e523fca03bee808c8b361e0f4b45da3214a84e9f0cbf4de18e555b9ad7"
        "4000"
    )
    assert second.expected.encode().hex() == (
        "9221b634bd1ea77ef5249fbaebd7538ab03d41ac57c8db6a9000"
    )


def pair(
    level: int = 0x33,
    *,
    keys: KeySet = SCRIPT_KEYS,
    option: int = 0x70,
    rules: ResponseRules | None = None,
) -> tuple[HostSession, CardSession]:
    rules = rules or ResponseRules()
    host = HostSession(keys, CHALLENGE, rules=rules)
    random_challenge = b"\xa5" * 8
    card = CardSession(
        keys,
        parse_initialize_update(host.initialize_update()),
        challenge=card_challenge(keys, 7, AID) if option & 0x10 else random_challenge,
        counter=7 if option & 0x10 else None,
        option=option,
        rules=rules,
    )
    host.open(card.answer(), aid=AID)
    card.authenticate(host.external_authenticate(level))
    return host, card


LEVELS = [
    (0x00, 0x01), (0x00, 0x03), (0x10, 0x03), (0x20, 0x11), (0x20, 0x13), (0x60, 0x33),
    (0x70, 0x01), (0x70, 0x03), (0x70, 0x11), (0x70, 0x13), (0x70, 0x33),
]  # fmt: skip


@pytest.mark.parametrize("size", [16, 24, 32])
@pytest.mark.parametrize(("option", "level"), LEVELS)
def test_both_ends_agree(size: int, option: int, level: int) -> None:
    keys = KeySet(0x31, bytes(range(size)), bytes(range(1, size + 1)), bytes(size))
    host, card = pair(level, keys=keys, option=option)
    for data, le in ((b"", None), (b"\x01" * 16, None), (b"", 256), (bytes(239), 256)):
        plain = CommandApdu(0x80, 0xE2, 0x11, 0x05, data, le)
        sent = host.wrap(plain)
        assert (sent.data[:-8] == data) == (not data or not level & 2)
        assert card.unwrap(sent) == plain
        for answer in (b"", b"\x80", bytes(16), bytes(200)):
            reply = ResponseApdu(answer, 0x9000)
            assert host.expected(reply) == card.wrap(reply)
            assert host.unwrap(card.wrap(reply)) == reply


COMMANDS = st.builds(
    CommandApdu,
    st.sampled_from([0x00, 0x80, 0x81, 0x83, 0xC0, 0xCF, 0x40]),
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=239),
    st.none() | st.integers(1, 256),
)
SWS = st.sampled_from([0x9000, 0x910B, 0x6283, 0x63C1, 0x6A80])


@given(
    st.sampled_from(LEVELS),
    st.lists(st.tuples(COMMANDS, st.binary(max_size=100), SWS), max_size=4),
    st.booleans(),
)
def test_whatever_is_wrapped_is_unwrapped(
    case: tuple[int, int], talk: list[tuple[CommandApdu, bytes, int]], mac_on_empty: bool
) -> None:
    option, level = case
    rules = ResponseRules(mac_on_empty=mac_on_empty)
    host, card = pair(level, option=option, rules=rules)
    for plain, data, sw in talk:
        sent = host.wrap(plain)
        assert sent.channel == plain.channel
        assert card.unwrap(CommandApdu.decode(sent.encode())) == plain
        reply = ResponseApdu(data if sw != 0x6A80 else b"", sw)
        assert host.unwrap(card.wrap(reply)) == reply


@given(st.binary(min_size=4, max_size=80))
def test_any_command_bytes_are_refused_with_a_codec_error(raw: bytes) -> None:
    _, card = pair()
    with pytest.raises(CodecError):
        card.unwrap(CommandApdu.decode(raw))
    host = HostSession(SCRIPT_KEYS, CHALLENGE)
    with pytest.raises(CodecError):
        host.open(ResponseApdu(raw, 0x9000))


@given(st.binary(max_size=80))
def test_any_answer_bytes_are_refused_with_a_codec_error(raw: bytes) -> None:
    host, _ = pair()
    host.wrap(command(PLAIN[0]))
    with pytest.raises(ResponseMacError):
        host.unwrap(ResponseApdu(raw, 0x9000))
