"""The steps that installation test cases share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.equipment.card.euicc import ProfileState
from hil.errors import LinkTimeoutError
from hil.evidence import step

if TYPE_CHECKING:
    from hil.bench.device_owner import DeviceOwner
    from hil.bench.esim import Esim
    from hil.bench.profile_maker import LabProfile
    from hil.equipment.device.device import Device
    from hil.equipment.device.types import InstallReport, TransferReport
    from hil.provisioning.http.sm_sr_client import SmSrClient
    from hil.provisioning.sm_sr.jobs import JobReport

INSTALL_TIMEOUT_S: Final = 60.0
JOB_TIMEOUT_S: Final = 60.0


def hand_over(owner: DeviceOwner, raw: bytes) -> TransferReport:
    """Authenticate the sender and send an image file over the cable."""
    with step("The sender is authenticated by the device"):
        assert owner.authenticate() in ("passed", "skipped")
    with step(f"An image of {len(raw)} bytes goes over the cable"):
        return owner.device.send_image(raw)


def install_at_boot(device: Device) -> InstallReport:
    """Restart the device and wait until it has installed what it holds."""
    with step("The device restarts and installs at boot"):
        device.reboot()
        return device.wait_installed(timeout_s=INSTALL_TIMEOUT_S)


def ended(sm_sr: SmSrClient, job: str) -> JobReport:
    """Wait until a job of an SM-SR has ended, and hold it to coming to an end."""
    try:
        return sm_sr.wait(job, timeout_s=JOB_TIMEOUT_S)
    except LinkTimeoutError as late:
        raise AssertionError(f"the job came to no end: {late}") from late


def assert_installed(report: InstallReport, iccid: str) -> None:
    """Hold the device to a good installation of one profile."""
    assert (report.result, report.reason) == ("installed", "")
    assert report.iccid == iccid


def assert_on_card(esim: Esim, profile: LabProfile) -> None:
    """Hold the card to showing one profile: enabled, with its ICCID and IMSI."""
    with step("The card shows the profile: ISD-P enabled, ICCID and IMSI"):
        found = esim.profile(profile.aid)
        assert found is not None, f"no ISD-P {profile.aid.hex().upper()}"
        assert found.state is ProfileState.ENABLED
        assert esim.iccid() == profile.iccid
        assert esim.imsi() == profile.imsi


def assert_untouched(esim: Esim, profile: LabProfile) -> None:
    """Hold the card to showing nothing of a profile that was refused."""
    with step("The card shows nothing of it"):
        assert esim.profile(profile.aid) is None
        assert esim.iccid() != profile.iccid
