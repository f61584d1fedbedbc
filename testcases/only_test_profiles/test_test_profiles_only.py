"""Test-profile installation mode: test profiles from an image, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.checks import refusal
from hil.equipment.device import DeviceRefusal, TransferError
from hil.evidence import step
from hil.wire.device_auth import DeviceKeySet, Manner, Mode
from testcases.installing import (
    assert_installed,
    assert_on_card,
    assert_untouched,
    hand_over,
    install_at_boot,
)

if TYPE_CHECKING:
    from hil.bench.device_owner import DeviceOwner
    from hil.bench.esim import Esim
    from hil.bench.image_maker import ImageMaker
    from hil.bench.profile_maker import LabProfile

pytestmark = pytest.mark.requires("device", "card.m2m")


def refuse(owner: DeviceOwner, esim: Esim, profile: LabProfile, raw: bytes) -> None:
    """Hold the device in test mode to refusing what is no test profile."""
    owner.authenticate()
    with refusal(TransferError, match="not a test profile"):
        owner.device.send_image(raw)
    assert owner.device.images() == ()
    assert_untouched(esim, profile)


@pytest.mark.requirement("R-57", "R-58", "R-59", "R-60")
@pytest.mark.severity("blocker")
def test_a_test_profile_is_installed(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker
) -> None:
    """The server's command leads to the mode; a test profile installs from its image."""
    owner.command_mode(Mode.TEST)
    assert owner.device.status().mode == "test"
    profile = image_maker.profile("test")
    hand_over(owner, image_maker.sealed(profile))
    assert_installed(install_at_boot(owner.device), profile.iccid)
    assert_on_card(esim, profile)
    assert owner.device.status().mode == "test"


@pytest.mark.requirement("R-57", "R-59", "R-60", refusal=True)
@pytest.mark.severity("blocker")
@pytest.mark.parametrize("profile_class", ["operational", "provisioning"])
def test_other_profiles_are_refused(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker, profile_class: str
) -> None:
    """Operational and provisioning profiles are refused in test mode."""
    owner.command_mode(Mode.TEST)
    profile = image_maker.profile(
        "operational" if profile_class == "operational" else "provisioning"
    )
    refuse(owner, esim, profile, image_maker.sealed(profile))


@pytest.mark.requirement("R-59", refusal=True)
@pytest.mark.severity("blocker")
def test_a_forged_header_does_not_help(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker
) -> None:
    """An operational profile whose header claims class test is refused: the content decides."""
    owner.command_mode(Mode.TEST)
    profile = image_maker.profile(
        "operational", claimed_class="test", profile_type="GSMA Generic eUICC Test Profile"
    )
    refuse(owner, esim, profile, image_maker.sealed(profile))


@pytest.mark.requirement("R-59", refusal=True)
@pytest.mark.severity("critical")
def test_a_test_network_does_not_make_a_test_profile(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker
) -> None:
    """An IMSI of the test network with an operational key is refused."""
    owner.command_mode(Mode.TEST)
    profile = image_maker.profile("operational", claimed_class="test", imsi="001010123456789")
    refuse(owner, esim, profile, image_maker.sealed(profile))


@pytest.mark.requirement("R-59", refusal=True)
@pytest.mark.severity("critical")
def test_another_disclosed_key_does_not_help(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker
) -> None:
    """Packets that the disclosed key does not open are refused, and so is an image without one."""
    owner.command_mode(Mode.TEST)
    profile = image_maker.profile("test")
    with step("A key that is not the session's"):
        wrong = image_maker.image(profile, disclosed_key=bytes(16))
        refuse(owner, esim, profile, image_maker.seal(wrong))
    with step("No key"):
        hidden = image_maker.image(profile, disclosed_key=None)
        refuse(owner, esim, profile, image_maker.seal(hidden))


@pytest.mark.requirement("R-58", refusal=True)
@pytest.mark.severity("blocker")
def test_only_a_command_of_the_server_leads_to_test_mode(owner: DeviceOwner) -> None:
    """A forged command, a replayed one, the user and an authentication do not lead there."""
    with step("A forged command"), refusal(DeviceRefusal, match="not authorized"):
        owner.with_keys(DeviceKeySet(1, bytes(16), bytes(16))).command_mode(Mode.TEST)
    order = owner.order_mode(Mode.TEST)
    owner.device.set_mode(Mode.TEST, order)
    owner.release_mode()
    with step("A replayed command"), refusal(DeviceRefusal, match="not authorized"):
        owner.device.set_mode(Mode.TEST, order)
    owner.authenticate()
    assert owner.device.status().mode != "test"


@pytest.mark.requirement("R-62")
@pytest.mark.requirement("R-62", refusal=True)
@pytest.mark.severity("critical")
def test_leaving_the_mode_brings_back_the_rules_of_first_mode(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker
) -> None:
    """An operational profile, refused in test mode, installs once the server has left the mode."""
    owner.command_mode(Mode.TEST)
    profile = image_maker.profile()
    raw = image_maker.sealed(profile)
    refuse(owner, esim, profile, raw)
    owner.release_mode()
    hand_over(owner, raw)
    assert_installed(install_at_boot(owner.device), profile.iccid)
    assert_on_card(esim, profile)


@pytest.mark.requirement("R-33", "R-61")
@pytest.mark.requirement("R-33", "R-61", refusal=True)
@pytest.mark.severity("critical")
def test_authentication_may_be_skipped_in_test_mode_and_that_does_not_leak(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker
) -> None:
    """In test mode the manner may be skip, and says so; after it the old manner counts again."""
    before = owner.device.status().manner
    owner.command_mode(Mode.TEST)
    owner.command_manner(Manner.SKIP)
    profile = image_maker.profile("test")
    assert owner.device.authenticate() == "skipped"
    assert owner.device.status().server_auth == "skipped"
    owner.device.send_image(image_maker.sealed(profile))
    assert_installed(install_at_boot(owner.device), profile.iccid)
    assert_on_card(esim, profile)
    with step("After the mode, a sender that is not authenticated gets nothing in"):
        owner.command_manner(before)
        owner.release_mode()
        with refusal(DeviceRefusal):
            owner.device.send_image(image_maker.sealed(image_maker.profile("test")))
