"""A security domain below the operator's: what it may not do, and what reaches it when locked."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.wire import isdr_commands, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.command_script import CommandScript
from hil.wire.put_key import put_key
from hil.wire.scp80 import Integrity, ResponseStatus, SecurityParameters, Spi
from testcases.conformance.euicc import preparing
from testcases.conformance.euicc.operating import KEYS, life_cycle, management
from testcases.conformance.euicc.preparing import MNO_SD_TAR, one

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.bench.esim import Esim
    from hil.bench.profile_maker import LabProfile, ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-44"),
    pytest.mark.severity("normal"),
]
RAM = "ETSI TS 102 226, 8.2; GlobalPlatform, 11"
LEVEL = "ETSI TS 102 226, 8.2.1.3.2.4; TS 102 225, 5.1.1"
OWN_SD, OWN_TAR = bytes.fromhex("A0000001510000C2"), bytes.fromhex("B20177")
TOOLKIT = bytes.fromhex("010000000002010203") + OWN_TAR
"""UICC toolkit parameters: minimum security level 02, one TAR (ETSI TS 102 226, 8.2.1.3.2.2)."""

PARAMETERS = b"\xc9\x00" + tlv.encode(0xEA, tlv.encode(0x80, TOOLKIT))
INSTALL = CommandApdu(
    0x80,
    0xE6,
    0x0C,
    0x00,
    b"".join(
        bytes((len(value),)) + value
        for value in (
            bytes.fromhex("A0000001515350"),
            bytes.fromhex("A000000151535041"),
            OWN_SD,
            b"\x80",
            PARAMETERS,
            b"",
        )
    ),
    256,
)


@pytest.fixture
def profile(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> Iterator[LabProfile]:
    """An enabled profile with OTA keys of its own; whatever POL1 it ends with, it can go."""
    made = preparing.operated(over_the_air, profile_maker)
    yield made
    preparing.release(over_the_air, esim, made)


@pytest.fixture
def mno(esim: Esim, profile: LabProfile) -> OverTheAirSession:
    """The operator of the enabled profile."""
    return preparing.operator(esim.card, profile)


def install(mno: OverTheAirSession) -> None:
    """Make a domain with a TAR below the MNO-SD; NOT APPLICABLE where the card has no module."""
    answer = management(mno, INSTALL)
    if answer.sw == 0x6A88:
        not_applicable("the card has no module for security domains", item="O_OWN_SD")
    assert answer.sw == 0x9000, f"{answer.sw:04X}"


@pytest.mark.applies("O_OWN_SD")
@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-RAM-POLICY-01", section="SGP.02, 2.4 and 4.1.2.1")
def test_pol1_is_not_for_every_domain(
    over_the_air: OverTheAirSession, mno: OverTheAirSession, esim: Esim, profile: LabProfile
) -> None:
    """UpdatePOL1 is for the MNO-SD alone, not for a domain below it.

    Preconditions: a profile without rules is ENABLED; its operator made a domain with a TAR.

    Steps:
    1. UpdatePOL1 with "disable not allowed" to the domain, over the air: an error, or no script is
       executed.
    2. DisableProfile: 9000, the rule was not taken.
    """
    install(mno)
    with step("1. UpdatePOL1"):
        rule = bytes((preparing.DISABLE_NOT_ALLOWED,))
        command = isdr_commands.update_policy(rule, group=esim.functions.policy_dgi)
        receipt = mno.execute(command, tar=OWN_TAR)
        if receipt.status == ResponseStatus.OK:
            assert [answer.sw >> 12 for answer in receipt.answers] == [0x6]
    with step("2. DisableProfile"):
        assert one(over_the_air, isdr_commands.disable_profile(profile.aid)).sw == 0x9000


@pytest.mark.applies("O_OWN_SD")
@pytest.mark.conformance("EUICC-RAM-STATUS-03", section=f"{RAM}.10 and 5.3.2")
def test_a_locked_domain_is_out_of_reach(mno: OverTheAirSession, esim: Esim) -> None:
    """A locked domain is neither selected nor reached over the air, until it is unlocked.

    Preconditions: a profile is ENABLED; its operator made a domain with a TAR.

    Steps:
    1. GET DATA E0 to the TAR of the domain: status 00. SELECT of it by the terminal: 9000.
    2. SET STATUS to LOCKED by the operator: 9000. The same packet: another status than 00. SELECT:
       not 9000.
    3. SET STATUS back: 9000. SELECT: 9000.
    """
    install(mno)
    look = CommandApdu(0x80, 0xCA, 0x00, 0xE0, le=256)

    def selected() -> int:
        with esim.card.transaction() as card:
            card.reset()
            return card.send(CommandApdu(0x00, 0xA4, 0x04, 0x00, OWN_SD, 256)).sw

    def locked(state: int) -> int:
        return management(mno, CommandApdu(0x80, 0xF0, 0x40, state, OWN_SD)).sw

    with step("1. Before"):
        assert mno.execute(look, tar=OWN_TAR).status == ResponseStatus.OK
        assert selected() == 0x9000
    with step("2. Locked"):
        assert locked(0x87) == 0x9000
        assert mno.execute(look, tar=OWN_TAR).status != ResponseStatus.OK
        assert selected() != 0x9000
    with step("3. Unlocked"):
        assert locked(0x07) == 0x9000
        assert selected() == 0x9000


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-RAM-KEYS-04", section=f"{RAM}.2 and 11.8")
def test_keys_one_by_one(mno: OverTheAirSession, profile: LabProfile) -> None:
    """DELETE of one key leaves the others; PUT KEY replaces only what is there.

    Preconditions: a profile is ENABLED; its MNO-SD has no key versions 05 and 09.

    Steps:
    1. PUT KEY of three keys under version 05: 9000.
    2. DELETE of key 02 of version 05: 9000. GET DATA E0 lists keys 01 and 03 of it.
    3. PUT KEY with P1 09, a version that is not there: 6A88, or 6A80. GET DATA E0: as before.
    """
    dek = profile.data.ota_keys[0].dek
    keys = [secrets.token_bytes(16) for _ in range(3)]

    def listed() -> set[tuple[int, int]]:
        answer = management(mno, CommandApdu(0x80, 0xCA, 0x00, 0xE0, le=256))
        parts = tlv.decode_one(answer.data)[0].children()
        return {(part.value[1], part.value[0]) for part in parts}

    with step("1. PUT KEY"):
        assert management(mno, put_key(0x05, keys, dek)).sw == 0x9000
    with step("2. DELETE"):
        delete = CommandApdu(0x80, 0xE4, 0x00, 0x00, bytes.fromhex("D00102D20105"), 256)
        assert management(mno, delete).sw == 0x9000
        assert {key for kvn, key in listed() if kvn == 0x05} == {1, 3}
    with step("3. PUT KEY of what is not there"):
        before = listed()
        put = put_key(0x0A, keys, dek)
        replaces = CommandApdu(put.cla, put.ins, 0x09, put.p2, put.data, 256)
        assert management(mno, replaces).sw in (0x6A88, 0x6A80)
        assert listed() == before


@pytest.mark.applies("O_OWN_SD")
@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-RAM-INSTALL-02", section="ETSI TS 102 226, 8.2.1.3.2.2")
def test_a_tar_that_is_in_use(mno: OverTheAirSession) -> None:
    """INSTALL with a TAR that another application has is refused.

    Preconditions: a profile is ENABLED; its operator made a domain with a TAR.

    Steps:
    1. INSTALL of a second domain with the TAR of the first: 6A80. GET STATUS: there is none.
    2. INSTALL of it with the TAR of remote file management of the UICC, B00120: 6A80.
    3. GET DATA E0 to the TAR of the first: status 00.
    """
    install(mno)
    other = OWN_SD[:-1] + b"\xc3"
    for tar in (OWN_TAR, bytes.fromhex("B00120")):
        with step(f"TAR {tar.hex().upper()}"):
            data = INSTALL.data.replace(OWN_SD, other).replace(OWN_TAR, tar)
            again = CommandApdu(INSTALL.cla, INSTALL.ins, INSTALL.p1, INSTALL.p2, data, 256)
            assert management(mno, again).sw == 0x6A80
            assert life_cycle(mno, other) is None
    with step("3. The first"):
        assert mno.execute(KEYS, tar=OWN_TAR).status == ResponseStatus.OK


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-RAM-LEVEL-01", section=LEVEL)
def test_the_minimum_security_level_of_the_mno_sd(mno: OverTheAirSession) -> None:
    """A packet to the MNO-SD below its minimum security level is refused.

    Preconditions: a profile is ENABLED whose MNO-SD wants CC (level 02).

    Steps:
    1. GET DATA E0 to TAR B20100 in a packet that is ciphered, without CC: no proof of receipt, or
       one with another status than 00.
    2. With CC and ciphering: status 00.
    """
    assert asked(mno, MNO_SD_TAR, Spi(integrity=Integrity.NONE)) != ResponseStatus.OK
    assert asked(mno, MNO_SD_TAR, Spi()) == ResponseStatus.OK


@pytest.mark.applies("O_OWN_SD")
@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-RAM-LEVEL-02", section=LEVEL)
def test_the_minimum_security_level_of_a_domain(mno: OverTheAirSession) -> None:
    """The minimum security level that INSTALL gives a domain holds for its packets.

    Preconditions: a profile is ENABLED; its operator made a domain with a TAR and level 02 (CC).

    Steps:
    1. GET DATA E0 to its TAR in a packet that is ciphered, without CC: no proof of receipt, or one
       with another status than 00.
    2. With CC and ciphering: status 00.
    """
    install(mno)
    assert asked(mno, OWN_TAR, Spi(integrity=Integrity.NONE)) != ResponseStatus.OK
    assert asked(mno, OWN_TAR, Spi()) == ResponseStatus.OK


def asked(mno: OverTheAirSession, tar: bytes, spi: Spi) -> int | None:
    """Send GET DATA E0 to a domain; return the status of the proof of receipt."""
    script = CommandScript.of([KEYS]).encode()
    return mno.run(script, parameters=SecurityParameters(spi.encode(), tar)).status
