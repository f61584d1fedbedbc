"""SCP02 against published numbers (those of pySim's tests), and both ends against each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.scp02 import (
    CardSession,
    DesKeySet,
    HostSession,
    Scp02Error,
    pseudo_random_challenge,
)

KEYS = DesKeySet(
    0x20,
    bytes.fromhex("100102030405060708090a0b0c0d0e0f"),
    bytes.fromhex("101102030405060708090a0b0c0d0e0f"),
    bytes.fromhex("102102030405060708090a0b0c0d0e0f"),
)
CHALLENGE = bytes.fromhex("40A62C37FA6304F8")
PUBLISHED = bytes.fromhex("00000000000000000000700200016B4524ABEE7CF32EA3838BC148F3")


def test_published_session() -> None:
    host = HostSession(KEYS, CHALLENGE)
    assert host.initialize_update().encode().hex().upper() == "805020000840A62C37FA6304F800"
    host.open(ResponseApdu(PUBLISHED, 0x9000))
    assert host.external_authenticate().encode().hex().upper() == (
        "8482010010BA6961667737C5BCEBECE14C7D6A4376"
    )
    commands = [
        ("80F22002", "84F220020814DB34FA4341DCA8"),
        ("80CA006600", "84CA00660855ED7C5FF069512B00"),
        ("80F220020A4F0212345C054F9F70C5", "84F22002124F0212345C054F9F70C58FC1B380C4228AF8"),
        ("80F28002024F0000", "84F280020A4F003B95F09317DE6A4E00"),
    ]
    for plain, wrapped in commands:
        command = CommandApdu.decode(bytes.fromhex(plain))
        assert host.wrap(command).encode().hex().upper() == wrapped


def test_published_card_end() -> None:
    card = CardSession(
        DesKeySet(0x70, KEYS.enc, KEYS.mac, KEYS.dek),
        CHALLENGE,
        card_challenge=PUBLISHED[14:20],
        counter=1,
    )
    assert card.answer().data == PUBLISHED
    authenticate = bytes.fromhex("8482010010BA6961667737C5BCEBECE14C7D6A4376")
    assert card.authenticate(CommandApdu.decode(authenticate)).sw == 0x9000
    wrapped = bytes.fromhex("84F220020814DB34FA4341DCA8")
    assert card.unwrap(CommandApdu.decode(wrapped)).encode().hex() == "80f22002"


def pair(level: int, counter: int = 7) -> tuple[HostSession, CardSession]:
    host = HostSession(KEYS, CHALLENGE)
    challenge = pseudo_random_challenge(KEYS, counter, b"\xa0" * 8)
    card = CardSession(KEYS, CHALLENGE, card_challenge=challenge, counter=counter)
    host.open(card.answer())
    card.authenticate(host.external_authenticate(level))
    assert host.dek == card.dek
    return host, card


@given(
    st.sampled_from([0x01, 0x03]),
    st.lists(st.binary(max_size=200), min_size=1, max_size=4),
    st.integers(0, 0xFFFF),
)
def test_commands_are_read_back(level: int, data: list[bytes], counter: int) -> None:
    host, card = pair(level, counter)
    for one in data:
        command = CommandApdu(0x80, 0xE2, 0x88, 0x00, one)
        assert card.unwrap(host.wrap(command)) == command


@pytest.mark.parametrize("level", [0x01, 0x03])
def test_a_changed_command_ends_the_session(level: int) -> None:
    host, card = pair(level)
    good = host.wrap(CommandApdu(0x80, 0xE2, 0x88, 0x00, b"abc"))
    broken = CommandApdu(good.cla, good.ins, good.p1, 0x01, good.data)
    with pytest.raises(Scp02Error) as refusal:
        card.unwrap(broken)
    assert refusal.value.sw == 0x6982
    assert not card.open


def test_wrong_keys_are_told_apart() -> None:
    host = HostSession(DesKeySet(0x20, bytes(16), bytes(16), bytes(16)), CHALLENGE)
    with pytest.raises(CodecError, match="other keys"):
        host.open(ResponseApdu(PUBLISHED, 0x9000))
    _, card = pair(0x01)
    with pytest.raises(Scp02Error) as refusal:
        card.authenticate(CommandApdu(0x84, 0x82, 0x01, 0x00, bytes(16)))
    assert refusal.value.sw == 0x6300


def test_keys_are_not_shown() -> None:
    assert repr(KEYS) == "DesKeySet(kvn=32)"
