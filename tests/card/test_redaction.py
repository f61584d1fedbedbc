"""Secrets never reach the observer, everything else does, at the length that was sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.equipment.card import Card
from hil.equipment.card import commands as c
from hil.equipment.card.inprocess import InProcessTransport
from hil.equipment.card.redaction import Redactor
from hil.observer import Exchange
from hil.wire import dgi
from hil.wire.apdu import CommandApdu
from tests.card.card_object import ScriptedObject

SECRET = bytes.fromhex("0F1E2D3C4B5A69788796A5B4C3D2E1F0")
OK = b"\x90\x00"
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
        c.update_binary(SECRET),
    ],
    ids=["select", "DGI 3A03", "enciphered", "BER-TLV", "update"],
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
    assert not shows_secret(observed((by_short_id, SECRET + OK)))


def test_each_channel_has_its_own_file() -> None:
    secret_there = c.select_file(0x6F08, channel=1)
    public_here = c.select_file(0x6F07)
    here = observed((secret_there, OK), (public_here, OK), (c.read_binary(16), SECRET + OK))
    assert shows_secret(here)
    there = observed(
        (secret_there, OK), (public_here, OK), (c.read_binary(16, channel=1), SECRET + OK)
    )
    assert not shows_secret(there)


def test_a_failed_select_changes_nothing_and_a_reset_everything() -> None:
    kept = observed(
        (c.select_file(0x6F08), OK),
        (c.select_file(0x6F07), b"\x6a\x82"),
        (c.read_binary(16), SECRET + OK),
    )
    assert not shows_secret(kept)
    redactor = Redactor()
    read = c.read_binary(16).encode()
    redactor.command(c.select_file(0x6F08).encode())
    redactor.answer(c.select_file(0x6F08).encode(), OK)
    assert redactor.command(read) == (read, 0)
    assert redactor.answer(read, SECRET + OK)[1] == 16
    redactor.reset()
    redactor.command(read)
    assert redactor.answer(read, SECRET + OK)[1] == 0


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
        shown, blanks = redactor.command(command)
        assert len(shown) == len(command)
        assert shown[:4] == command[:4]
        assert bool(blanks) or shown == command
        shown, _ = redactor.answer(command, answer)
        assert len(shown) == len(answer)
        assert shown[-2:] == answer[-2:]
