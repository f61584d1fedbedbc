from __future__ import annotations

import pytest

from hil.errors import CodecError
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.identifiers import ISD_R_AID, isd_p_aid
from hil.wire.install_script import InstallScript, prepare_install, store_data_blocks
from hil.wire.isdr_commands import create_isdp, delete_profile, disable_profile, get_status
from hil.wire.scp03 import CardSession, KeySet, card_challenge, parse_initialize_update
from hil.wire.script_step import ScriptStep

KEYS = KeySet(0x30, enc=bytes(range(16)), mac=bytes(range(16, 32)), dek=bytes(range(32, 48)))
AID = isd_p_aid(0x10)
CHALLENGE = bytes.fromhex("0102030405060708")


def _script(*, enable: bool = True, counter: int = 7) -> InstallScript:
    return prepare_install(KEYS, counter, CHALLENGE, isdp_aid=AID, memory=60_000, enable=enable)


def _card_answers(steps: tuple[ScriptStep, ...], counter: int) -> list[tuple[CommandApdu, str]]:
    """Play SELECT, INITIALIZE UPDATE, EXTERNAL AUTHENTICATE, one command against the card's end."""
    opening, authenticate, secured = (CommandApdu.decode(step.command) for step in steps[1:4])
    session = CardSession(
        KEYS,
        parse_initialize_update(opening),
        challenge=card_challenge(KEYS, counter, ISD_R_AID),
        counter=counter,
    )
    assert steps[1].mismatch(session.answer()) is None
    assert steps[2].mismatch(session.authenticate(authenticate)) is None
    plain = session.unwrap(secured)
    data = b"\x00" if plain.ins == 0xE6 else b""
    return [(plain, steps[3].mismatch(session.wrap(ResponseApdu(data, 0x9000))) or "fits")]


def test_card_with_these_keys_and_counter_answers_as_prepared() -> None:
    script = _script()
    [(create, verdict)] = _card_answers(script.before, 7)
    assert verdict == "fits"
    assert create.encode().hex().upper() == (
        "80E60C0045"
        "10A0000005591010FFFFFFFF8900000D00"
        "10A0000005591010FFFFFFFF8900000E00"
        "10A0000005591010FFFFFFFF8900001000"
        "0380C000"
        "0CC90481020370EF048302EA60"
        "00"
        "00"
    )
    [(enable, verdict)] = _card_answers(script.after, 8)
    assert verdict == "fits"
    assert enable.encode().hex().upper() == (
        "80E28800153A03124F10A0000005591010FFFFFFFF890000100000"
    )


@pytest.mark.parametrize(
    ("memory", "parameters"),
    [
        (0, "06C90481020370"),
        (5, "0CC90481020370EF0483020005"),
        (0x12345, "0DC90481020370EF058303012345"),
        (0xFFFFFFFF, "0EC90481020370EF068304FFFFFFFF"),
    ],
)
def test_memory_to_grant_is_coded_in_two_to_four_bytes(memory: int, parameters: str) -> None:
    assert create_isdp(AID, memory).data.hex().upper().endswith(f"0380C000{parameters}00")


def test_impossible_memory_is_refused() -> None:
    for memory in (-1, 1 << 32):
        with pytest.raises(CodecError):
            create_isdp(AID, memory)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (disable_profile(AID), f"80E28800153A04124F10{AID.hex()}00"),
        (delete_profile(AID), f"80E40040124F10{AID.hex()}00"),
        (get_status(AID), f"80F24002124F10{AID.hex()}00"),
        (get_status(), "80F24002024F0000"),
    ],
)
def test_other_commands_of_the_isdr(command: CommandApdu, expected: str) -> None:
    assert command.encode() == bytes.fromhex(expected)


def test_steps_come_in_their_order() -> None:
    script = _script()
    headers = [step.command[:4].hex() for step in script.before + script.after]
    assert headers == [
        "00a40400",
        "80503000",
        "84823300",
        "84e60c00",
        "00a40400",
        "00a40400",
        "80503000",
        "84823300",
        "84e28800",
    ]
    assert ISD_R_AID in script.before[0].command
    assert AID in script.before[4].command
    assert script.before[2].expected == b""
    assert script.sessions == 2


def test_installing_only_has_no_second_session() -> None:
    script = _script(enable=False)
    assert script.after == ()
    assert script.sessions == 1
    assert script.before == _script().before


def test_stale_counter_shows_at_initialize_update() -> None:
    fresh = _script(counter=8).before[1]
    prepared = _script(counter=7).before[1]
    assert fresh.command == prepared.command
    assert fresh.expected is not None
    assert prepared.mismatch(ResponseApdu(fresh.expected, 0x9000)) == (
        "answer differs from the prepared one at byte 13"
    )


def test_proactive_status_word_counts_as_success_elsewhere_it_does_not() -> None:
    step = ScriptStep(bytes.fromhex("00A40400"), b"")
    assert step.mismatch(ResponseApdu(b"", 0x9112)) is None
    assert step.mismatch(ResponseApdu(b"", 0x6A82)) == "status word 6A82 instead of 9000"
    assert step.mismatch(ResponseApdu(b"\x01", 0x9000)) == "1 answer bytes instead of 0"
    tries = ScriptStep(bytes.fromhex("00200001"), None, "63CX")
    assert tries.accepts_sw(0x63C2)
    assert not tries.accepts_sw(0x9112)


@pytest.mark.parametrize("rule", ["", "900", "90000", "X900", "ZZZZ", "90x0"])
def test_wrong_status_word_rule_is_refused(rule: str) -> None:
    with pytest.raises(CodecError):
        ScriptStep(bytes(4), None, rule)


@pytest.mark.parametrize("length", [1, 255, 256, 1024])
def test_store_data_blocks_join_to_the_tlv(length: int) -> None:
    whole = bytes(range(256)) * 4
    blocks = store_data_blocks(whole[:length])
    assert b"".join(block.data for block in blocks) == whole[:length]
    assert [block.p2 for block in blocks] == list(range(len(blocks)))
    assert {block.p1 for block in blocks[:-1]} <= {0x11}
    assert (blocks[-1].p1, blocks[-1].le) == (0x91, 256)


def test_impossible_blocks_are_refused() -> None:
    for command, size in ((b"", 255), (bytes(10), 0), (bytes(10), 256), (bytes(257), 1)):
        with pytest.raises(CodecError):
            store_data_blocks(command, size=size)
