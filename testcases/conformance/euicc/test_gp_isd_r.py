"""GlobalPlatform commands at the ISD-R beside SGP.02's: what it takes, and what it refuses."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.wire import isdr_commands, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.identifiers import ISD_R_AID, isd_p_aid
from hil.wire.put_key import put_key
from hil.wire.scp03 import KeySet
from testcases.conformance.euicc import preparing
from testcases.conformance.euicc.own_files import row
from testcases.conformance.euicc.preparing import assert_refused, one

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-63"),
    pytest.mark.severity("normal"),
]
KEYS = "GlobalPlatform, 11.8 and 11.2; Amendment D, 7.2"
ABSENT = isd_p_aid(0xFFFE).hex()


def versions(session: OverTheAirSession) -> set[int]:
    """Return the key versions of the ISD-R."""
    answer = one(session, CommandApdu(0x80, 0xCA, 0x00, 0xE0, le=256))
    assert answer.sw == 0x9000
    return {part.value[1] for part in tlv.decode_one(answer.data)[0].children()}


@pytest.mark.applies("O_ISD_R_PUT_KEY")
@pytest.mark.conformance("EUICC-GP-KEYS-01", section=KEYS)
def test_a_key_set_is_put_and_deleted(over_the_air: OverTheAirSession, esim: Esim) -> None:
    """A key set that is put into the ISD-R opens SCP03, and no longer when it was deleted.

    Preconditions: the ISD-R has no key version 3E; the lab's SCP03 key set has a DEK.

    Steps:
    1. PUT KEY of three AES keys under version 3E, under the lab's DEK: 9000, 3E, three check
       values. A card that leaves this to key establishment (6985, 6D00) is NOT APPLICABLE.
    2. SCP03 with the new keys opens.
    3. DELETE of version 3E: 9000. INITIALIZE UPDATE with it: 6A88.
    4. DELETE of version 3E again: 6A88. The other versions are as before.
    """
    before = versions(over_the_air)
    if 0x3E in before:
        not_applicable("the ISD-R has keys under version 3E")
    enc, mac, dek = (secrets.token_bytes(16) for _ in range(3))
    keys = KeySet(0x3E, enc, mac, dek)
    with step("1. PUT KEY"):
        put = put_key(0x3E, [keys.enc, keys.mac, keys.dek], esim.audit_keys.dek)
        answer = esim.audit().send(put)
        if answer.sw in (0x6985, 0x6D00):
            not_applicable(
                f"the ISD-R takes keys by key establishment only: {answer.sw:04X}",
                item="O_ISD_R_PUT_KEY",
            )
        assert answer.sw == 0x9000, f"{answer.sw:04X}"
        assert (len(answer.data), answer.data[:1]) == (10, b"\x3e")
    try:
        with step("2. SCP03"):
            assert preparing.opened_counter(esim, ISD_R_AID, keys) is not None
    finally:
        with step("3. DELETE"):
            delete = CommandApdu(0x80, 0xE4, 0x00, 0x00, bytes.fromhex("D2013E"), 256)
            assert one(over_the_air, delete).sw == 0x9000
    with esim.card.transaction() as card:
        card.select(ISD_R_AID)
        assert card.send(CommandApdu(0x80, 0x50, 0x3E, 0, bytes(8), 256)).sw == 0x6A88
    with step("4. Again"):
        assert_refused(over_the_air, esim, delete, 0x6A88)
        assert versions(over_the_air) == before


@pytest.mark.conformance("EUICC-GP-KEYS-02", section=KEYS)
def test_a_key_with_a_wrong_check_value(over_the_air: OverTheAirSession, esim: Esim) -> None:
    """PUT KEY of a key whose check value is wrong is refused whole.

    Preconditions: the ISD-R has no key version 3E.

    Steps:
    1. PUT KEY of three keys, the last one's check value changed: 9485, 6A80, 6985 or 6D00.
    2. GET DATA E0: the versions are as before.
    """
    before = versions(over_the_air)
    good = put_key(0x3E, [bytes([n] * 16) for n in (1, 2, 3)], esim.audit_keys.dek)
    data = good.data[:-1] + bytes((good.data[-1] ^ 0x01,))
    wrong = CommandApdu(good.cla, good.ins, good.p1, good.p2, data, 256)
    assert esim.audit().send(wrong).sw in (0x9485, 0x6A80, 0x6985, 0x6D00)
    assert versions(over_the_air) == before


@pytest.mark.requirement("R-63", refusal=True)
@pytest.mark.parametrize(
    ("command", "expected"),
    [
        row("EUICC-GP-REFUSED-01", "SGP.02, 2.2.1.3; GlobalPlatform, 11.10",
            "SET STATUS locks no ISD-R (6985, 6A80, 6D00)", f"80F0807F10{ISD_R_AID.hex()}",
            (0x6985, 0x6A80, 0x6D00)),
        row("EUICC-GP-REFUSED-02", "GlobalPlatform, 11.10",
            "SET STATUS of an ISD-P that does not exist (6A88)", f"80F0403F10{ABSENT}", (0x6A88,)),
        row("EUICC-GP-REFUSED-03", "GlobalPlatform, 11.10",
            "SET STATUS with a P1 it does not have (6A86)", f"80F0103F10{ABSENT}", (0x6A86,)),
        row("EUICC-GP-REFUSED-04", "GlobalPlatform, 11.2", "DELETE of the ISD-R (6985, 6A88, 6A80)",
            f"80E40000124F10{ISD_R_AID.hex()}00", (0x6985, 0x6A88, 0x6A80)),
        row("EUICC-GP-REFUSED-05", "GlobalPlatform, 11.2",
            "DELETE of a key version that is not there (6A88)", "80E4000003D2013D00", (0x6A88,)),
        row("EUICC-GP-REFUSED-06", "GlobalPlatform, 11.2", "DELETE with a wrong P1 P2 (6A86)",
            "80E4010003D2013D00", (0x6A86,)),
        row("EUICC-GP-REFUSED-07", "GlobalPlatform, 11.5", "INSTALL of a kind that is none (6A86)",
            "80E68100050000000000", (0x6A86, 0x6A80)),
        row("EUICC-GP-REFUSED-08", "GlobalPlatform, 11.5", "INSTALL data cut off (6A80)",
            "80E60C000310A00000", (0x6A80,)),
        row("EUICC-GP-REFUSED-09", "GlobalPlatform, 11.11",
            "STORE DATA that begins with block 5 (6A86, 6985)", "80E28805043A7F010000",
            (0x6A86, 0x6985)),
        row("EUICC-GP-REFUSED-10", "GlobalPlatform, 11.11",
            "STORE DATA of a grouping that is none (6A88, 6A80)", "80E28800043A7F010000",
            (0x6A88, 0x6A80)),
        row("EUICC-GP-REFUSED-11", "GlobalPlatform, 11.11",
            "STORE DATA whose grouping is cut off (6A80)", "80E28800053A03124F1000", (0x6A80,)),
        row("EUICC-GP-REFUSED-12", "GlobalPlatform, 11.8", "PUT KEY with a wrong P2 (6A86)",
            "80D80000033E000000", (0x6A86,)),
        row("EUICC-GP-REFUSED-13", "ETSI TS 102 221, 10.2", "An unknown INS (6D00)",
            "80FE000001FF", (0x6D00,)),
    ],
)  # fmt: skip
def test_what_the_isd_r_refuses(
    over_the_air: OverTheAirSession, esim: Esim, command: str, expected: tuple[int, ...]
) -> None:
    """The ISD-R refuses a command.

    Preconditions: none.

    Steps:
    1. The command of the title over the air: the status word of the title, no data.
    2. GetStatus: nothing has changed. GET DATA E0: the keys are as before.
    """
    before = versions(over_the_air)
    assert_refused(over_the_air, esim, CommandApdu.decode(bytes.fromhex(command)), *expected)
    assert versions(over_the_air) == before


@pytest.mark.conformance("EUICC-GP-STATES-01", section="SGP.02, 2.2.1.3 and 3.2 to 3.4")
def test_an_isdp_has_no_other_way_through_its_states(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """SET STATUS neither enables, disables nor locks a profile.

    Preconditions: a profile is DISABLED.

    Steps:
    1. SET STATUS of its ISD-P to ENABLED (3F), PERSONALIZED (0F), LOCKED (8F, 83): 6985, 6A80 or
       6D00 each.
    2. GetStatus after each: nothing has changed.
    3. EnableProfile: 9000.
    """
    profile = preparing.disabled(over_the_air, profile_maker)
    for state in (0x3F, 0x0F, 0x8F, 0x83):
        command = CommandApdu(0x80, 0xF0, 0x40, state, profile.aid)
        assert_refused(over_the_air, esim, command, 0x6985, 0x6A80, 0x6D00)
    assert one(over_the_air, isdr_commands.enable_profile(profile.aid)).sw == 0x9000
