"""The operator's security domain as a terminal sees it: SCP02, SCP03 and card management."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.virtual.euicc import VirtualCard, open_card
from hil.wire import dgi, isdr_commands, tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.identifiers import ISD_R_AID
from hil.wire.key_blocks import CardKey, key_cipher
from hil.wire.scp02 import HostSession as Scp02Host
from hil.wire.scp03 import KeySet
from tests.euicc.operator import (
    AID,
    MNO_SD,
    RAM,
    SCP02_KEYS,
    SCP03_KEYS,
    ask,
    compact,
    operator_profile,
    prepared,
)
from tests.euicc.terminal import Terminal, factory, packets_for

SD_PACKAGE, SD_MODULE = "A0000001515350", "A000000151535041"
OTHER = bytes.fromhex("A000000151000077")
STATUS = CommandApdu(0x80, 0xF2, 0x40, 0x02, b"\x4f\x00", 256)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory.mktemp("card"), operator_profile())


@pytest.fixture
def card(folder: Path, tmp_path: Path) -> Iterator[VirtualCard]:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    card = open_card(tmp_path, factory())
    yield card
    card.close()


@pytest.fixture
def terminal(card: VirtualCard) -> Terminal:
    return Terminal(card)


def scp03(terminal: Terminal, command: CommandApdu) -> ResponseApdu:
    return terminal.secure(SCP03_KEYS, MNO_SD).send(command)


class Scp02:
    """A host's session with the domain."""

    def __init__(self, terminal: Terminal, level: int = 0x03) -> None:
        assert terminal.select(MNO_SD).sw == 0x9000
        self.terminal, self.host = terminal, Scp02Host(SCP02_KEYS, b"\x5a" * 8)
        self.host.open(terminal.send(self.host.initialize_update()))
        assert terminal.send(self.host.external_authenticate(level)).sw == 0x9000

    def send(self, command: CommandApdu) -> ResponseApdu:
        return self.terminal.send(self.host.wrap(command))


