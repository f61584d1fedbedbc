"""ES5.GetStatus, and GET STATUS of GlobalPlatform around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.wire import isdr_commands, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.identifiers import ISD_P_LOAD_FILE_AID, ISD_R_AID, isd_p_aid
from testcases.conformance.euicc import preparing
from testcases.conformance.euicc.preparing import one

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-63"),
    pytest.mark.severity("critical"),
]
SECTION = "SGP.02, 4.1.1.5"
ALL = bytes.fromhex("4F00")


def rows(session: OverTheAirSession, command: CommandApdu) -> list[dict[int, bytes]]:
    """Return the E3 objects of all answers, each by tag."""
    answer = one(session, command)
    data = answer.data
    while answer.sw == 0x6310:
        following = CommandApdu(0x80, 0xF2, command.p1, command.p2 | 0x01, command.data, 256)
        answer = one(session, following)
        data += answer.data
    assert answer.sw == 0x9000, f"{answer.sw:04X}"
    objects = tlv.decode_all(data)
    assert {row.tag for row in objects} == {0xE3}
    return [{part.tag: part.value for part in row.children()} for row in objects]


@pytest.mark.conformance("EUICC-ES5-STATUS-01", section=SECTION)
def test_all_isdps_are_listed(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """GetStatus with an empty AID lists every ISD-P once.

    Preconditions: the fall-back profile is ENABLED, a second one is DISABLED, an ISD-P has none.

    Steps:
    1. GetStatus with 4F 00: 9000, after 6310 and GetStatus with P2 03 as often as it takes.
    2. Each AID comes once; 9F70 is 3F, 1F, and 07 or 0F.
    3. 53 has b1 for the fall-back profile alone.
    """
    holder = preparing.fallback(esim)
    second = preparing.disabled(over_the_air, profile_maker).aid
    third = profile_maker.profile()
    preparing.created(over_the_air, third)
    with step("1. GetStatus"):
        found = rows(over_the_air, isdr_commands.get_status())
    with step("2. States"):
        states = {row[0x4F]: row[0x9F70][0] for row in found}
        assert len(found) == len(states) == 3
        assert states[holder] == 0x3F
        assert states[second] == 0x1F
        assert states[third.aid] in (0x07, 0x0F)
    with step("3. Attributes"):
        assert {row[0x4F] for row in found if row.get(0x53, b"\x00")[0] & 0x01} == {holder}


@pytest.mark.conformance("EUICC-ES5-STATUS-02", section=SECTION)
def test_many_isdps_come_in_several_answers(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker
) -> None:
    """More ISD-Ps than fit one answer are listed all the same.

    Preconditions: six ISD-Ps were created.

    Steps:
    1. GetStatus with 4F 00, and with P2 03 while the answer is 6310: 9000 at the end.
    2. All six are listed, each once.
    """
    aids = []
    for _ in range(6):
        profile = profile_maker.profile()
        answer = one(over_the_air, isdr_commands.create_isdp(profile.aid, 1000))
        assert answer.sw == 0x9000
        aids.append(profile.aid)
    with step("1. GetStatus"):
        listed = [row[0x4F] for row in rows(over_the_air, isdr_commands.get_status())]
    with step("2. All of them"):
        assert len(listed) == len(set(listed))
        assert set(aids) < set(listed)


@pytest.mark.conformance("EUICC-ES5-STATUS-03", section=SECTION)
def test_one_isdp_is_shown(over_the_air: OverTheAirSession, profile_maker: ProfileMaker) -> None:
    """GetStatus with an AID shows that ISD-P through its whole life.

    Preconditions: the AID is free.

    Steps:
    1. After CreateISDP: one E3, 9F70 is 07 or 0F.
    2. After the download: 1F.
    3. After EnableProfile: 3F.
    4. After DisableProfile: 1F.
    5. After DeleteProfile: 6A88.
    """
    profile = profile_maker.profile()
    look = isdr_commands.get_status(profile.aid)

    def state() -> int:
        (row,) = rows(over_the_air, look)
        assert row[0x4F] == profile.aid
        return row[0x9F70][0]

    with step("1. CreateISDP"):
        preparing.created(over_the_air, profile)
        assert state() in (0x07, 0x0F)
    with step("2. Download"):
        packets = profile.packets.packets
        assert profile_maker.esim.load(profile.aid, packets) == [row.expected for row in packets]
        assert state() == 0x1F
    with step("3. EnableProfile"):
        assert one(over_the_air, isdr_commands.enable_profile(profile.aid)).sw == 0x9000
        assert state() == 0x3F
    with step("4. DisableProfile"):
        assert one(over_the_air, isdr_commands.disable_profile(profile.aid)).sw == 0x9000
        assert state() == 0x1F
    with step("5. DeleteProfile"):
        assert one(over_the_air, isdr_commands.delete_profile(profile.aid)).sw == 0x9000
        assert one(over_the_air, look).sw == 0x6A88


@pytest.mark.applies("O_ISD_P_MEMORY")
@pytest.mark.conformance("EUICC-ES5-STATUS-04", section="SGP.02, 4.1.1.5, table 28")
def test_the_memory_of_an_isdp_is_told(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker
) -> None:
    """8F is the memory granted, 91 what is left of it.

    Preconditions: a profile was loaded into an ISD-P with a quota.

    Steps:
    1. GetStatus before the download: 8F is the quota, 91 the same.
    2. GetStatus after it: 8F is the quota, 91 is less than before, and not more than 8F.
    """
    profile = profile_maker.profile()
    preparing.created(over_the_air, profile)
    look = isdr_commands.get_status(profile.aid)

    def memory() -> tuple[int, int]:
        (row,) = rows(over_the_air, look)
        if 0x8F not in row or 0x91 not in row:
            not_applicable("the card tells no memory of an ISD-P (8F, 91)", item="O_ISD_P_MEMORY")
        return int.from_bytes(row[0x8F], "big"), int.from_bytes(row[0x91], "big")

    with step("1. Before"):
        quota = profile.packets.memory
        before = memory()
        assert before == (quota, quota)
    with step("2. After"):
        profile_maker.esim.load(profile.aid, profile.packets.packets)
        granted, left = memory()
        assert granted == quota
        assert left < before[1]


@pytest.mark.conformance("EUICC-ES5-STATUS-05", section=SECTION)
def test_an_unknown_isdp_is_not_shown(over_the_air: OverTheAirSession) -> None:
    """GetStatus of an ISD-P that does not exist is refused.

    Preconditions: no ISD-P has the TAR 00FFFE.

    Steps:
    1. GetStatus for it: 6A88, no data.
    """
    answer = one(over_the_air, isdr_commands.get_status(isd_p_aid(0xFFFE)))
    assert (answer.sw, answer.data) == (0x6A88, b"")


@pytest.mark.requirement("R-63", refusal=True)
@pytest.mark.parametrize(
    ("p1", "p2", "data", "expected"),
    [
        pytest.param(
            0x40, 0x06, ALL, (0x6A86,),
            marks=pytest.mark.conformance(
                "EUICC-ES5-STATUS-06",
                section="GlobalPlatform, 11.4.2.2",
                title="GetStatus with a reserved bit in P2 is refused (6A86)",
            ),
        ),
        pytest.param(
            0x00, 0x02, ALL, (0x6A86,),
            marks=pytest.mark.conformance(
                "EUICC-ES5-STATUS-07",
                section="GlobalPlatform, 11.4.2.1",
                title="GetStatus of no scope is refused (6A86)",
            ),
        ),
        pytest.param(
            0x40, 0x02, bytes.fromhex("5C014F"), (0x6A80,),
            marks=pytest.mark.conformance(
                "EUICC-ES5-STATUS-08",
                section="GlobalPlatform, 11.4.2.3",
                title="GetStatus without the search criterion 4F is refused (6A80)",
            ),
        ),
        pytest.param(
            0x40, 0x02, bytes.fromhex("4F10A0"), (0x6A80,),
            marks=pytest.mark.conformance(
                "EUICC-ES5-STATUS-09",
                section="GlobalPlatform, 11.4.2.3",
                title="GetStatus with a criterion that is cut off is refused (6A80)",
            ),
        ),
    ],
)  # fmt: skip
def test_a_wrong_request_is_refused(
    over_the_air: OverTheAirSession, p1: int, p2: int, data: bytes, expected: tuple[int, ...]
) -> None:
    """A GetStatus that is none is refused.

    Preconditions: none.

    Steps:
    1. The command: the status word of the title, no data.
    2. GetStatus as it should be: 9000.
    """
    with step("1. The wrong one"):
        answer = one(over_the_air, CommandApdu(0x80, 0xF2, p1, p2, data, 256))
        assert answer.sw in expected, f"{answer.sw:04X}"
        assert answer.data == b""
    with step("2. The right one"):
        assert one(over_the_air, isdr_commands.get_status()).sw in (0x9000, 0x6310)


@pytest.mark.conformance("EUICC-ES5-STATUS-10", section="GlobalPlatform, 11.4")
def test_the_isd_r_shows_itself(over_the_air: OverTheAirSession) -> None:
    """GET STATUS of the issuer security domain shows the ISD-R, PERSONALIZED.

    Preconditions: none.

    Steps:
    1. GET STATUS with P1 80: 9000, one E3 with the AID of the ISD-R and 9F70 0F.
    """
    (row,) = rows(over_the_air, CommandApdu(0x80, 0xF2, 0x80, 0x02, ALL, 256))
    assert row[0x4F] == ISD_R_AID
    assert row[0x9F70][0] == 0x0F


@pytest.mark.conformance("EUICC-ES5-STATUS-11", section="GlobalPlatform, 11.4; SGP.02, 2.2.3")
def test_the_load_file_of_isdps_is_listed(over_the_air: OverTheAirSession) -> None:
    """GET STATUS of load files shows the one that ISD-Ps are made from.

    Preconditions: none.

    Steps:
    1. GET STATUS with P1 20: 9000, an E3 with the AID of the load file of ISD-Ps.
    """
    found = rows(over_the_air, CommandApdu(0x80, 0xF2, 0x20, 0x02, ALL, 256))
    assert ISD_P_LOAD_FILE_AID in [row[0x4F] for row in found]
