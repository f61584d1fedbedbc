"""Power lost at any byte of a file command: the files are those before it or those after it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hil.virtual.euicc import open_card
from tests.euicc.enabled_card import card_with
from tests.euicc.files.asking import NEW, NEW_DF, create
from tests.euicc.playground import BINARY, CYCLIC, DF, LINEAR, OBJECTS, playground
from tests.euicc.terminal import Terminal, factory, profile

JOURNAL = "memory.journal"
POINTS = 16
COMMANDS = {
    "create an EF": create(NEW),
    "create a DF": create(NEW_DF),
    "delete an EF": "00E40000026F01",
    "resize": "80D400000A620883026F018002000C",
    "set an object": "80DB0084058103CAFE01",
    "delete an object": "80DB00840181",
    "update a record": "00DC0114050102030405",
    "push a record": "00DC001B03AABBCC",
    "increase": "8032830003000001",
    "deactivate": "00040000026F01",
    "a wrong PIN": "0020000A08" + "39" * 8,
}


def seen(folder: Path) -> list[str]:
    """What a copy of the card answers about its files, memory and tries."""
    copy = folder.with_name(folder.name + "-copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    card = open_card(copy, factory())
    try:
        terminal = Terminal(card)
        found = [terminal.select(0x3F00).data.hex(), terminal.raw("0020000A")]
        for fid in (BINARY, LINEAR, CYCLIC, OBJECTS, 0x6F20, 0x5F20):
            terminal.select(0x3F00)
            terminal.select(DF)
            answer = terminal.select(fid)
            found.append(f"{answer.data.hex()} {answer.sw:04X}")
            for read in ("00B0000000", "00B2010405", "00B2010403", "80CB00800181"):
                data = terminal.raw(read)
                found.append(terminal.raw(f"00C00000{data[2:]}") if data[:2] == "61" else data)
        return found
    finally:
        card.close()


@pytest.mark.parametrize("name", COMMANDS)
def test_power_lost_at_any_byte(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "card"
    card_with(folder, playground(profile())).close()
    old_size = (folder / JOURNAL).stat().st_size
    old = seen(folder)
    card = open_card(folder, factory())
    terminal = Terminal(card)
    terminal.select(0x3F00)
    terminal.select(DF)
    assert terminal.raw(COMMANDS[name])[:2] in ("90", "61", "63")
    card.close()
    new = seen(folder)
    assert old != new
    whole = (folder / JOURNAL).read_bytes()
    step = max(1, (len(whole) - old_size) // POINTS)
    outcomes = []
    for cut in [*range(old_size, len(whole), step), len(whole) - 1, len(whole)]:
        (folder / JOURNAL).write_bytes(whole[:cut])
        outcomes.append(seen(folder))
    assert all(one in (old, new) for one in outcomes)
    assert outcomes == [old] * outcomes.count(old) + [new] * outcomes.count(new)
    assert outcomes[0] == old
    assert outcomes[-1] == new
