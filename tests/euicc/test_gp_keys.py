"""PUT KEY, DELETE key and GET STATUS as all security domains do them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.virtual.euicc.gp_keys import KeyCommands
from hil.virtual.euicc.gp_status import Entry, StatusPages
from hil.virtual.euicc.key_store import KeyStore, StoredKey
from hil.virtual.euicc.nvm import Nvm, Transaction
from hil.virtual.euicc.refusal import RefusalError
from hil.wire import tlv
from hil.wire.apdu import CommandApdu
from hil.wire.key_blocks import CardKey, key_cipher

DOMAIN = bytes.fromhex("A000000151000000")
DEK = CardKey(0x88, bytes(range(16)))
AES_1, AES_2, DES_1, PSK = (
    CardKey(0x88, b"\x11" * 16),
    CardKey(0x88, b"\x22" * 16),
    CardKey(0x80, b"\x33" * 16),
    CardKey(0x85, b"\x44" * 20),
)


@pytest.fixture
def nvm(tmp_path: Path) -> Iterator[Nvm]:
    nvm = Nvm(tmp_path)
    yield nvm
    nvm.close()


def image(nvm: Nvm) -> list[tuple[str, bytes | None]]:
    return [(key, nvm.get(key)) for key in nvm.keys("")]


@pytest.fixture
def domain(nvm: Nvm) -> KeyCommands:
    return KeyCommands(nvm, KeyStore(nvm), DOMAIN)


def put(domain: KeyCommands, kvn: int, *keys: CardKey, replaces: int = 0, first: int = 1) -> bytes:
    several = 0x80 if len(keys) > 1 else 0
    body = bytes((kvn,)) + b"".join(one.encode(key_cipher(DEK)) for one in keys)
    command = CommandApdu(0x80, 0xD8, replaces, several | first, body, 256)
    return domain.put(command, StoredKey(DEK.kind, DEK.value)).data


def refused(domain: KeyCommands, *args: object, **named: object) -> int:
    with pytest.raises(RefusalError) as refusal:
        put(domain, *args, **named)  # type: ignore[arg-type]
    return refusal.value.sw


def test_keys_are_added_and_listed(domain: KeyCommands) -> None:
    answer = put(domain, 0x31, AES_1, AES_1, AES_2)
    assert answer == b"\x31" + AES_1.check_value() * 2 + AES_2.check_value()
    put(domain, 0x40, PSK)
    assert domain.information().hex() == ("e018c00401318810c00402318810c00403318810c00401408514")
    assert domain.keys.key(DOMAIN, 0x31, 3) == StoredKey(0x88, AES_2.value)


def test_keys_are_replaced_under_the_same_and_another_version(domain: KeyCommands) -> None:
    put(domain, 0x31, AES_1, AES_1, AES_1)
    domain.keys.set_counter(DOMAIN, 0x31, 77)
    put(domain, 0x31, AES_2, replaces=0x31, first=2)
    assert domain.keys.counter(DOMAIN, 0x31) == 0
    put(domain, 0x32, AES_2, AES_2, AES_2, replaces=0x31)
    assert domain.keys.versions(DOMAIN) == [0x32]


@pytest.mark.parametrize(
    ("keys", "named", "sw"),
    [
        ((0x31, AES_1), {}, 0x6A80),
        ((0x31, AES_1), {"replaces": 0x33}, 0x6A88),
        ((0x31, AES_1), {"replaces": 0x31, "first": 4}, 0x6A88),
        ((0x31, DES_1), {"replaces": 0x31}, 0x6A80),
        ((0x00, AES_1), {}, 0x6A80),
        ((0x80, AES_1), {}, 0x6A80),
        ((0x32, AES_1, AES_1), {"first": 0x7F}, 0x6A80),
        ((0x32, AES_1), {"first": 0}, 0x6A86),
        ((0x32, AES_1), {"replaces": 0x80}, 0x6A86),
    ],
)
def test_refusals_change_nothing(
    domain: KeyCommands, nvm: Nvm, keys: tuple[object, ...], named: dict[str, object], sw: int
) -> None:
    put(domain, 0x31, AES_1, AES_1, AES_1)
    before = image(nvm)
    assert refused(domain, *keys, **named) == sw
    assert image(nvm) == before


def test_the_last_key_set_by_which_a_domain_is_reached_stays(nvm: Nvm) -> None:
    domain = KeyCommands(nvm, KeyStore(nvm), DOMAIN, lasting=range(0x01, 0x10))
    put(domain, 0x31, AES_1, AES_1, AES_1)
    domain.delete(bytes.fromhex("D20131"))
    put(domain, 0x01, AES_1, AES_1, AES_1)
    before = image(nvm)
    for names in ("D20101", "D00102", "D00102D20101"):
        with pytest.raises(RefusalError) as refusal:
            domain.delete(bytes.fromhex(names))
        assert refusal.value.sw == 0x6985
    # Under another version it would be gone as well.
    assert refused(domain, 0x31, AES_2, AES_2, AES_2, replaces=0x01) == 0x6985
    assert image(nvm) == before
    put(domain, 0x02, AES_2, AES_2, AES_2, replaces=0x01)
    put(domain, 0x03, AES_1, AES_1, AES_1)
    domain.delete(bytes.fromhex("D20102"))
    assert domain.keys.versions(DOMAIN) == [0x03]


def test_key_data_that_is_wrong(domain: KeyCommands) -> None:
    block = AES_1.encode(key_cipher(DEK))
    dek = StoredKey(DEK.kind, DEK.value)
    for data, sw in (
        (b"", 0x6700),
        (b"\x31", 0x6A80),
        (b"\x31\x99" + block[1:], 0x9484),
        (b"\x31" + block[:-1] + b"\x00", 0x9485),
        (b"\x31" + block + block, 0x6A80),
    ):
        with pytest.raises(RefusalError) as refusal:
            domain.put(CommandApdu(0x80, 0xD8, 0, 1, data, 256), dek)
        assert refusal.value.sw == sw
    with pytest.raises(RefusalError) as refusal:
        domain.put(CommandApdu(0x80, 0xD8, 0, 1, b"\x31" + block, 256), None)
    assert refusal.value.sw == 0x6985


def test_no_room_is_no_key(nvm: Nvm) -> None:
    def full(change: Transaction, size: int) -> None:
        raise RefusalError(0x6A84, str(size))

    domain = KeyCommands(nvm, KeyStore(nvm), DOMAIN, charge=full)
    assert refused(domain, 0x31, AES_1) == 0x6A84
    assert nvm.keys() == []


@pytest.mark.parametrize(
    ("data", "left"),
    [
        ("D20131", [(0x32, 1)]),
        ("D00102D20131", [(0x31, 1), (0x31, 3), (0x32, 1)]),
        ("D00101", [(0x31, 2), (0x31, 3)]),
    ],
)
def test_keys_are_deleted(domain: KeyCommands, data: str, left: list[tuple[int, int]]) -> None:
    put(domain, 0x31, AES_1, AES_1, AES_1)
    put(domain, 0x32, AES_1)
    domain.delete(bytes.fromhex(data))
    found = [
        (kvn, one)
        for kvn in domain.keys.versions(DOMAIN)
        for one in domain.keys.identifiers(DOMAIN, kvn)
    ]
    assert found == left


@pytest.mark.parametrize(
    ("data", "sw"), [("", 0x6A80), ("D20133", 0x6A88), ("D200", 0x6A80), ("D2", 0x6A80)]
)
def test_keys_that_can_not_be_deleted(domain: KeyCommands, data: str, sw: int) -> None:
    put(domain, 0x31, AES_1)
    with pytest.raises(RefusalError) as refusal:
        domain.delete(bytes.fromhex(data))
    assert refusal.value.sw == sw


def test_a_long_list_goes_on_where_it_stopped() -> None:
    entries = [Entry(bytes((0xA0,)) * 15 + bytes((n,)), 7, b"\x80\xc0\x00") for n in range(20)]
    pages = StatusPages()
    found, p2 = b"", 0x02
    while True:
        answer = pages.answer(CommandApdu(0x80, 0xF2, 0x40, p2, b"\x4f\x00"), lambda _: entries)
        assert len(answer.data) <= 239
        found, p2 = found + answer.data, 0x03
        if answer.sw == 0x9000:
            break
        assert answer.sw == 0x6310
    assert found == b"".join(one.encode() for one in entries)
    assert [tlv.find(one.children(), 0x4F) for one in tlv.decode_all(found)] == [
        one.aid for one in entries
    ]
    with pytest.raises(RefusalError) as refusal:
        pages.answer(CommandApdu(0x80, 0xF2, 0x40, 0x03, b"\x4f\x00"), lambda _: entries)
    assert refusal.value.sw == 0x6A88
