"""Our decoder names what goes to a card and comes back; any bytes give a line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.report.apdu_words import ApduWords
from hil.report.exchanges import ApduExchange, Step
from hil.report.joined import Joined, joined
from hil.report.transcript import Transcript
from hil.wire import cat
from hil.wire.identifiers import isd_p_aid
from hil.wire.notification import Notification
from hil.wire.scp80 import OtaKeySet, SecurityParameters, wrap_command
from hil.wire.sms_address import Address
from hil.wire.sms_parts import split
from hil.wire.sms_tpdu import SmsDeliver, SmsSubmit

WORKED = Path(__file__).with_name("worked_lines.txt")
EID = "89049032000000000012345678901212"
ISD_P = isd_p_aid(0x10)
KEYS = OtaKeySet(1, bytes(16), bytes(range(16)), bytes(16))


def exchange(command: bytes | str, answer: str = "9000", note: str = "") -> ApduExchange:
    raw = bytes.fromhex(command) if isinstance(command, str) else command
    return ApduExchange(0, 0, "card", Step(), raw, bytes.fromhex(answer), note)


def words(*conversation: tuple[bytes | str, str], note: str = "") -> str:
    """Return the line of the last exchange."""
    decoder = ApduWords()
    decoder.alone(ApduExchange(0, 0, "card", Step(), b"", b"\x3b\x00", answer_note="ATR after on"))
    lines = [
        decoder.line(one)
        for one in joined(exchange(*row, note) for row in conversation)
        if isinstance(one, Joined)
    ]
    return lines[-1]


def worked() -> list[tuple[list[tuple[bytes | str, str]], str]]:
    """Read the worked lines: ``>`` a command, ``<`` its answer, ``=`` the line of the last one."""
    rows: list[tuple[list[tuple[bytes | str, str]], str]] = []
    conversation: list[tuple[bytes | str, str]] = []
    command = ""
    for line in WORKED.read_text(encoding="utf-8").splitlines():
        mark, _, text = line.partition(" ")
        if mark == ">":
            command = text
        elif mark == "<":
            conversation.append((command, text))
        elif mark == "=":
            rows.append((conversation, text))
            conversation = []
    return rows


@pytest.mark.parametrize(("conversation", "line"), worked(), ids=[line for _, line in worked()])
def test_worked_lines(conversation: list[tuple[bytes | str, str]], line: str) -> None:
    assert words(*conversation) == line


def test_packets_in_short_messages_are_named() -> None:
    parameters = SecurityParameters(bytes.fromhex("1621"), bytes.fromhex("000001"), 2, 2)
    packet = wrap_command(bytes(20), 1, parameters, KEYS)
    (single,) = split(packet)
    tpdu = SmsDeliver(Address.international("+491701234567"), single).encode()
    assert words((cat.envelope_sms_pp(tpdu).encode(), "9000")) == (
        "ENVELOPE SMS-PP DOWNLOAD: secured command packet to ISD-R (TAR 000001), SPI 1621, KIc 12, "
        "KID 12, enciphered → 9000"
    )
    first, second = split(bytes([1, 0]) + packet[2:] + bytes(120), reference=7)
    for place, data in enumerate((first, second), 1):
        tpdu = SmsDeliver(Address.international("+491701234567"), data).encode()
        line = words((cat.envelope_sms_pp(tpdu).encode(), "9000"))
        assert f"part {place} of 2 of a secured packet" in line
    notification = Notification(EID, 2, 1, ISD_P).packet(KEYS)
    submit = SmsSubmit(Address.international("+491701234567"), split(notification)[0])
    told = cat.send_short_message(1, submit.encode())
    assert words(("8012000000", told.hex() + "9000")).startswith(
        "FETCH: SEND SHORT MESSAGE: secured command packet to ISD-R (TAR 000001), SPI 0600"
    )


def test_what_was_blanked_is_said() -> None:
    line = words(("0020000108" + "FF" * 8, "9000"), note="VERIFY PIN, data redacted (8 bytes)")
    assert line == "VERIFY PIN1 → 9000; data redacted (8 bytes)"
    blank = words(("80E2880013" + "FF" * 19, "9000"), note="data redacted (19 bytes)")
    assert blank == "STORE DATA block 0, last, 19 bytes → 9000; data redacted (19 bytes)"


BYTES = st.one_of(
    st.binary(max_size=40),
    st.tuples(
        st.sampled_from([0x00, 0x01, 0x41, 0x80, 0x84, 0xC0, 0x10, 0xFF]),
        st.integers(0, 255) | st.sampled_from([0xA4, 0xE2, 0xE6, 0xC2, 0x12, 0x14, 0x50, 0xCA]),
        st.sampled_from([0, 4, 8, 9, 0x11, 0x88, 0x80]),
        st.integers(0, 255),
        st.binary(max_size=60),
    ).map(lambda row: bytes((*row[:4], len(row[4]), *row[4]))),
)


@given(st.lists(st.tuples(BYTES, st.binary(max_size=40), st.text(max_size=20)), max_size=12))
def test_any_bytes_give_one_line_each_and_never_an_exception(
    conversation: list[tuple[bytes, bytes, str]],
) -> None:
    entries = [
        ApduExchange(0, 0, "card", Step(), command, answer, note, note)
        for command, answer, note in conversation
    ]
    rows = list(joined(entries))
    lines = list(Transcript(0).lines(rows))
    assert len(lines) == len(rows) <= len(entries)
    assert all(line.isprintable() and line for line in lines)
    raw = "".join(entry.command.hex() + entry.answer.hex() for entry in entries).upper()
    shown = "".join(line[line.rindex("[") :] for line in lines if line.endswith("]"))
    assert "".join(one for one in shown if one in "0123456789ABCDEF") == raw
