"""What remote file management may do, and files that it makes, resizes and deletes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.wire import tlv
from hil.wire.apdu import CommandApdu
from hil.wire.command_script import CommandScript
from hil.wire.profile_package.applications import Rfm
from hil.wire.profile_package.package import PeHeader
from hil.wire.tlv import Tlv
from testcases.conformance.euicc import own_files, preparing
from testcases.conformance.euicc.own_files import DF, GUARDED, PRIVATE, USIM_AID, VERIFY_ADM1, ask

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import LabProfile, ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-44"),
    pytest.mark.severity("critical"),
]
ACCESS = "ETSI TS 102 226, 8.2.1.3.2.5"
MANAGE = "ETSI TS 102 222, 6.3, 6.4 and 6.10; TS 102 226, 6"
UICC_TAR, USIM_TAR, CLOSED_TAR, PIN_TAR = (
    bytes.fromhex(tar) for tar in ("B00120", "B00140", "B00150", "B00151")
)
ISIM_AID = bytes.fromhex("A0000000871004")
_NOTHING, _WITH_PIN1 = b"\xff", b"\x02\x01\x00\x00"
_INSTANCES: Final = ((b"\x50", CLOSED_TAR, _NOTHING), (b"\x51", PIN_TAR, _WITH_PIN1))
NEW, ROOM = "6F30", 100


@pytest.fixture
def profile(over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim) -> LabProfile:
    """An enabled profile with the lab's files, and remote file management of narrower rights."""
    instances = (
        Rfm(
            header=PeHeader(910 + number),
            instance=bytes.fromhex("A0000005591010") + last,
            security_level=0x02,
            access=access,
            admin_access=_NOTHING,
            tars=(tar,),
        )
        for number, (last, tar, access) in enumerate(_INSTANCES)
    )
    return own_files.operated_with(over_the_air, esim, profile_maker, instances)


@pytest.fixture
def mno(esim: Esim, profile: LabProfile) -> OverTheAirSession:
    """The operator of the enabled profile."""
    return preparing.operator(esim.card, profile)


def ran(mno: OverTheAirSession, tar: bytes, *commands: str) -> list[str]:
    """Run commands in one script; return the status words in hex."""
    apdus = (CommandApdu.decode(bytes.fromhex(command)) for command in commands)
    return [f"{answer.sw:04X}" for answer in mno.send(*apdus, tar=tar)]


def chosen(*path: str) -> tuple[str, ...]:
    """Return SELECT of files, one below the other, without data."""
    return tuple(f"00A4000C02{fid}" for fid in path)


@pytest.mark.conformance("EUICC-RFM-ACCESS-01", section=ACCESS)
def test_an_application_without_access(mno: OverTheAirSession) -> None:
    """Remote file management with access domain FF neither reads nor updates.

    Preconditions: an instance of the enabled profile has no access to the file system.

    Steps:
    1. READ BINARY of EF.ICCID, which everybody reads: 6982, or SELECT is refused.
    2. UPDATE BINARY of a file that everybody updates: 6982, or SELECT is refused.
    """
    read = ran(mno, CLOSED_TAR, *chosen("2FE2"), "00B000000A")
    assert read[-1] in ("6982", "6A82"), read
    updated = ran(mno, CLOSED_TAR, *chosen(DF, own_files.BINARY), "00D600000139")
    assert updated[-1] in ("6982", "6A82"), updated


@pytest.mark.conformance("EUICC-RFM-ACCESS-02", section=ACCESS)
def test_an_application_with_the_access_of_a_key(mno: OverTheAirSession, esim: Esim) -> None:
    """Remote file management with the access of PIN1 does what PIN1 allows, and nothing else.

    Preconditions: an instance of the enabled profile has the access of PIN1. The terminal has
    verified ADM1.

    Steps:
    1. READ BINARY of a file that needs PIN1: 9000.
    2. UPDATE BINARY of a file that needs ADM1: 6982.
    3. The terminal reads that file as it was.
    """
    with esim.card.transaction() as card:
        card.reset()
        assert ask(card, VERIFY_ADM1) == "9000"
        own_files.select(card, DF, GUARDED)
        assert ran(mno, PIN_TAR, *chosen(DF, PRIVATE), "00B0000007")[-1] == "9000"
        assert ran(mno, PIN_TAR, *chosen(DF, GUARDED), "00D600000139")[-1] == "6982"
        assert ask(card, "00B0000007") == f"{b'guarded'.hex().upper()} 9000"


