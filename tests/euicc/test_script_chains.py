"""Script chaining over the air: TS 102 226, 5.2.1; kept over a reset or not, as the first says."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.virtual.euicc import VirtualCard, open_card
from hil.wire.apdu import CommandApdu
from hil.wire.command_script import CHAINING, CommandScript, ResponseScript
from hil.wire.tlv import Tlv
from tests.euicc.operator import RAM, UICC, ask, compact, operator_profile, prepared
from tests.euicc.terminal import Terminal, factory

FIRST, KEPT, MORE, LAST = 0x01, 0x11, 0x02, 0x03
SELECT, READ = "00A4000C022FE2", "00B000000A"
STORE = "80E2000003010203"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory.mktemp("card"), operator_profile())


class Sender:
    """Sends chained scripts to one card, through resets and losses of power."""

    def __init__(self, folder: Path, home: Path) -> None:
        for file in folder.iterdir():
            (home / file.name).write_bytes(file.read_bytes())
        self.home = home
        self.counter = 0
        self.card: VirtualCard = open_card(home, factory())
        self.terminal = Terminal(self.card)

    def send(self, chaining: int | None, *commands: str, tar: bytes = UICC) -> ResponseScript:
        items = [] if chaining is None else [Tlv(CHAINING, bytes((chaining,)))]
        script = CommandScript.of(CommandApdu.decode(bytes.fromhex(one)) for one in commands)
        raw = CommandScript((*items, *script.items)).encode()
        self.counter += 1
        return ResponseScript.decode(ask(self.terminal, raw, self.counter, tar).data)

    def words(self, chaining: int | None, *commands: str, tar: bytes = UICC) -> list[str]:
        return [f"{one.sw:04X}" for one in self.send(chaining, *commands, tar=tar).answers]

    def lose_power(self) -> None:
        self.card.close()
        self.card = open_card(self.home, factory())
        self.terminal = Terminal(self.card)


@pytest.fixture
def sender(folder: Path, tmp_path: Path) -> Sender:
    return Sender(folder, tmp_path)


def is_missing(response: ResponseScript) -> bool:
    """Whether the card says that the first script is missing, and did nothing."""
    return response.items == (Tlv(CHAINING, b"\x01"),) and response.executed == 0


@pytest.mark.parametrize("first", [FIRST, KEPT])
def test_a_chain_goes_on_where_it_was(sender: Sender, first: int) -> None:
    assert sender.words(first, SELECT) == ["9000"]
    assert sender.words(MORE, READ) == ["9000"]
    assert sender.words(LAST, READ) == ["9000"]
    assert is_missing(sender.send(LAST, READ))


@pytest.mark.parametrize("how", ["reset", "power"])
@pytest.mark.parametrize(("first", "goes_on"), [(FIRST, False), (KEPT, True)])
def test_the_first_script_decides_about_a_reset(
    sender: Sender, first: int, how: str, *, goes_on: bool
) -> None:
    assert sender.words(first, SELECT) == ["9000"]
    if how == "reset":
        sender.card.reset()
    else:
        sender.lose_power()
    response = sender.send(MORE, READ)
    if not goes_on:
        assert is_missing(response)
        return
    assert len(response.answers[0].data) == 10
    assert sender.words(LAST, READ) == ["9000"]
    sender.lose_power()
    assert is_missing(sender.send(MORE, READ))


def test_without_chaining_each_script_begins_anew(sender: Sender) -> None:
    assert sender.words(None, SELECT) == ["9000"]
    assert sender.words(None, READ) == ["6986"]
    # A script without chaining also ends a chain, in either format.
    assert sender.words(KEPT, SELECT) == ["9000"]
    sender.counter += 1
    ask(sender.terminal, compact("00A40004022F05"), sender.counter, UICC)
    assert is_missing(sender.send(MORE, READ))


def test_a_script_in_the_middle_of_nothing(sender: Sender) -> None:
    for chaining in (MORE, LAST):
        assert is_missing(sender.send(chaining, SELECT, READ))
        assert is_missing(sender.send(chaining, STORE, tar=RAM))


def test_a_new_first_script_begins_anew(sender: Sender) -> None:
    assert sender.words(KEPT, SELECT) == ["9000"]
    assert sender.words(FIRST, READ) == ["6986"]
    sender.card.reset()
    assert is_missing(sender.send(MORE, READ))


def test_pins_are_proven_again_after_a_reset(folder: Path, tmp_path: Path) -> None:
    """ADM1 lets a domain that has PIN1 only write EF.DIR, in the chain where it was presented."""
    home = tmp_path / "card"
    home.mkdir()
    closed = prepared(tmp_path / "made", operator_profile(access=bytes.fromhex("02010001")))
    sender = Sender(closed, home)
    verify, update = "0020000A08" + "35" * 8, "00DC010426" + "FF" * 38
    assert sender.words(KEPT, "00A4000C022F00", verify) == ["9000", "9000"]
    assert sender.words(MORE, update) == ["9000"]
    sender.card.reset()
    assert sender.words(MORE, update) == ["6982"]


@pytest.mark.parametrize(("first", "goes_on"), [(FIRST, False), (KEPT, True)])
def test_store_data_goes_on_in_the_next_script(
    sender: Sender, first: int, *, goes_on: bool
) -> None:
    """To the operator's domain: the second block of a STORE DATA, after a loss of power."""
    begin, rest = "80E2080005 0070054203".replace(" ", ""), "80E2880103112233"
    assert sender.words(first, begin, tar=RAM) == ["9000"]
    sender.lose_power()
    response = sender.send(LAST, rest, tar=RAM)
    if goes_on:
        assert [f"{one.sw:04X}" for one in response.answers] == ["9000"]
        assert "4203112233" in sender.send(None, "80CA004200", tar=RAM).answers[0].data.hex()
    else:
        assert is_missing(response)
