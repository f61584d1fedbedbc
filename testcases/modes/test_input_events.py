"""Input events that are none, data as an event, and ways that the mode of the moment refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.checks import refusal
from hil.equipment.device import DeviceRefusal, TransferError
from hil.evidence import step
from hil.not_applicable import not_applicable
from hil.provisioning.orders import ProfileRequest
from hil.wire.device_auth import DeviceKeySet, Manner, Mode
from testcases.authentication.watching import until
from testcases.installing import ended, install_at_boot
from testcases.modes.test_modes import mode_of

if TYPE_CHECKING:
    from hil.bench.desk import Desk
    from hil.bench.device_owner import DeviceOwner
    from hil.bench.esim import Esim
    from hil.bench.image_maker import ImageMaker

pytestmark = [pytest.mark.requires("device"), pytest.mark.severity("critical")]

REFUSED_S = 10.0


@pytest.mark.requirement("R-48", "R-49", refusal=True)
def test_a_failed_authentication_is_no_input_event(owner: DeviceOwner) -> None:
    """Whoever does not hold the key set does not lead the device to first mode."""
    stranger = owner.with_keys(DeviceKeySet(1, bytes(16), bytes(16)))
    with refusal(DeviceRefusal, match="proof wrong"):
        stranger.authenticate()
    assert mode_of(owner) == ("second", "none")


@pytest.mark.requirement("R-50", "R-54")
@pytest.mark.requires("card.m2m")
@pytest.mark.applies("O_SKIP")
def test_the_type_of_the_data_leads_to_first_mode(
    owner: DeviceOwner, image_maker: ImageMaker
) -> None:
    """A skipped authentication is no event; the image that comes then is one."""
    if owner.device.identity().life != "development":
        not_applicable("the device is in commercial life, where nothing may be skipped")
    owner.command_manner(Manner.SKIP)
    assert owner.device.authenticate() == "skipped"
    assert mode_of(owner) == ("second", "none")
    raw = image_maker.sealed(image_maker.profile())
    with step("An image that the device refuses is none"), refusal(TransferError):
        owner.device.send_image(raw[:-1])
    assert mode_of(owner) == ("second", "none")
    owner.device.send_image(raw)
    assert mode_of(owner) == ("first", "data-type")
    with step("The installation uses the event up"):
        assert install_at_boot(owner.device).result == "installed"
        assert mode_of(owner) == ("second", "none")


@pytest.mark.requirement("R-42", refusal=True)
def test_without_an_image_nothing_is_installed(owner: DeviceOwner) -> None:
    """The command to install what is not there is refused, and changes nothing."""
    before = owner.device.last_install()
    with refusal(DeviceRefusal, match="nothing to install"):
        owner.device.install()
    assert owner.device.last_install() == before


@pytest.mark.requirement("R-52", "R-53", "R-55", "R-60", "R-64", refusal=True)
@pytest.mark.requires("card.m2m", "network", "servers.sm-sr", "servers.sm-dp")
@pytest.mark.parametrize("mode", [Mode.FIRST, Mode.TEST])
def test_packets_over_the_air_are_for_second_mode(
    desk: Desk, owner: DeviceOwner, esim: Esim, mode: Mode
) -> None:
    """In first and in test mode the device refuses them; back in second mode they install."""
    before = esim.state()
    sm_sr = desk.sm_sr("sm-sr-1")
    request = ProfileRequest(mno="mno-2", targets=(esim.eid(),))
    (ordered,) = desk.sm_dp("sm-dp-1").place(request).profiles
    owner.command_mode(mode)
    job = sm_sr.download(ordered.iccid, enable=True)
    with step("The device refuses the first packet, and says so"):
        until(
            lambda: f"refused in {mode.value} mode" in owner.device.status().last_error,
            timeout_s=REFUSED_S,
            otherwise="no packet was refused",
        )
        assert esim.state().differences(before) == []
    with step("The server leaves the mode; the SM-SR's repetition gets through"):
        owner.release_mode()
        assert ended(sm_sr, job).state == "done"
        assert esim.iccid_after_reset(ordered.iccid) == ordered.iccid
