from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hil.virtual.euicc import VirtualCard, open_card
from hil.wire import isdr_commands, tlv
from hil.wire.identifiers import decode_iccid, decode_imsi, isd_p_aid
from tests.euicc.terminal import ICCID, IMSI, Terminal, factory, profile

AID = isd_p_aid(0x20)
USIM = bytes.fromhex("A0000000871002FF49FF0589")


def with_profile(folder: Path, package: bytes, **changes: object) -> VirtualCard:
    """A card on which a profile is enabled."""
    card = open_card(folder, factory(**changes))
    terminal = Terminal(card)
    terminal.install(AID, package)
    assert terminal.isd_r(isdr_commands.enable_profile(AID)).sw == 0x9000
    card.reset()
    return card


@pytest.fixture(scope="module")
def enabled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualCard]:
    card = with_profile(tmp_path_factory.mktemp("enabled"), profile())
    yield card
    card.close()


@pytest.fixture
def usim(enabled: VirtualCard) -> Terminal:
    enabled.reset()
    return Terminal(enabled)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Terminal]:
    """A card of its own, for tests that write."""
    card = with_profile(tmp_path / "own", profile())
    yield Terminal(card)
    card.close()


def test_identity_of_the_subscription(usim: Terminal) -> None:
    assert decode_iccid(usim.read(0x2FE2)) == ICCID
    assert decode_imsi(usim.read(USIM, 0x6F07)) == IMSI
    assert usim.read(USIM, 0x6FAD)[-1] in (2, 3)
    assert len(usim.read(USIM, 0x6F38)) >= 10


def test_files_of_the_mf_by_their_short_ids(usim: Terminal) -> None:
    """02 is EF.ICCID, 05 EF.PL, 06 EF.ARR, 1E EF.DIR (TS 102 221, 13), as terminals read them."""
    assert usim.raw("00B082000A") == usim.read(0x3F00, 0x2FE2).hex().upper() + "9000"
    assert usim.raw("00B0850002") == usim.read(0x2F05)[:2].hex().upper() + "9000"
    for sfi, fid in ((0x06, 0x2F06), (0x1E, 0x2F00)):
        by_sfi = usim.raw(f"00B201{sfi << 3 | 4:02X}00")
        assert usim.select(fid).sw == 0x9000
        assert usim.raw("00B2010400") == by_sfi
        assert by_sfi.endswith("9000")


def test_applications_stand_in_ef_dir(usim: Terminal) -> None:
    fcp = usim.select(0x2F00).data
    (template,) = tlv.decode_all(fcp)
    descriptor = tlv.find(template.children(), 0x82)
    assert descriptor is not None
    length = int.from_bytes(descriptor[2:4], "big")
    names = []
    for number in range(1, descriptor[4] + 1):
        record = bytes.fromhex(usim.raw(f"00B2{number:02X}04{length:02X}"))[:-2]
        if record[0] == 0x61:
            (entry, *_) = tlv.decode_all(record.rstrip(b"\xff"))
            names.append(tlv.find(entry.children(), 0x4F))
    assert USIM in names
    for name in names:
        assert name is not None
        assert usim.select(name).sw == 0x9000


def test_fcp_of_the_usim_is_that_of_the_standard(usim: Terminal) -> None:
    (template,) = tlv.decode_all(usim.select(USIM).data)
    tags = [one.tag for one in template.children()]
    assert tags == [0x82, 0x83, 0x84, 0xA5, 0x8A, 0x8B, 0xC6]
    assert tlv.find(template.children(), 0x83) == b"\x7f\xff"
    assert tlv.find(template.children(), 0x84) == USIM


@pytest.mark.parametrize("length", [5, 7, 11, 12])
def test_partial_names_select(usim: Terminal, length: int) -> None:
    answer = usim.select(USIM[:length])
    (template,) = tlv.decode_all(answer.data)
    assert tlv.find(template.children(), 0x84) == USIM


