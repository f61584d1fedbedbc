"""Each row of the policy in docs/traces.md: what is blanked, what is shown, what is kept of it."""

from __future__ import annotations

import hashlib

import pytest

from hil.wire import cat, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.current_files import CurrentFiles
from hil.wire.install_script import store_data_blocks
from hil.wire.redaction import Redactor, Shown
from hil.wire.tlv import Tlv

OK = b"\x90\x00"
USIM = bytes.fromhex("A0000000871002FF49FF0589")
IMSI = bytes.fromhex("080910100000001032")
SECRET = bytes(range(0x40, 0x50))


def h(text: str) -> bytes:
    return bytes.fromhex(text)


def play(*conversation: tuple[bytes, bytes], reset: bool = True) -> tuple[Shown, Shown]:
    """Return the last command and answer as they are shown."""
    redactor = Redactor()
    if reset:
        redactor.reset()
    for command, answer in conversation:
        shown = redactor.command(command), redactor.answer(command, answer)
    return shown


def select(text: str, p1: int = 0) -> tuple[bytes, bytes]:
    return CommandApdu(0, 0xA4, p1, 4, h(text)).encode(), OK


ADF = select(USIM.hex(), 4)
READ = h("00B0000010")


def test_of_the_imsi_only_the_last_four_digits_are_shown() -> None:
    _, answer = play(ADF, select("6F07"), (h("00B0000009"), IMSI + OK))
    assert answer.raw == b"\xff" * 7 + IMSI[-2:] + OK
    assert answer.note == "data redacted (7 bytes)"
    _, part = play(ADF, select("6F07"), (h("00B0000405"), IMSI[4:] + OK))
    assert part.raw == b"\xff" * 5 + OK
    command, _ = play(ADF, select("6F07"), (h("00D6000009") + IMSI, OK))
    assert command.raw == h("00D6000009") + b"\xff" * 7 + IMSI[-2:]
    _, by_short_id = play(ADF, (h("00B0870009"), IMSI + OK))
    assert by_short_id.blanks == 7


@pytest.mark.parametrize(
    "way",
    [
        [select("2FE2")],
        [ADF, select("7FFF6FAD", 8)],
        [ADF, select("6F99"), select("3F00"), select("2F00")],
        [select("7F10"), select("5F3C"), select("4F22")],
        [select("7F10"), select("5F3A"), select("5F3C"), select("4F22")],
        [(h("00B0820001"), OK)],
        [(h("0070000001"), h("619000")[:2]), (h("00C0000001"), h("019000")), select("2FE2")],
    ],
    ids=["ICCID", "path", "and back", "in a folder", "in a sibling", "short id", "new channel"],
)
def test_files_that_everybody_may_know_are_shown(way: list[tuple[bytes, bytes]]) -> None:
    _, answer = play(*way, (READ, SECRET + OK))
    assert answer == Shown(SECRET + OK)


@pytest.mark.parametrize(
    "way",
    [
        [],
        [ADF],
        [ADF, select("6F40")],
        [ADF, select("6F7E")],
        [ADF, select("6F99")],
        [ADF, select("5FC0"), select("4F05")],
        [select("7F10"), select("5F3A"), select("4F58")],
        [select("A000000151000000", 4), select("6FAD")],
        [ADF, select("6FAD"), (h("00A40000026F"), OK)],
        [ADF, select("6FAD"), (h("00E000000262008000"), OK)],
        [ADF, select("6FAD"), (h("00A40404"), OK)],
        [ADF, select("6FAD"), (READ, b"")],
        [ADF, select("6FAD"), select("3F00"), select("6FAD")],
        [ADF, select("6FAD"), (h("0070000001"), h("029000")), (h("0070800000"), OK)],
    ],
    ids=[
        *(
            "nothing",
            "application only",
            "MSISDN",
            "LOCI",
            "vendor's file",
            "5G keys",
            "phone book",
        ),
        *("unknown application", "torn SELECT", "created file", "no AID", "no answer"),
        *("other folder", "closed channel"),
    ],
)
def test_what_is_personal_or_unknown_is_blank(way: list[tuple[bytes, bytes]]) -> None:
    _, answer = play(*way, (READ, SECRET + OK))
    assert answer == Shown(b"\xff" * 16 + OK, 16)


def test_a_trace_that_begins_in_the_middle_knows_no_file() -> None:
    _, answer = play((READ, SECRET + OK), reset=False)
    assert answer.blanks == 16


@pytest.mark.parametrize("header", ["00030000", "80AB0000", "B0A40000", "D0E20000", "00B10000"])
def test_unknown_instructions_and_classes_show_no_data(header: str) -> None:
    command, answer = play((h(header) + b"\x10" + SECRET, SECRET + OK))
    assert command == Shown(h(header) + b"\x10" + b"\xff" * 16, 16)
    assert answer == Shown(b"\xff" * 16 + OK, 16)


