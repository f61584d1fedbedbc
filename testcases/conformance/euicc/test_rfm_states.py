"""Remote file management that is locked, whose profile is disabled, or that wants more security."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.wire import isdr_commands
from hil.wire.apdu import CommandApdu
from hil.wire.command_script import CommandScript
from hil.wire.profile_package.applications import AdfAccess, Rfm
from hil.wire.profile_package.package import PeHeader
from hil.wire.scp80 import CounterMode, ResponseStatus, SecurityParameters, Spi
from testcases.conformance.euicc import own_files, preparing
from testcases.conformance.euicc.operating import life_cycle, set_status
from testcases.conformance.euicc.own_files import (
    BINARY,
    CLOSED,
    CONTENT,
    DF,
    GUARDED,
    USIM_AID,
    VERIFY_ADM1,
    ask,
    row,
)
from testcases.conformance.euicc.preparing import one

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import LabProfile, ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-44"),
    pytest.mark.severity("critical"),
]
LEVEL: Final = "ETSI TS 102 226, 8.2.1.3.2.4; TS 102 225, 5.1.1"
STATES: Final = "GlobalPlatform, 5.3.1 and 11.10; ETSI TS 102 225, 5.1.4"
CIPHERED, COUNTED = bytes.fromhex("B00152"), bytes.fromhex("B00153")
"""TARs of two instances: one wants CC and ciphering, the other also a counter to be higher."""

OWN: Final = bytes.fromhex("A000000559101052")
_FULL, _NONE = b"\x00", b"\xff"
UICC_ONLY, USIM_ONLY = bytes.fromhex("B00154"), bytes.fromhex("B00155")
"""TARs of two that name the USIM: one has access to the UICC's files alone, the other to its."""

_INSTANCES: Final = (
    (0x52, CIPHERED, 0x06, _FULL, None),
    (0x53, COUNTED, 0x16, _FULL, None),
    (0x54, UICC_ONLY, 0x02, _FULL, _NONE),
    (0x55, USIM_ONLY, 0x02, _NONE, _FULL),
)
_LOCKED: Final = 0x80
WRITE: Final = b"remote"


@pytest.fixture
def profile(over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim) -> LabProfile:
    """An enabled profile with the lab's files, and with those four instances."""
    instances = (
        Rfm(
            header=PeHeader(920 + number),
            instance=OWN[:-1] + bytes((last,)),
            security_level=level,
            access=access,
            admin_access=_NONE,
            tars=(tar,),
            adf=None if of_usim is None else AdfAccess(USIM_AID, of_usim, _NONE),
        )
        for number, (last, tar, level, access, of_usim) in enumerate(_INSTANCES)
    )
    return own_files.operated_with(over_the_air, esim, profile_maker, instances)


@pytest.fixture
def mno(esim: Esim, profile: LabProfile) -> OverTheAirSession:
    """The operator of the enabled profile."""
    return preparing.operator(esim.card, profile)


def updated(mno: OverTheAirSession, tar: bytes, spi: Spi | None = None) -> int | None:
    """Have a file of the lab's updated remotely; return the status of the proof of receipt."""
    path = (CommandApdu(0x00, 0xA4, 0x00, 0x0C, bytes.fromhex(fid)) for fid in (DF, BINARY))
    script = CommandScript.of([*path, CommandApdu(0x00, 0xD6, 0x00, 0x00, WRITE)]).encode()
    parameters = SecurityParameters((spi or Spi()).encode(), tar)
    return mno.run(script, parameters=parameters).status


