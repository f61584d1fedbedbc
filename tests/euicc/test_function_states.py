"""Each function in each state of the ISD-P it names: done, or refused as it should be."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hil.virtual.euicc import open_card
from hil.virtual.euicc.nvm import Nvm
from hil.wire import cat_events, isdr_commands
from hil.wire.apdu import CommandApdu
from hil.wire.download import prepare_packets
from hil.wire.gp_certificate import Role
from hil.wire.identifiers import isd_p_aid, luhn_digit
from hil.wire.key_establishment import Reference
from hil.wire.put_key import put_key
from hil.wire.sms import Address
from tests.euicc.pki import Partner, ecasd
from tests.euicc.terminal import Terminal, factory, profile
from tests.euicc.test_local_profiles import ENABLE_TEST, local

STATES = {
    "absent": isd_p_aid(0x99),
    "SELECTABLE": isd_p_aid(0x20),
    "PERSONALIZED": isd_p_aid(0x21),
    "DISABLED": isd_p_aid(0x22),
    "ENABLED": isd_p_aid(0x23),
    "fall-back": isd_p_aid(0x10),
}
TOKEN_KEY = bytes(range(16))


def made() -> dict[str, object]:
    bootstrap = profile(iccid="8900100000000000033", profile_class="provisioning")
    return factory(
        isd_p_base=None, ecasd=ecasd(), bootstrap_profile=bootstrap.hex(), fallback_after_s=0
    )


def agree(terminal: Terminal, aid: bytes) -> None:
    session = terminal.secure()
    assert session.send(isdr_commands.create_isdp(aid, 60_000)).sw == 0x9000
    assert session.send(isdr_commands.install_for_personalization(aid)).sw == 0x9000
    keys = Partner(session.send).establish(Reference(0x30)).key_set(0x30)
    if aid == STATES["PERSONALIZED"]:
        return
    digits = f"89001000000000{aid[14]:04d}"
    package = profile(iccid=digits + luhn_digit(digits), pol=b"\x04")
    packets = prepare_packets(package, keys, aid, 1, b"\xa5" * 8)[0]
    assert terminal.load(aid, packets) == [one.expected for one in packets]
    inside = terminal.secure(keys, aid)
    assert inside.send(put_key(0x70, [TOKEN_KEY], keys.dek)).sw == 0x9000


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The memory of a card that has an ISD-P in each state."""
    folder = tmp_path_factory.mktemp("states") / "card"
    card = open_card(folder, made())
    terminal = Terminal(card)
    assert terminal.isd_r(isdr_commands.create_isdp(STATES["SELECTABLE"], 1000)).sw == 0x9000
    for name in ("PERSONALIZED", "DISABLED", "ENABLED"):
        agree(terminal, STATES[name])
    terminal.isd_r(isdr_commands.enable_profile(STATES["ENABLED"]))
    card.close()
    return folder


@pytest.fixture
def terminal(prepared: Path, tmp_path: Path) -> Iterator[Terminal]:
    shutil.copytree(prepared, tmp_path / "card")
    card = open_card(tmp_path / "card", made())
    yield Terminal(card)
    card.close()


def certificate(terminal: Terminal, aid: bytes) -> int:
    session = terminal.secure()
    named = session.send(isdr_commands.install_for_personalization(aid)).sw
    return named if named != 0x9000 else Partner(session.send).show_certificate().sw


def set_status(terminal: Terminal, aid: bytes) -> int:
    return terminal.isd_r(CommandApdu(0x80, 0xF0, 0x40, 0x1F, aid, 256)).sw


def ordered(command: Callable[[bytes], CommandApdu]) -> Callable[[Terminal, bytes], int]:
    return lambda terminal, aid: terminal.isd_r(command(aid)).sw


DONE, NOT_FOUND, STATE = 0x9000, 0x6A88, 0x6985
FUNCTIONS: dict[str, tuple[Callable[[Terminal, bytes], int], list[int]]] = {
    # in the order of STATES: absent, SELECTABLE, PERSONALIZED, DISABLED, ENABLED, fall-back
    "CreateISDP": (ordered(isdr_commands.create_isdp), [DONE, *[STATE] * 5]),
    "INSTALL [for personalization]": (
        ordered(isdr_commands.install_for_personalization),
        [NOT_FOUND, *[DONE] * 5],
    ),
    "EstablishISDPKeySet": (certificate, [NOT_FOUND, DONE, DONE, STATE, STATE, STATE]),
    "EnableProfile": (
        ordered(isdr_commands.enable_profile),
        [NOT_FOUND, STATE, STATE, DONE, STATE, DONE],
    ),
    "DisableProfile": (
        ordered(isdr_commands.disable_profile),
        [NOT_FOUND, STATE, STATE, STATE, DONE, STATE],
    ),
    "DeleteProfile": (
        ordered(isdr_commands.delete_profile),
        [NOT_FOUND, DONE, DONE, DONE, STATE, STATE],
    ),
    "MasterDelete": (
        ordered(lambda aid: isdr_commands.master_delete(aid, TOKEN_KEY)),
        [NOT_FOUND, STATE, STATE, DONE, STATE, STATE],
    ),
    "MasterDelete, wrong token": (
        ordered(lambda aid: isdr_commands.master_delete(aid, bytes(16))),
        [NOT_FOUND, STATE, STATE, 0x6982, STATE, STATE],
    ),
    "SetFallbackAttribute": (
        ordered(isdr_commands.set_fallback),
        [NOT_FOUND, STATE, STATE, DONE, DONE, DONE],
    ),
    "emergency attribute": (
        ordered(isdr_commands.set_emergency),
        [NOT_FOUND, STATE, STATE, DONE, DONE, STATE],
    ),
    "GetStatus": (ordered(isdr_commands.get_status), [NOT_FOUND, *[DONE] * 5]),
    "SET STATUS": (set_status, [NOT_FOUND, *[STATE] * 5]),
    "SELECT": (lambda terminal, aid: terminal.select(aid).sw, [0x6A82, *[DONE] * 5]),
    "LocalEnableTestProfile": (
        lambda terminal, aid: local(terminal, ENABLE_TEST, aid),
        [NOT_FOUND, NOT_FOUND, NOT_FOUND, DONE, STATE, NOT_FOUND],
    ),
}
ROWS = [
    pytest.param(name, state, sw, id=f"{name}-{state}-{sw:04X}")
    for name, (_, expected) in FUNCTIONS.items()
    for state, sw in zip(STATES, expected, strict=True)
]