def test_session_openings_keep_versions_and_counters_only() -> None:
    update = h("8050300008") + SECRET[:8]
    answer = bytes(10) + h("300370") + SECRET + h("00002A") + OK
    command, shown = play((update, answer))
    assert command.raw == h("8050300008") + b"\xff" * 8
    assert shown.raw == bytes(10) + h("300370") + b"\xff" * 16 + h("00002A") + OK
    _, scp02 = play((update, bytes(10) + h("20020007") + SECRET[:14] + OK))
    assert scp02.raw == bytes(10) + h("20020007") + b"\xff" * 14 + OK
    command, _ = play((h("8482330010") + SECRET, OK))
    assert command == Shown(h("8482330010") + b"\xff" * 16, 16)
    fetched = play((update, h("6120")), (h("00C0000020"), answer))[1]
    assert fetched == shown


def test_of_profile_segments_head_length_and_digest_are_shown() -> None:
    packet = tlv.encode(0x86, SECRET * 30)
    blocks = [one.encode() for one in store_data_blocks(packet)]
    redactor = Redactor()
    for number, block in enumerate(blocks):
        body = block[5 : 5 + block[4]]
        shown = redactor.command(block)
        kept = 4 if number == 0 else 0
        assert shown.raw[:5] == block[:5]
        assert shown.raw[5 : 5 + len(body)] == body[:kept] + b"\xff" * (len(body) - kept)
        assert shown.digest == hashlib.sha256(body).hexdigest()
        assert shown.note.startswith(f"data redacted ({len(body) - kept} bytes), SHA-256 ")
        answer = redactor.answer(block, (tlv.encode(0x86, SECRET) if number else b"") + OK)
    assert answer.raw == h("8610") + b"\xff" * 16 + OK
    after = h("80E2910003BF2D00")
    assert redactor.command(after) == Shown(after)


def test_a_checksum_alone_hides_no_key() -> None:
    keys = h("84E2880013800010") + SECRET
    opened = [(h("8482010010") + bytes(16), OK)]
    assert play(*opened, (keys, OK))[0].blanks == 19
    assert play((keys, OK))[0].blanks == 19
    enciphered = [(h("8482330010") + bytes(16), OK)]
    assert play(*enciphered, (keys, OK))[0].blanks == 0
    long_form = h("80E28800000013800010") + SECRET
    assert play((long_form, OK))[0].blanks == 19


def test_toolkit_shows_packets_but_no_whereabouts_texts_and_passwords() -> None:
    envelope = cat.envelope_sms_pp(SECRET).encode()
    assert play((envelope, OK))[0] == Shown(envelope)
    details = tlv.encode(0x81, h("012605")) + tlv.encode(0x82, h("8281"))
    response = details + tlv.encode(0x83, b"\x00")
    for tag in (0x93, 0x8D, 0x16):
        data = response + tlv.encode(tag, SECRET)
        shown, _ = play((CommandApdu(0x80, 0x14, 0, 0, data).encode(), OK))
        assert shown.raw[5:] == data[:-16] + b"\xff" * 16
    torn, _ = play((CommandApdu(0x80, 0xC2, 0, 0, h("D640 93") + SECRET).encode(), OK))
    assert torn.blanks == 17
    channel = cat.ProactiveCommand(
        cat.CommandDetails(1, 0x40, 0), 0x82, (Tlv(0x0D, SECRET), Tlv(0x39, h("0400")))
    ).encode()
    message = cat.ProactiveCommand(
        cat.CommandDetails(1, 0x13, 0), 0x82, (Tlv(0x8B, SECRET),)
    ).encode()
    fetch = h("8012000000")
    assert play((fetch, channel + OK))[1].blanks == 16
    assert play((fetch, message + OK))[1] == Shown(message + OK)


def test_places_have_names() -> None:
    files = CurrentFiles()
    files.reset()
    assert files.at(0).name == "MF"
    for text, p1, name in (
        (USIM.hex(), 4, "ADF.USIM"),
        ("6F07", 0, "EF.IMSI"),
        ("6F99", 0, "6F99 in ADF.USIM"),
        ("5FC0", 0, "DF.5GS"),
        ("", 3, "ADF.USIM"),
        ("A0000005591010FFFFFFFF8900001000", 4, "ISD-P 000010"),
        ("A0000005591010FFFFFFFF8900000100", 4, "ISD-R"),
        ("F0010203", 4, "application F0010203"),
        ("3F002FE2", 9, "EF.ICCID"),
    ):
        files.follow(CommandApdu(0, 0xA4, p1, 4, h(text)).encode(), OK)
        assert files.at(0).name == name