def assert_written(esim: Esim, *, expected: bool) -> None:
    """Hold the file to what was written remotely, or to what it was before."""
    content = WRITE + CONTENT[len(WRITE) :] if expected else CONTENT
    with esim.card.transaction() as card:
        card.reset()
        own_files.select(card, DF, BINARY)
        assert ask(card, f"00B00000{len(content):02X}") == f"{content.hex().upper()} 9000"


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.parametrize(
    ("tar", "weaker"),
    [
        row("EUICC-RFM-LEVEL-03", LEVEL, "A packet in clear, where ciphering is wanted, is refused",
            CIPHERED, Spi(ciphered=False)),
        row("EUICC-RFM-LEVEL-04", LEVEL,
            "A packet whose counter is not to be checked, where it is wanted higher, is refused",
            COUNTED, Spi(counter=CounterMode.NOT_CHECKED)),
    ],
)  # fmt: skip
def test_each_part_of_the_security_level(
    mno: OverTheAirSession, esim: Esim, tar: bytes, weaker: Spi
) -> None:
    """A packet is held to its application's minimum security level in ciphering and counter too.

    Preconditions: a profile is ENABLED; one of its instances of remote file management wants CC and
    ciphering (level 06), another one CC, ciphering and a counter that is higher (level 16).

    Steps:
    1. UPDATE BINARY in the packet of the title: no proof of receipt, or one with another status
       than 00.
    2. The terminal reads the file as it was.
    3. The same with CC, ciphering and a counter that is higher: status 00, the file is written.
    """
    with step("1. The weaker packet"):
        assert updated(mno, tar, weaker) != ResponseStatus.OK
    with step("2. Nothing has changed"):
        assert_written(esim, expected=False)
    with step("3. As it should be"):
        assert updated(mno, tar) == ResponseStatus.OK
        assert_written(esim, expected=True)


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-RFM-STATUS-01", section=STATES)
def test_remote_file_management_that_is_locked(mno: OverTheAirSession, esim: Esim) -> None:
    """An instance of remote file management that the operator has locked takes no script.

    Preconditions: a profile is ENABLED; GET STATUS of its MNO-SD shows an instance of remote file
    management.

    Steps:
    1. SET STATUS to LOCKED: 9000. GET STATUS: b8 of its life cycle is set.
    2. UPDATE BINARY to its TAR: no proof of receipt, or one with another status than 00. The
       terminal reads the file as it was.
    3. SET STATUS back: 9000. UPDATE BINARY: status 00, the file is written.
    """
    before = life_cycle(mno, OWN)
    if before is None:
        not_applicable("the MNO-SD does not show its instances of remote file management")
    with step("1. Locked"):
        assert set_status(mno, OWN, before | _LOCKED) == 0x9000
        assert (life_cycle(mno, OWN) or 0) & _LOCKED
    with step("2. Out of reach"):
        assert updated(mno, CIPHERED) != ResponseStatus.OK
        assert_written(esim, expected=False)
    with step("3. Unlocked"):
        assert set_status(mno, OWN, before) == 0x9000
        assert updated(mno, CIPHERED) == ResponseStatus.OK
        assert_written(esim, expected=True)


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-RFM-TAR-01", section="SGP.02, 2.2.1.3; ETSI TS 102 225, 5.1.4")
def test_applications_of_a_disabled_profile(
    over_the_air: OverTheAirSession,
    profile_maker: ProfileMaker,
    esim: Esim,
    profile: LabProfile,
    mno: OverTheAirSession,
) -> None:
    """The TAR of a disabled profile's application is nobody's, whatever keys the packet has.

    Preconditions: a profile with a TAR of its own is DISABLED, another one is ENABLED, without that
    TAR.

    Steps:
    1. UPDATE BINARY to that TAR with the keys of the disabled profile's operator: no proof of
       receipt, or one with another status than 00. With those of the enabled one's: the same.
    2. EnableProfile for the first: 9000. The terminal reads the file as it was. UPDATE BINARY:
       status 00, the file is written.
    """
    other = preparing.operated(over_the_air, profile_maker)
    with step("1. Disabled"):
        for session in (mno, preparing.operator(esim.card, other)):
            assert updated(session, CIPHERED) != ResponseStatus.OK
    with step("2. Enabled"):
        assert one(over_the_air, isdr_commands.enable_profile(profile.aid)).sw == 0x9000
        assert_written(esim, expected=False)
        assert updated(mno, CIPHERED) == ResponseStatus.OK
        assert_written(esim, expected=True)


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-RFM-ACCESS-04", section="ETSI TS 102 226, 8.2.1.3.2.5")
def test_full_access_and_never(mno: OverTheAirSession, esim: Esim) -> None:
    """Full access does not reach what a file forbids for ever.

    Preconditions: an instance of the enabled profile has full access; a file has the rule NEVER.

    Steps:
    1. SELECT of the file, READ BINARY: 9000, 6982. SELECT of it, UPDATE BINARY: 9000, 6982.
    """
    del esim
    path = [CommandApdu(0x00, 0xA4, 0x00, 0x0C, bytes.fromhex(fid)) for fid in (DF, CLOSED)]
    for command in (
        CommandApdu(0x00, 0xB0, 0x00, 0x00, le=6),
        CommandApdu(0x00, 0xD6, 0x00, 0x00, WRITE),
    ):
        answers = mno.send(*path, command, tar=CIPHERED)
        assert [answer.sw for answer in answers] == [0x9000, 0x9000, 0x6982]


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-RFM-ACCESS-05", section="ETSI TS 102 226, 8.2.1.3.2.5")
def test_the_access_domain_of_an_adf_is_its_own(mno: OverTheAirSession) -> None:
    """Access to the files of the UICC is none to those of an ADF, nor the other way round.

    Preconditions: two instances of the enabled profile name its USIM: one has full access to the
    UICC and none to the ADF, the other none to the UICC and full access to the ADF.

    Steps:
    1. To the first: READ BINARY of EF.IMSI: 6982, or SELECT is refused. Of EF.ICCID: 9000.
    2. To the second: READ BINARY of EF.IMSI: 9000. Of EF.ICCID: 6982, or SELECT is refused.
    """

    def read(tar: bytes, *path: str) -> int:
        chosen = [CommandApdu(0x00, 0xA4, 0x00, 0x0C, bytes.fromhex(fid)) for fid in path]
        return mno.send(*chosen, CommandApdu(0x00, 0xB0, 0x00, 0x00, le=9), tar=tar)[-1].sw

    for tar, of_usim in ((UICC_ONLY, False), (USIM_ONLY, True)):
        with step(tar.hex().upper()):
            # The ADF is current at the start of a script.
            assert (read(tar, "6F07") == 0x9000) is of_usim
            assert (read(tar, "3F00", "2FE2") == 0x9000) is not of_usim


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-RFM-PIN-01", section="ETSI TS 102 226, 6; TS 102 221, 9.4")
def test_a_pin_of_a_script_is_not_the_terminal_s(mno: OverTheAirSession, esim: Esim) -> None:
    """What a script verified is not verified at the terminal.

    Preconditions: an instance of the enabled profile has full access; a file needs ADM1 for
    updating.

    Steps:
    1. VERIFY with ADM1 in a script: 9000.
    2. The terminal: UPDATE BINARY of the file: 6982. VERIFY with ADM1, the same: 9000.
    """
    with esim.card.transaction() as card:
        card.reset()
        with step("1. A script"):
            verify = CommandApdu.decode(bytes.fromhex(VERIFY_ADM1))
            assert [answer.sw for answer in mno.send(verify, tar=CIPHERED)] == [0x9000]
        with step("2. The terminal"):
            own_files.select(card, DF, GUARDED)
            assert ask(card, "00D600000139") == "6982"
            assert ask(card, VERIFY_ADM1) == "9000"
            assert ask(card, "00D600000139") == "9000"