@pytest.mark.parametrize(("name", "state", "sw"), ROWS)
def test_status_word(terminal: Terminal, name: str, state: str, sw: int) -> None:
    before = terminal.states()
    found = FUNCTIONS[name][0](terminal, STATES[state])
    assert f"{found:04X}" == f"{sw:04X}"
    if sw != DONE:
        assert terminal.states() == before


# Tear safety: what a function does, it does in one transaction.


def effects(folder: Path) -> dict[str, bytes]:
    """Return what the card remembers, but for the counters that guard what it does."""
    nvm = Nvm(folder)
    try:
        everything = nvm.keys("")
        guards = ("counter/", "failures/")
        return {key: nvm.get(key) or b"" for key in everything if not key.startswith(guards)}
    finally:
        nvm.close()


def handover(terminal: Terminal) -> None:
    Partner(terminal.secure().send, Role.SM_SR).establish(Reference(0x02))


def finalised(terminal: Terminal) -> None:
    handover(terminal)
    kept = (isdr_commands.KeyRange(2), isdr_commands.KeyRange(0x30))
    assert terminal.isd_r(isdr_commands.finalise_handover(*kept)).sw == DONE


def established(terminal: Terminal) -> None:
    session = terminal.secure()
    session.send(isdr_commands.install_for_personalization(STATES["SELECTABLE"]))
    Partner(session.send).establish(Reference(0x30))


def fallen_back(terminal: Terminal) -> None:
    for _ in range(2):
        terminal.send(cat_events.location_status(2))


def locally_enabled(terminal: Terminal) -> None:
    assert local(terminal, ENABLE_TEST, STATES["DISABLED"]) == DONE


def sent(command: CommandApdu) -> Callable[[Terminal], None]:
    def act(terminal: Terminal) -> None:
        assert terminal.isd_r(command).sw == DONE

    return act


TRANSACTIONS: dict[str, tuple[Callable[[Terminal], None], int]] = {
    # what is done, and in how many steps a reader of the memory may see it
    "EnableProfile": (sent(isdr_commands.enable_profile(STATES["DISABLED"])), 1),
    "DisableProfile": (sent(isdr_commands.disable_profile(STATES["ENABLED"])), 1),
    "MasterDelete": (sent(isdr_commands.master_delete(STATES["DISABLED"], TOKEN_KEY)), 1),
    "SetFallbackAttribute": (sent(isdr_commands.set_fallback(STATES["DISABLED"])), 1),
    "emergency attribute": (sent(isdr_commands.set_emergency(STATES["DISABLED"])), 1),
    "UpdateSMSRAddressingParameters": (sent(isdr_commands.update_addressing(Address("12"))), 1),
    "EstablishISDPKeySet": (established, 1),
    "EstablishISDRKeySet": (handover, 1),
    "EstablishISDRKeySet and FinaliseISDRhandover": (finalised, 2),
    "fall-back": (fallen_back, 1),
    "LocalEnableTestProfile": (
        locally_enabled,
        1,
    ),
}


@pytest.mark.parametrize("name", TRANSACTIONS)
def test_power_lost_at_any_byte_leaves_the_old_or_the_new_state(
    prepared: Path, tmp_path: Path, name: str
) -> None:
    act, steps = TRANSACTIONS[name]
    folder = tmp_path / "card"
    shutil.copytree(prepared, folder)
    journal = folder / "memory.journal"
    size = journal.stat().st_size
    old = effects(folder)
    card = open_card(folder, made())
    act(Terminal(card))
    card.close()
    whole = journal.read_bytes()
    assert len(whole) > size, "the journal was rewritten: cut it elsewhere"
    seen = [old]
    for cut in [*range(size, len(whole), 7), len(whole)]:
        journal.write_bytes(whole[:cut])
        now = effects(folder)
        if now != seen[-1]:
            seen.append(now)
    assert len(seen) == steps + 1
    open_card(folder, made()).close()
