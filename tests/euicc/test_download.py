from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hil.virtual.euicc import VirtualCard, open_card
from hil.virtual.euicc.nvm import Nvm
from hil.wire import isdr_commands
from hil.wire.apdu import CommandApdu
from hil.wire.download import last_response, prepare_packets
from hil.wire.identifiers import isd_p_aid
from hil.wire.install_script import store_data_blocks
from hil.wire.isdp_keys import derive
from hil.wire.packets import Packet
from hil.wire.profile_package.elements import encode
from hil.wire.profile_package.header import ProfileHeader
from hil.wire.profile_package.package import Element, join, split
from hil.wire.profile_package.response import EuiccResponse
from tests.euicc.terminal import BASE_KEYS, Terminal, factory, packets_for, profile

AID = isd_p_aid(0x20)
PERSONALIZED, DISABLED = 0x0F, 0x1F
CHALLENGE = b"\xa5" * 8


def create(terminal: Terminal, memory: int = 100_000) -> None:
    assert terminal.isd_r(isdr_commands.create_isdp(AID, memory)).sw == 0x9000


def load(terminal: Terminal, package: bytes, *, counter: int = 1) -> EuiccResponse:
    """Load a package in one session; return the card's response to it."""
    keys = derive(BASE_KEYS, AID)
    packets, s_enc = prepare_packets(package, keys, AID, counter, CHALLENGE)
    answers = terminal.load(AID, packets)
    number = next(n for n, one in enumerate(answers) if one[:1] == b"\x86" and len(one) > 2)
    return last_response(packets[: number + 1], s_enc, answers[number])


@pytest.mark.parametrize("block", [64, 250, 1024])
def test_prepared_packets_get_the_prepared_answers(
    terminal: Terminal, package: bytes, block: int
) -> None:
    create(terminal)
    packets = packets_for(AID, package, block=block)
    assert terminal.load(AID, packets) == [one.expected for one in packets]
    assert terminal.states() == {AID: DISABLED}


@pytest.mark.parametrize("size", [1, 16, 120, 255])
def test_blocks_of_store_data_may_have_any_size(terminal: Terminal, size: int) -> None:
    create(terminal)
    terminal.select(AID)
    packet = packets_for(AID, profile(size=0))[0]
    for block in store_data_blocks(packet.command, size=size):
        answer = terminal.send(block)
        assert answer.sw == 0x9000
    assert answer.data == packet.expected


def test_half_a_download_leaves_nothing(terminal: Terminal, card: VirtualCard) -> None:
    create(terminal)
    package = profile()
    packets = packets_for(AID, package)
    terminal.load(AID, packets[:-1])
    assert terminal.states() == {AID: PERSONALIZED}
    card.reset()
    # The rest of it is worthless after the reset.
    terminal.select(AID)
    answers = [terminal.send(block).data for block in store_data_blocks(packets[-1].command)]
    assert answers[-1].hex() == "9f460102"
    assert terminal.isd_r(isdr_commands.enable_profile(AID)).sw == 0x6985
    assert terminal.isd_r(isdr_commands.delete_profile(AID)).sw == 0x9000
    # A new ISD-P under the same AID begins with counter 1 again.
    terminal.install(AID, package)
    assert terminal.states() == {AID: DISABLED}


def test_a_second_try_needs_the_next_counter(terminal: Terminal) -> None:
    create(terminal)
    package = profile()
    terminal.load(AID, packets_for(AID, package)[:-1])
    answers = terminal.load(AID, packets_for(AID, package))
    assert answers[0] != packets_for(AID, package)[0].expected
    assert answers[1].hex() == "9f450102"
    packets = packets_for(AID, package, counter=2)
    assert terminal.load(AID, packets) == [one.expected for one in packets]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda packets: packets[1:], "9f450102"),
        (lambda packets: packets[:2] + packets[3:], "9f460102"),
        (lambda packets: (*packets[:3], packets[2], *packets[3:]), "9f460102"),
        (lambda packets: (*packets[:2], packets[3], packets[2], *packets[4:]), "9f460102"),
        (lambda packets: (packets[0], packets[2]), "9f460102"),
    ],
    ids=["no-84", "one-missing", "one-twice", "two-swapped", "no-85"],
)
def test_packets_missing_doubled_or_swapped(
    terminal: Terminal,
    change: Callable[[tuple[Packet, ...]], tuple[Packet, ...]],
    error: str,
) -> None:
    create(terminal)
    answers = terminal.load(AID, change(packets_for(AID, profile())))
    assert error in [one.hex() for one in answers]
    assert terminal.states() == {AID: PERSONALIZED}


