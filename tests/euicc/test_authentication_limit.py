"""Failed authentications are counted for each key set, and held up (refused by number: 6983)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hil.virtual.euicc import VirtualCard, open_card
from hil.wire import isdr_commands
from hil.wire.apdu import CommandApdu
from hil.wire.identifiers import ISD_R_AID, isd_p_aid
from hil.wire.isdp_keys import derive
from tests.euicc.terminal import AUDIT_KEYS, BASE_KEYS, IMAGE_KEYS, Terminal, factory

AID = isd_p_aid(0x20)
WRONG = "8482330010" + "00" * 16


def attempt(terminal: Terminal, kvn: int = 0x31, aid: bytes = ISD_R_AID) -> list[str]:
    """Try to authenticate without the keys; return the status words."""
    terminal.select(aid)
    first = terminal.send(CommandApdu(0x80, 0x50, kvn, 0, bytes(8), 256)).sw
    if first != 0x9000:
        return [f"{first:04X}"]
    return [f"{first:04X}", terminal.raw(WRONG)]


def opened(folder: Path, attempts: int = 3) -> VirtualCard:
    return open_card(folder, factory(authentication_attempts=attempts))


FAILED, HELD = ["9000", "6300"], ["6983"]


def test_failures_in_a_row_are_held_up_longer_and_longer(tmp_path: Path) -> None:
    card = opened(tmp_path)
    terminal = Terminal(card)
    assert [attempt(terminal) for _ in range(3)] == [FAILED] * 3
    assert [attempt(terminal) for _ in range(11)] == [
        *(HELD, FAILED),
        *(HELD, HELD, FAILED),
        *(HELD, HELD, HELD, HELD, FAILED),
        HELD,
    ]
    card.close()


def test_a_success_clears_the_count(tmp_path: Path) -> None:
    card = opened(tmp_path)
    terminal = Terminal(card)
    for _ in range(4):
        assert [attempt(terminal) for _ in range(2)] == [FAILED] * 2
        terminal.secure()
    card.close()


def test_after_the_hold_up_the_right_keys_open(tmp_path: Path) -> None:
    card = opened(tmp_path)
    terminal = Terminal(card)
    assert [attempt(terminal) for _ in range(4)] == [FAILED] * 3 + [HELD]
    terminal.secure()
    assert attempt(terminal) == FAILED
    card.close()


def test_key_sets_are_counted_apart(tmp_path: Path) -> None:
    card = opened(tmp_path)
    terminal = Terminal(card)
    for _ in range(3):
        attempt(terminal)
    assert attempt(terminal, 0x30) == FAILED
    terminal.secure(IMAGE_KEYS)
    assert attempt(terminal) == HELD
    card.close()


def test_the_count_survives_power_loss(tmp_path: Path) -> None:
    for _ in range(3):
        card = opened(tmp_path)
        assert attempt(Terminal(card)) == FAILED
        card.close()
    card = opened(tmp_path)
    assert attempt(Terminal(card)) == HELD
    card.close()


def test_power_cut_before_the_answer_is_a_failure_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PowerLostError(BaseException):
        pass

    def lost(*_: object) -> None:
        raise PowerLostError

    for _ in range(3):
        card = opened(tmp_path)
        with monkeypatch.context() as patch:
            patch.setattr("hil.virtual.euicc.secure_session.CardSession.authenticate", lost)
            with pytest.raises(PowerLostError):
                attempt(Terminal(card))
        card.close()
    card = opened(tmp_path)
    assert attempt(Terminal(card)) == HELD
    card.close()


def test_both_ways_into_an_isd_p_share_one_count(tmp_path: Path) -> None:
    """SCP03t is counted with SCP03: it is the same key set."""
    card = opened(tmp_path)
    terminal = Terminal(card)
    terminal.isd_r(isdr_commands.create_isdp(AID, 1000))
    terminal.select(AID)
    for _ in range(2):
        begin = terminal.send(
            CommandApdu(0x80, 0xE2, 0x91, 0, bytes.fromhex("840A3000") + bytes(8), 256)
        )
        assert begin.data[:1] == b"\x84"
        end = CommandApdu(0x80, 0xE2, 0x91, 0, bytes.fromhex("851133") + bytes(16), 256)
        assert terminal.send(end).data.hex() == "9f450102"
    assert attempt(terminal, 0x30, AID) == FAILED
    assert attempt(terminal, 0x30, AID) == HELD
    terminal.secure(derive(BASE_KEYS, AID), AID)
    card.close()


def test_zero_holds_nobody_up(tmp_path: Path) -> None:
    card = opened(tmp_path, 0)
    terminal = Terminal(card)
    assert [attempt(terminal) for _ in range(15)] == [FAILED] * 15
    terminal.secure()
    card.close()


def test_a_wrong_key_of_the_host_counts(tmp_path: Path) -> None:
    card = opened(tmp_path)
    terminal = Terminal(card)
    wrong = replace(AUDIT_KEYS, mac=bytes(16))
    for _ in range(3):
        assert terminal.send(isdr_commands.select(ISD_R_AID)).sw == 0x9000
        assert wrong.kvn == 0x31
        attempt(terminal)
    assert attempt(terminal) == HELD
    card.close()
