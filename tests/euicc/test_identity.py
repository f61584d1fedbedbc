"""GET IDENTITY: the USIM conceals the IMSI itself (3GPP TS 31.102, 7.5)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from hil.virtual.euicc import VirtualCard
from hil.wire.apdu import CommandApdu
from tests.euicc.enabled_card import ADM1, ISIM, TS48, USIM, card_with
from tests.euicc.terminal import Terminal, profile

ASK = CommandApdu(0x80, 0x78, 0x00, 0x01, le=256)
HOME = X25519PrivateKey.from_private_bytes(b"\x21" * 32)
MSIN = "1032547698"
"""Of IMSI 001010123456789, nibbles swapped."""


@pytest.fixture
def card(tmp_path: Path, ts48_packages: dict[str, bytes]) -> Iterator[VirtualCard]:
    card = card_with(tmp_path, ts48_packages[TS48])
    yield card
    card.close()


@pytest.fixture
def usim(card: VirtualCard) -> Terminal:
    terminal = Terminal(card)
    assert terminal.select(USIM).sw == 0x9000
    return terminal


def write_keys(usim: Terminal, content: str) -> None:
    """Put the home network's keys into EF.SUCI_Calc_Info of DF.SAIP, as a card manager does."""
    assert usim.raw("0020000A08" + ADM1) == "9000"
    assert usim.select(0x5FD0).sw == 0x9000
    assert usim.select(0x4F01).sw == 0x9000
    data = bytes.fromhex(content)
    assert usim.send(CommandApdu(0x00, 0xD6, 0, 0, data)).sw == 0x9000
    usim.select(USIM)


def test_the_null_scheme_of_the_test_profile(usim: Terminal) -> None:
    answer = usim.send(ASK)
    assert (answer.data.hex(), answer.sw) == ("a10d" + "0100f110f0ff0000" + MSIN, 0x9000)
    assert usim.raw("80780001").startswith("6C0F")


def test_the_home_network_reads_what_the_card_concealed(usim: Terminal) -> None:
    public = HOME.public_key().public_bytes_raw().hex()
    # Scheme 7 is nobody's: the next one in the list is taken.
    write_keys(usim, "A0040701" + "0101" + "A125" + "80011B8120" + public)
    first, second = usim.send(ASK).data, usim.send(ASK).data
    assert first[:10].hex() == "a1350100f110f0ff011b"
    assert first != second
    point, hidden = first[10:42], first[42:47]
    shared = HOME.exchange(X25519PublicKey.from_public_bytes(point))
    block = hashlib.sha256(shared + bytes((0, 0, 0, 1)) + point).digest()
    cipher = Cipher(AES(block[:16]), CTR(block[16:])).decryptor()
    assert cipher.update(hidden).hex() == MSIN


@pytest.mark.parametrize("content", ["FFFF", "A0020101", "A0020101A1068001FF8101AA"])
def test_keys_that_are_none_leave_the_null_scheme(usim: Terminal, content: str) -> None:
    write_keys(usim, content)
    assert usim.send(ASK).data[2:].hex() == "0100f110f0ff0000" + MSIN


def test_refusals(card: VirtualCard, usim: Terminal) -> None:
    assert usim.raw("0078000100") == "6E00"
    assert usim.raw("8078010100") == "6A86"
    assert usim.raw("8078000300") == "6A86"
    assert usim.raw("8078000101AA") == "6700"
    assert usim.raw("8078000200") == "6985"
    # PIN1 is disabled; once it is enabled, it is asked for.
    assert usim.raw("00280001" + "0830303030FFFFFFFF") == "9000"
    card.reset()
    assert usim.raw("8078000100") == "6985"
    usim.select(USIM)
    assert usim.raw("8078000100") == "6982"
    usim.select(ISIM)
    assert usim.raw("8078000100") == "6D00"


def test_a_usim_without_the_service(tmp_path: Path) -> None:
    card = card_with(tmp_path, profile())
    terminal = Terminal(card)
    terminal.select(USIM)
    assert terminal.raw("8078000100") == "6985"
    card.close()
