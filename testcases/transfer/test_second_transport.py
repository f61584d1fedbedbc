"""The same scenario without the cable: the device's line over a wireless serial bridge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.bench.judge import noted
from hil.checks import refusal
from hil.equipment.device import DeviceRefusal, TransferError
from hil.evidence import step
from hil.metrology import by_clock
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

pytestmark = [
    pytest.mark.requires("device.wireless", "card.m2m"),
    pytest.mark.applies("O_SECOND_LINK"),
    pytest.mark.severity("normal"),
]


@pytest.mark.requirement("R-37")
def test_an_image_goes_without_a_cable(
    wireless_owner: DeviceOwner, esim: Esim, image_maker: ImageMaker
) -> None:
    """Authentication, transfer, restart and installation, all over the second link."""
    profile = image_maker.profile()
    sent = hand_over(wireless_owner, image_maker.sealed(profile))
    noted(by_clock("wireless transfer", sent.bytes_per_second, "B/s"), bytes=sent.size)
    assert_installed(install_at_boot(wireless_owner.device), profile.iccid)
    assert_on_card(esim, profile)


@pytest.mark.requirement("R-37", refusal=True)
def test_the_second_link_is_no_way_around(
    wireless_owner: DeviceOwner, owner: DeviceOwner, esim: Esim, image_maker: ImageMaker
) -> None:
    """Without authentication nothing enters; a damaged image is refused as on the cable."""
    profile = image_maker.profile()
    raw = image_maker.sealed(profile)
    with step("Not authenticated"), refusal(DeviceRefusal, match="not authenticated"):
        wireless_owner.device.send_image(raw)
    wireless_owner.authenticate()
    damaged = raw[:-1] + bytes((raw[-1] ^ 1,))
    with step("Damaged"), refusal(TransferError):
        wireless_owner.device.send_image(damaged)
    with step("The cable shows the same device: it holds nothing"):
        assert owner.device.images() == ()
    assert_untouched(esim, profile)
