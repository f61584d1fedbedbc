"""Key blocks of PUT KEY: by the AES writer that was there before, by hand, both ways."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from hil.wire import des
from hil.wire.key_blocks import (
    CardKey,
    Fault,
    KeyBlockError,
    key_cipher,
    put_keys,
    read_blocks,
)
from hil.wire.put_key import PutKey

AES_DEK = CardKey(0x88, bytes(range(0x20, 0x30)))
DES_DEK = CardKey(0x80, bytes(range(0x20, 0x30)))
LENGTHS = {0x80: [8, 16, 24], 0x82: [16, 24], 0x85: [16, 17, 32, 64], 0x88: [16, 24, 32]}
ANY_KEY = st.sampled_from([(kind, size) for kind in LENGTHS for size in LENGTHS[kind]]).flatmap(
    lambda one: st.binary(min_size=one[1], max_size=one[1]).map(
        lambda value: CardKey(one[0], value)
    )
)


@given(st.lists(ANY_KEY, min_size=1, max_size=4), st.sampled_from([AES_DEK, DES_DEK]))
def test_keys_are_read_back(keys: list[CardKey], dek: CardKey) -> None:
    cipher = key_cipher(dek)
    assert read_blocks(b"".join(one.encode(cipher) for one in keys), cipher) == tuple(keys)


@given(st.sampled_from([16, 24, 32]).flatmap(lambda n: st.binary(min_size=n, max_size=n)))
def test_aes_blocks_are_those_of_the_short_form(key: bytes) -> None:
    raw = PutKey(0x30, (key,)).encode(AES_DEK.value)[1:]
    # The short form counts the length byte in; so does this one.
    assert read_blocks(raw, key_cipher(AES_DEK)) == (CardKey(0x88, key),)
    assert CardKey(0x88, key).encode(key_cipher(AES_DEK)) == raw


def test_a_3des_block_by_hand() -> None:
    key = bytes(range(0x40, 0x50))
    secret = des.Ecb(DES_DEK.value).encrypt(key)
    raw = bytes.fromhex("8010") + secret + bytes.fromhex("038baf47")
    assert CardKey(0x80, key).encode(key_cipher(DES_DEK)) == raw


def test_put_key_of_a_psk_by_foreign_ciphers() -> None:
    psk = bytes(range(0x30, 0x40))
    cipher = Cipher(algorithms.AES(AES_DEK.value), modes.CBC(bytes(16))).encryptor()
    secret = cipher.update(psk) + cipher.finalize()
    check = hashlib.sha1(psk, usedforsecurity=False).digest()[:3]
    data = bytes.fromhex("408510") + secret + b"\x03" + check
    command = put_keys(0x40, [CardKey(0x85, psk)], AES_DEK)
    assert command.encode() == bytes.fromhex("80D80001") + bytes((len(data),)) + data + b"\x00"
    with pytest.raises(KeyBlockError, match="no 8 bytes"):
        put_keys(0x40, [CardKey(0x85, psk[:8])], AES_DEK)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda raw: raw[:-1] + bytes((raw[-1] ^ 1,)), Fault.CHECK_VALUE),
        (lambda raw: b"\x99" + raw[1:], Fault.ALGORITHM),
        (lambda raw: raw[:-1], Fault.DATA),
        (lambda raw: raw[:1] + b"\x05" + raw[2:], Fault.DATA),
        (lambda raw: raw[:1], Fault.DATA),
        (lambda _: b"", Fault.DATA),
        (lambda raw: raw[:2] + b"\x20" + raw[3:], Fault.DATA),
    ],
    ids=["check", "type", "cut", "length", "one byte", "nothing", "inner length"],
)
def test_what_is_refused_and_as_what(change: object, fault: Fault) -> None:
    raw = CardKey(0x88, bytes(16)).encode(key_cipher(AES_DEK))
    with pytest.raises(KeyBlockError) as refusal:
        read_blocks(change(raw), key_cipher(AES_DEK))  # type: ignore[operator]
    assert refusal.value.fault == fault


def test_a_wrong_dek_is_seen_by_the_check_value() -> None:
    raw = CardKey(0x80, bytes(16)).encode(key_cipher(DES_DEK))
    with pytest.raises(KeyBlockError, match="check value"):
        read_blocks(raw, key_cipher(CardKey(0x80, bytes(range(16)))))


@given(st.binary(max_size=80))
def test_any_bytes_are_keys_or_a_refusal(raw: bytes) -> None:
    for dek in (AES_DEK, DES_DEK):
        try:
            read_blocks(raw, key_cipher(dek))
        except KeyBlockError:
            continue


def test_keys_are_not_shown() -> None:
    assert "41" not in repr(CardKey(0x88, b"A" * 16))
