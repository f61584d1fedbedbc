"""With the installed profile the device attaches to the network of its operator.

The network authenticates the device with the key that it has of the IMSI; device and card know
nothing but what the profile brought.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from hil.equipment.card.authentication import Authenticated, authenticate
from hil.equipment.device import RegistrationState
from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.wire.aka import Milenage, make_autn
from hil.wire.aka.sequence_numbers import INDICES
from testcases.authentication.watching import until
from testcases.installation.test_two_ways_one_state import SM_SR, delivered
from testcases.installing import assert_installed, ended, hand_over, install_at_boot

if TYPE_CHECKING:
    from hil.bench.desk import Desk
    from hil.bench.device_owner import DeviceOwner
    from hil.bench.esim import Esim
    from hil.bench.image_maker import ImageMaker
    from hil.bench.key_files import NetworkKeyFile, NetworkSubscription
    from hil.equipment.device import RegistrationReport

pytestmark = [
    pytest.mark.requires("device", "card", "network.subscribers"),
    pytest.mark.severity("critical"),
]

ATTACH_TIMEOUT_S = 20.0
NOBODY = RegistrationState.DENIED
AMF = bytes.fromhex("8000")
USIM = bytes.fromhex("A0000000871002")
FAR_AHEAD = 0x4000
"""SEQ that the network has not come to yet, within the jump that cards allow.

A card remembers one for each IND (3GPP TS 33.102, annex C): it is ahead once it has seen all."""


def milenage_subscriber(network: NetworkKeyFile) -> NetworkSubscription:
    """Return a subscriber that a generated profile can be made of."""
    for one in reversed(network.subscribers):
        if one.algorithm == "milenage" and one.opc is not None:
            return one
    return not_applicable("the test network has no subscriber with Milenage (key_sets.network)")


def installed(owner: DeviceOwner, maker: ImageMaker, imsi: str, k: bytes, opc: bytes) -> None:
    """Install a profile of one IMSI and key by image, and have it enabled."""
    profile = maker.profile(imsi=imsi, k=k, opc=opc)
    hand_over(owner, maker.sealed(profile))
    assert_installed(install_at_boot(owner.device), profile.iccid)
    assert owner.device.imsi() == imsi


def attached(owner: DeviceOwner) -> RegistrationReport:
    """Wait for the network's word on the device as it is now, after a restart."""
    with step("The device attaches"):
        owner.device.reboot()
        return owner.device.wait_registered(timeout_s=ATTACH_TIMEOUT_S)


@pytest.mark.requirement("R-71")
@pytest.mark.severity("blocker")
def test_the_installed_profile_attaches(
    owner: DeviceOwner, image_maker: ImageMaker, test_network: NetworkKeyFile
) -> None:
    """IMSI and key of the image let the device into the network, and again after a restart."""
    one = milenage_subscriber(test_network)
    installed(owner, image_maker, one.imsi, one.k, one.opc or b"")
    for _ in range(2):
        report = attached(owner)
        assert (report.state, report.network) == (RegistrationState.HOME, test_network.plmn)


@pytest.mark.requirement("R-71")
@pytest.mark.requires("card.m2m", "network", "servers.sm-sr")
def test_a_profile_enabled_over_the_air_counts_without_a_restart(
    owner: DeviceOwner,
    esim: Esim,
    image_maker: ImageMaker,
    desk: Desk,
    test_network: NetworkKeyFile,
) -> None:
    """The card is reset when its profile changes; the device registers with what is enabled now.

    Where the profile before it was let in, the new one is nobody's; otherwise a subscriber's.
    """
    one = milenage_subscriber(test_network)
    imsi, expected = one.imsi, RegistrationState.HOME
    if attached(owner).state is RegistrationState.HOME:
        imsi, expected = f"{test_network.plmn}9{secrets.randbelow(10**9):09d}", NOBODY
    profile = delivered(
        esim,
        image_maker,
        desk,
        profile_class="operational",
        imsi=imsi,
        k=one.k,
        opc=one.opc or b"",
    )
    with step("The SM-SR brings the profile and enables it"):
        sm_sr = desk.sm_sr(SM_SR)
        report = ended(sm_sr, sm_sr.download(profile.iccid, enable=True))
        assert (report.state, report.reason) == ("done", "")
    with step(f"The network's word on it: {expected.value}"):
        until(
            lambda: owner.device.registration().state is expected,
            timeout_s=ATTACH_TIMEOUT_S,
            otherwise="the device did not register with the new profile",
        )
        assert owner.device.imsi() == imsi


@pytest.mark.requirement("R-71", refusal=True)
def test_a_profile_with_another_key_is_rejected(
    owner: DeviceOwner, image_maker: ImageMaker, test_network: NetworkKeyFile
) -> None:
    """Another key for a known IMSI, or an IMSI that nobody has: rejected; the device goes on."""
    one = milenage_subscriber(test_network)
    with step("The IMSI of a subscriber, with another key"):
        installed(owner, image_maker, one.imsi, secrets.token_bytes(16), one.opc or b"")
        report = attached(owner)
        assert (report.state, report.network) == (RegistrationState.DENIED, "")
        assert "Illegal UE" in report.cause
    with step("An IMSI that the network does not know"):
        stranger = f"{test_network.plmn}9{secrets.randbelow(10**9):09d}"
        installed(owner, image_maker, stranger, one.k, one.opc or b"")
        report = attached(owner)
        assert report.state is RegistrationState.DENIED
        assert "unknown" in report.cause
    with step("The device is usable: a good profile attaches"):
        installed(owner, image_maker, one.imsi, one.k, one.opc or b"")
        assert attached(owner).state is RegistrationState.HOME


@pytest.mark.requirement("R-71")
def test_a_card_out_of_step_is_resynchronised(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker, test_network: NetworkKeyFile
) -> None:
    """The card has seen higher sequence numbers than the network gave: it says so, and attaches."""
    one = milenage_subscriber(test_network)
    installed(owner, image_maker, one.imsi, one.k, one.opc or b"")
    algorithm, rand = Milenage(one.k, one.opc or b""), secrets.token_bytes(16)
    with step("Somebody else with the key brings the card ahead"), esim.card.transaction():
        esim.card.select(USIM)
        for index in range(INDICES):
            ahead = make_autn(algorithm, rand, FAR_AHEAD << 5 | index, AMF)
            assert isinstance(authenticate(esim.card, rand, ahead), Authenticated)
    with step("The network's old sequence number is out of step now; once, it catches up"):
        assert attached(owner).state is RegistrationState.HOME
    with step("From then on both are in step"):
        assert attached(owner).state is RegistrationState.HOME
