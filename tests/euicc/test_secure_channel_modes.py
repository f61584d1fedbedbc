"""The card's key sets with other parameters i: all lengths of keys, S16 mode, random challenges."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hil.errors import ConfigError
from hil.virtual.euicc import VirtualCard, open_card
from hil.wire import isdr_commands
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.download import decipher_packets, last_response, prepare_packets
from hil.wire.identifiers import ISD_R_AID, isd_p_aid
from hil.wire.isdp_keys import derive
from hil.wire.profile_package.response import response_to
from hil.wire.scp03 import HostSession, KeySet
from hil.wire.scp03_channel import LEVELS, size_of
from hil.wire.scp03t import TlvHostSession
from tests.euicc.terminal import Terminal, factory

AID = isd_p_aid(0x20)
OPTIONS = [0x00, 0x10, 0x20, 0x30, 0x60, 0x70, 0x01, 0x11, 0x21, 0x31, 0x61, 0x71, 0x78]


def keys(bits: int, option: int, kvn: int = 0x31) -> KeySet:
    size = bits // 8
    return KeySet(kvn, b"\x0a" * size, b"\x0b" * size, b"\x0c" * size, option)


def row(one: KeySet) -> dict[str, object]:
    return {
        "kvn": one.kvn,
        "enc": one.enc.hex(),
        "mac": one.mac.hex(),
        "dek": one.dek.hex(),
        "i": one.option,
    }


@contextmanager
def card_of(folder: Path, *sets: KeySet, base: KeySet | None = None) -> Iterator[VirtualCard]:
    content = factory(isd_p_base=None if base is None else row(base))
    content["isd_r"]["scp03"] = [row(one) for one in sets]  # type: ignore[index]
    card = open_card(folder / "nvm", content)
    card.power_on()
    try:
        yield card
    finally:
        card.close()


def begin(terminal: Terminal, one: KeySet, *, kvn: int | None = None) -> HostSession:
    assert terminal.send(isdr_commands.select(ISD_R_AID)).sw == 0x9000
    asked = one if kvn is None else KeySet(kvn, one.enc, one.mac, one.dek)
    host = HostSession(asked, bytes(range(size_of(one.option))))
    host.open(terminal.send(host.initialize_update()), aid=ISD_R_AID)
    return host


@pytest.mark.parametrize("option", OPTIONS, ids=lambda one: f"i{one:02X}")
@pytest.mark.parametrize("bits", [128, 192, 256])
def test_a_key_set_serves_the_levels_of_its_parameter(
    tmp_path: Path, bits: int, option: int
) -> None:
    one = keys(bits, option)
    with card_of(tmp_path, one) as card:
        terminal = Terminal(card)
        for level in sorted(LEVELS):
            host = begin(terminal, one)
            assert host.answer.option == option
            assert (host.answer.counter is None) == (not option & 0x10)
            if (level & 0x10 and not option & 0x20) or (level & 0x20 and not option & 0x40):
                header = CommandApdu(0x84, 0x82, level, 0, bytes(2 * size_of(option)))
                assert terminal.send(header).sw == 0x6A86
                continue
            assert terminal.send(host.external_authenticate(level)).sw == 0x9000
            audit = CommandApdu(0x80, 0xCA, 0x00, 0xE0, le=256)
            answer = host.unwrap(terminal.send(host.wrap(audit)))
            assert answer.sw == 0x9000
            assert bytes((0xC0, 0x04, 0x01, 0x31, 0x88, bits // 8)) in answer.data


def test_random_challenges_differ_and_move_no_counter(tmp_path: Path) -> None:
    random, pseudo = keys(128, 0x60, 0x31), keys(128, 0x70, 0x32)
    with card_of(tmp_path, random, pseudo) as card:
        terminal = Terminal(card)
        seen = set()
        for _ in range(8):
            host = begin(terminal, random)
            seen.add(host.answer.card_challenge)
            assert terminal.send(host.external_authenticate()).sw == 0x9000
        assert len(seen) == 8
        assert begin(terminal, pseudo).answer.counter == 1


def test_kvn_00_is_the_first_set_with_its_own_parameter(tmp_path: Path) -> None:
    first, second = keys(256, 0x71, 0x31), keys(128, 0x60, 0x32)
    with card_of(tmp_path, second, first) as card:
        terminal = Terminal(card)
        host = begin(terminal, first, kvn=0)
        assert (host.answer.kvn, host.answer.option) == (0x31, 0x71)
        assert terminal.send(host.external_authenticate()).sw == 0x9000


def test_lengths_of_the_other_mode_are_refused(tmp_path: Path) -> None:
    short, long = keys(128, 0x70, 0x30), keys(128, 0x71, 0x31)
    with card_of(tmp_path, short, long) as card:
        terminal = Terminal(card)
        terminal.select(ISD_R_AID)
        assert terminal.raw("8050300010" + "00" * 16 + "00") == "6700"
        assert terminal.raw("8050310008" + "00" * 8 + "00") == "6700"
        assert terminal.raw("805031000C" + "00" * 12 + "00") == "6700"
        begin(terminal, long)
        assert terminal.raw("8482330010" + "00" * 16) == "6700"
        begin(terminal, long)
        assert terminal.raw("8482330020" + "00" * 32) == "6300"
        assert terminal.raw("8482330020" + "00" * 32) == "6985"


def test_the_parameter_survives_and_goes_with_its_set(tmp_path: Path) -> None:
    one = keys(192, 0x61)
    with card_of(tmp_path, one):
        pass
    with card_of(tmp_path, keys(192, 0x70)) as card:
        assert begin(Terminal(card), one).answer.option == 0x61


@pytest.mark.parametrize("wrong", [0x40, 0x02, 0x80, -1, "70"])
def test_a_parameter_that_no_card_can_have_is_named(tmp_path: Path, wrong: object) -> None:
    content = factory()
    content["isd_r"]["scp03"][0]["i"] = wrong  # type: ignore[index]
    with pytest.raises(ConfigError, match=r"isd_r\.scp03"):
        open_card(tmp_path, content)


def created(terminal: Terminal, audit: KeySet) -> None:
    host = begin(terminal, audit)
    assert terminal.send(host.external_authenticate()).sw == 0x9000
    command = isdr_commands.create_isdp(AID, 100_000)
    assert host.unwrap(terminal.send(host.wrap(command))) == ResponseApdu(b"\x00", 0x9000)


@pytest.mark.parametrize("bits", [128, 192, 256])
def test_a_profile_comes_through_scp03t_in_s16_mode(
    tmp_path: Path, bits: int, package: bytes
) -> None:
    audit, base = keys(128, 0x70), keys(bits, 0x71, 0x30)
    with card_of(tmp_path, audit, base=base) as card:
        terminal = Terminal(card)
        created(terminal, audit)
        packets, s_enc = prepare_packets(package, derive(base, AID), AID, 1, b"\xa5" * 16)
        answers = terminal.load(AID, packets)
        assert answers == [one.expected for one in packets]
        assert decipher_packets(packets, s_enc) == package
        assert last_response(packets, s_enc, answers[-1]) == response_to(package)


def test_scp03t_with_a_random_challenge(tmp_path: Path) -> None:
    audit, base = keys(128, 0x70), keys(128, 0x60, 0x30)
    with card_of(tmp_path, audit, base=base) as card:
        terminal = Terminal(card)
        created(terminal, audit)
        assert terminal.send(isdr_commands.select(AID)).sw == 0x9000
        host = TlvHostSession(derive(base, AID), bytes(8))
        host.open(store(terminal, host.initialize_update()), aid=AID)
        assert host.answer.counter is None
        assert host.unwrap(store(terminal, host.external_authenticate())) == b""


def store(terminal: Terminal, raw: bytes) -> bytes:
    answer = terminal.send(CommandApdu(0x80, 0xE2, 0x91, 0, raw, 256))
    assert answer.sw == 0x9000
    return answer.data
