"""Secrets never reach the observer, everything else does, at the length that was sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.equipment.card import Card
from hil.equipment.card import commands as c
from hil.equipment.card.inprocess import InProcessTransport
from hil.observer import Exchange
from hil.wire import dgi
from hil.wire.apdu import CommandApdu
from hil.wire.redaction import Redactor, Shown
from tests.card.card_object import ScriptedObject

SECRET = bytes.fromhex("0F1E2D3C4B5A69788796A5B4C3D2E1F0")
OK = b"\x90\x00"
USIM = c.select_application(bytes.fromhex("A0000000871002FF49FF0589"))
PUBLIC, KEYS = 0x6FAD, 0x6F08
AUTHENTICATE = c.authenticate_3g(SECRET, SECRET[::-1])


class Notes:
    """Keeps every exchange."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def exchange(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    @property
    def text(self) -> str:
        return "\n".join(f"{one.direction} {one.text} {one.note}" for one in self.exchanges)


def observed(*conversation: tuple[CommandApdu, bytes], fetched: bytes = OK) -> Notes:
    """Send the commands; each gets its answer, a GET RESPONSE gets ``fetched``."""
    notes = Notes()
    answers = iter([answer for _, answer in conversation])
    script = ScriptedObject(lambda raw: fetched if raw[1] == 0xC0 else next(answers))
    with Card(InProcessTransport(script), notes) as card:
        for command, _ in conversation:
            card.send(command)
    return notes


def shows_secret(notes: Notes) -> bool:
    text = notes.text.lower().replace(" ", "")
    return SECRET.hex() in text or SECRET[::-1].hex() in text or SECRET[:8].hex() in text


@pytest.mark.parametrize(
    "command",
    [
        c.verify_pin(0x01, SECRET[:8]),
        CommandApdu(0x00, 0x24, 0x00, 0x01, SECRET),
        CommandApdu(0x00, 0x26, 0x00, 0x01, SECRET[:8]),
        CommandApdu(0x00, 0x28, 0x00, 0x01, SECRET[:8]),
        CommandApdu(0x00, 0x2C, 0x00, 0x01, SECRET),
        CommandApdu(0x01, 0x20, 0x00, 0x01, SECRET[:8]),
        CommandApdu(0x80, 0xD8, 0x00, 0x81, b"\x30\x88\x10" + SECRET, 256),
        CommandApdu(0x80, 0xE2, 0x88, 0, dgi.encode(0x8000, SECRET)),
        CommandApdu(0x80, 0xE2, 0x08, 0, dgi.encode(0x0070, b"x") + dgi.encode(0x8F01, SECRET)),
        AUTHENTICATE,
    ],
    ids=lambda command: command.header.hex(),
)
def test_secret_commands_are_blanked_at_equal_length(command: CommandApdu) -> None:
    notes = observed((command, OK))
    assert not shows_secret(notes)
    sent = notes.exchanges[1]
    assert sent.text.startswith(command.header.hex().upper())
    line = len(command.encode()) - (command.case == 4)
    assert len(bytes.fromhex(sent.text)) == line
    name, _, rest = sent.note.partition(", ")
    assert name.isupper()
    assert rest == f"data redacted ({len(command.data)} bytes)"


@pytest.mark.parametrize(
    "command",
    [
        c.select_application(SECRET),
        CommandApdu(0x80, 0xE2, 0x88, 0, dgi.encode(0x3A03, SECRET)),
        CommandApdu(0x84, 0xE2, 0x88, 0, SECRET),
        CommandApdu(0x80, 0xE2, 0x91, 0, SECRET),
    ],
    ids=["select", "DGI 3A03", "enciphered", "BER-TLV"],
)
def test_everything_else_stays_readable(command: CommandApdu) -> None:
    notes = observed((command, SECRET + OK))
    assert notes.text.count(SECRET.hex().upper()) == 2
    assert "redacted" not in notes.text


def test_a_key_that_goes_on_in_the_next_block_stays_blank() -> None:
    group = dgi.encode(0x8113, SECRET + SECRET)
    first = CommandApdu(0x80, 0xE2, 0x08, 0, group[:19])
    second = CommandApdu(0x80, 0xE2, 0x88, 1, group[19:])
    later = CommandApdu(0x80, 0xE2, 0x88, 0, dgi.encode(0x3A03, b"not secret"))
    notes = observed((first, OK), (second, OK), (later, OK))
    assert not shows_secret(notes)
    assert b"not secret".hex().upper() in notes.text


