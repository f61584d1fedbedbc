"""ES8.DownloadAndInstallation, by SCP03t."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.equipment.card.euicc import ProfileState
from hil.evidence import step
from hil.wire import isdr_commands
from hil.wire.packets import Packet
from testcases.conformance.euicc import preparing
from testcases.conformance.euicc.preparing import (
    assert_loads,
    assert_not_installed,
    assert_state,
    one,
)

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession

pytestmark = [
    pytest.mark.requires("card", "card.keys"),
    pytest.mark.requirement("R-44"),
    pytest.mark.severity("critical"),
]
SECTION = "SGP.02, 4.1.3.3"


def flipped(packet: Packet) -> Packet:
    """Return a packet whose last bit is changed: that of its C-MAC."""
    command = packet.command
    return Packet(command[:-1] + bytes((command[-1] ^ 0x01,)))


@pytest.mark.conformance("EUICC-ES8-DOWNLOAD-01", section=SECTION)
def test_a_profile_is_downloaded(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A profile package comes through SCP03t, is installed, and is DISABLED.

    Preconditions: an ISD-P with its key set exists.

    Steps:
    1. 84, 85 and every 86: each answer is the one that follows from the keys.
    2. The last answer holds an EUICCResponse with status ok for every element.
    3. GetStatus: the ISD-P is DISABLED. The enabled profile is the one before.
    """
    before = esim.iccid()
    profile = preparing.empty(over_the_air, profile_maker)
    with step("1. and 2. The packets"):
        packets = profile.packets.packets
        assert esim.load(profile.aid, packets) == [row.expected for row in packets]
    with step("3. GetStatus"):
        assert_state(esim, profile.aid, ProfileState.DISABLED)
        assert esim.iccid() == before


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-ES8-DOWNLOAD-02", section=SECTION)
def test_data_without_a_session_is_refused(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """Profile data without a session is refused by 9F46.

    Preconditions: an ISD-P with its key set exists.

    Steps:
    1. An object 86, nothing before it: 9F46 01 02.
    2. GetStatus: the ISD-P is as before.
    3. The whole download: DISABLED.
    """
    profile = preparing.empty(over_the_air, profile_maker)
    with step("1. Object 86"):
        answer = esim.load(profile.aid, profile.packets.packets[2:3])
        assert answer == [bytes.fromhex("9F460102")]
    with step("2. GetStatus"):
        assert_not_installed(esim, profile)
    with step("3. The whole download"):
        assert_loads(esim, profile, profile_maker)


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-ES8-DOWNLOAD-03", section=SECTION)
def test_an_unknown_key_set_is_refused(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A session with a key set that the ISD-P does not have is refused by 9F44.

    Preconditions: an ISD-P with its key set exists; it has no key version 3F.

    Steps:
    1. An object 84 with key version 3F: 9F44 01 03.
    2. GetStatus: the ISD-P is as before.
    """
    profile = preparing.empty(over_the_air, profile_maker)
    command = bytearray(profile.packets.packets[0].command)
    command[2] = 0x3F
    with step("1. Object 84"):
        answer = esim.load(profile.aid, [Packet(bytes(command))])
        assert answer == [bytes.fromhex("9F440103")]
    with step("2. GetStatus"):
        assert_not_installed(esim, profile)


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-ES8-DOWNLOAD-04", section=SECTION)
def test_a_server_with_other_keys_is_refused(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """An object 85 with a wrong C-MAC is refused by 9F45, and opens nothing.

    Preconditions: an ISD-P with its key set exists.

    Steps:
    1. Object 84, then 85 with one bit changed: 9F45 01 02.
    2. An object 86 of the session: 9F46 01 02.
    3. GetStatus: the ISD-P is as before.
    4. The whole download: DISABLED.
    """
    profile = preparing.empty(over_the_air, profile_maker)
    packets = profile.packets.packets
    with step("1. and 2. The wrong object 85"):
        answers = esim.load(profile.aid, [packets[0], flipped(packets[1]), packets[2]])
        assert answers[1:] == [bytes.fromhex("9F450102"), bytes.fromhex("9F460102")]
    with step("3. GetStatus"):
        assert_not_installed(esim, profile)
    with step("4. The whole download"):
        assert_loads(esim, profile, profile_maker)


@pytest.mark.conformance("EUICC-ES8-DOWNLOAD-05", section=SECTION)
def test_changed_data_ends_the_download(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """An object 86 that was changed is refused by 9F46, and the download is over.

    Preconditions: an ISD-P with its key set exists.

    Steps:
    1. Object 84, 85, one good 86, then the next 86 with one bit changed: 9F46 01 02.
    2. The same object unchanged: 9F46 01 02.
    3. GetStatus: the ISD-P is as before.
    4. The whole download, in a new session: DISABLED.
    """
    profile = preparing.empty(over_the_air, profile_maker)
    packets = profile.packets.packets
    with step("1. and 2. The changed object"):
        answers = esim.load(profile.aid, [*packets[:3], flipped(packets[3]), packets[3]])
        assert answers[:3] == [row.expected for row in packets[:3]]
        assert answers[3:] == [bytes.fromhex("9F460102")] * 2
    with step("3. GetStatus"):
        assert_not_installed(esim, profile)
    with step("4. The whole download"):
        assert_loads(esim, profile, profile_maker)


@pytest.mark.conformance("EUICC-ES8-DOWNLOAD-06", section=SECTION)
def test_a_lost_object_ends_the_download(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """An object that follows one which never arrived is refused by 9F46.

    Preconditions: an ISD-P with its key set exists.

    Steps:
    1. Object 84, 85, then the second 86: 9F46 01 02.
    2. GetStatus: the ISD-P is as before.
    """
    profile = preparing.empty(over_the_air, profile_maker)
    packets = profile.packets.packets
    answers = esim.load(profile.aid, [*packets[:2], packets[3]])
    assert answers[2] == bytes.fromhex("9F460102")
    assert_not_installed(esim, profile)


@pytest.mark.requirement("R-45")
@pytest.mark.conformance("EUICC-ES8-DOWNLOAD-07", section=SECTION)
def test_power_lost_in_a_download_leaves_the_old_state(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A download that a reset breaks off leaves no trace, and can be done again.

    Preconditions: an ISD-P with its key set exists.

    Steps:
    1. Half of the objects, then a reset.
    2. The next object: 9F46 01 02, the session is gone.
    3. GetStatus: the ISD-P is as before, the enabled profile too.
    4. The whole download: DISABLED.
    """
    before = esim.iccid()
    profile = preparing.empty(over_the_air, profile_maker)
    packets = profile.packets.packets
    half = len(packets) // 2
    with step("1. Half a download, then a reset"):
        esim.load(profile.aid, packets[:half])
        esim.card.reset()
    with step("2. The next object"):
        assert esim.load(profile.aid, packets[half : half + 1]) == [bytes.fromhex("9F460102")]
    with step("3. GetStatus"):
        assert_not_installed(esim, profile)
        assert esim.iccid() == before
    with step("4. The whole download"):
        assert_loads(esim, profile, profile_maker)


@pytest.mark.requirement("R-44", refusal=True)
@pytest.mark.conformance("EUICC-ES8-DOWNLOAD-08", section=SECTION)
def test_a_second_profile_in_one_isdp_is_refused(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A download into an ISD-P that holds a profile is refused.

    Preconditions: a profile is DISABLED.

    Steps:
    1. An object 84 to its ISD-P: an error object 9F44, or 6985 to the STORE DATA.
    2. GetStatus: nothing has changed.
    3. EnableProfile: 9000, EF.ICCID is that of the profile.
    """
    profile = preparing.disabled(over_the_air, profile_maker)
    before = esim.profiles()
    again = profile_maker.profile(tar=profile.tar, counter=2)
    with step("1. Object 84"):
        (answer,) = esim.load(profile.aid, again.packets.packets[:1])
        assert answer[:2] == bytes.fromhex("9F44")
    with step("2. GetStatus"):
        assert esim.profiles() == before
    with step("3. EnableProfile"):
        assert one(over_the_air, isdr_commands.enable_profile(profile.aid)).sw == 0x9000
        assert esim.iccid() == profile.iccid
