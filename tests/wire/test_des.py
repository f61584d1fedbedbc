"""DES calls against openssl and published values."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire import des

KEYS = st.sampled_from([8, 16, 24]).flatmap(lambda size: st.binary(min_size=size, max_size=size))
BLOCKS = st.integers(1, 9).flatmap(lambda n: st.binary(min_size=8 * n, max_size=8 * n))


def test_check_value_of_the_well_known_key() -> None:
    """404142…4F has the check value 8BAF47 in every card manager."""
    assert des.kcv(bytes(range(0x40, 0x50))).hex() == "8baf47"


@given(KEYS, BLOCKS)
def test_what_is_enciphered_is_deciphered(key: bytes, plain: bytes) -> None:
    for cipher in (des.Ecb(key), des.Cbc(key)):
        assert cipher.decrypt(cipher.encrypt(plain)) == plain


@given(st.binary(max_size=40))
def test_padding_both_ways(plain: bytes) -> None:
    assert des.unpad(des.pad(plain)) == plain
    assert len(des.pad(plain)) % 8 == 0


def test_3des_agrees_with_openssl() -> None:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    key, plain = bytes(range(16)), bytes(range(32))
    command = [program, "enc", "-des-ede-cbc", "-K", key.hex(), "-iv", "00" * 8, "-nopad"]
    done = subprocess.run(command, input=plain, capture_output=True, check=False, timeout=20)
    if done.returncode:
        pytest.skip("openssl is built without 3DES")
    assert des.Cbc(key).encrypt(plain) == done.stdout
    assert des.CbcMac(key).of(plain) == done.stdout[-8:]


def test_retail_mac_of_one_block_is_3des() -> None:
    key = bytes(range(16))
    assert des.retail_mac(key, b"1234567") == des.Cbc(key).encrypt(b"1234567\x80")


@pytest.mark.parametrize("size", [0, 7, 15, 32])
def test_keys_of_other_lengths_are_refused(size: int) -> None:
    with pytest.raises(CodecError, match="8, 16 or 24"):
        des.Cbc(bytes(size))


def test_parts_of_blocks_are_refused() -> None:
    with pytest.raises(CodecError, match="whole blocks"):
        des.Cbc(bytes(16)).decrypt(bytes(9))