def test_the_answer_to_authenticate_is_blank_directly_and_through_get_response() -> None:
    direct = observed((AUTHENTICATE, b"\xdb\x10" + SECRET + OK))
    assert not shows_secret(direct)
    fetched = observed((AUTHENTICATE, b"\x61\x12"), fetched=b"\xdb\x10" + SECRET + OK)
    assert not shows_secret(fetched)
    assert fetched.exchanges[-1].text == "FF" * 18 + "9000"
    assert fetched.exchanges[-1].note == "data redacted (18 bytes)"


@pytest.mark.parametrize(
    "select",
    [
        [c.select_file(0x6F08)],
        [CommandApdu(0x00, 0xA4, 0x08, 0x04, bytes.fromhex("7FFF6F09"), 256)],
        [c.select_file(0x5F3B), c.select_file(0x4F20)],
    ],
    ids=["by id", "by path", "EF.Kc"],
)
def test_files_with_session_keys_are_blank(select: list[CommandApdu]) -> None:
    conversation = [(one, OK) for one in select]
    read = (c.read_binary(16), SECRET + OK)
    update = (c.update_binary(SECRET), OK)
    assert not shows_secret(observed(*conversation, read, update))


def test_a_short_file_id_selects_as_well() -> None:
    by_short_id = CommandApdu(0x00, 0xB0, 0x88, 0x00, le=16)
    assert not shows_secret(observed((USIM, OK), (by_short_id, SECRET + OK)))
    assert shows_secret(observed((by_short_id, SECRET + OK)))  # EF.UMPC of the MF


def test_contents_of_a_known_file_stay_readable() -> None:
    select = ((USIM, OK), (c.select_file(PUBLIC), OK))
    assert shows_secret(observed(*select, (c.read_binary(16), SECRET + OK)))
    assert shows_secret(observed(*select, (c.update_binary(SECRET), OK)))


def test_each_channel_has_its_own_file() -> None:
    there = c.select_application(bytes.fromhex("A0000000871002"), channel=1)
    opened = (
        (CommandApdu(0, 0x70, 0, 0, le=1), b"\x01" + OK),
        (USIM, OK),
        (there, OK),
        (c.select_file(KEYS, channel=1), OK),
        (c.select_file(PUBLIC), OK),
    )
    assert shows_secret(observed(*opened, (c.read_binary(16), SECRET + OK)))
    assert not shows_secret(observed(*opened, (c.read_binary(16, channel=1), SECRET + OK)))


def test_a_failed_select_changes_nothing_and_a_reset_everything() -> None:
    def hidden(*conversation: tuple[CommandApdu, bytes]) -> bool:
        return not shows_secret(observed(*conversation, (c.read_binary(16), SECRET + OK)))

    not_found = b"\x6a\x82"
    assert hidden((USIM, OK), (c.select_file(KEYS), OK), (c.select_file(PUBLIC), not_found))
    assert not hidden((USIM, OK), (c.select_file(PUBLIC), OK), (c.select_file(KEYS), not_found))
    redactor = Redactor()
    conversation = [USIM.encode(), c.select_file(PUBLIC).encode(), c.read_binary(16).encode()]
    answers = [OK, OK, SECRET + OK]
    shown = Shown(b"")
    for command, answer in zip(conversation, answers, strict=True):
        redactor.command(command)
        shown = redactor.answer(command, answer)
    assert shown.raw == SECRET + OK
    redactor.reset()
    redactor.command(conversation[-1])
    assert redactor.answer(conversation[-1], SECRET + OK) == Shown(b"\xff" * 16 + OK, 16)


def test_status_words_come_with_their_names() -> None:
    notes = observed((c.select_file(0x6F07), b"\x6a\x82"))
    assert notes.exchanges[0].note == "ATR after power on"
    assert notes.exchanges[1].note == "SELECT"
    assert notes.exchanges[-1].text == "6A82"
    assert notes.exchanges[-1].note == "6A82 file or application not found"
    assert {one.link for one in notes.exchanges} == {"apdu"}
    assert {one.equipment for one in notes.exchanges} == {"card"}


@given(st.lists(st.tuples(st.binary(min_size=4, max_size=300), st.binary(min_size=2, max_size=50))))
def test_any_conversation_keeps_its_lengths(conversation: list[tuple[bytes, bytes]]) -> None:
    redactor = Redactor()
    for command, answer in conversation:
        shown = redactor.command(command)
        assert len(shown.raw) == len(command)
        assert shown.raw[:4] == command[:4]
        assert bool(shown.blanks) or shown.raw == command
        shown = redactor.answer(command, answer)
        assert len(shown.raw) == len(answer)
        assert shown.raw[-2:] == answer[-2:]