def test_occurrences_of_a_partial_name(usim: Terminal) -> None:
    names = []
    for p2 in ("04", "06", "06", "06"):
        answer = usim.raw(f"00A404{p2}05A000000087")
        if answer == "6A82":
            break
        names.append(usim.raw("00C0000000")[:60])
    assert len(names) == 2
    assert usim.raw("00A4040505A000000087")[:2] == "61"
    assert usim.raw("00C0000000")[:60] == names[-1]
    assert usim.raw("00A4040705A000000087")[:2] == "61"
    assert usim.raw("00C0000000")[:60] == names[0]
    assert usim.raw("00A4040705A000000087") == "6A82"


def test_files_by_path(usim: Terminal) -> None:
    assert usim.raw("00A4080C042FE2") == "6700"
    assert usim.raw("00A4080C022FE2") == "9000"
    assert usim.raw("00A4080C047F106F06") in ("9000", "6A82")
    usim.select(USIM)
    assert usim.raw("00A4080C047FFF6F07") == "9000"
    assert usim.raw("00A4090C026F07") == "9000"
    assert usim.raw("00A4090C047FFF6F07") == "9000"
    assert usim.raw("00A4080C047FFF6FFF") == "6A82"
    assert usim.raw("00A4080C042FE22FE2") == "6A82"
    assert usim.raw("00A4030C") == "9000"


def test_temporary_file_ids_of_adfs_are_not_selectable(usim: Terminal) -> None:
    assert usim.raw("00A4000C027FD0") == "6A82"
    assert usim.raw("00A4080C047FD06F07") == "6A82"


def test_a_failed_select_changes_nothing(usim: Terminal) -> None:
    usim.select(USIM)
    usim.select(0x6F07)
    assert usim.select(0x6FFF).sw == 0x6A82
    assert usim.raw("00B0000009")[-4:] == "9000"


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("00B0000009", "9000"),
        ("00B0000000", "9000"),
        ("00B0000004", "9000"),
        ("00B000000A", "6C09"),
        ("00B00005FF", "6C04"),
        ("00B0000900", "6B00"),
        ("00B0000804", "6C01"),
        ("00B0870009", "9000"),
        ("00B0A70009", "6A86"),
        ("00B0950009", "6A82"),
        ("00B2010409", "6981"),
        ("00D60000", "6700"),
        ("00D6000001FF", "6982"),
    ],
)
def test_reading_a_transparent_file(usim: Terminal, command: str, sw: str) -> None:
    usim.select(USIM)
    usim.select(0x6F07)
    assert usim.raw(command)[-4:] == sw


def test_t1_gives_what_there_is_with_a_warning(tmp_path: Path) -> None:
    card = open_card(tmp_path, factory(protocol="T=1"))
    try:
        terminal = Terminal(card)
        answer = terminal.raw("00A4000402 2FE2 00")
        assert answer.startswith("6217")
        assert answer.endswith("9000")
        assert terminal.raw("00B0000014") == "FF" * 10 + "6282"
        assert terminal.raw("00A4000402 2FE2").endswith("9000")
    finally:
        card.close()


def test_records(usim: Terminal) -> None:
    usim.select(0x3F00)
    usim.select(0x2F06)
    (template,) = tlv.decode_all(usim.select(0x2F06).data)
    descriptor = tlv.find(template.children(), 0x82)
    assert descriptor is not None
    length, count = descriptor[3], descriptor[4]
    records = [usim.raw(f"00B2{n + 1:02X}04{length:02X}") for n in range(count)]
    assert all(one.endswith("9000") for one in records)
    usim.select(0x2F06)
    # Next and previous move the pointer; absolute and current do not.
    assert [usim.raw(f"00B20002{length:02X}") for _ in range(count)] == records
    assert usim.raw(f"00B20002{length:02X}") == "6A83"
    assert usim.raw(f"00B20004{length:02X}") == records[-1]
    assert usim.raw(f"00B20104{length:02X}") == records[0]
    assert usim.raw(f"00B20003{length:02X}") == records[-2]
    assert usim.raw(f"00B2{count + 1:02X}04{length:02X}") == "6A83"
    assert usim.raw(f"00B20104{length - 1:02X}") == f"6C{length:02X}"
    assert usim.raw("00B0000001") == "6981"
    assert usim.raw(f"00B20105{length:02X}") == "6A86"


