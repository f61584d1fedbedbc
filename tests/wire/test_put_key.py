"""PUT KEY for AES keys, by hand-made bytes and both ways."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire.scp03 import PutKey, kcv, put_key

DEK = bytes(range(0x20, 0x30))
KEYS = st.sampled_from([16, 24, 32]).flatmap(lambda size: st.binary(min_size=size, max_size=size))


def test_block_of_one_key() -> None:
    key = bytes(range(16))
    encryptor = Cipher(algorithms.AES(DEK), modes.CBC(bytes(16))).encryptor()
    secret = encryptor.update(key) + encryptor.finalize()
    command = put_key(0x31, [key], DEK, first_id=2)
    assert command.encode().hex() == ("80d800021831881110" + secret.hex() + "03" + "c35280" + "00")


def test_three_keys_set_the_bit_for_several() -> None:
    command = put_key(0x30, [bytes(16), bytes(16), bytes(16)], DEK, replaces=0x30)
    assert (command.p1, command.p2) == (0x30, 0x81)
    assert len(command.data) == 1 + 3 * 23


@given(st.integers(0, 0x7F), st.lists(KEYS, max_size=4))
def test_keys_are_read_back(kvn: int, keys: list[bytes]) -> None:
    body = PutKey(kvn, tuple(keys))
    assert PutKey.decode(body.encode(DEK), DEK) == body
    assert body.answer() == bytes((kvn,)) + b"".join(map(kcv, keys))


@given(st.binary(max_size=120))
def test_any_bytes_are_keys_or_a_codec_error(raw: bytes) -> None:
    for start in (b"", bytes.fromhex("30881110")):
        try:
            PutKey.decode(start + raw, DEK)
        except CodecError:
            continue


def test_wrong_dek_is_seen_by_the_check_value() -> None:
    raw = PutKey(0x30, (bytes(16),)).encode(DEK)
    with pytest.raises(CodecError, match="other DEK"):
        PutKey.decode(raw, bytes(16))


def test_keys_are_not_shown() -> None:
    assert "41" not in repr(PutKey(0x30, (b"A" * 16,)))


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("", "no data"),
        ("3088", "cut off"),
        ("30821110", "key type 82"),
        ("30881110" + "00" * 20, "check value"),
        ("30882110" + "00" * 32 + "03000000", "wrong lengths"),
        ("3088110f" + "00" * 16 + "03000000", "wrong lengths"),
    ],
)
def test_broken_key_blocks(raw: str, text: str) -> None:
    with pytest.raises(CodecError, match=text):
        PutKey.decode(bytes.fromhex(raw), DEK)