@pytest.mark.conformance("EUICC-RFM-ACCESS-03", section=ACCESS)
def test_the_files_of_an_adf_that_is_not_named(mno: OverTheAirSession) -> None:
    """Remote file management of the UICC does not read the files of an ADF it does not name.

    Preconditions: the instance of the UICC names no ADF; the enabled profile has a USIM.

    Steps:
    1. To TAR B00120: SELECT of the USIM by its AID, SELECT EF.IMSI, READ BINARY: one of them is
       refused.
    2. To TAR B00140, whose instance names the USIM: SELECT of the ISIM by its AID, SELECT EF.IMPI,
       READ BINARY: one of them is refused.
    """
    for tar, aid, fid in ((UICC_TAR, USIM_AID, "6F07"), (USIM_TAR, ISIM_AID, "6F02")):
        adf = f"00A4040C{len(aid):02X}{aid.hex()}"
        answers = ran(mno, tar, adf, *chosen(fid), "00B0000009")
        assert answers[-1] in ("6982", "6985", "6A82", "6A86", "6D00"), answers


def created(fid: str, sfi: int = 0, size: int = ROOM) -> str:
    """Return CREATE FILE of a transparent file that everybody may use."""
    body = tlv.encode(0x82, b"\x41\x21") + tlv.encode(0x83, bytes.fromhex(fid))
    body += tlv.encode(0x8A, b"\x05") + tlv.encode(0x8B, b"\x6f\x06\x01")
    body += tlv.encode(0x80, size.to_bytes(2, "big"))
    fcp = tlv.encode(0x62, body + tlv.encode(0x88, bytes((sfi << 3,)) if sfi else b""))
    return f"00E00000{len(fcp):02X}{fcp.hex()}"


def resized(fid: str, size: int) -> str:
    """Return RESIZE FILE."""
    body = tlv.encode(0x83, bytes.fromhex(fid)) + tlv.encode(0x80, size.to_bytes(2, "big"))
    fcp = tlv.encode(0x62, body)
    return f"80D40000{len(fcp):02X}{fcp.hex()}"


def available(esim: Esim) -> int:
    """Return the memory left that the MF tells (FCP, A5, 83); NOT APPLICABLE without it."""
    with esim.card.transaction() as card:
        card.reset()
        told = tlv.find(tlv.decode_all(own_files.select(card, "3F00")[0xA5]), 0x83)
    if told is None:
        not_applicable("the FCP of the MF does not tell the memory left")
    return int.from_bytes(told, "big")


