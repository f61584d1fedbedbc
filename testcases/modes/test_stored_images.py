"""What was stored before the mode changed is installed by the rules of the mode that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.checks import refusal
from hil.equipment.device import DeviceRefusal
from hil.evidence import step
from hil.wire.device_auth import Mode
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

pytestmark = [pytest.mark.requires("device", "card.m2m"), pytest.mark.severity("critical")]


@pytest.mark.parametrize(
    "mode",
    [
        pytest.param(Mode.SECOND, marks=pytest.mark.requirement("R-48", "R-53", refusal=True)),
        pytest.param(Mode.TEST, marks=pytest.mark.requirement("R-59", "R-62", refusal=True)),
    ],
)
def test_a_stored_image_waits_for_a_mode_that_takes_it(
    owner: DeviceOwner, esim: Esim, image_maker: ImageMaker, mode: Mode
) -> None:
    """An operational profile, stored in first mode, is not installed in second or in test mode.

    The image is not lost by it: back in first mode it is installed.
    """
    profile = image_maker.profile()
    hand_over(owner, image_maker.sealed(profile))
    owner.command_mode(mode)
    install_at_boot(owner.device)
    with step("A command to install it is refused as well"), refusal(DeviceRefusal):
        owner.device.install()
    assert_untouched(esim, profile)
    assert [one.state for one in owner.device.images()] == ["stored"]
    with step("Back in first mode"):
        owner.command_mode(Mode.FIRST)
        assert_installed(install_at_boot(owner.device), profile.iccid)
    assert_on_card(esim, profile)
