"""The face of an SM-SR: EIS, management of profiles, notifications."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, FastAPI, Query

from hil.provisioning.eis import SignedEis
from hil.provisioning.http import management_messages as g
from hil.provisioning.http import messages as m
from hil.provisioning.http.face import caller_of
from hil.provisioning.http.function_routes import spans_peers
from hil.provisioning.sm_sr.server import SmSr
from hil.provisioning.support_server.outbox import StatusNotification
from hil.provisioning.trust import Peer, Principal, Role

MAX_WAIT_S = 60.0


def _principal(peer: Peer) -> Principal:
    return Principal(peer.id, peer.role)


def add_sm_sr(app: FastAPI, server: SmSr) -> None:
    """Add the routes of an SM-SR."""
    anyone = Depends(caller_of(server.door))
    manager = Depends(caller_of(server.door, Role.MNO, Role.SM_DP, Role.OPERATOR))
    operator = Depends(caller_of(server.door, Role.OPERATOR))
    notifier = Depends(caller_of(server.door, Role.SUPPORT_SERVER))

    @app.post("/eis")
    @spans_peers
    def register(message: m.SignedEisMessage, peer: Peer = anyone) -> str:
        return server.register_eis(_principal(peer), SignedEis(message.payload, message.signature))

    @app.post("/notifications", status_code=204)
    def notify(message: g.NotificationMessage, _peer: Peer = notifier) -> None:
        server.notify(StatusNotification(**message.values()))

    @app.get("/euiccs/{eid}/image-check", status_code=204)
    def check_image(
        eid: str, iccid: str, *, enable: bool, clear: bool, _peer: Peer = notifier
    ) -> None:
        server.check_image(eid, iccid, enable=enable, clear=clear)

    @app.get("/euiccs")
    def euiccs(peer: Peer = manager) -> tuple[str, ...]:
        return server.visible_eids(_principal(peer))

    @app.get("/euiccs/{eid}")
    def euicc(eid: str, peer: Peer = manager) -> g.EuiccMessage:
        view = server.management.get_eis(_principal(peer), eid)
        rows = tuple(g.ProfileMessage.of(row) for row in view.profiles)
        return g.EuiccMessage(eid=eid, msisdn=view.msisdn, profiles=rows)

    @app.put("/euiccs/{eid}/msisdn", status_code=204)
    def set_msisdn(eid: str, message: g.MsisdnMessage, _peer: Peer = operator) -> None:
        server.book.set_msisdn(eid, message.msisdn)

    @app.post("/downloads")
    def download(message: g.DownloadMessage, peer: Peer = manager) -> g.JobMessage:
        job = server.download(
            _principal(peer), message.iccid, enable=message.enable, way=message.way
        )
        return g.JobMessage(job=job)

    @app.post("/euiccs/{eid}/profiles/{iccid}/enable")
    def enable(eid: str, iccid: str, peer: Peer = manager) -> g.JobMessage:
        return g.JobMessage(job=server.enable(_principal(peer), eid, iccid))

    @app.post("/euiccs/{eid}/profiles/{iccid}/disable")
    def disable(eid: str, iccid: str, peer: Peer = manager) -> g.JobMessage:
        return g.JobMessage(job=server.disable(_principal(peer), eid, iccid))

    @app.post("/euiccs/{eid}/profiles/{iccid}/delete")
    def delete(eid: str, iccid: str, peer: Peer = manager) -> g.JobMessage:
        return g.JobMessage(job=server.delete(_principal(peer), eid, iccid))

    @app.put("/euiccs/{eid}/profiles/{iccid}/pol2", status_code=204)
    def set_policy(eid: str, iccid: str, message: g.Pol2Message, peer: Peer = manager) -> None:
        server.set_policy(_principal(peer), eid, iccid, message.pol2)

    @app.post("/euiccs/{eid}/audit")
    def audit(eid: str, *, way: g.Way = "auto", peer: Peer = manager) -> g.JobMessage:
        return g.JobMessage(job=server.audit(_principal(peer), eid, way=way))

    @app.get("/jobs/{job}")
    def job(
        job: str,
        wait_s: Annotated[float, Query(ge=0, le=MAX_WAIT_S)] = 0.0,
        peer: Peer = manager,
    ) -> g.JobReportMessage:
        server.check_job(_principal(peer), job)
        return g.JobReportMessage.of(server.jobs.after(job, wait_s=wait_s))
