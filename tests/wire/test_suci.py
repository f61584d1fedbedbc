"""SUCI against the implementers' test data of 3GPP TS 33.501, annex C.4, and a card's answer."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire.ecc import P256, PrivateKey, PublicKey
from hil.wire.suci import CalculationInfo, HomeKey, Scheme, conceal, decipher, encipher

IMSI = "274012001002086"
ROUTING = bytes.fromhex("17FF")
A_KEY = bytes.fromhex("5a8d38864820197c3394b92613b20b91633cbd897119273bf8e4a6f4eec0a650")
A_PRIVATE = bytes.fromhex("c53c22208b61860b06c62e5406a7b330c2b577aa5558981510d128247d38bd1d")
A_EPHEMERAL = bytes.fromhex("c80949f13ebe61af4ebdbd293ea4f942696b9e815d7e8f0096bbf6ed7de62256")
A_OUTPUT = (
    "b2e92f836055a255837debf850b528997ce0201cb82adfe4be1f587d07d8457dcb02352410cddd9e730ef3fa87"
)
B_COMPRESSED = bytes.fromhex("0272da71976234ce833a6907425867b82e074d44ef907dfb4b3e21c1c2256ebcd1")
B_KEY = bytes.fromhex(
    "0472da71976234ce833a6907425867b82e074d44ef907dfb4b3e21c1c2256ebcd1"
    "5a7ded52fcbb097a4ed250e036c7b9c8c7004c4eedc4f068cd7bf8d3f900e3b4"
)
B_PRIVATE = bytes.fromhex("f1ab1074477ebcc7f554ea1c5fc368b1616730155e0041ac447d6301975fecda")
B_EPHEMERAL = bytes.fromhex("99798858a1dc6a2c68637149a4b1dbfd1fdff5addd62a2142f06699ed7602529")
B_OUTPUT = (
    "039aab8376597021e855679a9778ea0b67396e68c66df32c0f41e9acca2da9b9d146a33fc2716ac7dae96aa30a4d"
)
FILE = bytes.fromhex("A006 0201 0102 0000 A14B 80011B 8121".replace(" ", "")) + B_COMPRESSED
FILE += bytes.fromhex("80011E8120") + A_KEY


@pytest.mark.parametrize(
    ("scheme", "key", "ephemeral", "output"),
    [
        (Scheme.PROFILE_A, A_KEY, A_EPHEMERAL, A_OUTPUT),
        (Scheme.PROFILE_B, B_KEY, B_EPHEMERAL, B_OUTPUT),
        (Scheme.PROFILE_B, B_COMPRESSED, B_EPHEMERAL, B_OUTPUT),
    ],
)
def test_the_data_of_the_standard(
    scheme: Scheme, key: bytes, ephemeral: bytes, output: str
) -> None:
    home = HomeKey(27, key)
    made = conceal(IMSI, 3, ROUTING, scheme=scheme, key=home, ephemeral=ephemeral)
    assert made.hex() == f"0172241017ff{scheme:02x}1b" + output


@pytest.mark.parametrize(
    ("scheme", "private", "output"),
    [(Scheme.PROFILE_A, A_PRIVATE, A_OUTPUT), (Scheme.PROFILE_B, B_PRIVATE, B_OUTPUT)],
)
def test_the_home_network_reads_the_data_of_the_standard(
    scheme: Scheme, private: bytes, output: str
) -> None:
    raw = bytes.fromhex(output)
    assert decipher(raw, scheme, private).hex() == "00012080f6"
    for place in (0, 35, len(raw) - 1):
        wrong = bytearray(raw)
        wrong[place] ^= 0x10
        with pytest.raises(CodecError):
            decipher(bytes(wrong), scheme, private)
    for cut in (0, 8, 33, 41):
        with pytest.raises(CodecError):
            decipher(raw[:cut], scheme, private)


def test_the_null_scheme() -> None:
    assert conceal(IMSI, 3, ROUTING).hex() == "0172241017ff000000012080f6"
    assert conceal("999700000000001", 2, ROUTING).hex()[:16] == "0199f90717ff0000"


@given(st.binary(min_size=1, max_size=20))
def test_the_home_network_finds_the_identity(plain: bytes) -> None:
    sent = encipher(plain, Scheme.PROFILE_B, B_COMPRESSED)
    public, hidden, tag = sent[:33], sent[33:-8], sent[-8:]
    shared = PrivateKey(P256, B_PRIVATE).agree(PublicKey.from_encoded(P256, public))
    blocks = [hashlib.sha256(shared + bytes((0, 0, 0, n)) + public).digest() for n in (1, 2)]
    assert hmac.digest(blocks[1], hidden, "sha256")[:8] == tag
    assert Cipher(AES(blocks[0][:16]), CTR(blocks[0][16:])).decryptor().update(hidden) == plain


def test_each_ephemeral_key_is_new() -> None:
    for scheme, key in ((Scheme.PROFILE_A, A_KEY), (Scheme.PROFILE_B, B_KEY)):
        assert encipher(b"\x01", scheme, key) != encipher(b"\x01", scheme, key)


def test_the_file_of_the_card() -> None:
    b, a = HomeKey(27, B_COMPRESSED), HomeKey(30, A_KEY)
    read = CalculationInfo.decode(FILE + b"\xff" * 20)
    assert read.choices == ((2, b), (1, a), (0, None))
    assert CalculationInfo.decode(bytes.fromhex("A0020000") + b"\xff" * 9).choices == ((0, None),)


@pytest.mark.parametrize(
    "raw", ["", "FFFF", "A00102", "A0020201", "A0020201A10380011B", "A0020201A1068101AA80011B"]
)
def test_a_file_that_cannot_be_read(raw: str) -> None:
    with pytest.raises(CodecError):
        CalculationInfo.decode(bytes.fromhex(raw))


@pytest.mark.parametrize("key", [b"", bytes(32), b"\x02" + b"\xff" * 32])
@pytest.mark.parametrize("scheme", [Scheme.PROFILE_A, Scheme.PROFILE_B])
def test_a_key_that_is_none(scheme: Scheme, key: bytes) -> None:
    with pytest.raises(CodecError):
        encipher(b"\x01", scheme, key)


def test_what_a_suci_needs() -> None:
    with pytest.raises(CodecError):
        conceal(IMSI, 4, ROUTING)
    with pytest.raises(CodecError):
        conceal(IMSI, 3, b"\xff")
    with pytest.raises(CodecError):
        conceal(IMSI, 3, ROUTING, scheme=Scheme.PROFILE_A)
