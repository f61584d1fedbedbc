"""An SM-SR as SM-DPs (ES3) and MNOs (ES4) call it over HTTP."""

from __future__ import annotations

import time

from hil.errors import LinkError, LinkTimeoutError
from hil.provisioning.http import es_messages as e
from hil.provisioning.http import management_messages as g
from hil.provisioning.http import messages as m
from hil.provisioning.http.client import PeerClient
from hil.provisioning.http.clients import ReceiverClient, segment
from hil.provisioning.http.management_messages import ProfileMessage
from hil.provisioning.notices import NAMES, Notice
from hil.provisioning.sm_sr.download_functions import CompletedDownload, CreatedIsdp
from hil.provisioning.sm_sr.eis_rows import EisProfileRow, SubscriptionAddress
from hil.provisioning.sm_sr.handover_rows import HandedEis, HandoverReport
from hil.provisioning.sm_sr.jobs import JobReport
from hil.provisioning.sm_sr.management import EisView

_STEP_S = 10.0
_AWAY_S = 0.5


class FunctionsClient(ReceiverClient):
    """What SM-DPs and MNOs may do alike; ``interface`` and ``delete_name`` differ."""

    interface = "es3"
    delete_name = "DeleteISDP"

    def get_eis(self, eid: str) -> EisView:
        """Ask for an EIS (GetEIS)."""
        found: e.EisMessage = self.call(
            "POST", f"/{self.interface}/GetEIS", e.EisMessage, e.EuiccRequest(eid=eid)
        )
        rows = tuple(EisProfileRow(**row.values()) for row in found.profiles)
        return EisView(**found.values() | {"profiles": rows})

    def audit_eis(self, eid: str) -> str:
        """Have the card asked for its profiles (AuditEIS); return the job."""
        return self._start("AuditEIS", e.EuiccRequest(eid=eid))

    def update_policy_rules(self, eid: str, iccid: str, pol2: int) -> None:
        """Set POL2 (UpdatePolicyRules)."""
        self._tell("UpdatePolicyRules", e.PolicyRulesRequest(eid=eid, iccid=iccid, pol2=pol2))

    def update_subscription_address(
        self, eid: str, iccid: str, address: SubscriptionAddress
    ) -> None:
        """Set IMSI and number of a profile (UpdateSubscriptionAddress)."""
        body = e.SubscriptionAddressRequest(eid=eid, iccid=iccid, address=_address(address))
        self._tell("UpdateSubscriptionAddress", body)

    def enable_profile(self, eid: str, iccid: str) -> str:
        """Enable a profile (EnableProfile); return the job."""
        return self._start("EnableProfile", e.ProfileRequestMessage(eid=eid, iccid=iccid))

    def disable_profile(self, eid: str, iccid: str) -> str:
        """Disable a profile (DisableProfile); return the job."""
        return self._start("DisableProfile", e.ProfileRequestMessage(eid=eid, iccid=iccid))

    def delete_profile(self, eid: str, iccid: str) -> str:
        """Delete a profile (ES3.DeleteISDP, ES4.DeleteProfile); return the job."""
        return self._start(self.delete_name, e.ProfileRequestMessage(eid=eid, iccid=iccid))

    def report(self, job: str, *, wait_s: float = 0.0) -> JobReport:
        """Ask how a job stands, after it has ended or ``wait_s`` seconds."""
        found: g.JobReportMessage = self.call(
            "GET",
            f"/jobs/{segment(job)}?wait_s={wait_s:.3f}",
            g.JobReportMessage,
            timeout_s=wait_s + _STEP_S,
        )
        return JobReport(**found.values())

    def wait(self, job: str, *, timeout_s: float) -> JobReport:
        """Wait until a job has ended; LinkTimeoutError when it still runs after ``timeout_s``.

        An SM-SR that cannot be reached may be back in time: the job is in its store.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            left = max(0.0, deadline - time.monotonic())
            try:
                report = self.report(job, wait_s=min(left, _STEP_S))
            except LinkTimeoutError:
                raise
            except LinkError:
                if self.closed or left < _AWAY_S:
                    raise
                time.sleep(_AWAY_S)
                continue
            if report.state != "running":
                return report
            if time.monotonic() >= deadline:
                raise LinkTimeoutError(
                    f"{report.kind} on {report.eid} has not ended in {timeout_s:g} s: is the "
                    "device attached and its number right?"
                )

    def _start(self, name: str, body: m.Message) -> str:
        found: g.JobMessage = self.call("POST", f"/{self.interface}/{name}", g.JobMessage, body)
        return found.job

    def _tell(self, name: str, body: m.Message) -> None:
        self.tell("POST", f"/{self.interface}/{name}", body)


class Es4Client(FunctionsClient):
    """An SM-SR, for an MNO."""

    interface = "es4"
    delete_name = "DeleteProfile"

    def prepare_sm_sr_change(self, eid: str, current: str) -> None:
        """Say to the new SM-SR that an eUICC will come from the present one."""
        self._tell("PrepareSMSRChange", e.SmSrChangeRequest(eid=eid, sm_sr=current))

    def sm_sr_change(self, eid: str, target: str) -> None:
        """Have the present SM-SR hand an eUICC over."""
        self._tell("SMSRChange", e.SmSrChangeRequest(eid=eid, sm_sr=target))

    def handover(self, eid: str) -> HandoverReport:
        """Ask the present SM-SR how the handover stands."""
        return _handover(self, f"/es4/handovers/{segment(eid)}")


class Es7Client(PeerClient):
    """An SM-SR, for another one."""

    def handover_euicc(self, handed: HandedEis) -> None:
        """Hand an eUICC over (HandoverEUICC)."""
        body = e.HandoverRequest(
            eid=handed.eid,
            payload=handed.signed.payload,
            signature=handed.signed.signature,
            msisdn=handed.msisdn,
            kvns=handed.kvns,
            scp81=handed.scp81,
            properties=dict(handed.properties),
            profiles=tuple(ProfileMessage.of(row) for row in handed.profiles),
        )
        self.tell("POST", "/es7/HandoverEUICC", body)

    def handover(self, eid: str) -> HandoverReport:
        """Ask the new SM-SR how its part stands."""
        return _handover(self, f"/es7/handovers/{segment(eid)}")

    def authenticate_sm_sr(self, eid: str, certificate: bytes) -> str:
        """Have our certificate shown to the ISD-R (AuthenticateSMSR); return the job."""
        body = e.AuthenticateSmSrRequest(eid=eid, certificate=certificate)
        found: g.JobMessage = self.call("POST", "/es7/AuthenticateSMSR", g.JobMessage, body)
        return found.job

    def create_additional_key_set(self, eid: str, request: bytes) -> str:
        """Have the ISD-R establish a key set with us; return the job."""
        body = e.AdditionalKeySetRequest(eid=eid, request=request)
        found: g.JobMessage = self.call("POST", "/es7/CreateAdditionalKeySet", g.JobMessage, body)
        return found.job

    def report(self, job: str, *, wait_s: float = 0.0) -> JobReport:
        """Ask how a job stands, after it has ended or ``wait_s`` seconds."""
        found: g.JobReportMessage = self.call(
            "GET",
            f"/es7/jobs/{segment(job)}?wait_s={wait_s:.3f}",
            g.JobReportMessage,
            timeout_s=wait_s + _STEP_S,
        )
        return JobReport(**found.values())


def _handover(client: PeerClient, path: str) -> HandoverReport:
    found: e.HandoverMessage = client.call("GET", path, e.HandoverMessage)
    return HandoverReport(**found.values())


class Es3Client(FunctionsClient):
    """An SM-SR, for an SM-DP."""

    def create_isdp(self, eid: str, iccid: str, mno: str, memory: int) -> CreatedIsdp:
        """Create an ISD-P (CreateISDP)."""
        body = e.CreateIsdpRequest(eid=eid, iccid=iccid, mno=mno, memory=memory)
        found: e.CreatedIsdpMessage = self.call(
            "POST", "/es3/CreateISDP", e.CreatedIsdpMessage, body
        )
        return CreatedIsdp(found.job, found.isdp_aid)

    def send_data(self, eid: str, sd_aid: bytes, data: bytes) -> str:
        """Send objects to a security domain (SendData); return the job."""
        return self._start("SendData", e.SendDataRequest(eid=eid, sd_aid=sd_aid, data=data))

    def completed(self, said: CompletedDownload) -> None:
        """Say that a download is complete (ProfileDownloadCompleted)."""
        body = e.DownloadCompletedRequest(
            eid=said.eid,
            iccid=said.iccid,
            profile_type=said.profile_type,
            address=_address(said.address),
            pol2=said.pol2,
        )
        self._tell("ProfileDownloadCompleted", body)

    def update_connectivity(self, eid: str, iccid: str, data: bytes) -> str:
        """Send secured connectivity parameters to an ISD-P; return the job."""
        body = e.ConnectivityRequest(eid=eid, iccid=iccid, data=data)
        return self._start("UpdateConnectivityParameters", body)


def send_notice(client: PeerClient, interface: str, notice: Notice) -> None:
    """Tell of a changed profile by the function that SGP.02 has for it."""
    client.tell("POST", f"/{interface}/{NAMES[notice.event]}", e.NoticeMessage.of(notice))


class Es2MnoClient(PeerClient):
    """An MNO, as an SM-DP notifies it (ES2)."""

    def take_notice(self, notice: Notice) -> None:
        """Tell of a changed profile."""
        send_notice(self, "es2", notice)


class Es4MnoClient(PeerClient):
    """An MNO, as an SM-SR notifies it (ES4)."""

    def take_notice(self, notice: Notice) -> None:
        """Tell of a changed profile."""
        send_notice(self, "es4", notice)


class Es3SmDpClient(PeerClient):
    """An SM-DP, as an SM-SR notifies it (ES3)."""

    def take_notice(self, notice: Notice) -> None:
        """Tell of a changed profile."""
        send_notice(self, "es3", notice)


def _address(address: SubscriptionAddress) -> e.SubscriptionAddressMessage:
    return e.SubscriptionAddressMessage(imsi=address.imsi, msisdn=address.msisdn)
