"""By image and over the air the same packets lead to the same card, whatever the profile (R-21).

Both cards are new from the same factory. Compared is the whole non-volatile memory: all files with
FCP and content, PINs with their tries and states, keys, applications, registry. Only what belongs
to the way may differ, and is named here. For some packages, what the card shows is compared too.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from hil.equipment.card.card import Card
from hil.equipment.card.card_state import CardState, read_card_state
from hil.equipment.card.inprocess import InProcessTransport
from hil.virtual.euicc import VirtualCard, open_card
from hil.wire import cat, isdr_commands, scp80, sms, tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.command_script import CommandScript, ResponseScript
from hil.wire.identifiers import ISD_R_AID, ISD_R_TAR, isd_p_aid, tar_of
from hil.wire.install_script import prepare_install, store_data_blocks
from hil.wire.profile_package.checks import check
from hil.wire.profile_package.variety import varied
from hil.wire.scp80 import SecurityParameters
from hil.wire.tlv import Tlv
from tests.euicc.terminal import (
    IMAGE_KEYS,
    OTA_KEYS,
    Terminal,
    factory,
    messages,
    packets_for,
)

AID = isd_p_aid(0x10)
MEMORY = 60_000
SEEDS = range(100)
SHOWN = range(0, 100, 10)
"""Of these packages what the card shows is read and compared as well."""

OF_THE_WAY = frozenset(
    {f"counter/{ISD_R_AID.hex()}/{kvn:02x}" for kvn in (OTA_KEYS.kvn, IMAGE_KEYS.kvn)}
)
"""The ISD-R's counters: SCP80 moves with messages, SCP03 with the sessions of an image."""

Way = Callable[[VirtualCard, bytes], None]


def by_image(card: VirtualCard, package: bytes) -> None:
    terminal = Terminal(card)
    script = prepare_install(IMAGE_KEYS, 1, b"\xc3" * 8, isdp_aid=AID, memory=MEMORY, enable=True)
    _play(terminal, [(step.command, step.mismatch) for step in script.before])
    for packet in packets_for(AID, package):
        answer = ResponseApdu(b"", 0)
        for block in store_data_blocks(packet.command):
            answer = terminal.send(block)
        assert answer.data == packet.expected
    _play(terminal, [(step.command, step.mismatch) for step in script.after])


def _play(
    terminal: Terminal, steps: list[tuple[bytes, Callable[[ResponseApdu], str | None]]]
) -> None:
    for command, mismatch in steps:
        assert mismatch(terminal.send(CommandApdu.decode(command))) is None


def by_air(card: VirtualCard, package: bytes) -> None:
    terminal = Terminal(card)
    terminal.send(cat.terminal_profile(b"\xff" * 20))
    counter = itertools.count(1)

    def script(content: bytes, tar: bytes) -> ResponseScript:
        number = next(counter)
        tpdus = messages(content, number, tar=tar, reference=number % 256)
        sw = [terminal.envelope(tpdu).sw for tpdu in tpdus][-1]
        return _receipt(terminal, sw, tar)

    created = script(CommandScript.of([isdr_commands.create_isdp(AID, MEMORY)]).encode(), ISD_R_TAR)
    assert [answer.sw for answer in created.answers] == [0x9000]
    for packet in packets_for(AID, package):
        item, _ = tlv.decode_one(packet.command)
        content = CommandScript((Tlv(item.tag, item.value),)).encode()
        (answer,) = script(content, tar_of(AID)).items
        assert answer.encode() == packet.expected
    enabled = script(CommandScript.of([isdr_commands.enable_profile(AID)]).encode(), ISD_R_TAR)
    assert [answer.sw for answer in enabled.answers] == [0x9000]


def _receipt(terminal: Terminal, sw: int, tar: bytes) -> ResponseScript:
    """Fetch everything that waits; return the response script of the proof of receipt."""
    parts = sms.Reassembler()
    found: ResponseScript | None = None
    while sw >> 8 == 0x91:
        command = terminal.fetch(sw)
        sw = terminal.done(command)
        if command.kind != cat.CommandType.SEND_SHORT_MESSAGE:
            continue
        whole = parts.add("", sms.SmsSubmit.decode(command.tpdu).user_data, now_s=0)
        if whole is not None:
            parameters = SecurityParameters(scp80.SGP02_SPI, tar)
            packet = scp80.unwrap_response(whole.payload, parameters, OTA_KEYS)
            assert packet.status == scp80.ResponseStatus.OK
            found = ResponseScript.decode(packet.data)
    assert found is not None, "no proof of receipt"
    return found


def memory(card: VirtualCard) -> dict[str, bytes]:
    """Return everything in non-volatile memory, by name."""
    nvm = card._persistent.nvm
    return {name: nvm.get(name) or b"" for name in nvm.keys(prefix="")}


def shown(card: VirtualCard) -> CardState:
    with Card(InProcessTransport(card)) as opened:
        return read_card_state(opened)


def compare(folder: Path, package: bytes, *, show: bool) -> None:
    memories: list[dict[str, bytes]] = []
    states: list[CardState] = []
    for way in (by_image, by_air):
        card = open_card(folder / way.__name__, factory())
        try:
            card.power_on()
            way(card, package)
            card.reset()
            memories.append(memory(card))
            if show:
                states.append(shown(card))
        finally:
            card.close()
    image, air = memories
    differing = {name for name in image.keys() | air.keys() if image.get(name) != air.get(name)}
    assert differing == OF_THE_WAY
    of_profile = [len(value) for name, value in image.items() if AID.hex() in name]
    assert sum(of_profile) > len(package) // 2, "the profile is in the memory that was compared"
    if show:
        assert states[0].differences(states[1]) == []
        assert len(states[0].files) > 30


@pytest.mark.parametrize("seed", SEEDS)
def test_generated_profiles(tmp_path: Path, seed: int) -> None:
    package = varied(seed).package
    assert check(package) == ()
    compare(tmp_path, package, show=seed in SHOWN)


def test_gsma_test_profiles(tmp_path: Path, ts48_packages: dict[str, bytes]) -> None:
    for name, package in ts48_packages.items():
        compare(tmp_path / name, package, show=True)
