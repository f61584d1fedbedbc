"""ES8.DownloadAndInstallation: elements passed over, what stands behind the end, and new starts."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from hil.equipment.card.euicc import ProfileState
from hil.evidence import step
from hil.wire import isdr_commands, tlv
from hil.wire.download import last_response, prepare_packets
from hil.wire.profile_package.elements import UnknownElement, encode
from hil.wire.profile_package.package import join, split
from testcases.conformance.euicc import preparing
from testcases.conformance.euicc.preparing import (
    assert_loads,
    assert_not_installed,
    assert_state,
    one,
)

if TYPE_CHECKING:
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import LabProfile, ProfileMaker
    from hil.equipment.card.over_the_air import OverTheAirSession
    from hil.wire.profile_package.response import EuiccResponse

pytestmark = [
    pytest.mark.requires("card.m2m", "card.keys"),
    pytest.mark.requirement("R-44", "R-45"),
    pytest.mark.severity("critical"),
]
SECTION = "SGP.02, 4.1.3.3; TCA interoperable format, 8.11"
OWN, PE_NOT_SUPPORTED = 0x1234, 1


@pytest.fixture
def profile(over_the_air: OverTheAirSession, profile_maker: ProfileMaker) -> LabProfile:
    """A profile whose ISD-P was created, and is empty."""
    return preparing.empty(over_the_air, profile_maker)


def loaded(maker: ProfileMaker, profile: LabProfile, package: bytes) -> EuiccResponse | None:
    """Load a package; return the card's response, None where it gave none."""
    packets, key = prepare_packets(
        package, maker.keys(profile.aid), profile.aid, 1, secrets.token_bytes(8)
    )
    answers = maker.esim.load(profile.aid, packets)
    said = (n for n, raw in enumerate(answers) if n > 1 and tlv.decode_one(raw)[0].value)
    told = next(said, None)
    return None if told is None else last_response(packets[: told + 1], key, answers[told])


def with_strange(package: bytes, *, mandated: bool) -> bytes:
    """Return the package with an element that no standard knows before its end."""
    header = f"A00{6 if mandated else 4}{'8000' if mandated else ''}8102{OWN:04X}"
    elements = split(package)
    strange = encode(UnknownElement(0xBF40, bytes.fromhex(header)))
    return join([*elements[:-1], strange, elements[-1]])


@pytest.mark.conformance("EUICC-ES8-PACKAGE-16", section=SECTION)
def test_an_element_that_need_not_be(
    profile_maker: ProfileMaker, profile: LabProfile, esim: Esim
) -> None:
    """An element that the card cannot do is passed over unless it is mandated, and is told.

    Preconditions: an ISD-P with its key set exists.

    Steps:
    1. A package with an element that no standard knows, mandated: PEStatus 1 with its
       identification, profileInstallationAborted.
    2. The same, not mandated: no abort, PEStatus 1 with its identification among the others. The
       ISD-P is DISABLED.
    """
    with step("1. Mandated"):
        response = loaded(profile_maker, profile, with_strange(profile.package, mandated=True))
        assert response is not None
        assert response.aborted
        last = response.statuses[-1]
        assert (last.status, last.identification) == (PE_NOT_SUPPORTED, OWN)
        assert_not_installed(esim, profile)
    with step("2. Not mandated"):
        again = profile_maker.profile(tar=profile.tar, counter=profile.packets.counter + 1)
        package = with_strange(profile.package, mandated=False)
        packets, key = prepare_packets(
            package, profile_maker.keys(again.aid), again.aid, 2, secrets.token_bytes(8)
        )
        answers = esim.load(again.aid, packets)
        response = last_response(packets, key, answers[-1])
        assert not response.aborted, response.text
        told = {status.identification: status.status for status in response.statuses}
        assert told[OWN] == PE_NOT_SUPPORTED
        assert_state(esim, again.aid, ProfileState.DISABLED)


@pytest.mark.requirement("R-44", "R-45", refusal=True)
@pytest.mark.conformance("EUICC-ES8-PACKAGE-17", section=SECTION)
def test_bytes_behind_the_end(profile_maker: ProfileMaker, profile: LabProfile, esim: Esim) -> None:
    """A package that goes on behind its end element is refused.

    Preconditions: an ISD-P with its key set exists.

    Steps:
    1. A package with two bytes behind its end: an EUICCResponse with profileInstallationAborted.
    2. GetStatus: the ISD-P is as before. A good package into it: DISABLED.
    """
    response = loaded(profile_maker, profile, profile.package + b"\xa7\x00")
    assert response is not None
    assert response.aborted
    assert_not_installed(esim, profile)
    assert_loads(esim, profile, profile_maker)


@pytest.mark.conformance("EUICC-ES8-DOWNLOAD-09", section="SGP.02, 3.1.3 and 4.1.3.3")
def test_a_download_that_begins_anew(
    profile_maker: ProfileMaker, profile: LabProfile, esim: Esim
) -> None:
    """INITIALIZE UPDATE begins a download anew: what came before it is forgotten.

    Preconditions: an ISD-P with its key set exists.

    Steps:
    1. Half the packets of a download.
    2. All packets of another one, from INITIALIZE UPDATE on: each answer is the one that follows
       from the keys. The ISD-P is DISABLED.
    """
    packets = profile.packets.packets
    half = packets[: len(packets) // 2 + 1]
    assert esim.load(profile.aid, half) == [packet.expected for packet in half]
    again = profile_maker.profile(tar=profile.tar, counter=profile.packets.counter + 1)
    whole = again.packets.packets
    assert esim.load(again.aid, whole) == [packet.expected for packet in whole]
    assert_state(esim, again.aid, ProfileState.DISABLED)


@pytest.mark.conformance("EUICC-ES8-DOWNLOAD-10", section="SGP.02, 4.1.1.1 and 4.1.3.3")
def test_what_was_granted_can_be_used(
    over_the_air: OverTheAirSession, profile_maker: ProfileMaker, esim: Esim
) -> None:
    """A profile takes the memory granted to its ISD-P, with none left besides.

    Preconditions: an ISD-P was granted all the memory that was left.

    Steps:
    1. All packets of a download: the ISD-P is DISABLED.
    2. CreateISDP with a quota: 6A84.
    """
    profile = profile_maker.profile()
    quota = preparing.free_memory(over_the_air)
    with step("Precondition: CreateISDP with all that is left"):
        # A card may charge a little more than the quota.
        for spare in (0, 1024, 4096):
            answer = one(over_the_air, isdr_commands.create_isdp(profile.aid, quota - spare))
            if answer.sw == 0x9000:
                break
        assert answer.sw == 0x9000, f"{answer.sw:04X}"
    packets = profile.packets.packets
    assert esim.load(profile.aid, packets) == [packet.expected for packet in packets]
    assert_state(esim, profile.aid, ProfileState.DISABLED)
    other = profile_maker.profile()
    assert one(over_the_air, isdr_commands.create_isdp(other.aid, 40_000)).sw == 0x6A84
