"""The functions of an SM-SR for eUICC makers (ES1), SM-DPs (ES3) and MNOs (ES4).

Each is ``POST /es3/NAME`` with the name of SGP.02. What goes to the card answers with a job, whose
report is at ``GET /jobs/{job}``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fastapi import Depends, FastAPI

from hil.provisioning.eis import SignedEis
from hil.provisioning.http import es_messages as e
from hil.provisioning.http import management_messages as g
from hil.provisioning.http.face import caller_of
from hil.provisioning.http.function_routes import spans_peers
from hil.provisioning.sm_sr.download_functions import CompletedDownload
from hil.provisioning.sm_sr.eis_rows import SubscriptionAddress
from hil.provisioning.sm_sr.server import SmSr
from hil.provisioning.trust import Peer, Principal, Role


def principal(peer: Peer) -> Principal:
    """Return who calls."""
    return Principal(peer.id, peer.role)


def add_functions(app: FastAPI, server: SmSr) -> None:
    """Add ES1, ES3 and ES4 to the face of an SM-SR."""
    maker = Depends(caller_of(server.door, Role.EUM))

    @app.post("/es1/RegisterEIS", status_code=204)
    @spans_peers
    def register_eis(message: e.RegisterEisRequest, peer: Peer = maker) -> None:
        server.register_eis(principal(peer), SignedEis(message.payload, message.signature))

    @app.post("/es1/UpdateEISAdditionalProperties", status_code=204)
    def update_properties(message: e.PropertiesRequest, peer: Peer = maker) -> None:
        server.update_properties(principal(peer), message.eid, message.properties)

    for interface, role in (("es3", Role.SM_DP), ("es4", Role.MNO)):
        _add_management(app, server, interface, role)
    _add_download(app, server)


def _add_management(app: FastAPI, server: SmSr, interface: str, role: Role) -> None:
    """Add what SM-DPs and MNOs may do alike."""
    manager = Depends(caller_of(server.door, role))
    route: Callable[..., Callable[..., Callable[..., object]]] = partial(_route, app, interface)

    @route("GetEIS")
    def get_eis(message: e.EuiccRequest, peer: Peer = manager) -> e.EisMessage:
        view = server.management.get_eis(principal(peer), message.eid)
        return e.EisMessage.of(view)

    @route("AuditEIS")
    def audit_eis(message: e.EuiccRequest, peer: Peer = manager) -> g.JobMessage:
        return g.JobMessage(job=server.audit(principal(peer), message.eid))

    @route("UpdatePolicyRules", status_code=204)
    def update_policy_rules(message: e.PolicyRulesRequest, peer: Peer = manager) -> None:
        server.set_policy(principal(peer), message.eid, message.iccid, message.pol2)

    @route("UpdateSubscriptionAddress", status_code=204)
    def update_subscription_address(
        message: e.SubscriptionAddressRequest, peer: Peer = manager
    ) -> None:
        address = SubscriptionAddress(message.address.imsi, message.address.msisdn)
        server.management.set_address(principal(peer), message.eid, message.iccid, address)

    @route("EnableProfile")
    def enable(message: e.ProfileRequestMessage, peer: Peer = manager) -> g.JobMessage:
        return g.JobMessage(job=server.enable(principal(peer), message.eid, message.iccid))

    @route("DisableProfile")
    def disable(message: e.ProfileRequestMessage, peer: Peer = manager) -> g.JobMessage:
        return g.JobMessage(job=server.disable(principal(peer), message.eid, message.iccid))

    @route("DeleteISDP" if role is Role.SM_DP else "DeleteProfile")
    def delete(message: e.ProfileRequestMessage, peer: Peer = manager) -> g.JobMessage:
        return g.JobMessage(job=server.delete(principal(peer), message.eid, message.iccid))


def _add_download(app: FastAPI, server: SmSr) -> None:
    sm_dp = Depends(caller_of(server.door, Role.SM_DP))
    downloads = server.downloads

    @app.post("/es3/CreateISDP")
    def create_isdp(message: e.CreateIsdpRequest, peer: Peer = sm_dp) -> e.CreatedIsdpMessage:
        return e.CreatedIsdpMessage.of(
            downloads.create_isdp(
                principal(peer), message.eid, message.iccid, message.mno, message.memory
            )
        )

    @app.post("/es3/SendData")
    def send_data(message: e.SendDataRequest, peer: Peer = sm_dp) -> g.JobMessage:
        job = downloads.send_data(principal(peer), message.eid, message.sd_aid, message.data)
        return g.JobMessage(job=job)

    @app.post("/es3/ProfileDownloadCompleted", status_code=204)
    def completed(message: e.DownloadCompletedRequest, peer: Peer = sm_dp) -> None:
        said = CompletedDownload(
            message.eid,
            message.iccid,
            message.profile_type,
            SubscriptionAddress(message.address.imsi, message.address.msisdn),
            message.pol2,
        )
        downloads.completed(principal(peer), said)

    @app.post("/es3/UpdateConnectivityParameters")
    def update_connectivity(message: e.ConnectivityRequest, peer: Peer = sm_dp) -> g.JobMessage:
        job = downloads.update_connectivity(
            principal(peer), message.eid, message.iccid, message.data
        )
        return g.JobMessage(job=job)


def _route(
    app: FastAPI, interface: str, name: str, *, status_code: int = 200
) -> Callable[..., Callable[..., object]]:
    """Return the decorator of a function; its operation id tells the interfaces apart."""
    return app.post(
        f"/{interface}/{name}", status_code=status_code, operation_id=f"{interface}_{name}"
    )