def test_a_wrong_le_moves_no_record_pointer(usim: Terminal) -> None:
    usim.select(0x3F00)
    usim.select(0x2F06)
    first = usim.raw("00B2000201")
    assert first[:2] == "6C"
    record = usim.raw(f"00B20002{first[2:]}")
    usim.select(0x2F06)
    assert usim.raw(f"00B20104{first[2:]}") == record


def test_status_tells_the_current_folder(usim: Terminal) -> None:
    usim.select(USIM)
    usim.select(0x6F07)
    assert usim.raw("80F20000FF")[:2] == "6C"
    answer = usim.raw("80F2000000")
    assert answer[:-4] == usim.select(USIM).data.hex().upper()
    assert usim.raw("80F2000100") == "840C" + USIM.hex().upper() + "9000"
    assert usim.raw("80F2000C") == "9000"
    usim.select(0x3F00)
    assert usim.raw("80F2000100") == "840C" + USIM.hex().upper() + "9000"


def test_updates_need_their_key_and_survive(own: Terminal, tmp_path: Path) -> None:
    own.select(USIM)
    own.select(0x6F7B)
    before = own.read(USIM, 0x6F7B)
    # PIN1 is disabled in this profile, so forbidden networks can be written.
    assert own.raw("00D600000300F110") == "9000"
    expected = bytes.fromhex("00F110") + before[3:]
    assert own.read(USIM, 0x6F7B) == expected
    assert isinstance(own.card, VirtualCard)
    own.card.reset()
    assert own.read(USIM, 0x6F7B) == expected
    assert own.raw(f"00D60000{len(before) + 1:02X}" + "00" * (len(before) + 1)) == "6700"
    assert own.raw(f"00D60{len(before):03X}0100") == "6B00"


def test_adm_protects_the_iccid(own: Terminal) -> None:
    own.select(0x3F00)
    own.select(0x2FE2)
    assert own.raw("00D600000100") == "6982"
    assert own.raw("0020000A08" + "39" * 8) == "63C9"
    assert own.raw("0020000A00") == "63C9"
    assert own.raw("0020000A08" + "35" * 8) == "9000"
    assert own.raw("0020000A") == "63CA"
    own.select(0x2FE2)
    assert own.raw("00D600000100") in ("9000", "6982")
    assert isinstance(own.card, VirtualCard)
    own.card.reset()
    assert own.raw("0020000A") == "63CA"


def test_pin_counters_count_down_and_survive_power_loss(own: Terminal) -> None:
    assert isinstance(own.card, VirtualCard)
    for left in range(9, -1, -1):
        assert own.raw("0020000A08" + "30" * 8) == f"63C{left:X}"
        own.card.reset()
    assert own.raw("0020000A08" + "35" * 8) == "6983"
    assert own.raw("0020000A") == "6983"


@pytest.mark.parametrize(
    ("command", "sw"),
    [
        ("0020000108" + "30" * 8, "6984"),
        ("0020000708" + "30" * 8, "6A88"),
        ("0020000A03303030", "6700"),
        ("0020010A08" + "35" * 8, "6A86"),
    ],
)
def test_verify_refusals(usim: Terminal, command: str, sw: str) -> None:
    assert usim.raw(command) == sw


def test_channels_have_their_own_files(usim: Terminal) -> None:
    usim.select(USIM)
    usim.select(0x6F07)
    assert usim.raw("0070000001") == "019000"
    assert usim.raw("01B0000009") == "6986"
    assert usim.raw("01A4000C022FE2") == "9000"
    iccid = usim.raw("01B000000A")
    assert usim.raw("00B0000009") != iccid
    assert usim.raw("0070000001") == "029000"
    assert usim.raw("0070000001") == "039000"
    assert usim.raw("0070000001") == "6A81"
    assert usim.raw("0070800200") == "9000"
    assert usim.raw("0070000001") == "029000"
    assert usim.raw("03B0000001") == "6986"


