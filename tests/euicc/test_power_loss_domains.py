"""Power lost while an operator manages its profile: every function is done whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hil.virtual.euicc import open_card
from hil.wire import dgi, isdr_commands, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.key_blocks import CardKey, key_cipher
from tests.euicc.operator import (
    AID,
    MNO_SD,
    RAM,
    SCP03_KEYS,
    UICC,
    ask,
    compact,
    expanded,
    operator_profile,
    prepared,
)
from tests.euicc.terminal import Terminal, factory, packets_for
from tests.euicc.test_bad_packages import COUNTERS
from tests.euicc.test_bad_packages import image as whole_image
from tests.euicc.test_profile_domain import OTHER, install, scp03, store

JOURNAL = "memory.journal"
Act = Callable[[Terminal], object]


def image(folder: Path) -> dict[str, bytes | None]:
    """Return the memory, but what opening a session notes in transactions of its own."""
    return whole_image(folder, besides=(*COUNTERS, "failures/"))


def put_keys(replaces: int) -> CommandApdu:
    block = CardKey(0x88, b"\x99" * 16).encode(key_cipher(CardKey(0x88, SCP03_KEYS.dek)))
    return CommandApdu(0x80, 0xD8, replaces, 0x81, b"\x31" + block * 3, 256)


def by_air(terminal: Terminal) -> object:
    block = CardKey(0x88, b"\x98" * 16).encode(key_cipher(CardKey(0x88, b"\x33" * 16)))
    command = CommandApdu(0x80, 0xD8, 0, 0x81, b"\x32" + block * 3, 256)
    return ask(terminal, expanded(command), 1, RAM)


def remove(aid: bytes) -> CommandApdu:
    return CommandApdu(0x80, 0xE4, 0x00, 0x00, tlv.encode(0x4F, aid), 256)


RFM = bytes.fromhex("A00000055910100001")
DATA = dgi.encode(0x0070, bytes.fromhex("42034F5001") + tlv.encode(0x5F50, b"http://a"))
ACTS: dict[str, Act] = {
    "keys are added": lambda terminal: scp03(terminal, put_keys(0)),
    "keys are replaced": lambda terminal: scp03(terminal, put_keys(0x30)),
    "keys are added over the air": by_air,
    "keys are deleted": lambda terminal: scp03(
        terminal, CommandApdu(0x80, 0xE4, 0, 0, b"\xd2\x01\x20", 256)
    ),
    "a domain is made": lambda terminal: scp03(terminal, install(OTHER)),
    "an application is deleted": lambda terminal: scp03(terminal, remove(RFM)),
    "data is stored": lambda terminal: scp03(
        terminal, CommandApdu(0x80, 0xE2, 0x88, 0x00, DATA, 256)
    ),
    "POL1 is updated": lambda terminal: scp03(terminal, store(0x3A06, "02")),
    "connectivity is updated": lambda terminal: scp03(terminal, store(0x3A07, "A0050603112233")),
    "a file is updated over the air": lambda terminal: ask(
        terminal, compact("00A40004022F05", "00D60000025A5A"), 1, UICC
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory.mktemp("card"), operator_profile())


@pytest.mark.parametrize("name", ACTS)
def test_every_byte_may_be_the_last(folder: Path, tmp_path: Path, name: str) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    journal = tmp_path / JOURNAL
    before = journal.read_bytes()
    old = image(tmp_path)
    card = open_card(tmp_path, factory())
    ACTS[name](Terminal(card))
    card.close()
    whole = journal.read_bytes()
    new = image(tmp_path)
    assert whole.startswith(before)
    assert new != old
    seen = []
    for cut in [*range(len(before), len(whole), 7), len(whole) - 1, len(whole)]:
        journal.write_bytes(whole[:cut])
        seen.append(image(tmp_path))
    assert seen[0] == old
    assert seen[-1] == new
    # Once new, never old again, and nothing between.
    assert seen == [old] * seen.count(old) + [new] * seen.count(new)


def test_a_profile_with_domains_comes_and_goes_whole(tmp_path: Path) -> None:
    card = open_card(tmp_path, factory())
    terminal = Terminal(card)
    terminal.isd_r(isdr_commands.create_isdp(AID, 0))
    card.close()
    steps: list[Act] = [
        lambda terminal: terminal.load(AID, packets_for(AID, operator_profile())),
        lambda terminal: terminal.isd_r(isdr_commands.delete_profile(AID)),
    ]
    journal = tmp_path / JOURNAL
    for step in steps:
        before, old = journal.read_bytes(), image(tmp_path)
        card = open_card(tmp_path, factory())
        step(Terminal(card))
        card.close()
        whole, new = journal.read_bytes(), image(tmp_path)
        for cut in range(len(before), len(whole), max(1, (len(whole) - len(before)) // 60)):
            journal.write_bytes(whole[:cut])
            assert image(tmp_path) in (old, new)
        journal.write_bytes(whole)
        assert image(tmp_path) == new
    assert not [key for key in new if MNO_SD.hex() in key or AID.hex() in key]
