"""Where the functions of the support server are: alone, or offered by the SM-SR it stands with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.checks import refusal
from hil.evidence import step
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.line_station import LineStation
from hil.provisioning.orders import ProfileRequest
from hil.wire.device_auth import DeviceKeySet
from testcases.line.paper_device import paper_devices
from testcases.provisioning_flow import provision

if TYPE_CHECKING:
    from hil.bench.desk import Desk
    from hil.bench.esim import Esim
    from hil.equipment.device.device import Device

pytestmark = [pytest.mark.requires("servers.sm-sr"), pytest.mark.severity("critical")]


def home(desk: Desk) -> str:
    """Return the SM-SR that offers the functions of the support server."""
    return desk.servers.home_of_support


@pytest.mark.requires("servers.sm-sr.images", "device", "card.m2m")
@pytest.mark.requirement("R-66", "R-67")
@pytest.mark.severity("blocker")
def test_the_sm_sr_makes_stores_and_hands_out_images(
    desk: Desk, device: Device, esim: Esim
) -> None:
    """R-17 to R-28 at the SM-SR: packets, image, authentication, transfer, report."""
    sm_sr = desk.support(home(desk))
    request = ProfileRequest(mno="mno-1", sm_dp="sm-dp-1", targets=(esim.eid(),))
    (ordered,) = desk.sm_dp("sm-dp-1").place(request).profiles
    with step("Packets are stored there, and an image is made of them"):
        assert ordered.iccid in desk.sm_sr(home(desk)).stored()
        assert sm_sr.build_image(ordered.iccid).enciphered
    with step("The device is authenticated there, gets the image, installs it, and reports"):
        station = LineStation(desk.station(home(desk)), device)
        done = provision(station, device, ordered.iccid)
        assert (done.line.server_said, done.install.result) == ("passed", "installed")
        assert esim.iccid() == ordered.iccid
    with step("The EIS of the same SM-SR shows it"):
        rows = {row.iccid: row.state for row in desk.sm_sr(home(desk)).euicc(esim.eid()).profiles}
        assert rows[ordered.iccid] == "enabled"


@pytest.mark.requires("servers.sm-sr.images")
@pytest.mark.requirement("R-67", refusal=True)
def test_the_sm_sr_lets_no_wrong_device_in(desk: Desk) -> None:
    """A device with other keys gets nothing from the SM-SR, and an error message says why."""
    (device,) = paper_devices(desk, 1, sm_sr=home(desk))
    request = ProfileRequest(mno="mno-1", sm_dp="sm-dp-1", targets=(device.eid,))
    desk.sm_dp("sm-dp-1").place(request)
    right, device.keys = device.keys, DeviceKeySet(1, bytes(16), bytes(16))
    messages: list[str] = []
    station = LineStation(desk.station(home(desk)), device, error_message=messages.append)
    with refusal(Refusal, match="proof") as refused:
        station.provision()
    assert refused.value.code is RefusalCode.DEVICE_REFUSED
    assert device.image is None
    assert len(messages) == 1
    device.keys = right
    assert LineStation(desk.station(home(desk)), device).provision().eid == device.eid


@pytest.mark.requires("servers.support-server")
@pytest.mark.requirement("R-66", "R-67", refusal=True)
def test_another_sm_sr_offers_none_of_it(desk: Desk) -> None:
    """An SM-SR that no support server stands in makes no image and lets no device in."""
    for name in desk.servers.of_kind("sm-sr"):
        if name == desk.servers.support_server:
            continue
        with step(f"{name} makes no image"), refusal(Refusal):
            desk.support(name).build_image("8900109999999999995")
        with step(f"{name} opens no device session"), refusal(Refusal):
            desk.station(name).open_session()