def test_get_response_belongs_to_its_channel_and_comes_at_once(usim: Terminal) -> None:
    assert usim.raw("0070000001") == "019000"
    assert usim.raw("00A40004022FE2")[:2] == "61"
    assert usim.raw("00C0000001")[-4:-2] == "61"
    assert usim.raw("00C00000FF")[:2] == "6C"
    assert usim.raw("80C0000000").endswith("9000")
    assert usim.raw("00A40004022FE2")[:2] == "61"
    assert usim.raw("00A4000C022FE2") == "9000"
    assert usim.raw("00C0000010") == "6F00"


@pytest.mark.parametrize("between", ["01C0000010", "01A4000C022FE2", "0100000000", "02A4000000"])
def test_a_command_on_another_channel_loses_what_waits(usim: Terminal, between: str) -> None:
    assert usim.raw("0070000001") == "019000"
    assert usim.raw("00A40004022FE2")[:2] == "61"
    usim.raw(between)
    assert usim.raw("00C0000010") == "6F00"


def test_selecting_a_domain_leaves_the_files(usim: Terminal) -> None:
    usim.select(USIM)
    assert usim.raw("00A4040C10A0000005591010FFFFFFFF8900000100") == "9000"
    assert usim.raw("00B0000001") == "6D00"
    assert usim.raw("00A4000C023F00") == "9000"
    assert usim.raw("00A4000C026F07") == "6A82"


def test_links_share_their_content(tmp_path: Path, ts48_packages: dict[str, bytes]) -> None:
    card = with_profile(tmp_path, ts48_packages["TS48_v7.0_SAIP2.3_NoBERTLV.der"])
    try:
        terminal = Terminal(card)
        usim, telecom = (USIM, 0x6F3B), (0x3F00, 0x7F10, 0x6F3B)

        def record(path: tuple[bytes | int, ...]) -> str:
            for step in path:
                assert terminal.select(step).sw == 0x9000
            return terminal.raw("00B201041C")

        assert record(usim) == record(telecom)
        assert record(telecom).endswith("9000")
    finally:
        card.close()


@pytest.mark.parametrize("number", [0, 1])
def test_ts48_is_read_back(tmp_path: Path, ts48_packages: dict[str, bytes], number: int) -> None:
    package = sorted(ts48_packages.items())[number][1]
    card = with_profile(tmp_path, package)
    try:
        terminal = Terminal(card)
        assert decode_iccid(terminal.read(0x3F00, 0x2FE2)) == "89000123456789012341"
        assert decode_imsi(terminal.read(USIM, 0x6F07)) == "001010123456789"
        assert terminal.read(USIM, 0x6FAD) == bytes.fromhex("80000002")
        isim = bytes.fromhex("A0000000871004FF49FF0589")
        assert terminal.read(isim, 0x6F02)[2:].startswith(b"001010123456789@test.3gpp.com")
        csim = bytes.fromhex("A0000003431002F310FFFF89020000FF")
        assert terminal.select(csim).sw == 0x9000
        version = terminal.read(0x3F00, 0x7F26, 0x6FAB)
        assert version[2:8] == bytes.fromhex("800467811203")
        (template,) = tlv.decode_all(terminal.select(USIM).data)
        # PIN1 disabled, the others enabled, as the package says.
        assert tlv.find(template.children(), 0xC6) == bytes.fromhex(
            "9001B083018183010183010A83010B"
        )
    finally:
        card.close()


def test_threads_on_channels_of_their_own(usim: Terminal) -> None:
    files = {0: "2FE2", 1: "2F05", 2: "2FE2", 3: "2F05"}
    for channel in (1, 2, 3):
        assert usim.raw("0070000001") == f"{channel:02X}9000"
    expected = {}
    for channel, file in files.items():
        assert usim.raw(f"{channel:02X}A4000C02{file}") == "9000"
        expected[channel] = usim.raw(f"{channel:02X}B0000002")
    assert len(set(expected.values())) == 2

    def read(channel: int) -> bool:
        command = f"{channel:02X}B0000002"
        return all(usim.raw(command) == expected[channel] for _ in range(300))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(read, files))
