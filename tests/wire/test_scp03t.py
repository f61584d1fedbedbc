"""SCP03t against the worked session, and its two ends against each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire import scp03t
from hil.wire.identifiers import isd_p_aid
from hil.wire.scp03 import (
    CommandMacError,
    CryptogramError,
    KeySet,
    ResponseMacError,
    SecureChannelError,
    SessionKeys,
    card_challenge,
)
from hil.wire.scp03t import (
    ErrorCode,
    PreparedTlvSession,
    TlvCardSession,
    TlvHostSession,
    TlvRefusedError,
    TlvRules,
    error_answer,
    parse_tlv_initialize_update,
)

KEYS = KeySet(
    0x30,
    bytes.fromhex("0f0e0d0c0b0a09080706050403020100"),
    bytes.fromhex("1f1e1d1c1b1a19181716151413121110"),
    bytes.fromhex("2f2e2d2c2b2a29282726252423222120"),
)
AID = isd_p_aid(0x10)
CHALLENGE = bytes(range(1, 9))
FIRST = bytes.fromhex("3a071d000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c")
SECOND = bytes.fromhex("007012404142434445464748494a4b4c4d4e4f5051")


def card_for(raw: bytes, rules: TlvRules | None = None, keys: KeySet = KEYS) -> TlvCardSession:
    return TlvCardSession(
        keys,
        parse_tlv_initialize_update(raw),
        challenge=card_challenge(keys, 7, AID),
        counter=7,
        rules=rules or TlvRules(),
    )


def pair(level: int = 0x33, rules: TlvRules | None = None) -> tuple[TlvHostSession, TlvCardSession]:
    host = TlvHostSession(KEYS, CHALLENGE, rules=rules or TlvRules())
    card = card_for(host.initialize_update(), rules)
    host.open(card.answer(), aid=AID)
    assert host.unwrap(card.authenticate(host.external_authenticate(level))) == b""
    return host, card


def test_worked_session() -> None:
    prepared = PreparedTlvSession(KEYS, CHALLENGE, counter=7, aid=AID)
    initialize, authenticate = prepared.opening
    assert initialize.command.hex() == "840a30000102030405060708"
    assert initialize.expected.hex() == (
        "84200000000000000000000030037029144609402468f7a5747f5458c3da6a000007"
    )
    assert authenticate.command.hex() == "8511339e722fc829fec824d9de7296c03e9cc1"
    assert authenticate.expected.hex() == "8500"
    first = prepared.exchange(FIRST)
    assert first.command.hex() == (
        "86381c90a2216d22ed3b23e58d81c507373da07da9469d781893b9c2662b6f65ad03276a7c2aa893d771b8ab"
        "2038b53747644bbe06e5b7323a1a"
    )
    assert first.expected.hex() == "8600"
    second = prepared.exchange(SECOND, bytes.fromhex("3007a0053003800100"))
    assert second.command.hex() == (
        "862896fda4de80d5374d0237e523fca03bee808c8b361e0f4b45da3214a84e9f0cbff39b4c5a17bc7310"
    )
    # The ciphertext is that of the same answer in SCP03; only the R-MAC differs.
    assert second.expected.hex()[:-16] == "86189221b634bd1ea77ef5249fbaebd7538a"
    card = card_for(initialize.command)
    assert card.answer() == initialize.expected
    assert card.authenticate(authenticate.command) == authenticate.expected
    assert card.unwrap(first.command) == FIRST
    assert card.wrap() == first.expected
    assert card.unwrap(second.command) == SECOND
    assert card.wrap(bytes.fromhex("3007a0053003800100")) == second.expected


@given(
    st.sampled_from([0x01, 0x03, 0x11, 0x13, 0x33]),
    st.builds(TlvRules, st.booleans(), st.booleans()),
    st.lists(st.tuples(st.binary(max_size=900), st.binary(max_size=300)), max_size=4),
)
def test_pieces_and_answers_pass(
    level: int, rules: TlvRules, talk: list[tuple[bytes, bytes]]
) -> None:
    host, card = pair(level, rules)
    for piece, answer in talk:
        assert card.unwrap(host.wrap(piece)) == piece
        sent = card.wrap(answer)
        assert host.expected(answer) == sent
        assert host.unwrap(sent) == answer


@given(st.binary(max_size=100), st.sampled_from([b"", b"\x84\x0a", b"\x85\x11", b"\x86\x18"]))
def test_any_bytes_raise_codec_errors_only(raw: bytes, start: bytes) -> None:
    raw = start + raw
    host, card = pair()
    host.wrap(FIRST)
    with pytest.raises(CodecError):
        card.unwrap(raw)
    fresh = card_for(host.initialize_update())
    with pytest.raises(CodecError):
        fresh.authenticate(raw)
    if raw != b"\x86\x00":
        with pytest.raises(CodecError):
            host.unwrap(raw)
    try:
        parse_tlv_initialize_update(raw)
    except CodecError:
        return


@given(st.integers(0, 59), st.integers(0, 7))
def test_one_flipped_bit_is_seen(place: int, bit: int) -> None:
    host, card = pair()
    raw = bytearray(host.wrap(FIRST))
    place %= len(raw)
    raw[place] ^= 1 << bit
    with pytest.raises(CodecError):
        card.unwrap(bytes(raw))
    with pytest.raises(SecureChannelError):
        card.unwrap(host.wrap(SECOND))
    assert card.level == 0


def test_loss_is_seen() -> None:
    host, card = pair()
    host.wrap(FIRST)
    with pytest.raises(CommandMacError) as refused:
        card.unwrap(host.wrap(SECOND))
    assert scp03t.code_of(refused.value) is ErrorCode.SECURITY
    with pytest.raises(SecureChannelError):
        card.wrap()


def test_changed_answer_is_seen() -> None:
    host, card = pair()
    card.unwrap(host.wrap(FIRST))
    raw = bytearray(card.wrap(b"answer"))
    raw[3] ^= 1
    with pytest.raises(ResponseMacError):
        host.unwrap(bytes(raw))


def test_error_tlvs() -> None:
    assert error_answer(0x84, ErrorCode.KEY_NOT_FOUND).hex() == "9f440103"
    assert error_answer(0x85, ErrorCode.SECURITY).hex() == "9f450102"
    assert error_answer(0x86, ErrorCode.SECURITY).hex() == "9f460102"
    assert scp03t.code_of(CodecError("x")) is ErrorCode.STRUCTURE
    host, _ = pair()
    host.wrap(FIRST)
    with pytest.raises(TlvRefusedError, match=r"9F46 02 \(security\)") as refused:
        host.unwrap(bytes.fromhex("9f460102"))
    assert (refused.value.tag, refused.value.code) == (0x9F46, 2)


def test_other_keys_are_seen_by_both_ends() -> None:
    other = KeySet(0x30, KEYS.enc, bytes(16), KEYS.dek)
    prepared = PreparedTlvSession(other, CHALLENGE, counter=7, aid=AID)
    card = card_for(prepared.opening[0].command)
    with pytest.raises(CryptogramError):
        card.authenticate(prepared.opening[1].command)
    with pytest.raises(SecureChannelError, match="comes once"):
        card.authenticate(prepared.opening[1].command)
    with pytest.raises(CryptogramError):
        TlvHostSession(other, CHALLENGE).open(card.answer())


def test_replaced_session_keys_serve_from_then_on() -> None:
    host, card = pair()
    fresh = SessionKeys(b"e" * 16, b"m" * 16, b"r" * 16)
    card.replace_session_keys(host.replace_session_keys(fresh, chain=b"c" * 16))
    assert card.wrap(tag=0x87) == b"\x87\x00"
    sent = host.wrap(FIRST)
    assert card.unwrap(sent) == FIRST
    assert host.unwrap(card.wrap(b"done")) == b"done"
    again = TlvHostSession(KEYS, CHALLENGE)
    again.open(card.answer())
    again.external_authenticate()
    assert again.wrap(FIRST) != sent


def test_replaced_session_keys_of_another_length_are_refused() -> None:
    host, card = pair()
    fresh = SessionKeys(b"e" * 32, b"m" * 32, b"r" * 32)
    with pytest.raises(CodecError, match="three keys of 16"):
        card.replace_session_keys(host.replace_session_keys(fresh))
    assert card.level == 0


@pytest.mark.parametrize("limit", [28, 64, 127, 128, 130, 144, 255, 262, 1020, 1024])
def test_room_is_exact(limit: int) -> None:
    host = TlvHostSession(KEYS, CHALLENGE, limit=limit)
    host.open(card_for(host.initialize_update()).answer())
    host.external_authenticate()
    room = scp03t.room(limit)
    assert len(host.wrap(bytes(room))) <= limit
    with pytest.raises(CodecError, match=f"at most {limit}"):
        host.wrap(bytes(room + 1))


def test_room_for_nothing() -> None:
    with pytest.raises(CodecError):
        scp03t.room(20)


def test_card_keeps_its_limit() -> None:
    host = TlvHostSession(KEYS, CHALLENGE, limit=4096)
    card = card_for(host.initialize_update())
    host.open(card.answer())
    card.authenticate(host.external_authenticate())
    with pytest.raises(CodecError, match="at most 1024"):
        card.unwrap(host.wrap(bytes(1024)))


def test_sizes_of_a_real_profile() -> None:
    room = scp03t.room()
    sizes = [min(room, 12_385 - at) for at in range(0, 12_385, room)]
    host, _ = pair()
    assert len(sizes) == 13
    assert sum(len(host.wrap(bytes(size))) for size in sizes) == 12_556
