"""Client of an SM-SR."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from hil.errors import LinkTimeoutError
from hil.provisioning.eis import SignedEis
from hil.provisioning.http import es_messages as e
from hil.provisioning.http import management_messages as g
from hil.provisioning.http import messages as m
from hil.provisioning.http.clients import ReceiverClient, segment
from hil.provisioning.sm_sr.eis_rows import EisProfileRow
from hil.provisioning.sm_sr.jobs import JobReport
from hil.provisioning.support_server.outbox import StatusNotification

_STEP_S = 10.0


@dataclass(frozen=True, slots=True)
class EuiccView:
    """An eUICC in the EIS."""

    eid: str
    msisdn: str | None
    profiles: tuple[EisProfileRow, ...]


class SmSrClient(ReceiverClient):
    """An SM-SR behind HTTP, for eUICC makers, support servers, MNOs and operators."""

    def register(self, signed: SignedEis) -> str:
        """Send the EIS of a new eUICC (ES1); return its EID."""
        body = m.SignedEisMessage(payload=signed.payload, signature=signed.signature)
        eid: str = self.call("POST", "/eis", str, body)
        return eid

    def update_properties(self, eid: str, changed: Mapping[str, str]) -> None:
        """Set additional properties of an eUICC (ES1.UpdateEISAdditionalProperties)."""
        body = e.PropertiesRequest(eid=eid, properties=dict(changed))
        self.tell("POST", "/es1/UpdateEISAdditionalProperties", body)

    def notify(self, notification: StatusNotification) -> None:
        """Send a status notification."""
        self.tell("POST", "/notifications", g.NotificationMessage.of(notification))

    def check_image(self, eid: str, iccid: str, *, enable: bool, clear: bool) -> None:
        """Ask whether POL2 allows what an image does; raises the refusal where it does not."""
        asked = urlencode({"iccid": iccid, "enable": enable, "clear": clear})
        self.tell("GET", f"/euiccs/{segment(eid)}/image-check?{asked}", None)

    def euiccs(self) -> tuple[str, ...]:
        """Ask for all registered EIDs."""
        found: tuple[str, ...] = self.call("GET", "/euiccs", tuple[str, ...])
        return found

    def euicc(self, eid: str) -> EuiccView:
        """Ask for the EIS of an eUICC: its number, and its profiles with their states."""
        found: g.EuiccMessage = self.call("GET", f"/euiccs/{segment(eid)}", g.EuiccMessage)
        rows = tuple(EisProfileRow(**row.values()) for row in found.profiles)
        return EuiccView(found.eid, found.msisdn, rows)

    def set_msisdn(self, eid: str, msisdn: str) -> None:
        """Set the number at which an eUICC is reached."""
        self.tell("PUT", f"/euiccs/{segment(eid)}/msisdn", g.MsisdnMessage(msisdn=msisdn))

    def download(self, iccid: str, *, enable: bool = False, way: g.Way = "auto") -> str:
        """Install stored packets over the air; return the job."""
        return self._job("/downloads", g.DownloadMessage(iccid=iccid, enable=enable, way=way))

    def enable(self, eid: str, iccid: str) -> str:
        """Enable a profile; return the job."""
        return self._job(f"/euiccs/{segment(eid)}/profiles/{segment(iccid)}/enable")

    def disable(self, eid: str, iccid: str) -> str:
        """Disable a profile; return the job."""
        return self._job(f"/euiccs/{segment(eid)}/profiles/{segment(iccid)}/disable")

    def delete(self, eid: str, iccid: str) -> str:
        """Delete a profile; return the job."""
        return self._job(f"/euiccs/{segment(eid)}/profiles/{segment(iccid)}/delete")

    def audit(self, eid: str, *, way: g.Way = "auto") -> str:
        """Ask the card for its profiles; return the job."""
        return self._job(f"/euiccs/{segment(eid)}/audit?way={way}")

    def set_policy(self, eid: str, iccid: str, pol2: int) -> None:
        """Set POL2 of a profile."""
        path = f"/euiccs/{segment(eid)}/profiles/{segment(iccid)}/pol2"
        self.tell("PUT", path, g.Pol2Message(pol2=pol2))

    def job(self, job: str) -> JobReport:
        """Ask how a job stands."""
        return self._report(job, 0.0)

    def wait(self, job: str, *, timeout_s: float) -> JobReport:
        """Wait until a job has ended; LinkTimeoutError when it still runs after ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while True:
            left = max(0.0, deadline - time.monotonic())
            report = self._report(job, min(left, _STEP_S))
            if report.state != "running":
                return report
            if time.monotonic() >= deadline:
                raise LinkTimeoutError(
                    f"{report.kind} on {report.eid} has not ended in {timeout_s:g} s: is the "
                    "device attached and its number right?"
                )

    def _job(self, path: str, body: m.Message | None = None) -> str:
        found: g.JobMessage = self.call("POST", path, g.JobMessage, body)
        return found.job

    def _report(self, job: str, wait_s: float) -> JobReport:
        found: g.JobReportMessage = self.call(
            "GET",
            f"/jobs/{segment(job)}?wait_s={wait_s:.3f}",
            g.JobReportMessage,
            timeout_s=wait_s + _STEP_S,
        )
        return JobReport(**found.values())
