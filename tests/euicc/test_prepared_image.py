"""What an image does at boot: scripts and packets written with the card absent, played blindly."""

from __future__ import annotations

import pytest

from hil.virtual.euicc import VirtualCard
from hil.wire import cat
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.identifiers import decode_iccid, isd_p_aid
from hil.wire.install_script import InstallScript, ScriptStep, prepare_install, store_data_blocks
from tests.euicc.terminal import ICCID, IMAGE_KEYS, Terminal, packets_for

AID = isd_p_aid(0x10)
CHALLENGE = b"\xc3" * 8


def script(counter: int = 1) -> InstallScript:
    return prepare_install(IMAGE_KEYS, counter, CHALLENGE, isdp_aid=AID, memory=60_000, enable=True)


def play(terminal: Terminal, steps: tuple[ScriptStep, ...]) -> str | None:
    """Play steps; return the first mismatch, before which the script stops."""
    for step in steps:
        answer = terminal.send(CommandApdu.decode(step.command))
        mismatch = step.mismatch(answer)
        if mismatch is not None:
            return mismatch
    return None


@pytest.mark.parametrize("toolkit", [False, True])
def test_image_installs_and_enables(
    terminal: Terminal, card: VirtualCard, package: bytes, toolkit: bool
) -> None:
    if toolkit:
        terminal.send(cat.terminal_profile(b"\xff"))
    image = script()
    assert play(terminal, image.before) is None
    for packet in packets_for(AID, package):
        answer = ResponseApdu(b"", 0)
        for block in store_data_blocks(packet.command):
            answer = terminal.send(block)
        assert answer.data == packet.expected
    assert play(terminal, image.after) is None
    card.reset()
    assert decode_iccid(terminal.read(0x3F00, 0x2FE2)) == ICCID


def test_a_stale_image_changes_nothing(terminal: Terminal) -> None:
    terminal.secure(IMAGE_KEYS)
    mismatch = play(terminal, script(counter=1).before)
    assert mismatch is not None
    assert "differs" in mismatch
    assert terminal.states() == {}
    assert play(terminal, script(counter=2).before) is None


def test_looking_at_the_card_makes_no_image_stale(terminal: Terminal) -> None:
    for _ in range(5):
        assert terminal.states() == {}
    assert play(terminal, script(counter=1).before) is None


def test_an_image_is_good_once(terminal: Terminal) -> None:
    assert play(terminal, script().before) is None
    assert play(terminal, script().before) is not None