@pytest.mark.parametrize("number", [0, 1, 2, 8])
def test_a_flipped_bit_in_a_packet(terminal: Terminal, number: int) -> None:
    create(terminal)
    packets = list(packets_for(AID, profile()))
    broken = bytearray(packets[number].command)
    broken[-1] ^= 0x01
    packets[number] = replace(packets[number], command=bytes(broken))
    answers = terminal.load(AID, tuple(packets))
    assert any(one[:1] == b"\x9f" for one in answers)
    assert terminal.states() == {AID: PERSONALIZED}


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        ("", "9f460101"),
        ("84", "9f440101"),
        ("840A3001", "9f440101"),
        ("84093001" + "00" * 7, "9f440102"),
        ("840A3501" + "00" * 8, "9f440103"),
        ("851133" + "00" * 16, "9f450102"),
        ("8600", "9f460102"),
        ("8700", "9f460102"),
        ("3000", "9f460101"),
        ("BF3E00", "9f460101"),
    ],
)
def test_errors_of_scp03t(terminal: Terminal, raw: str, answer: str) -> None:
    create(terminal)
    terminal.select(AID)
    command = CommandApdu(0x80, 0xE2, 0x91, 0, bytes.fromhex(raw), 256)
    assert terminal.send(command).data.hex() == answer


def test_a_profile_is_loaded_once(terminal: Terminal, package: bytes) -> None:
    terminal.install(AID, package)
    answers = terminal.load(AID, packets_for(AID, package, counter=2)[:1])
    assert [one.hex() for one in answers] == ["9f440102"]


def test_a_key_set_of_another_isd_p_is_refused(terminal: Terminal, package: bytes) -> None:
    create(terminal)
    answers = terminal.load(AID, packets_for(isd_p_aid(0x21), package)[:2])
    assert answers[1].hex() == "9f450102"


def test_selecting_elsewhere_drops_the_download(terminal: Terminal, package: bytes) -> None:
    create(terminal)
    packets = packets_for(AID, package)
    terminal.load(AID, packets[:4])
    terminal.select(0x3F00)
    answers = terminal.load(AID, packets[4:])
    assert answers[0].hex() == "9f460102"


def test_store_data_blocks_come_in_order(terminal: Terminal, package: bytes) -> None:
    create(terminal)
    terminal.select(AID)
    blocks = store_data_blocks(packets_for(AID, package)[2].command)
    assert terminal.send(blocks[0]).sw == 0x9000
    assert terminal.send(blocks[2]).sw == 0x6A86
    assert terminal.send(blocks[1]).sw == 0x6A86


def swap(elements: tuple[Element, ...], at: int) -> tuple[Element, ...]:
    return (*elements[:at], elements[at + 1], elements[at], *elements[at + 2 :])


Breakage = Callable[[tuple[Element, ...]], bytes]

BAD_PACKAGES: dict[str, tuple[Breakage, int]] = {
    "no header": (lambda parts: join(parts[1:]), 5),
    "two headers": (lambda parts: join((parts[0], *parts)), 5),
    "an unknown version": (
        lambda parts: join(
            (replace(parts[0], body=b"\x80\x01\x63" + parts[0].body[3:]), *parts[1:])
        ),
        31,
    ),
    "two MFs": (lambda parts: join((*parts[:2], *parts[1:])), 6),
    "USIM before the MF": (
        lambda parts: join((parts[0], *(p for p in parts[2:] if p.name == "usim"), parts[-1])),
        3,
    ),
    "an unknown template": (
        lambda parts: join(
            replace(
                p, body=p.body.replace(bytes.fromhex("67810F010204"), b"\x67\x81\x0f\x01\x02\x63")
            )
            if p.name == "usim"
            else p
            for p in parts
        ),
        9,
    ),
    "an unknown mandated element": (
        lambda parts: join(
            (
                *parts[:-1],
                Element(0xBF40, "", 99, True, bytes.fromhex("A005800081 0163")),
                parts[-1],
            )
        ),
        1,
    ),
    "a PIN whose PUK is missing": (
        lambda parts: join(p for p in parts if p.name != "pukCodes"),
        11,
    ),
    "an element that is no DER": (
        lambda parts: join(
            replace(p, body=p.body[:-1] + b"\xff\xff") if p.name == "usim" else p for p in parts
        ),
        3,
    ),
    "bytes that are no package": (lambda parts: b"\x00" * 64, 5),
    "a length bomb": (lambda parts: join(parts[:3]) + b"\xb3\x84\x7f\xff\xff\xff", 5),
    "an element larger than the card": (lambda parts: join(parts[:3]) + b"\xb3\x83\x7f\xff\xff", 4),
    "something behind the end": (lambda parts: join(parts) + b"\xa0\x00", 5),
}