def install(aid: bytes, *, package: str = SD_PACKAGE, privileges: str = "80C000") -> CommandApdu:
    parts = [package, SD_MODULE, aid.hex(), privileges, "C900", ""]
    data = b"".join(bytes((len(one) // 2,)) + bytes.fromhex(one) for one in parts)
    return CommandApdu(0x80, 0xE6, 0x0C, 0x00, data, 256)


def test_selection_tells_what_the_domain_is(terminal: Terminal) -> None:
    answer = terminal.select(MNO_SD)
    assert answer.sw == 0x9000
    template = tlv.decode_one(answer.data)[0].children()
    assert tlv.find(template, 0x84) == MNO_SD
    proprietary = tlv.decode_all(tlv.require(template, 0xA5, where="FCI"))
    assert tlv.require(proprietary, 0x73, where="A5").startswith(bytes.fromhex("06072A864886FC6B"))
    # By the first bytes of its AID, too.
    assert terminal.select(MNO_SD[:5]).sw == 0x9000


@pytest.mark.parametrize(
    ("tag", "start"),
    [
        ("0066", "663073"),
        ("00E0", "E0"),
        ("00C1", "C1020000"),
        ("0042", None),
        ("5F50", None),
        ("9F7F", None),
    ],
)
def test_get_data(terminal: Terminal, tag: str, start: str | None) -> None:
    terminal.select(MNO_SD)
    for cla in ("80", "00"):
        answer = terminal.send(CommandApdu.decode(bytes.fromhex(f"{cla}CA{tag}00")))
        if start is None:
            assert answer.sw == 0x6A88
        else:
            assert answer.sw == 0x9000
            assert answer.data.hex().upper().startswith(start)


def test_key_information_lists_types_and_lengths_only(terminal: Terminal) -> None:
    terminal.select(MNO_SD)
    answer = terminal.send(CommandApdu.decode(bytes.fromhex("80CA00E000")))
    rows = [one.value.hex() for one in tlv.decode_one(answer.data)[0].children()]
    assert rows[:3] == ["01018810", "02018810", "03018810"]
    assert {"01028010", "01038018", "01048008", "01058820", "01208010", "03308810"} <= set(rows)


def test_scp03_and_its_counter(terminal: Terminal) -> None:
    for _ in range(3):
        assert scp03(terminal, STATUS).sw == 0x9000


@pytest.mark.parametrize("level", [0x01, 0x03])
def test_scp02_and_its_counter(terminal: Terminal, level: int) -> None:
    for number in range(1, 4):
        assert Scp02(terminal, level).send(STATUS).sw == 0x9000
        terminal.select(MNO_SD)
        counter = terminal.send(CommandApdu.decode(bytes.fromhex("80CA00C100")))
        assert counter.data == bytes((0xC1, 2, 0, number))


def test_the_secure_channel_is_needed(terminal: Terminal) -> None:
    terminal.select(MNO_SD)
    for command in (STATUS, install(OTHER), CommandApdu(0x80, 0xE4, 0, 0, b"\xd2\x01\x01", 256)):
        assert terminal.send(command).sw == 0x6982
    session = Scp02(terminal)
    assert session.send(STATUS).sw == 0x9000
    # A plain command ends it.
    assert terminal.send(STATUS).sw == 0x6982
    assert session.send(STATUS).sw == 0x6982


@pytest.mark.parametrize(
    ("apdu", "sw"),
    [
        ("805020010840A62C37FA6304F800", 0x6A86),
        ("8050200007" + "00" * 7 + "00", 0x6700),
        ("8050210008" + "00" * 8 + "00", 0x6A88),
        ("8050010008" + "00" * 8 + "00", 0x6A88),
        ("80E60C0100", 0x6A86),
        ("80E6FF0000", 0x6A86),
        ("80E40001", 0x6A86),
        ("80F27702", 0x6A86),
        ("80F0770700", 0x6A86),
        ("80D8000000", 0x6A86),
        ("80E2600000", 0x6A86),
        ("80F24002", 0x6700),
        ("00F24002024F00", 0x6E00),
        ("80B8000000", 0x6D00),
    ],
)
def test_order_of_checks(terminal: Terminal, apdu: str, sw: int) -> None:
    terminal.select(MNO_SD)
    assert terminal.raw(apdu) == f"{sw:04X}"


def test_wrong_cryptogram_is_6300(terminal: Terminal) -> None:
    terminal.select(MNO_SD)
    host = Scp02Host(SCP02_KEYS, b"\x5a" * 8)
    host.open(terminal.send(host.initialize_update()))
    good = host.external_authenticate(0x01)
    broken = CommandApdu(good.cla, good.ins, good.p1, good.p2, bytes(8) + good.data[8:])
    assert terminal.send(broken).sw == 0x6300
    assert terminal.send(good).sw == 0x6985


def test_status_of_the_domain_and_what_is_below(terminal: Terminal) -> None:
    answer = scp03(terminal, CommandApdu(0x80, 0xF2, 0x80, 0x02, b"\x4f\x00", 256))
    (own,) = tlv.decode_all(answer.data)
    fields = own.children()
    assert [tlv.find(fields, tag) for tag in (0x4F, 0x9F70, 0xC5)] == [
        MNO_SD, b"\x0f", bytes.fromhex("82DC00"),
    ]  # fmt: skip
    below = tlv.decode_all(scp03(terminal, STATUS).data)
    assert len(below) == 3
    assert {tlv.find(one.children(), 0xCC) for one in below} == {MNO_SD}
    files = scp03(terminal, CommandApdu(0x80, 0xF2, 0x10, 0x02, b"\x4f\x00", 256)).data
    assert files.hex().upper() == f"E3174F07{SD_PACKAGE}9F7001018408{SD_MODULE}"


def test_keys_are_put_replaced_used_and_deleted(terminal: Terminal, card: VirtualCard) -> None:
    new = CardKey(0x88, b"\x99" * 16)
    session = Scp02(terminal)
    cipher = key_cipher(CardKey(0x80, session.host.dek))
    put = CommandApdu(0x80, 0xD8, 0x00, 0x81, b"\x31" + new.encode(cipher) * 3, 256)
    assert session.send(put).data == b"\x31" + new.check_value() * 3
    other = KeySet(0x31, new.value, new.value, new.value)
    card.reset()
    assert terminal.secure(other, MNO_SD).send(STATUS).sw == 0x9000
    # A wrong check value, another DEK, a key that is there already.
    session = Scp02(terminal)
    block = new.encode(key_cipher(CardKey(0x80, session.host.dek)))
    wrong = block[:-1] + bytes((block[-1] ^ 1,))
    for body, sw in ((b"\x32" + wrong, 0x9485), (b"\x31" + block, 0x6A80)):
        assert session.send(CommandApdu(0x80, 0xD8, 0x00, 0x01, body, 256)).sw == sw
    # The static DEK of SCP03 replaces a set.
    third = CardKey(0x88, b"\x77" * 16)
    block = third.encode(key_cipher(CardKey(0x88, SCP03_KEYS.dek)))
    put = CommandApdu(0x80, 0xD8, 0x31, 0x81, b"\x32" + block * 3, 256)
    assert scp03(terminal, put).sw == 0x9000
    newest = KeySet(0x32, third.value, third.value, third.value)
    assert terminal.secure(newest, MNO_SD).send(STATUS).sw == 0x9000
    delete = CommandApdu(0x80, 0xE4, 0x00, 0x00, bytes.fromhex("D20132"), 256)
    assert scp03(terminal, delete).data == b"\x00"
    assert terminal.send(CommandApdu(0x80, 0x50, 0x32, 0, bytes(8), 256)).sw in (0x6A88, 0x6982)


def test_a_domain_is_made_personalised_locked_and_deleted(terminal: Terminal) -> None:
    assert scp03(terminal, install(OTHER)).data == b"\x00"
    assert scp03(terminal, install(OTHER)).sw == 0x6985
    assert terminal.select(OTHER).sw == 0x9000
    session = terminal.secure(SCP03_KEYS, MNO_SD)
    perso = b"\x00\x00" + bytes((len(OTHER),)) + OTHER + b"\x00\x00\x00"
    assert session.send(CommandApdu(0x80, 0xE6, 0x20, 0x00, perso, 256)).sw == 0x9000
    data = dgi.encode(0x0070, bytes.fromhex("42034F5001"))
    assert session.send(CommandApdu(0x80, 0xE2, 0x88, 0x00, data)).sw == 0x9000
    terminal.select(OTHER)
    assert terminal.raw("80CA004200") == "42034F50019000"
    terminal.select(MNO_SD)
    assert terminal.raw("80CA004200") == "6A88"
    for state, sw in ((0x0F, 0x9000), (0x07, 0x6985), (0x8F, 0x9000), (0x07, 0x6985)):
        assert scp03(terminal, CommandApdu(0x80, 0xF0, 0x40, state, OTHER)).sw == sw
    assert terminal.select(OTHER).sw == 0x6A82
    assert scp03(terminal, CommandApdu(0x80, 0xF0, 0x40, 0x0F, OTHER)).sw == 0x9000
    assert terminal.select(OTHER).sw == 0x9000
    delete = CommandApdu(0x80, 0xE4, 0x00, 0x00, tlv.encode(0x4F, OTHER), 256)
    assert scp03(terminal, delete).sw == 0x9000
    assert terminal.select(OTHER).sw == 0x6A82
    assert scp03(terminal, delete).sw == 0x6A88


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        (install(OTHER, package="A0000001515351"), 0x6A88),
        (install(OTHER, privileges="00"), 0x6A80),
        (install(AID), 0x6985),
        (CommandApdu(0x80, 0xE6, 0x0C, 0x00, b"\x07\x00", 256), 0x6A80),
        (CommandApdu(0x80, 0xE6, 0x02, 0x00, b"\x00" * 5, 256), 0x6985),
        (CommandApdu(0x80, 0xE6, 0x40, 0x00, b"\x00" * 6, 256), 0x6985),
        (CommandApdu(0x80, 0xE8, 0x80, 0x00, b"\xc4\x00", 256), 0x6985),
        (CommandApdu(0x80, 0xE4, 0x00, 0x00, tlv.encode(0x4F, MNO_SD), 256), 0x6985),
        (CommandApdu(0x80, 0xE4, 0x00, 0x00, tlv.encode(0x4F, OTHER), 256), 0x6A88),
        (CommandApdu(0x80, 0xE4, 0x00, 0x00, tlv.encode(0x4F, AID), 256), 0x6A88),
        (CommandApdu(0x80, 0xE4, 0x00, 0x00, b"\xd2\x01\x77", 256), 0x6A88),
        (CommandApdu(0x80, 0xE4, 0x00, 0x00, b"\x01", 256), 0x6A80),
        (CommandApdu(0x80, 0xF2, 0x40, 0x02, b"\x5c\x00", 256), 0x6A80),
        (CommandApdu(0x80, 0xF2, 0x40, 0x02, b"\x4f\x01\x77", 256), 0x6A88),
        (CommandApdu(0x80, 0xF0, 0x40, 0x87, OTHER), 0x6A88),
        (CommandApdu(0x80, 0xF0, 0x80, 0x7F, MNO_SD), 0x6985),
        (CommandApdu(0x80, 0xE2, 0x88, 0x00, dgi.encode(0x7777, b"\x00")), 0x6A88),
        (CommandApdu(0x80, 0xE2, 0x88, 0x00, b"\x00\x70\x05\x00"), 0x6A80),
        (CommandApdu(0x80, 0xE2, 0x88, 0x01, dgi.encode(0x70, b"\x42\x00")), 0x6A86),
        (CommandApdu(0x80, 0xE2, 0x90, 0x00, b"\xdf\x01\x01\x00"), 0x6A88),
    ],
)
def test_refusals(terminal: Terminal, command: CommandApdu, sw: int) -> None:
    assert scp03(terminal, command).sw == sw


def store(tag: int, value: str) -> CommandApdu:
    return CommandApdu(0x80, 0xE2, 0x88, 0x00, dgi.encode(tag, bytes.fromhex(value)), 256)


def test_es6_update_of_pol1(terminal: Terminal, card: VirtualCard) -> None:
    """Disable not allowed: by the terminal, then by packets; the ISD-R obeys at once."""
    assert scp03(terminal, store(0x3A06, "01")).sw == 0x9000
    assert terminal.isd_r(isdr_commands.disable_profile(AID)).sw == 0x69E1
    answer = ask(terminal, compact("80E2880004" + "3A060100"), 1, RAM).data
    assert answer.hex() == "019000"
    card.reset()
    assert scp03(terminal, store(0x3A06, "8101 02")).sw == 0x9000
    assert terminal.isd_r(isdr_commands.disable_profile(AID)).sw & 0xFF00 in (0x9000, 0x9100)
    assert terminal.isd_r(isdr_commands.delete_profile(AID)).sw == 0x69E1


@pytest.mark.parametrize("value", ["", "0101", "FF", "820101"])
def test_es6_wrong_policies(terminal: Terminal, value: str) -> None:
    assert scp03(terminal, store(0x3A06, value)).sw == 0x6A80
    assert terminal.isd_r(isdr_commands.disable_profile(AID)).sw & 0xFF00 in (0x9000, 0x9100)


def test_es6_update_of_connectivity_parameters(terminal: Terminal) -> None:
    assert scp03(terminal, store(0x3A07, "A0050603112233")).sw == 0x9000
    assert scp03(terminal, store(0x3A07, "A005")).sw == 0x6A80
    assert scp03(terminal, store(0x3A07, "")).sw == 0x6A80


def test_es6_tags_are_the_makers(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    card = open_card(tmp_path, factory(es6={"policy_dgi": 0x3A0F}))
    terminal = Terminal(card)
    assert scp03(terminal, store(0x3A06, "01")).sw == 0x6A88
    assert scp03(terminal, store(0x3A0F, "01")).sw == 0x9000
    card.close()


def test_a_full_quota_takes_no_key_and_no_domain(tmp_path: Path) -> None:
    """A quota with room for a few domains only."""
    room = used_by(operator_profile(), tmp_path / "measured") + 300
    card = open_card(tmp_path / "card", factory(memory=room))
    terminal = Terminal(card)
    terminal.isd_r(isdr_commands.create_isdp(AID, 0))
    packets = packets_for(AID, operator_profile())
    assert terminal.load(AID, packets) == [one.expected for one in packets]
    terminal.isd_r(isdr_commands.enable_profile(AID))
    card.reset()
    answers = []
    for number in range(6):
        aid = OTHER[:-1] + bytes((number + 1,))
        answers.append(scp03(terminal, install(aid)).sw)
    assert answers == [0x9000] * 4 + [0x6A84] * 2
    key = CardKey(0x88, bytes(32)).encode(key_cipher(CardKey(0x88, SCP03_KEYS.dek)))
    put = CommandApdu(0x80, 0xD8, 0x00, 0x01, b"\x33" + key, 256)
    assert scp03(terminal, put).sw == 0x6A84
    # What is deleted is given back.
    delete = CommandApdu(0x80, 0xE4, 0x00, 0x00, tlv.encode(0x4F, OTHER[:-1] + b"\x01"), 256)
    assert scp03(terminal, delete).sw == 0x9000
    assert scp03(terminal, put).sw == 0x9000
    card.close()


def used_by(package: bytes, folder: Path) -> int:
    """Return the bytes that a profile is charged with."""
    card = open_card(folder, factory())
    terminal = Terminal(card)
    terminal.isd_r(isdr_commands.create_isdp(AID, 0))
    terminal.load(AID, packets_for(AID, package))
    terminal.select(ISD_R_AID)
    data = tlv.decode_one(terminal.send(CommandApdu(0x80, 0xCA, 0xFF, 0x21, le=256)).data)[0]
    card.close()
    return 500_000 - int.from_bytes(tlv.require(data.children(), 0x82, where="FF21"), "big")
