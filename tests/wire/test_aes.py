"""AES building blocks against RFC 4493, FIPS 197 and NIST SP 800-38A."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire import aes

KEY = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
MESSAGE = bytes.fromhex(
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411"
)


@pytest.mark.parametrize(
    ("size", "mac"),
    [
        (0, "bb1d6929e95937287fa37d129b756746"),
        (16, "070a16b46b4d4144f79bdd9dd04a287c"),
        (40, "dfa66747de9ae63030ca32611497c827"),
    ],
)
def test_mac_of_the_rfc_also_when_used_again(size: int, mac: str) -> None:
    signer = aes.Mac(KEY)
    assert signer.of(b"something else") != signer.of(MESSAGE[:size])
    assert signer.of(MESSAGE[:size]).hex() == mac


def test_blocks_of_the_standards() -> None:
    cipher = aes.BlockCipher(bytes(range(16)))
    block = bytes.fromhex("00112233445566778899aabbccddeeff")
    assert cipher.block(block).hex() == "69c4e0d86a7b0430d8cdb78070b4c55a"
    cbc = aes.Cbc(KEY)
    iv = bytes(range(16))
    first_two = "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
    assert cbc.encrypt(MESSAGE[:32], iv).hex() == first_two
    assert cbc.decrypt(bytes.fromhex(first_two), iv) == MESSAGE[:32]


@given(st.binary(max_size=64), st.none() | st.binary(min_size=16, max_size=16))
def test_padding_and_cbc_are_undone(plain: bytes, iv: bytes | None) -> None:
    cbc = aes.Cbc(KEY)
    start = aes.ZERO_BLOCK if iv is None else iv
    padded = aes.pad(plain)
    assert len(padded) % 16 == 0
    assert len(padded) > len(plain)
    assert aes.unpad(cbc.decrypt(cbc.encrypt(padded, start), start)) == plain


@pytest.mark.parametrize("raw", ["", "00" * 16, "80" + "00" * 16, "01" * 16, "0081"])
def test_what_is_not_padded_is_refused(raw: str) -> None:
    with pytest.raises(CodecError, match="does not end in 80"):
        aes.unpad(bytes.fromhex(raw))


def test_parts_of_blocks_and_odd_keys_are_refused() -> None:
    with pytest.raises(CodecError, match="not whole blocks"):
        aes.Cbc(KEY).decrypt(bytes(17))
    with pytest.raises(CodecError, match="key is 15 bytes long"):
        aes.kcv(bytes(15))
