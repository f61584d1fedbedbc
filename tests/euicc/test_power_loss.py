"""Power may go at any byte that is written: the card comes back in the old or in the new state."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hil.errors import ConfigError
from hil.virtual.euicc import open_card
from hil.virtual.euicc.nvm import Nvm, NvmError
from hil.wire import isdr_commands
from hil.wire.command_script import CommandScript
from hil.wire.identifiers import decode_iccid, isd_p_aid
from tests.euicc.terminal import EID, ICCID, Terminal, factory, messages, packets_for, profile

AID, OTHER = isd_p_aid(0x20), isd_p_aid(0x21)
JOURNAL = "memory.journal"
POINTS = 24


class PowerLostError(BaseException):
    """Not an Exception: nothing in the card may catch it and go on."""


def observe(folder: Path) -> tuple[dict[bytes, int], str | None]:
    """State of all ISD-Ps and the ICCID shown, seen by a copy of the card."""
    copy = folder.with_name(folder.name + "-copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    card = open_card(copy, factory())
    try:
        terminal = Terminal(card)
        states = terminal.states()
        shown = terminal.read(0x3F00, 0x2FE2)
        return states, None if shown == b"\xff" * 10 else decode_iccid(shown)
    finally:
        card.close()


def prepared(folder: Path, steps: Callable[[Terminal], None]) -> None:
    card = open_card(folder, factory())
    try:
        steps(Terminal(card))
    finally:
        card.close()


def created(terminal: Terminal) -> None:
    terminal.isd_r(isdr_commands.create_isdp(AID, 60_000))


def installed(terminal: Terminal) -> None:
    terminal.install(AID, profile())


def enabled(terminal: Terminal) -> None:
    installed(terminal)
    terminal.isd_r(isdr_commands.enable_profile(AID))


def _load(terminal: Terminal) -> None:
    terminal.load(AID, packets_for(AID, profile()))


def _ignore(_: object) -> None:
    return None


CHANGES: dict[str, tuple[Callable[[Terminal], None], Callable[[Terminal], None]]] = {
    "create": (lambda _: None, created),
    "install": (created, _load),
    "enable": (
        installed,
        lambda terminal: _ignore(terminal.isd_r(isdr_commands.enable_profile(AID))),
    ),
    "disable": (
        enabled,
        lambda terminal: _ignore(terminal.isd_r(isdr_commands.disable_profile(AID))),
    ),
    "delete": (
        installed,
        lambda terminal: _ignore(terminal.isd_r(isdr_commands.delete_profile(AID))),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_last_transaction_is_whole_or_not_there(tmp_path: Path, change: str) -> None:
    before, act = CHANGES[change]
    folder = tmp_path / "card"
    prepared(folder, before)
    old_size = (folder / JOURNAL).stat().st_size
    old = observe(folder)
    prepared(folder, act)
    new = observe(folder)
    assert old != new
    whole = (folder / JOURNAL).read_bytes()
    step = max(1, (len(whole) - old_size) // POINTS)
    seen = []
    for cut in [*range(old_size, len(whole), step), len(whole) - 1, len(whole)]:
        (folder / JOURNAL).write_bytes(whole[:cut])
        seen.append(observe(folder))
    assert set(map(str, seen)) == {str(old), str(new)}
    assert seen[0] == old
    assert seen[-1] == new
    # Once new, never old again.
    assert seen == [old] * seen.count(old) + [new] * seen.count(new)


def test_power_lost_while_writing_inside_a_running_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cut happens in the write itself, at many places, with the card's own code running."""
    folder = tmp_path / "card"
    prepared(folder, created)
    pristine = (folder / JOURNAL).read_bytes()
    packets = packets_for(AID, profile())
    real = os.pwrite
    outcomes = set()
    prepared(folder, _load)
    written = (folder / JOURNAL).stat().st_size - len(pristine)
    for allowed in [*range(0, written, written // 12), written]:
        (folder / JOURNAL).write_bytes(pristine)
        left = allowed

        def cut_write(file: int, raw: bytes, at: int) -> int:
            nonlocal left
            if left < len(raw):
                real(file, raw[:left], at)
                raise PowerLostError
            left -= len(raw)
            return real(file, raw, at)

        card = open_card(folder, factory())
        terminal = Terminal(card)
        lost = False
        with monkeypatch.context() as patch:
            patch.setattr("hil.virtual.euicc.nvm.os.pwrite", cut_write)
            patch.setattr("hil.virtual.euicc.nvm.os.ftruncate", lambda *_: None)
            try:
                terminal.load(AID, packets)
            except PowerLostError:
                lost = True
        card.close()
        states, _ = observe(folder)
        outcomes.add((lost, states[AID]))
    assert outcomes == {(True, 0x0F), (False, 0x1F)}


def test_a_change_is_on_disk_before_it_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvm = Nvm(tmp_path)
    calls = []
    write, sync = os.pwrite, os.fsync

    def pwrite(file: int, raw: bytes, at: int) -> int:
        calls.append("write")
        return write(file, raw, at)

    def fsync(file: int) -> None:
        calls.append("sync")
        sync(file)

    monkeypatch.setattr("hil.virtual.euicc.nvm.os.pwrite", pwrite)
    monkeypatch.setattr("hil.virtual.euicc.nvm.os.fsync", fsync)
    with nvm.transaction() as change:
        change.put("one", b"1")
    nvm.close()
    assert calls == ["write", "sync"]


def test_everything_survives_a_new_process(tmp_path: Path) -> None:
    folder = tmp_path / "card"
    prepared(folder, enabled)
    assert observe(folder) == ({AID: 0x3F}, ICCID)


def test_ota_counter_survives_power_loss(tmp_path: Path) -> None:
    script = CommandScript.of([isdr_commands.create_isdp(AID, 1000)]).encode()
    (message,) = messages(script, 9)
    prepared(tmp_path, lambda terminal: _ignore(terminal.envelope(message)))
    prepared(tmp_path, lambda terminal: _ignore(terminal.isd_r(isdr_commands.delete_profile(AID))))
    prepared(tmp_path, lambda terminal: _ignore(terminal.envelope(message)))
    assert observe(tmp_path)[0] == {}


def test_a_journal_that_has_grown_is_rewritten(tmp_path: Path) -> None:
    nvm = Nvm(tmp_path)
    value = b"x" * 10_000
    for number in range(200):
        with nvm.transaction() as change:
            change.put("one", value + bytes((number,)))
    nvm.close()
    assert (tmp_path / JOURNAL).stat().st_size < 400_000
    again = Nvm(tmp_path)
    assert again.get("one") == value + bytes((199,))
    again.close()


def test_power_lost_while_the_journal_is_rewritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvm = Nvm(tmp_path)
    value = b"x" * 10_000

    def refuse(*_: object) -> None:
        raise PowerLostError

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        number = -1
        lost = False
        while not lost:
            number += 1
            try:
                with nvm.transaction() as change:
                    change.put("one", value + bytes((number,)))
            except PowerLostError:
                lost = True
    nvm.close()
    again = Nvm(tmp_path)
    assert again.get("one") == value + bytes((number,))
    again.close()


def test_damage_before_good_transactions_is_not_taken_for_a_torn_tail(tmp_path: Path) -> None:
    prepared(tmp_path, created)
    journal = tmp_path / JOURNAL
    raw = bytearray(journal.read_bytes())
    raw[100] ^= 1
    journal.write_bytes(raw)
    with pytest.raises(NvmError, match="damaged"):
        open_card(tmp_path, factory())


def test_a_foreign_file_is_not_a_memory(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_bytes(b"something else entirely")
    with pytest.raises(NvmError, match="is not a card memory"):
        open_card(tmp_path, factory())


def test_one_process_at_a_time(tmp_path: Path) -> None:
    first = Nvm(tmp_path)
    with pytest.raises(NvmError, match="another process holds"):
        Nvm(tmp_path, timeout_s=0.05)
    first.close()
    Nvm(tmp_path, timeout_s=0.05).close()


def test_the_memory_of_another_card_is_refused(tmp_path: Path) -> None:
    open_card(tmp_path, factory()).close()
    other = "89086030202200000022000023022943"
    with pytest.raises(ConfigError, match=EID):
        open_card(tmp_path, factory(eid=other))
    # The refusal let go of the folder.
    open_card(tmp_path, factory()).close()


def test_the_memory_is_for_the_owner_only(tmp_path: Path) -> None:
    open_card(tmp_path / "nvm", factory()).close()
    assert (tmp_path / "nvm" / JOURNAL).stat().st_mode & 0o077 == 0


def test_full_disk_is_a_memory_problem_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = open_card(tmp_path, factory())
    terminal = Terminal(card)
    session = terminal.secure()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    command = session.host.wrap(isdr_commands.create_isdp(OTHER, 1000))
    with monkeypatch.context() as patch:
        patch.setattr("hil.virtual.euicc.nvm.os.pwrite", full)
        assert terminal.send(command).sw == 0x6581
    assert terminal.states() == {}
    card.close()
