"""SCP03 in S16 mode, and every parameter i with every level, by both ends and by a third hand."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB
from cryptography.hazmat.primitives.cmac import CMAC

from hil.errors import CodecError
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.identifiers import ISD_R_AID
from hil.wire.scp03 import (
    CardSession,
    CommandMacError,
    CryptogramError,
    HostSession,
    KeySet,
    LevelError,
    PreparedSession,
    ResponseMacError,
    SecureChannelError,
    card_challenge,
    parse_initialize_update,
)
from hil.wire.scp03_channel import LEVELS, check_option, size_of
from tests.wire.scp03_traces import (
    LONG_CHALLENGE,
    LONG_INITIALIZE,
    LONG_PLAIN,
    LONG_TRACES,
    LongTrace,
)

OPTIONS = [0x00, 0x10, 0x20, 0x30, 0x60, 0x70]
ALL_OPTIONS = [*OPTIONS, *(one | 0x01 for one in OPTIONS), *(one | 0x08 for one in OPTIONS)]
LONG = pytest.mark.parametrize("trace", LONG_TRACES, ids=lambda trace: f"aes-{trace.bits}")
COMMAND = CommandApdu(0x80, 0xE2, 0x88, 0x01, bytes(range(20)), 256)
ANSWER = ResponseApdu(bytes(range(0x30)), 0x9000)


def possible(option: int, level: int) -> bool:
    """Whether a card with this i can keep the level: Amendment D, table 5-1 read by hand."""
    return (not level & 0x10 or bool(option & 0x20)) and (not level & 0x20 or bool(option & 0x40))


def key_set(bits: int, option: int) -> KeySet:
    size = bits // 8
    return KeySet(0x33, bytes(range(1, 1 + size)), bytes(range(40, 40 + size)), bytes(size), option)


def sessions(keys: KeySet) -> tuple[HostSession, CardSession]:
    """Both ends after INITIALIZE UPDATE."""
    size = size_of(keys.option)
    host = HostSession(keys, bytes(range(1, 1 + size)))
    pseudo = bool(keys.option & 0x10)
    card = CardSession(
        keys,
        parse_initialize_update(host.initialize_update()),
        challenge=card_challenge(keys, 9, ISD_R_AID, size=size) if pseudo else b"\x5a" * size,
        counter=9 if pseudo else None,
    )
    host.open(card.answer(), aid=ISD_R_AID)
    return host, card


@LONG
def test_host_says_what_the_vector_says(trace: LongTrace) -> None:
    host = HostSession(trace.keys, LONG_CHALLENGE)
    assert host.initialize_update().encode().hex().upper() == LONG_INITIALIZE
    host.open(ResponseApdu(bytes.fromhex(trace.answer), 0x9000))
    assert host.answer.counter == 0x00082A
    assert host.external_authenticate(0x33).encode().hex().upper() == trace.authenticate
    for (plain, answer), (sent, received) in zip(LONG_PLAIN, trace.exchanges, strict=True):
        assert host.wrap(CommandApdu.decode(bytes.fromhex(plain))).encode().hex().upper() == sent
        if plain != LONG_PLAIN[-1][0]:
            got = host.unwrap(ResponseApdu(bytes.fromhex(received), 0x9000))
            assert got.data.hex().upper() == answer


@LONG
def test_an_answer_padded_beyond_its_block_is_refused(trace: LongTrace) -> None:
    """The last answers of the vectors are padded to two blocks where one is enough."""
    host = HostSession(trace.keys, LONG_CHALLENGE)
    host.open(ResponseApdu(bytes.fromhex(trace.answer), 0x9000))
    host.external_authenticate(0x33)
    for plain, _ in LONG_PLAIN:
        host.wrap(CommandApdu.decode(bytes.fromhex(plain)))
    with pytest.raises(SecureChannelError, match="under a good MAC"):
        host.unwrap(ResponseApdu(bytes.fromhex(trace.exchanges[-1][1]), 0x9000))


@LONG
def test_card_says_what_the_vector_says(trace: LongTrace) -> None:
    answer = bytes.fromhex(trace.answer)
    card = CardSession(
        trace.keys,
        parse_initialize_update(CommandApdu.decode(bytes.fromhex(LONG_INITIALIZE))),
        challenge=answer[13:29],
        counter=0x00082A,
        diversification=answer[:10],
    )
    assert card.answer() == ResponseApdu(answer, 0x9000)
    done = card.authenticate(CommandApdu.decode(bytes.fromhex(trace.authenticate)))
    assert done == ResponseApdu(b"", 0x9000)
    for (plain, answer_text), (sent, received) in zip(LONG_PLAIN, trace.exchanges, strict=True):
        unwrapped = card.unwrap(CommandApdu.decode(bytes.fromhex(sent)))
        assert unwrapped.encode().hex().upper() == plain
        if plain == LONG_PLAIN[-1][0]:
            break
        reply = card.wrap(ResponseApdu(bytes.fromhex(answer_text), 0x9000))
        assert reply.data.hex().upper() == received


@pytest.mark.parametrize("level", sorted(LEVELS))
@pytest.mark.parametrize("option", ALL_OPTIONS, ids=lambda one: f"i{one:02X}")
@pytest.mark.parametrize("bits", [128, 192, 256])
def test_every_parameter_with_every_level(bits: int, option: int, level: int) -> None:
    host, card = sessions(key_set(bits, option))
    if not possible(option, level):
        with pytest.raises(LevelError) as refused:
            host.external_authenticate(level)
        assert refused.value.sw == 0x6A86
        return
    card.authenticate(host.external_authenticate(level))
    assert card.level == level
    for _ in range(2):
        assert card.unwrap(host.wrap(COMMAND)) == COMMAND
        assert host.unwrap(card.wrap(ANSWER)) == ANSWER
        assert host.unwrap(card.wrap(ResponseApdu(b"", 0x6310))) == ResponseApdu(b"", 0x6310)


def test_a_card_refuses_a_level_that_only_the_host_believes_in() -> None:
    strong, weak = key_set(128, 0x60), key_set(128, 0x20)
    host, _ = sessions(strong)
    card = CardSession(
        weak,
        parse_initialize_update(host.initialize_update()),
        challenge=b"\x5a" * 8,
        counter=None,
    )
    with pytest.raises(LevelError, match="i=20"):
        card.authenticate(host.external_authenticate(0x33))
    assert card.level == 0


def cmac(key: bytes, message: bytes) -> bytes:
    mac = CMAC(AES(key))
    mac.update(message)
    return mac.finalize()


def kdf(key: bytes, constant: int, context: bytes, bits: int) -> bytes:
    """Amendment D, 4.1.5, written down a second time."""
    out = b""
    for block in range(1, (bits + 127) // 128 + 1):
        label = bytes(11) + bytes((constant,))
        out += cmac(key, label + b"\x00" + bits.to_bytes(2, "big") + bytes((block,)) + context)
    return out[: bits // 8]


def cbc(key: bytes, iv: bytes, data: bytes) -> bytes:
    worker = Cipher(AES(key), CBC(iv)).encryptor()
    return worker.update(data) + worker.finalize()


def ecb(key: bytes, block: bytes) -> bytes:
    worker = Cipher(AES(key), ECB()).encryptor()  # noqa: S305
    return worker.update(block) + worker.finalize()


@pytest.mark.parametrize("option", [0x70, 0x71, 0x60, 0x61])
@pytest.mark.parametrize("bits", [128, 192, 256])
def test_a_session_recomputed_from_the_primitives(bits: int, option: int) -> None:
    keys = key_set(bits, option)
    size = 16 if option & 1 else 8
    host, card = sessions(keys)
    answer = card.answer().data
    challenge, cryptogram = answer[13 : 13 + size], answer[13 + size : 13 + 2 * size]
    context = bytes(range(1, 1 + size)) + challenge
    if option & 0x10:
        counter = (9).to_bytes(3, "big")
        assert challenge == kdf(keys.enc, 2, counter + ISD_R_AID, 8 * size)
        assert answer[13 + 2 * size :] == counter
    else:
        assert len(answer) == 13 + 2 * size
    s_enc, s_mac = kdf(keys.enc, 4, context, bits), kdf(keys.mac, 6, context, bits)
    s_rmac = kdf(keys.mac, 7, context, bits)
    assert cryptogram == kdf(s_mac, 0, context, 8 * size)
    proof = kdf(s_mac, 1, context, 8 * size)
    chain = cmac(s_mac, bytes(16) + bytes((0x84, 0x82, 0x33, 0, 2 * size)) + proof)
    sent = host.external_authenticate(0x33)
    assert sent.data == proof + chain[:size]
    card.authenticate(sent)
    padded = COMMAND.data + b"\x80" + bytes(11)
    data = cbc(s_enc, ecb(s_enc, (1).to_bytes(16, "big")), padded)
    chain = cmac(s_mac, chain + bytes((0x84, 0xE2, 0x88, 1, len(data) + size)) + data)
    wrapped = host.wrap(COMMAND)
    assert wrapped.data == data + chain[:size]
    card.unwrap(wrapped)
    padded = ANSWER.data + b"\x80" + bytes(15)
    data = cbc(s_enc, ecb(s_enc, b"\x80" + (1).to_bytes(15, "big")), padded)
    rmac = cmac(s_rmac, chain + data + b"\x90\x00")[:size]
    assert card.wrap(ANSWER).data == data + rmac


def opened() -> tuple[HostSession, CardSession]:
    host, card = sessions(key_set(256, 0x71))
    card.authenticate(host.external_authenticate(0x33))
    return host, card


def test_replay_reorder_and_a_plain_command_end_a_long_session() -> None:
    host, card = opened()
    first = host.wrap(COMMAND)
    card.unwrap(first)
    with pytest.raises(CommandMacError):
        card.unwrap(first)
    with pytest.raises(SecureChannelError, match="no secure session"):
        card.unwrap(host.wrap(COMMAND))
    host, card = opened()
    host.wrap(COMMAND)
    with pytest.raises(CommandMacError):
        card.unwrap(host.wrap(COMMAND))
    host, card = opened()
    with pytest.raises(SecureChannelError, match="without secure messaging"):
        card.unwrap(COMMAND)
    assert card.level == 0


@pytest.mark.parametrize("place", range(16))
def test_each_byte_of_a_long_mac_counts(place: int) -> None:
    host, card = opened()
    sent = host.wrap(COMMAND)
    data = bytearray(sent.data)
    data[-1 - place] ^= 1
    with pytest.raises(CommandMacError):
        card.unwrap(CommandApdu(sent.cla, sent.ins, sent.p1, sent.p2, bytes(data)))
    host, card = opened()
    card.unwrap(host.wrap(COMMAND))
    data = bytearray(card.wrap(ANSWER).data)
    data[-1 - place] ^= 1
    with pytest.raises(ResponseMacError):
        host.unwrap(ResponseApdu(bytes(data), 0x9000))


@pytest.mark.parametrize("place", [0, 15])
def test_wrong_long_cryptograms_are_refused(place: int) -> None:
    keys = key_set(192, 0x71)
    host, card = sessions(keys)
    sent = host.external_authenticate()
    data = bytearray(sent.data)
    data[place] ^= 1
    with pytest.raises(CryptogramError):
        card.authenticate(CommandApdu(sent.cla, sent.ins, sent.p1, sent.p2, bytes(data)))
    answer = bytearray(sessions(keys)[1].answer().data)
    answer[29 + place] ^= 1
    with pytest.raises(CryptogramError):
        HostSession(keys, bytes(range(1, 17))).open(ResponseApdu(bytes(answer), 0x9000))


def test_a_truncated_long_mac_is_no_short_one() -> None:
    host, card = opened()
    sent = host.wrap(COMMAND)
    with pytest.raises(CommandMacError):
        card.unwrap(CommandApdu(sent.cla, sent.ins, sent.p1, sent.p2, sent.data[:-8]))


def test_room_of_a_long_session() -> None:
    host, _ = opened()
    assert len(host.wrap(CommandApdu(0x80, 0xE2, 0, 0, bytes(223))).data) == 240
    with pytest.raises(CodecError, match="at most 223"):
        host.wrap(CommandApdu(0x80, 0xE2, 0, 0, bytes(224)))


def test_modes_are_not_mixed() -> None:
    long = key_set(128, 0x71)
    with pytest.raises(CodecError, match="i=71 has 16 bytes, not 8"):
        CardSession(
            long,
            parse_initialize_update(HostSession(long, bytes(8)).initialize_update()),
            challenge=bytes(8),
            counter=1,
        )
    with pytest.raises(CodecError, match="8 bytes in S8 mode and 16 in S16 mode"):
        HostSession(long, bytes(12))
    with pytest.raises(CodecError, match="16 in S16"):
        PreparedSession(long, bytes(8), counter=1, aid=ISD_R_AID)


def test_long_sessions_can_be_prepared_random_ones_not() -> None:
    keys = key_set(192, 0x71)
    host, card = sessions(keys)
    prepared = PreparedSession(keys, bytes(range(1, 17)), counter=9, aid=ISD_R_AID)
    assert prepared.opening[0].expected == card.answer()
    assert prepared.opening[1].command == host.external_authenticate()
    with pytest.raises(CodecError, match="pseudo-random"):
        PreparedSession(key_set(192, 0x60), bytes(8), counter=9, aid=ISD_R_AID)


@pytest.mark.parametrize("option", [0x40, 0x50, 0x02, 0x04, 0x80, 0x41])
def test_parameters_that_no_card_can_have(option: int) -> None:
    with pytest.raises(CodecError, match=f"i={option:02X}"):
        check_option(option)
