"""The functions of an SM-DP for MNOs (ES2): ``POST /es2/NAME`` with the names of SGP.02.

What goes to a card answers with a call, whose report is at ``GET /es2/calls/{call}``.
"""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Depends, FastAPI

from hil.provisioning.door import PeerDoor
from hil.provisioning.http import es_messages as e
from hil.provisioning.http.face import caller_of
from hil.provisioning.http.function_routes import spans_peers
from hil.provisioning.online.calls import OnlineCalls, Place
from hil.provisioning.sm_sr.eis_rows import SubscriptionAddress
from hil.provisioning.trust import Peer, Role


def add_es2(app: FastAPI, door: PeerDoor, calls: OnlineCalls) -> None:
    """Add ES2 to the face of an SM-DP."""
    mno = Depends(caller_of(door, Role.MNO))
    reader = Depends(caller_of(door, Role.MNO, Role.OPERATOR))

    @app.post("/es2/GetEIS", operation_id="es2_GetEIS")
    @spans_peers
    def get_eis(message: e.Es2EuiccRequest, peer: Peer = mno) -> e.EisMessage:
        return e.EisMessage.of(calls.get_eis(peer.id, message.sm_sr, message.eid))

    @app.post("/es2/DownloadProfile")
    @spans_peers
    def download(message: e.DownloadProfileRequest, peer: Peer = mno) -> e.CallMessage:
        return e.CallMessage(
            call=calls.download_profile(
                peer.id,
                message.sm_sr,
                message.eid,
                iccid=message.iccid,
                profile_type=message.profile_type,
                enable=message.enable,
            )
        )

    functions: dict[str, Callable[[str, Place], str]] = {
        "EnableProfile": calls.enable_profile,
        "DisableProfile": calls.disable_profile,
        "DeleteProfile": calls.delete_profile,
    }
    for name, function in functions.items():
        app.add_api_route(
            f"/es2/{name}",
            _on_a_profile(door, function),
            methods=["POST"],
            operation_id=f"es2_{name}",
        )

    @app.post("/es2/UpdatePolicyRules", status_code=204, operation_id="es2_UpdatePolicyRules")
    @spans_peers
    def update_policy_rules(message: e.Es2PolicyRequest, peer: Peer = mno) -> None:
        calls.update_policy_rules(peer.id, place_of(message), message.pol2)

    @app.post(
        "/es2/UpdateSubscriptionAddress",
        status_code=204,
        operation_id="es2_UpdateSubscriptionAddress",
    )
    @spans_peers
    def update_address(message: e.Es2AddressRequest, peer: Peer = mno) -> None:
        address = SubscriptionAddress(message.address.imsi, message.address.msisdn)
        calls.update_subscription_address(peer.id, place_of(message), address)

    @app.post("/es2/UpdateConnectivityParameters", operation_id="es2_UpdateConnectivityParameters")
    @spans_peers
    def update_connectivity(message: e.Es2ConnectivityRequest, peer: Peer = mno) -> e.CallMessage:
        call = calls.update_connectivity(peer.id, place_of(message), message.parameters)
        return e.CallMessage(call=call)

    @app.get("/es2/calls/{call}")
    def report(call: str, peer: Peer = reader) -> e.CallReportMessage:
        return e.CallReportMessage.of(
            calls.report(call, peer.id if peer.role is Role.MNO else None)
        )


def place_of(message: e.Es2ProfileRequest) -> Place:
    """Return which profile a message is about."""
    return Place(message.sm_sr, message.eid, message.iccid)


def _on_a_profile(door: PeerDoor, function: Callable[[str, Place], str]) -> Callable[..., object]:
    mno = Depends(caller_of(door, Role.MNO))

    @spans_peers
    def handle(message: e.Es2ProfileRequest, peer: Peer = mno) -> e.CallMessage:
        return e.CallMessage(call=function(peer.id, place_of(message)))

    return handle
