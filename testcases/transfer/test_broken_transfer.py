"""A transfer that breaks off, is damaged, or loses the authentication of its sender."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from hil.checks import refusal
from hil.equipment.device import DeviceTimeoutError, TransferError
from hil.evidence import step
from hil.wire.device_auth import Manner
from testcases.authentication.watching import until_accepted
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
    from hil.bench.jig import Jig

pytestmark = [pytest.mark.requires("device", "card.m2m"), pytest.mark.severity("critical")]

LATE_S = 0.5


def broken_off(owner: DeviceOwner, raw: bytes) -> None:
    """Begin to send an image, and leave once the device has some of it."""

    def leave(done: int, _total: int) -> None:
        if done:
            raise DeviceTimeoutError("the sender leaves")

    with step("A transfer breaks off"), refusal(DeviceTimeoutError, match="the sender leaves"):
        owner.device.send_image(raw, progress=leave, resume=False)


@pytest.mark.requirement("R-38")
@pytest.mark.requirement("R-34", "R-38", refusal=True)
def test_what_broke_off_goes_on_for_its_own_image_and_sender_only(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker
) -> None:
    """Another image begins at its first byte, and so does the same one after a goodbye."""
    profile, other = image_maker.profile(), image_maker.profile("provisioning")
    raw, another = image_maker.sealed(profile), image_maker.sealed(other)
    owner.authenticate()
    broken_off(owner, raw)
    with step("Another image is whole"):
        report = owner.device.send_image(another)
        assert report.resumed_from == 0
        owner.device.delete_image(report.image_id)
    broken_off(owner, raw)
    with step("The sender says goodbye: what it left is dropped"):
        owner.device.goodbye()
        assert hand_over(owner, raw).resumed_from == 0
    assert_installed(install_at_boot(owner.device), profile.iccid)
    assert_on_card(esim, profile)


@pytest.mark.requirement("R-20", "R-36", refusal=True)
def test_an_image_that_was_damaged_on_its_way_is_refused(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker
) -> None:
    """The bytes that come are not those that were announced: the digest says so."""
    profile = image_maker.profile()
    raw = bytearray(image_maker.sealed(profile))

    def spoil(done: int, total: int) -> None:
        if not done:
            raw[total // 2] ^= 1

    owner.authenticate()
    with refusal(TransferError, match="digest wrong"):
        # It changes under the sender's hands, which a value of bytes cannot.
        owner.device.send_image(raw, progress=spoil)  # type: ignore[arg-type]
    assert owner.device.images() == ()
    assert_untouched(esim, profile)


@pytest.mark.requirement("R-24", "R-27", "R-30", "R-34", refusal=True)
@pytest.mark.requires("power_supply.jig", "jig")
@pytest.mark.severity("blocker")
@pytest.mark.parametrize("manner", [Manner.JIG, Manner.BOTH])
def test_a_jig_that_is_gone_before_the_last_byte_lets_no_image_in(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker, jig: Jig, manner: Manner
) -> None:
    """The transfer began in the jig and ends without it: the device stores nothing."""
    profile = image_maker.profile()
    raw = image_maker.sealed(profile)
    owner.command_manner(manner)
    jig.attach()
    until_accepted(owner.device, jig)
    assert owner.authenticate() == "passed"

    def take_away(done: int, _total: int) -> None:
        if not done:
            jig.remove()
            _wait_s(jig.spec.revoke + LATE_S)

    with refusal(TransferError, match="authentication lost"):
        owner.device.send_image(raw, progress=take_away)
    assert owner.device.images() == ()
    assert_untouched(esim, profile)


def _wait_s(seconds: float) -> None:
    """Let the device notice: while it takes an image it cannot be asked."""
    time.sleep(seconds)
