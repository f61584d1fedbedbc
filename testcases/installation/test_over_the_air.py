"""Second mode: the packets come over the air through the SM-SR."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.equipment.card.euicc import ProfileState
from hil.evidence import step
from hil.provisioning.orders import ProfileRequest
from testcases.installing import JOB_TIMEOUT_S

if TYPE_CHECKING:
    from hil.bench.desk import Desk
    from hil.bench.esim import Esim
    from hil.equipment.device.device import Device

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
        report = sm_sr.wait(sm_sr.download(ordered.iccid, enable=True), timeout_s=JOB_TIMEOUT_S)
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
        report = sm_sr.wait(started, timeout_s=JOB_TIMEOUT_S)
        assert (report.state, report.reason) == ("done", "")
    with step("The card shows the profile"):
        assert esim.iccid_after_reset(ordered.iccid) == ordered.iccid
    with step("The SM-SR asks the card for its profiles"):
        report = sm_sr.wait(sm_sr.audit(eid, way="report"), timeout_s=JOB_TIMEOUT_S)
        assert (report.state, report.reason, report.messages) == ("done", "", 1)
    assert device.status().mode == "second"