@pytest.mark.parametrize("name", BAD_PACKAGES)
def test_a_bad_package_leaves_no_trace(terminal: Terminal, name: str) -> None:
    breakage, status = BAD_PACKAGES[name]
    broken = breakage(split(profile(size=0)))
    assert broken != profile(size=0)
    create(terminal)
    response = load(terminal, broken)
    assert response.aborted
    assert [one.status for one in response.statuses] == [status]
    assert terminal.states() == {AID: PERSONALIZED}
    # The session ended with the refusal, and the ISD-P takes a good package with the next counter.
    assert load(terminal, profile(size=0), counter=2).ok
    assert terminal.states() == {AID: DISABLED}


def test_the_refusal_names_the_element(terminal: Terminal) -> None:
    parts = split(profile(size=0))
    usim = next(one for one in parts if one.name == "usim")
    create(terminal)
    response = load(
        terminal,
        join(replace(p, body=p.body[:-1] + b"\xff\xff") if p is usim else p for p in parts),
    )
    assert response.statuses[0].identification == usim.identification


def test_a_refusal_ends_the_session(terminal: Terminal) -> None:
    create(terminal)
    answers = terminal.load(AID, packets_for(AID, b"\x00" * 3000))
    assert answers[2][:1] == b"\x86"
    assert len(answers[2]) > 2
    assert [one.hex() for one in answers[3:]] == ["9f460102"] * (len(answers) - 3)


def test_a_deleted_profile_leaves_nothing_in_memory(tmp_path: Path) -> None:
    def keys() -> list[str]:
        nvm = Nvm(tmp_path)
        try:
            return nvm.keys()
        finally:
            nvm.close()

    open_card(tmp_path, factory()).close()
    before = keys()
    card = open_card(tmp_path, factory())
    terminal = Terminal(card)
    terminal.install(AID, profile())
    card.close()
    assert len(keys()) > len(before)
    card = open_card(tmp_path, factory())
    assert Terminal(card).isd_r(isdr_commands.delete_profile(AID)).sw == 0x9000
    card.close()
    assert keys() == before


def test_a_profile_larger_than_the_memory_is_refused(tmp_path: Path) -> None:
    card = open_card(tmp_path, factory(memory=13_000))
    try:
        terminal = Terminal(card)
        create(terminal, memory=0)
        response = load(terminal, profile(size=12_000))
        assert [one.status for one in response.statuses] == [4]
        assert terminal.states() == {AID: PERSONALIZED}
    finally:
        card.close()


def test_the_iccid_of_the_header_is_not_compared(terminal: Terminal, card: VirtualCard) -> None:
    """TCA interoperable format, header: the eUICC does not check it against EF.ICCID."""
    package = profile(size=0)
    head, *rest = split(package)
    header = ProfileHeader.decode(head.body)
    other = bytes.fromhex("89001000000000009999")
    changed = encode(replace(header, iccid=other))
    create(terminal)
    assert load(terminal, join((changed, *rest))).ok
    terminal.isd_r(isdr_commands.enable_profile(AID))
    card.reset()
    swapped = "".join(b + a for a, b in zip(*[iter(header.iccid.hex())] * 2, strict=True))
    assert terminal.read(0x3F00, 0x2FE2).hex() == swapped
