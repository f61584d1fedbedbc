"""The face of whoever takes packets from SM-DPs: the first interface (310) on one link."""

from __future__ import annotations

from fastapi import Depends, FastAPI, Request

from hil.provisioning.function_calls import Ledger
from hil.provisioning.http import messages as m
from hil.provisioning.http.face import caller_of, new_face, token
from hil.provisioning.http.function_routes import spans_peers
from hil.provisioning.reception import FirstInterface, PacketReception
from hil.provisioning.trust import Peer, Role


def add_receiver(app: FastAPI, reception: PacketReception, link: str) -> None:
    """Add the routes for packets that come on ``link``."""
    interface = FirstInterface(reception, link)
    operator = Depends(caller_of(reception.door, Role.OPERATOR, Role.LINE_STATION))

    @app.post("/isdp")
    def reserve(message: m.IsdpRequest, session: str = Depends(token)) -> m.IsdpAnswer:
        return m.IsdpAnswer(aid=interface.reserve_isdp(session, message.eid, message.iccid))

    async def body(request: Request) -> bytes:
        return await request.body()

    @app.post("/packets")
    @spans_peers
    def deliver(
        raw: bytes = Depends(body), session: str = Depends(token)
    ) -> m.PacketReceiptMessage:
        return m.PacketReceiptMessage.of(interface.deliver(session, raw))

    @app.get("/packets")
    def stored(_peer: Peer = operator) -> tuple[str, ...]:
        return reception.stored()

    @app.get("/links")
    def links(_peer: Peer = operator) -> tuple[m.LinkReportMessage, ...]:
        return tuple(m.LinkReportMessage.of(row) for row in reception.link_reports())


def link_face(reception: PacketReception, ledger: Ledger, link: str) -> FastAPI:
    """Return the face of a link of its own, such as a dedicated line: packets, nothing else."""
    app = new_face(f"{reception.owner} on {link}", "link", reception.door, ledger)
    add_receiver(app, reception, link)
    return app
