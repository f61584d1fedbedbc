"""An SM-DP as MNOs call it over HTTP (ES2)."""

from __future__ import annotations

import time
from typing import Final

from hil.errors import LinkTimeoutError
from hil.provisioning.http import es_messages as e
from hil.provisioning.http import messages as m
from hil.provisioning.http.client import PeerClient
from hil.provisioning.http.clients import segment
from hil.provisioning.online.calls import CallReport, Place
from hil.provisioning.sm_sr.eis_rows import EisProfileRow, SubscriptionAddress
from hil.provisioning.sm_sr.management import EisView

_PAUSE_S: Final = 0.1


class Es2Client(PeerClient):
    """An SM-DP, for an MNO."""

    def get_eis(self, sm_sr: str, eid: str) -> EisView:
        """Ask for an EIS (GetEIS)."""
        found: e.EisMessage = self.call(
            "POST", "/es2/GetEIS", e.EisMessage, e.Es2EuiccRequest(eid=eid, sm_sr=sm_sr)
        )
        rows = tuple(EisProfileRow(**row.values()) for row in found.profiles)
        return EisView(**found.values() | {"profiles": rows})

    def download_profile(
        self,
        sm_sr: str,
        eid: str,
        *,
        iccid: str | None = None,
        profile_type: str | None = None,
        enable: bool = False,
    ) -> str:
        """Have a profile downloaded (DownloadProfile); return the call."""
        body = e.DownloadProfileRequest(
            sm_sr=sm_sr, eid=eid, iccid=iccid, profile_type=profile_type, enable=enable
        )
        return self._start("DownloadProfile", body)

    def enable_profile(self, place: Place) -> str:
        """Enable a profile (EnableProfile); return the call."""
        return self._start("EnableProfile", _message(place))

    def disable_profile(self, place: Place) -> str:
        """Disable a profile (DisableProfile); return the call."""
        return self._start("DisableProfile", _message(place))

    def delete_profile(self, place: Place) -> str:
        """Delete a profile (DeleteProfile); return the call."""
        return self._start("DeleteProfile", _message(place))

    def update_connectivity(self, place: Place, parameters: bytes) -> str:
        """Set connectivity parameters of a profile by its ISD-P; return the call."""
        body = e.Es2ConnectivityRequest(**_message(place).values() | {"parameters": parameters})
        return self._start("UpdateConnectivityParameters", body)

    def update_policy_rules(self, place: Place, pol2: int) -> None:
        """Set POL2 (UpdatePolicyRules)."""
        body = e.Es2PolicyRequest(**_message(place).values() | {"pol2": pol2})
        self.tell("POST", "/es2/UpdatePolicyRules", body)

    def update_subscription_address(self, place: Place, address: SubscriptionAddress) -> None:
        """Set IMSI and number of a profile (UpdateSubscriptionAddress)."""
        told = e.SubscriptionAddressMessage(imsi=address.imsi, msisdn=address.msisdn)
        body = e.Es2AddressRequest(**_message(place).values() | {"address": told})
        self.tell("POST", "/es2/UpdateSubscriptionAddress", body)

    def report(self, call: str) -> CallReport:
        """Ask how a call stands."""
        found: e.CallReportMessage = self.call(
            "GET", f"/es2/calls/{segment(call)}", e.CallReportMessage
        )
        return CallReport(**found.values())

    def wait(self, call: str, *, timeout_s: float) -> CallReport:
        """Wait until a call has ended; LinkTimeoutError when it still runs after ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while True:
            report = self.report(call)
            if report.state != "running":
                return report
            if time.monotonic() >= deadline:
                raise LinkTimeoutError(
                    f"{report.kind} on {report.eid} has not ended in {timeout_s:g} s, at "
                    f"{report.step or 'its begin'}"
                )
            time.sleep(_PAUSE_S)

    def _start(self, name: str, body: m.Message) -> str:
        found: e.CallMessage = self.call("POST", f"/es2/{name}", e.CallMessage, body)
        return found.call


def _message(place: Place) -> e.Es2ProfileRequest:
    return e.Es2ProfileRequest(sm_sr=place.sm_sr, eid=place.eid, iccid=place.iccid)
