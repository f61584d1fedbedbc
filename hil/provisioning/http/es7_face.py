"""The change of the SM-SR: for MNOs (ES4) and for the other SM-SR (ES7), in the names of SGP.02."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, FastAPI, Query

from hil.provisioning.eis import SignedEis
from hil.provisioning.http import es_messages as e
from hil.provisioning.http import management_messages as g
from hil.provisioning.http.es3_es4_face import principal
from hil.provisioning.http.face import caller_of
from hil.provisioning.sm_sr.eis_rows import EisProfileRow
from hil.provisioning.sm_sr.handover_rows import HandedEis
from hil.provisioning.sm_sr.server import SmSr
from hil.provisioning.trust import Peer, Role


def add_handover(app: FastAPI, server: SmSr) -> None:
    """Add the functions by which an eUICC changes its SM-SR."""
    mno = Depends(caller_of(server.door, Role.MNO))
    asker = Depends(caller_of(server.door, Role.MNO, Role.OPERATOR))
    other = Depends(caller_of(server.door, Role.SM_SR))
    reader = Depends(caller_of(server.door, Role.SM_SR, Role.MNO, Role.OPERATOR))

    @app.post("/es4/PrepareSMSRChange", status_code=204)
    def prepare(message: e.SmSrChangeRequest, peer: Peer = mno) -> None:
        server.coming.prepare(principal(peer), message.eid, message.sm_sr)

    @app.post("/es4/SMSRChange", status_code=204)
    def change(message: e.SmSrChangeRequest, peer: Peer = mno) -> None:
        server.leaving.change(principal(peer), message.eid, message.sm_sr)

    @app.get("/es4/handovers/{eid}")
    def leaving(eid: str, peer: Peer = asker) -> e.HandoverMessage:
        return e.HandoverMessage.of(server.leaving.report(principal(peer), eid))

    @app.post("/es7/HandoverEUICC", status_code=204)
    def handover(message: e.HandoverRequest, peer: Peer = other) -> None:
        handed = HandedEis(
            message.eid,
            SignedEis(message.payload, message.signature),
            message.msisdn,
            message.kvns,
            tuple(EisProfileRow(**row.values()) for row in message.profiles),
            message.scp81,
            message.properties,
        )
        server.coming.handover_euicc(principal(peer), handed)

    @app.get("/es7/handovers/{eid}")
    def coming(eid: str, peer: Peer = reader) -> e.HandoverMessage:
        return e.HandoverMessage.of(server.coming.report(principal(peer), eid))

    @app.post("/es7/AuthenticateSMSR")
    def authenticate(message: e.AuthenticateSmSrRequest, peer: Peer = other) -> g.JobMessage:
        job = server.leaving.authenticate_sm_sr(principal(peer), message.eid, message.certificate)
        return g.JobMessage(job=job)

    @app.post("/es7/CreateAdditionalKeySet")
    def additional_key_set(message: e.AdditionalKeySetRequest, peer: Peer = other) -> g.JobMessage:
        job = server.leaving.create_additional_key_set(
            principal(peer), message.eid, message.request
        )
        return g.JobMessage(job=job)

    @app.get("/es7/jobs/{job}")
    def report(
        job: str,
        wait_s: Annotated[float, Query(ge=0, le=60)] = 0.0,
        peer: Peer = other,
    ) -> g.JobReportMessage:
        server.check_job(principal(peer), job)
        return g.JobReportMessage.of(server.jobs.after(job, wait_s=wait_s))
