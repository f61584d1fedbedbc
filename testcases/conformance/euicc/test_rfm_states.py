"""Remote file management that is locked, whose profile is disabled, or that wants more security."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.wire import isdr_commands
from hil.wire.apdu import CommandApdu
from hil.wire.command_script import CommandScript
from hil.wire.profile_package.applications import Rfm
from hil.wire.profile_package.elements import encode
from hil.wire.profile_package.package import PeHeader, join, split
from hil.wire.scp80 import CounterMode, ResponseStatus, SecurityParameters, Spi
from testcases.conformance.euicc import own_files, preparing
from testcases.conformance.euicc.operating import life_cycle, set_status
from testcases.conformance.euicc.own_files import BINARY, CLOSED, CONTENT, DF, ask, row
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
"""TARs of two more instances: one wants CC and ciphering, the other also a counter to be higher."""

OWN: Final = bytes.fromhex("A000000559101052")
_INSTANCES: Final = ((OWN, CIPHERED, 0x06), (OWN[:-1] + b"\x53", COUNTED, 0x16))
_FULL: Final = b"\x00"
_LOCKED: Final = 0x80
WRITE: Final = b"remote"


@pytest.fixture
def profile(over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim) -> LabProfile:
    """An enabled profile with the lab's files, and with those two instances."""
    keys = (preparing.operator_keys(),)
    plain = profile_maker.profile(ota_keys=keys)
    elements = split(own_files.with_files(plain.package))
    more = [
        encode(
            Rfm(
                header=PeHeader(920 + number),
                instance=aid,
                security_level=level,
                access=_FULL,
                admin_access=_FULL,
                tars=(tar,),
            )
        )
        for number, (aid, tar, level) in enumerate(_INSTANCES)
    ]
    made = profile_maker.profile(
        package=join([*elements[:-1], *more, elements[-1]]),
        tar=plain.tar,
        iccid=plain.iccid,
        imsi=plain.imsi,
        ota_keys=keys,
    )
    preparing.taken_up(over_the_air, esim, made)
    return made


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
