"""SCP03 against what should not come: flipped bits, replays, wrong keys, levels and answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.scp03 import (
    CardSession,
    CommandMacError,
    CryptogramError,
    HostSession,
    KeySet,
    LevelError,
    PreparedSession,
    ResponseMacError,
    ResponseRules,
    SecureChannelError,
    card_challenge,
    derive_session,
    parse_initialize_update,
)
from tests.wire.scp03_traces import EID_ANSWER, PLAIN
from tests.wire.test_scp03 import (
    AID,
    CHALLENGE,
    DONE,
    SCRIPT_KEYS,
    command,
    pair,
    response,
)


@given(st.data())
def test_one_flipped_bit_is_seen(data: st.DataObject) -> None:
    host, card = pair()
    raw = bytearray(host.wrap(command(PLAIN[0])).encode()[:-1])
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    # The logical channel is not under the MAC: the terminal may move a command between channels.
    if bit in (0, 1):
        return
    with pytest.raises(CodecError):
        card.unwrap(CommandApdu.decode(bytes(raw)))


def test_replay_and_loss_end_the_session() -> None:
    host, card = pair()
    first = host.wrap(command(PLAIN[0]))
    card.unwrap(first)
    with pytest.raises(CommandMacError) as refused:
        card.unwrap(first)
    assert refused.value.sw == 0x6982
    assert card.level == 0
    with pytest.raises(SecureChannelError, match="no secure session"):
        card.unwrap(host.wrap(command(PLAIN[1])))
    host, card = pair()
    host.wrap(command(PLAIN[0]))
    with pytest.raises(CommandMacError):
        card.unwrap(host.wrap(command(PLAIN[1])))


def test_answer_to_another_command_is_refused() -> None:
    host, card = pair()
    card.unwrap(host.wrap(command(PLAIN[0])))
    late = card.wrap(response(EID_ANSWER + "9000"))
    card.unwrap(host.wrap(command(PLAIN[1])))
    with pytest.raises(ResponseMacError):
        host.unwrap(late)


def test_host_with_other_keys_is_refused() -> None:
    other = KeySet(0x30, SCRIPT_KEYS.enc, bytes(16), SCRIPT_KEYS.dek)
    prepared = PreparedSession(other, CHALLENGE, counter=7, aid=AID)
    request = parse_initialize_update(prepared.opening[0].command)
    card = CardSession(
        SCRIPT_KEYS, request, challenge=card_challenge(SCRIPT_KEYS, 7, AID), counter=7
    )
    with pytest.raises(CryptogramError) as refused:
        card.authenticate(prepared.opening[1].command)
    assert refused.value.sw == 0x6300
    with pytest.raises(SecureChannelError, match="comes once"):
        card.authenticate(prepared.opening[1].command)


def test_changed_level_is_refused() -> None:
    host = HostSession(SCRIPT_KEYS, CHALLENGE)
    card = CardSession(
        SCRIPT_KEYS,
        parse_initialize_update(host.initialize_update()),
        challenge=card_challenge(SCRIPT_KEYS, 7, AID),
        counter=7,
    )
    host.open(card.answer())
    sent = host.external_authenticate(0x33)
    weaker = CommandApdu(sent.cla, sent.ins, 0x01, sent.p2, sent.data)
    with pytest.raises(CommandMacError):
        card.authenticate(weaker)


@pytest.mark.parametrize(
    ("option", "level"), [(0x70, 0x02), (0x70, 0x31), (0x10, 0x11), (0x30, 0x33), (0x70, 0x00)]
)
def test_levels_the_card_cannot_keep_are_refused(option: int, level: int) -> None:
    with pytest.raises(LevelError, match=f"level {level:02X}"):
        pair(level, option=option)


def test_card_that_shows_a_wrong_counter_is_refused() -> None:
    host = HostSession(SCRIPT_KEYS, CHALLENGE)
    card = CardSession(
        SCRIPT_KEYS,
        parse_initialize_update(host.initialize_update()),
        challenge=card_challenge(SCRIPT_KEYS, 8, AID),
        counter=7,
    )
    with pytest.raises(CryptogramError, match="counter 000007"):
        host.open(card.answer(), aid=AID)


def test_too_long_and_too_early() -> None:
    host, _ = pair()
    with pytest.raises(CodecError, match="at most 239"):
        host.wrap(CommandApdu(0x80, 0xE2, 0, 0, bytes(240)))
    assert host.wrap(CommandApdu(0x80, 0xE2, 0, 0, bytes(239))).data[-8:] != bytes(8)
    host, _ = pair(0x01)
    with pytest.raises(CodecError, match="at most 247"):
        host.wrap(CommandApdu(0x80, 0xE2, 0, 0, bytes(248)))
    fresh = HostSession(SCRIPT_KEYS, CHALLENGE)
    with pytest.raises(CodecError, match="not open"):
        fresh.wrap(command(PLAIN[0]))
    with pytest.raises(CodecError, match="not been taken"):
        fresh.external_authenticate()
    with pytest.raises(CodecError, match="answered 6A88"):
        fresh.open(ResponseApdu(b"", 0x6A88))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda a: a[:-1], "32 bytes, not 31"),
        (lambda a: a[:11] + b"\x02" + a[12:], "SCP02"),
        (lambda a: a[:12] + b"\x71" + a[13:], "48 bytes, not 32"),
        (lambda a: a[:12] + b"\x71" + a[13:] + bytes(16), "i=71 speaks S16"),
        (lambda a: a[:10] + b"\x31" + a[11:], "key set 31"),
        (lambda a: a[:12], "too short"),
    ],
)
def test_strange_answers_to_initialize_update(change: object, text: str) -> None:
    _, card = pair()
    assert callable(change)
    with pytest.raises(CodecError, match=text):
        HostSession(SCRIPT_KEYS, CHALLENGE).open(ResponseApdu(change(card.answer().data), 0x9000))


def test_empty_answers_without_mac_when_the_card_is_so() -> None:
    host, card = pair(rules=ResponseRules(mac_on_empty=False))
    card.unwrap(host.wrap(command(PLAIN[0])))
    assert card.wrap(DONE) == DONE
    assert host.unwrap(DONE) == DONE
    strict, _ = pair()
    strict.wrap(command(PLAIN[0]))
    with pytest.raises(ResponseMacError, match="no room"):
        strict.unwrap(DONE)


def test_pending_toolkit_command_does_not_break_the_answer() -> None:
    host, card = pair()
    card.unwrap(host.wrap(command(PLAIN[0])))
    done = card.wrap(DONE)
    assert host.unwrap(ResponseApdu(done.data, 0x910B)) == ResponseApdu(b"", 0x910B)


def test_commands_keep_their_logical_channel() -> None:
    host, card = pair()
    sent = host.wrap(CommandApdu(0x82, 0xF2, 0x40, 0x02))
    assert sent.cla == 0x86
    assert card.unwrap(sent).cla == 0x82
    assert HostSession(SCRIPT_KEYS, CHALLENGE).initialize_update(channel=3).cla == 0x83


@pytest.mark.parametrize("channel", [1, 3, 4, 19])
def test_the_mac_does_not_know_the_channel(channel: int) -> None:
    plain = command(PLAIN[3])
    (basic, _), (other, _) = pair(), pair()
    sent = other.wrap(plain.on_channel(channel))
    assert sent.channel == channel
    assert sent.data == basic.wrap(plain).data


def test_keys_are_not_shown() -> None:
    for thing in (SCRIPT_KEYS, derive_session(SCRIPT_KEYS, CHALLENGE, CHALLENGE)):
        shown = repr(thing)
        assert "0f0e" not in shown
        assert "b'" not in shown


def test_impossible_key_sets_are_refused() -> None:
    with pytest.raises(CodecError, match="K-MAC of key set 30 is 15 bytes"):
        KeySet(0x30, bytes(16), bytes(15), bytes(16))
    with pytest.raises(CodecError, match="differ in length"):
        KeySet(0x30, bytes(16), bytes(32), bytes(16))
    with pytest.raises(CodecError, match="outside 00 to 7F"):
        KeySet(0x80, bytes(16), bytes(16), bytes(16))
    with pytest.raises(CodecError, match="3 bytes"):
        card_challenge(SCRIPT_KEYS, 0x1000000, AID)
