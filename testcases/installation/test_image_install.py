"""First mode: the image is kept in the secure area and installed at boot."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hil.checks import refusal
from hil.equipment.device import TransferError
from hil.errors import LinkError
from hil.evidence import step
from hil.wire.scp03 import KeySet
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
    from hil.bench.jig import Rail

pytestmark = pytest.mark.requires("device", "card.m2m")

MOST_IMAGES = 12


@pytest.mark.requirement(
    "R-34", "R-35", "R-40", "R-41", "R-42", "R-43", "R-44", "R-45", "R-47", "R-53"
)
@pytest.mark.severity("blocker")
def test_an_image_is_stored_and_installed_at_the_next_boot(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker
) -> None:
    """Nothing reaches the card before the boot; after it, the profile is there and enabled."""
    profile = image_maker.profile()
    hand_over(owner, image_maker.sealed(profile))
    with step("Before the restart the image is only stored"):
        assert [one.state for one in owner.device.images()] == ["stored"]
        assert esim.profile(profile.aid) is None
    report = install_at_boot(owner.device)
    assert_installed(report, profile.iccid)
    assert report.boot == owner.device.boot_count()
    assert_on_card(esim, profile)


@pytest.mark.requirement("R-40", "R-42")
@pytest.mark.severity("normal")
def test_a_stored_image_is_not_lost_to_a_later_one(
    owner: DeviceOwner, image_maker: ImageMaker
) -> None:
    """The device takes as many images as it has room for, then says so; none of them goes."""
    profile = image_maker.profile()
    raws = [image_maker.sealed(profile) for _ in range(MOST_IMAGES)]
    owner.authenticate()
    sent: list[str] = []
    for raw in raws:
        try:
            sent.append(owner.device.send_image(raw).image_id)
        except TransferError as refused:
            assert refused.name == "memory full"  # noqa: PT017 - the device may have room for all
            break
    assert [one.image_id for one in owner.device.images()] == sent
    assert len(sent) > 1


@pytest.mark.requirement("R-43", "R-45", refusal=True)
@pytest.mark.severity("critical")
def test_a_card_that_does_not_take_the_packets_has_no_profile(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker
) -> None:
    """The ISD-P answers otherwise than the image says: the device does not call that installed."""
    profile = image_maker.profile(counter=7)
    fallback = esim.iccid()
    hand_over(owner, image_maker.seal(image_maker.image(profile, enable=False)))
    report = install_at_boot(owner.device)
    assert report.result == "failed"
    assert report.reason
    assert [one.state for one in owner.device.images()] == ["failed"]
    assert esim.iccid() == fallback


@pytest.mark.requirement("R-42", "R-45", refusal=True)
@pytest.mark.severity("critical")
def test_an_enabling_that_the_card_refuses_is_no_installation(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker
) -> None:
    """The packets go in, but the last step would enable an ISD-P that does not exist."""
    profile = image_maker.profile()
    other = image_maker.profile(tar=profile.tar + 1)
    fallback = esim.iccid()
    image = image_maker.image(profile)
    image = replace(image, steps_after=image_maker.image(other).steps_after)
    hand_over(owner, image_maker.seal(image))
    report = install_at_boot(owner.device)
    assert report.result == "failed"
    assert report.reason
    assert esim.iccid() == fallback


@pytest.mark.requirement("R-46")
@pytest.mark.severity("critical")
def test_the_second_boot_changes_nothing(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker
) -> None:
    """An installed image is not installed again, and its counter is not good twice."""
    profile = image_maker.profile()
    hand_over(owner, image_maker.sealed(profile))
    first = install_at_boot(owner.device)
    assert_installed(first, profile.iccid)
    state, counter = esim.state(), esim.expected_counter()
    second = install_at_boot(owner.device)
    assert second == first
    assert esim.state().differences(state) == []
    assert esim.expected_counter() == counter


@pytest.mark.requirement("R-40", "R-41")
@pytest.mark.requires("power_supply.rail")
@pytest.mark.severity("critical")
def test_the_image_survives_power_off(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker, rail: Rail
) -> None:
    """The supply goes off after the transfer; after it comes back the profile is installed."""
    profile = image_maker.profile()
    hand_over(owner, image_maker.sealed(profile))
    with step("The supply rail is switched off and on again"):
        rail.cycle()
    owner.device.wait_ready(timeout_s=20.0)
    assert_installed(owner.device.wait_installed(timeout_s=30.0), profile.iccid)
    assert_on_card(esim, profile)


@pytest.mark.requirement("R-41", "R-43", refusal=True)
@pytest.mark.severity("blocker")
def test_wrong_isd_r_keys_install_nothing(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker
) -> None:
    """An image whose ISD-R authentication fails is not installed, and the reason is reported."""
    profile = image_maker.profile()
    wrong = KeySet(0x30, bytes(16), bytes(16), bytes(16))
    counter = esim.expected_counter()
    hand_over(owner, image_maker.seal(image_maker.image(profile, isd_r=wrong)))
    report = install_at_boot(owner.device)
    assert report.result in ("failed", "refused")
    assert report.reason
    assert_untouched(esim, profile)
    assert esim.expected_counter() == counter


@pytest.mark.requirement("R-45", "R-46", refusal=True)
@pytest.mark.severity("critical")
def test_an_image_whose_counter_is_used_up_is_stale(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker
) -> None:
    """An image for a counter the ISD-R will not use next is reported as stale, with both values."""
    profile = image_maker.profile()
    expected = esim.expected_counter()
    image = image_maker.image(profile, counter=expected + 7)
    hand_over(owner, image_maker.seal(image))
    report = install_at_boot(owner.device)
    assert report.result == "stale"
    assert f"{expected:06X}" in report.reason
    assert f"{expected + 7:06X}" in report.reason
    assert_untouched(esim, profile)


@pytest.mark.requirement("R-05", "R-18", "R-41")
@pytest.mark.severity("normal")
def test_two_stored_images_are_installed_in_their_order(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker
) -> None:
    """Two images, stored one after the other, are installed at one boot; the last is enabled."""
    counter = esim.expected_counter()
    first = image_maker.profile()
    hand_over(owner, image_maker.seal(image_maker.image(first, counter=counter, enable=False)))
    second = image_maker.profile(tar=first.tar + 1)
    hand_over(owner, image_maker.seal(image_maker.image(second, counter=counter + 1)))
    assert_installed(install_at_boot(owner.device), second.iccid)
    assert esim.profile(first.aid) is not None
    assert_on_card(esim, second)


@pytest.mark.requirement("R-38", "R-45")
@pytest.mark.requirement("R-36", "R-38", refusal=True)
@pytest.mark.requires("power_supply.rail")
@pytest.mark.severity("critical")
@pytest.mark.units(fraction="of the image")
@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.9])
def test_power_lost_during_the_transfer_leaves_the_old_state(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker, rail: Rail, fraction: float
) -> None:
    """The rail goes off in mid-transfer: nothing is installed, and the transfer can be repeated."""
    profile = image_maker.profile()
    raw = image_maker.sealed(profile)
    before = esim.state()
    owner.authenticate()

    def cut(done: int, total: int) -> None:
        if done >= fraction * total and rail.is_on:
            rail.off()

    with step(f"The rail is switched off at {fraction:.0%} of the image"), refusal(LinkError):
        owner.device.send_image(raw, progress=cut, stall_s=1.0)
    rail.on()
    owner.device.wait_ready(timeout_s=20.0)
    with step("The device is as it was"):
        assert owner.device.images() == ()
        assert esim.state().differences(before) == []
    hand_over(owner, raw)
    assert_installed(install_at_boot(owner.device), profile.iccid)
    assert_on_card(esim, profile)


@pytest.mark.requirement("R-45")
@pytest.mark.requires("power_supply.rail")
@pytest.mark.severity("blocker")
@pytest.mark.parametrize("delay_s", [0.0, 0.02, 0.05, 0.1, 0.2])
def test_power_lost_during_the_installation_leaves_old_or_new(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker, rail: Rail, delay_s: float
) -> None:
    """The rail goes off while the boot installs: the card has the old or the new profile.

    Whatever the instant: the device comes back, says what became of the image, and a fresh image
    installs.
    """
    profile = image_maker.profile()
    hand_over(owner, image_maker.sealed(profile))
    with step(f"The rail is switched off {delay_s * 1000:.0f} ms after the boot has begun"):
        rail.cycle()
        _wait_s(delay_s)
        rail.off()
    rail.on()
    owner.device.wait_ready(timeout_s=20.0)
    report = owner.device.wait_installed(timeout_s=30.0)
    with step(f"The device reports: {report.result} {report.reason}"):
        enabled = esim.enabled()
        assert enabled is not None
        if report.result == "installed":
            assert_on_card(esim, profile)
        else:
            assert report.reason
            if not enabled.fallback:
                # The card had changed, and the power went before the device could note it.
                assert_on_card(esim, profile)
    if report.result != "installed":
        esim.restore()
        again = image_maker.profile()
        hand_over(owner, image_maker.sealed(again))
        assert_installed(install_at_boot(owner.device), again.iccid)
        assert_on_card(esim, again)


def _wait_s(seconds: float) -> None:
    """Let the installation run for a while: here the passing of time is the stimulus itself."""
    threading.Event().wait(seconds)
