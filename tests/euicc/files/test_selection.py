"""Which files can be selected from where, by id, and which application stays active meanwhile.

The rows are those of ETSI TS 102 221, 8.4.1: any child of the current DF, any DF beside it, its
parent, itself, the ADF of the active application (7FFF) and the MF; nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hil.virtual.euicc import VirtualCard
from tests.euicc.enabled_card import ISIM, TS48, USIM, card_with
from tests.euicc.files.asking import ask
from tests.euicc.terminal import Terminal

ICCID, DIR = "2FE2", "2F00"
TELECOM, TELECOM_ADN, TELECOM_PHONEBOOK, PBR = "7F10", "6F3A", "5F3A", "4F30"
IMSI, GSM_ACCESS, KC, DF_5GS, ROUTING = "6F07", "5F3B", "4F20", "5FC0", "4F0A"


@pytest.fixture(scope="module")
def card(
    tmp_path_factory: pytest.TempPathFactory, ts48_packages: dict[str, bytes]
) -> Iterator[VirtualCard]:
    card = card_with(tmp_path_factory.mktemp("card"), ts48_packages[TS48])
    yield card
    card.close()


@pytest.fixture
def terminal(card: VirtualCard) -> Terminal:
    """A terminal on a card just reset, on which the USIM was selected by its AID."""
    card.reset()
    terminal = Terminal(card)
    assert terminal.select(USIM).sw == 0x9000
    return terminal


def selected(terminal: Terminal, fid: str) -> str:
    """Select a file by its id; return the status word."""
    return terminal.raw(f"00A4000C02{fid}")


@pytest.mark.parametrize(
    ("path", "valid", "refused"),
    [
        ("3F00", f"3F00 7FFF {ICCID} {DIR} {TELECOM}", f"{IMSI} {GSM_ACCESS} {TELECOM_PHONEBOOK}"),
        (f"3F00 {ICCID}", f"3F00 7FFF {ICCID} {DIR} {TELECOM}", f"{IMSI} {GSM_ACCESS}"),
        (
            f"3F00 {TELECOM}",
            f"3F00 7FFF {TELECOM} {TELECOM_ADN} {TELECOM_PHONEBOOK}",
            f"{ICCID} {DIR} {IMSI} {PBR}",
        ),
        (
            f"3F00 {TELECOM} {TELECOM_ADN}",
            f"3F00 7FFF {TELECOM} {TELECOM_ADN} {TELECOM_PHONEBOOK}",
            f"{ICCID} {DIR} {PBR}",
        ),
        (
            f"3F00 {TELECOM} {TELECOM_PHONEBOOK}",
            f"3F00 7FFF {TELECOM} {TELECOM_PHONEBOOK} {PBR}",
            f"{TELECOM_ADN} {ICCID} {IMSI}",
        ),
        ("7FFF", f"3F00 7FFF {IMSI} {GSM_ACCESS} {DF_5GS}", f"{ICCID} {DIR} {KC} {ROUTING}"),
        (f"7FFF {IMSI}", f"3F00 7FFF {IMSI} {GSM_ACCESS} {DF_5GS}", f"{ICCID} {KC} {ROUTING}"),
        (
            f"7FFF {GSM_ACCESS}",
            f"3F00 7FFF {GSM_ACCESS} {DF_5GS} {KC}",
            f"{IMSI} {ICCID} {ROUTING}",
        ),
        (
            f"7FFF {GSM_ACCESS} {KC}",
            f"3F00 7FFF {GSM_ACCESS} {DF_5GS} {KC}",
            f"{IMSI} {ICCID} {ROUTING}",
        ),
    ],
)
def test_by_file_id(terminal: Terminal, path: str, valid: str, refused: str) -> None:
    def stand() -> None:
        for fid in path.split():
            assert selected(terminal, fid) == "9000"

    for fid in valid.split():
        stand()
        assert selected(terminal, fid) == "9000", fid
    stand()
    for fid in refused.split():
        assert selected(terminal, fid) == "6A82", fid
    # Nothing has moved: what was selected last can be selected again.
    assert selected(terminal, path.rsplit(maxsplit=1)[-1]) == "9000"


def test_the_application_stays_active_outside_its_adf(terminal: Terminal) -> None:
    name = "840C" + USIM.hex().upper() + " 9000"
    for fid in ("3F00", TELECOM, TELECOM_ADN):
        assert selected(terminal, fid) == "9000"
        assert ask(terminal, "80F2000100") == name
    assert terminal.raw(f"00A4080C047FFF{IMSI}") == "9000"
    assert selected(terminal, TELECOM) == "9000"
    assert selected(terminal, "7FFF") == "9000"
    assert selected(terminal, IMSI) == "9000"


def test_no_command_of_the_usim_outside_its_adf(terminal: Terminal) -> None:
    """TS 102 221, 8.4.1: an application's commands are those of the current directory."""
    selected(terminal, "3F00")
    assert terminal.raw("0088008122" + "10" + "00" * 16 + "10" + "00" * 16) == "6985"
    assert terminal.raw("8078000100") == "6985"


def test_another_application_takes_its_place(terminal: Terminal) -> None:
    assert terminal.select(ISIM).sw == 0x9000
    assert selected(terminal, "3F00") == "9000"
    assert ask(terminal, "80F2000100") == "840C" + ISIM.hex().upper() + " 9000"
    # The next and the previous one of those whose AIDs begin alike, seen from there.
    assert terminal.raw("00A4040E07" + ISIM[:7].hex()) == "6A82"
    assert terminal.raw("00A4040F05A000000087") == "9000"
    assert ask(terminal, "80F2000100") == "840C" + USIM.hex().upper() + " 9000"


@pytest.mark.parametrize(
    "leave",
    [
        "00A4044C0C" + USIM.hex(),
        "00A4040C10A0000005591010FFFFFFFF8900000100",
    ],
    ids=["terminated", "a security domain"],
)
def test_no_application_is_active(terminal: Terminal, leave: str) -> None:
    assert terminal.raw(leave) == "9000"
    assert selected(terminal, "3F00") == "9000"
    assert selected(terminal, "7FFF") == "6A82"
    assert terminal.raw(f"00A4080C047FFF{IMSI}") == "6A82"
    assert terminal.raw("80F2000100") == "6985"


def test_each_channel_has_its_own(terminal: Terminal) -> None:
    """A channel opened from the basic one begins at the MF, with no application (8.7)."""
    assert terminal.raw("0070000001") == "019000"
    assert terminal.raw("01A4000C027FFF") == "6A82"
    assert terminal.raw("81F2000100") == "6985"
    assert terminal.raw("01A4040C0C" + ISIM.hex()) == "9000"
    # One opened from another begins where that one is.
    assert terminal.raw("0170000001") == "029000"
    assert terminal.raw("02A4000C023F00") == "9000"
    assert terminal.raw("02A4000C027FFF") == "9000"
    assert terminal.raw("82F2000100") == "840C" + ISIM.hex().upper() + "9000"
    assert ask(terminal, "80F2000100") == "840C" + USIM.hex().upper() + " 9000"


def test_nothing_is_active_after_a_reset(card: VirtualCard, terminal: Terminal) -> None:
    card.reset()
    assert selected(terminal, "7FFF") == "6A82"
    assert terminal.raw("80F2000100") == "6985"
