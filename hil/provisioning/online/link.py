"""An SM-SR as an SM-DP sees it (ES3), and how to wait for what its card does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

from hil.provisioning.errors import Refusal
from hil.provisioning.es_status import FunctionStatus, refusal
from hil.provisioning.sm_sr.download_functions import CompletedDownload, CreatedIsdp
from hil.provisioning.sm_sr.eis_rows import SubscriptionAddress
from hil.provisioning.sm_sr.jobs import JobReport
from hil.provisioning.sm_sr.management import EisView
from hil.provisioning.sm_sr.server import SmSr
from hil.provisioning.trust import Principal

_PAUSE_S: Final = 0.2


class Es3Link(Protocol):
    """The functions of ES3; those that go to the card return a job."""

    def get_eis(self, eid: str) -> EisView:
        """Return the EIS as far as the SM-DP may see it."""

    def audit_eis(self, eid: str) -> str:
        """Have the card asked for its profiles."""

    def create_isdp(self, eid: str, iccid: str, mno: str, memory: int) -> CreatedIsdp:
        """Create an ISD-P."""

    def send_data(self, eid: str, sd_aid: bytes, data: bytes) -> str:
        """Send objects to a security domain."""

    def completed(self, said: CompletedDownload) -> None:
        """Say that a download is complete."""

    def update_connectivity(self, eid: str, iccid: str, data: bytes) -> str:
        """Send secured connectivity parameters to an ISD-P."""

    def update_policy_rules(self, eid: str, iccid: str, pol2: int) -> None:
        """Set POL2."""

    def update_subscription_address(
        self, eid: str, iccid: str, address: SubscriptionAddress
    ) -> None:
        """Set IMSI and number of a profile."""

    def enable_profile(self, eid: str, iccid: str) -> str:
        """Enable a profile."""

    def disable_profile(self, eid: str, iccid: str) -> str:
        """Disable a profile."""

    def delete_profile(self, eid: str, iccid: str) -> str:
        """Delete a profile."""

    def report(self, job: str, *, wait_s: float = 0.0) -> JobReport:
        """Say how a job stands, after it has ended or ``wait_s`` seconds."""

    def wait(self, job: str, *, timeout_s: float) -> JobReport:
        """Wait until a job has ended."""


class LocalEs3:
    """An SM-SR of this process, seen by one SM-DP."""

    def __init__(self, sm_sr: SmSr, caller: Principal) -> None:
        self._sm_sr = sm_sr
        self._caller = caller

    def get_eis(self, eid: str) -> EisView:
        """Return the EIS as far as the SM-DP may see it."""
        return self._sm_sr.management.get_eis(self._caller, eid)

    def audit_eis(self, eid: str) -> str:
        """Have the card asked for its profiles."""
        return self._sm_sr.audit(self._caller, eid)

    def create_isdp(self, eid: str, iccid: str, mno: str, memory: int) -> CreatedIsdp:
        """Create an ISD-P."""
        return self._sm_sr.downloads.create_isdp(self._caller, eid, iccid, mno, memory)

    def send_data(self, eid: str, sd_aid: bytes, data: bytes) -> str:
        """Send objects to a security domain."""
        return self._sm_sr.downloads.send_data(self._caller, eid, sd_aid, data)

    def completed(self, said: CompletedDownload) -> None:
        """Say that a download is complete."""
        self._sm_sr.downloads.completed(self._caller, said)

    def update_connectivity(self, eid: str, iccid: str, data: bytes) -> str:
        """Send secured connectivity parameters to an ISD-P."""
        return self._sm_sr.downloads.update_connectivity(self._caller, eid, iccid, data)

    def update_policy_rules(self, eid: str, iccid: str, pol2: int) -> None:
        """Set POL2."""
        self._sm_sr.set_policy(self._caller, eid, iccid, pol2)

    def update_subscription_address(
        self, eid: str, iccid: str, address: SubscriptionAddress
    ) -> None:
        """Set IMSI and number of a profile."""
        self._sm_sr.management.set_address(self._caller, eid, iccid, address)

    def enable_profile(self, eid: str, iccid: str) -> str:
        """Enable a profile."""
        return self._sm_sr.enable(self._caller, eid, iccid)

    def disable_profile(self, eid: str, iccid: str) -> str:
        """Disable a profile."""
        return self._sm_sr.disable(self._caller, eid, iccid)

    def delete_profile(self, eid: str, iccid: str) -> str:
        """Delete a profile."""
        return self._sm_sr.delete(self._caller, eid, iccid)

    def report(self, job: str, *, wait_s: float = 0.0) -> JobReport:
        """Say how a job stands, after it has ended or ``wait_s`` seconds."""
        self._sm_sr.check_job(self._caller, job)
        return self._sm_sr.jobs.after(job, wait_s=wait_s)

    def wait(self, job: str, *, timeout_s: float) -> JobReport:
        """Wait until a job has ended."""
        self._sm_sr.check_job(self._caller, job)
        return self._sm_sr.jobs.wait(job, timeout_s=timeout_s)


def start_when_free(start: Callable[[], str], *, timeout_s: float) -> str:
    """Start a job as soon as the eUICC is not busy with another one; return it."""
    busy = FunctionStatus.EUICC_BUSY
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return start()
        except Refusal as err:
            told = (err.details.get("subject"), err.details.get("reason"))
            if told != (busy.subject, busy.reason) or time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_S)


def finished(link: Es3Link, job: str, *, timeout_s: float) -> JobReport:
    """Wait for a job; refuse when the card, or the way to it, said no."""
    report = link.wait(job, timeout_s=timeout_s)
    if report.state != "done":
        raise refusal(FunctionStatus.CARD_REFUSED, f"{report.kind}: {report.reason}")
    return report