@pytest.mark.conformance("EUICC-RFM-MANAGE-01", section=MANAGE)
def test_a_file_is_made_resized_and_deleted(mno: OverTheAirSession, esim: Esim) -> None:
    """A file is made, resized and deleted remotely, and its memory comes and goes with it.

    Preconditions: a profile is ENABLED whose remote file management of the UICC has full access.

    Steps:
    1. CREATE FILE of 100 bytes in DF 7F50, UPDATE BINARY: 9000 each. The memory left is less by 100
       bytes at least.
    2. CREATE FILE with the same id: 6A89. With the SFI of another file: an error.
    3. RESIZE FILE to 150 bytes: 9000. The terminal reads what was written, and the size is 150.
    4. DELETE FILE: 9000. SELECT: 6A82. The memory left is as before.
    """
    before = available(esim)
    with step("1. CREATE FILE"):
        write = "00D600000131"
        answers = ran(mno, UICC_TAR, *chosen(DF), created(NEW), *chosen(NEW), write)
        assert answers == ["9000"] * 4
        assert available(esim) <= before - ROOM
    with step("2. What is there"):
        assert ran(mno, UICC_TAR, *chosen(DF), created(NEW))[-1] == "6A89"
        assert ran(mno, UICC_TAR, *chosen(DF), created("6F31", sfi=1))[-1].startswith("6")
    with step("3. RESIZE FILE"):
        assert ran(mno, UICC_TAR, *chosen(DF), resized(NEW, ROOM + 50))[-1] == "9000"
        with esim.card.transaction() as card:
            card.reset()
            assert own_files.select(card, DF, NEW)[0x80] == bytes((0, ROOM + 50))
            assert ask(card, "00B0000001") == "31 9000"
        assert available(esim) <= before - ROOM - 50
    with step("4. DELETE FILE"):
        assert ran(mno, UICC_TAR, *chosen(DF), f"00E4000002{NEW}")[-1] == "9000"
        assert ran(mno, UICC_TAR, *chosen(DF, NEW))[-1] == "6A82"
        assert available(esim) == before


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-RFM-MANAGE-02", section=f"{MANAGE}; 8.2.1.3.2.5")
def test_who_may_not_manage_files(mno: OverTheAirSession, esim: Esim) -> None:
    """Files are made, resized and deleted by nobody without administrative access.

    Preconditions: an instance of the enabled profile has the access of PIN1, and no administrative
    access.

    Steps:
    1. CREATE FILE, RESIZE FILE and DELETE FILE in DF 7F50: 6982 each.
    2. The memory left and the files are as before.
    """
    before = available(esim)
    for command in (created(NEW), resized(PRIVATE, 200), f"00E4000002{PRIVATE}"):
        assert ran(mno, PIN_TAR, *chosen(DF), command)[-1] == "6982", command
    assert available(esim) == before
    with esim.card.transaction() as card:
        card.reset()
        assert own_files.select(card, DF, PRIVATE)[0x80] == b"\x00\x07"


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-RFM-MANAGE-03", section=MANAGE)
def test_more_than_the_memory_left_is_refused(mno: OverTheAirSession, esim: Esim) -> None:
    """CREATE FILE and RESIZE FILE beyond the memory left are refused.

    Preconditions: as of EUICC-RFM-MANAGE-01; the MF tells less than 65,000 bytes left.

    Steps:
    1. CREATE FILE with more bytes than are left: 6A84. RESIZE FILE to as many: 6A84.
    2. The memory left is as before.
    """
    before = available(esim)
    size = before + 1
    if size > 0xFFFF:
        # A file as large as can be takes a part of it, until less is left.
        size = 0xFFFF
        taken: list[str] = []
        while available(esim) > size:
            fid = f"6F{0x40 + len(taken):02X}"
            assert ran(mno, UICC_TAR, *chosen(DF), created(fid, size=size))[-1] == "9000"
            taken.append(fid)
    left = available(esim)
    assert ran(mno, UICC_TAR, *chosen(DF), created(NEW, size=size))[-1] == "6A84"
    assert ran(mno, UICC_TAR, *chosen(DF), resized(own_files.BINARY, size))[-1] == "6A84"
    assert available(esim) == left


@pytest.mark.conformance("EUICC-RFM-CHAIN-01", section="ETSI TS 102 226, 5.2.1.2")
def test_a_chain_of_scripts(mno: OverTheAirSession, esim: Esim) -> None:
    """What a script selected is current in the next of its chain; a reset ends some chains only.

    Preconditions: a profile is ENABLED.

    Steps:
    1. SELECT EF.PL with chaining 11 (first, kept on reset). After a reset READ BINARY with chaining
       03 (last): 9000.
    2. SELECT EF.PL with chaining 01 (first, deleted on reset). After a reset READ BINARY with
       chaining 03: not executed.
    """

    def run(chaining: int, *texts: str) -> list[int]:
        script = CommandScript.of(CommandApdu.decode(bytes.fromhex(text)) for text in texts)
        chained = CommandScript((Tlv(0x83, bytes((chaining,))), *script.items)).encode()
        return [answer.sw for answer in mno.run(chained, tar=UICC_TAR).answers]

    for first, expected in ((0x11, [0x9000]), (0x01, [])):
        with step(f"Chaining {first:02X}"):
            assert run(first, *chosen("2F05")) == [0x9000]
            with esim.card.transaction() as card:
                card.reset()
            assert run(0x03, "00B0000002") == expected
