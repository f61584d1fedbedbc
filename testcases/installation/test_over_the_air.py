"""Second mode: the packets come over the air through the SM-SR."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import pytest

from hil.equipment.card.euicc import ProfileState
from hil.equipment.device import DeviceTimeoutError
from hil.evidence import step
from hil.provisioning.orders import ProfileRequest
from testcases.authentication.watching import until
from testcases.installing import ended

if TYPE_CHECKING:
    from hil.bench.desk import Desk
    from hil.bench.esim import Esim
    from hil.bench.jig import Rail
    from hil.bench.weather import Weather
    from hil.equipment.device.device import Device

OFF_S: Final = 10.0
OVERTAKEN_S: Final = 0.02
REPEATS_S: Final = 10.0
"""So long an SM-SR waits for an answer before it repeats, unless configured otherwise."""
GSMA_TEST_PROFILE = pytest.param("ts48", marks=pytest.mark.requires("profiles.ts48"))

pytestmark = pytest.mark.requires("device", "card.m2m", "network", "servers.sm-sr", "servers.sm-dp")


@pytest.mark.requirement("R-02", "R-10", "R-52", "R-53", "R-55", "R-64")
@pytest.mark.severity("blocker")
@pytest.mark.parametrize("profile_type", ["test", "deferred", GSMA_TEST_PROFILE])
def test_packets_over_the_air_install_a_profile(
    desk: Desk, device: Device, esim: Esim, profile_type: str
) -> None:
    """Without an input event the device installs from the packets of its SM-SR, by SMS."""
    eid = esim.eid()
    with step("The MNO orders; the packets go to the SM-SR"):
        request = ProfileRequest(sm_dp="sm-dp-1", profile_type=profile_type, targets=(eid,))
        (ordered,) = desk.mno("mno-2").request_profiles(request).profiles
    assert device.status().mode == "second"
    sm_sr = desk.sm_sr("sm-sr-1")
    with step("The SM-SR sends the packets over the air, and enables the profile"):
        report = ended(sm_sr, sm_sr.download(ordered.iccid, enable=True))
    assert (report.state, report.reason) == ("done", "")
    with step("The card shows the profile, enabled"):
        enabled = esim.enabled()
        assert enabled is not None
        assert enabled.state is ProfileState.ENABLED
        assert esim.iccid_after_reset(ordered.iccid) == ordered.iccid
    assert device.status().mode == "second"


@pytest.mark.requirement("R-52", "R-64")
@pytest.mark.severity("normal")
def test_answers_come_back_in_delivery_reports(desk: Desk, device: Device, esim: Esim) -> None:
    """Profile and status go over the air with each proof of receipt in the delivery report.

    The card answers the ENVELOPE itself (SPI 16 19), the device reports that to the SMS centre, and
    the centre brings it to the SM-SR.
    """
    eid = esim.eid()
    with step("The MNO orders; the packets go to the SM-SR"):
        request = ProfileRequest(sm_dp="sm-dp-1", profile_type="test", targets=(eid,))
        (ordered,) = desk.mno("mno-2").request_profiles(request).profiles
    sm_sr = desk.sm_sr("sm-sr-1")
    with step("The SM-SR sends the packets, and enables the profile"):
        started = sm_sr.download(ordered.iccid, enable=True, way="report")
        report = ended(sm_sr, started)
        assert (report.state, report.reason) == ("done", "")
    with step("The card shows the profile"):
        assert esim.iccid_after_reset(ordered.iccid) == ordered.iccid
    with step("The SM-SR asks the card for its profiles"):
        report = ended(sm_sr, sm_sr.audit(eid, way="report"))
        assert (report.state, report.reason, report.messages) == ("done", "", 1)
    assert device.status().mode == "second"


@pytest.mark.requirement("R-45", "R-52", "R-64", "R-65")
@pytest.mark.requires("network.weather")
@pytest.mark.severity("critical")
def test_messages_that_come_twice_and_out_of_order_install_one_profile(
    desk: Desk, weather: Weather, device: Device, esim: Esim
) -> None:
    """Every message arrives twice, both ways, and many are overtaken: each command has run once."""
    eid = esim.eid()
    with step("The MNO orders; the packets go to the SM-SR"):
        request = ProfileRequest(sm_dp="sm-dp-1", profile_type="test", targets=(eid,))
        (ordered,) = desk.mno("mno-2").request_profiles(request).profiles
    sm_sr = desk.sm_sr("sm-sr-1")
    with step("The SM-SR sends the packets through bad weather, and enables the profile"):
        weather.air(duplication=1.0, reordering=0.5, reorder_s=OVERTAKEN_S)
        report = ended(sm_sr, sm_sr.download(ordered.iccid, enable=True))
        weather.clear()
    assert (report.state, report.reason) == ("done", "")
    with step("Card and EIS have one profile more, and it is enabled"):
        assert esim.iccid_after_reset(ordered.iccid) == ordered.iccid
        assert len(esim.profiles()) == 2
        states = {row.iccid: row.state for row in sm_sr.euicc(eid).profiles}
        assert states[ordered.iccid] == "enabled"
    assert device.status().mode == "second"


def answers(device: Device) -> bool:
    """Whether the device answers a question, for which it gets a moment."""
    try:
        device.jig(timeout_s=0.2)
    except DeviceTimeoutError:
        return False
    return True


@pytest.mark.requirement("R-52", "R-64")
@pytest.mark.requires("power_supply.rail")
@pytest.mark.severity("normal")
def test_a_packet_for_a_device_that_is_off_waits_for_it(
    desk: Desk, device: Device, esim: Esim, rail: Rail
) -> None:
    """The SM-SR calls while the device has no power: it is answered once the power is back."""
    eid, sm_sr = esim.eid(), desk.sm_sr("sm-sr-1")
    with step("The device is off"):
        rail.off()
        until(lambda: not answers(device), timeout_s=OFF_S, otherwise="it answers")
        began = time.monotonic()
        job = sm_sr.audit(eid)
        until(lambda: sm_sr.job(job).messages > 0, timeout_s=OFF_S, otherwise="nothing was sent")
        assert sm_sr.job(job).state == "running"
    with step("It is on again"):
        rail.on()
        device.wait_ready(timeout_s=20.0)
        away_s = time.monotonic() - began
    report = ended(sm_sr, job)
    assert (report.state, report.reason) == ("done", "")
    if away_s < REPEATS_S / 2:
        with step("No message was lost meanwhile: none had to be repeated"):
            assert report.messages == 1
