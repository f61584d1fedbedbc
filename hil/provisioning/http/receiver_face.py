"""The face of whoever takes packets from SM-DPs: the first interface (310) on one link."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Depends, FastAPI, Request

from hil.errors import CodecError
from hil.provisioning.function_calls import Ledger
from hil.provisioning.http import messages as m
from hil.provisioning.http.description import octets
from hil.provisioning.http.face import MAX_BODY, caller_of, new_face, token
from hil.provisioning.http.function_routes import spans_peers
from hil.provisioning.reception import FirstInterface, PacketReception
from hil.provisioning.trust import Peer, Role
from hil.wire import strict_cbor


def add_receiver(app: FastAPI, reception: PacketReception, link: str) -> None:
    """Add the routes for packets that come on ``link``."""
    interface = FirstInterface(reception, link)
    operator = Depends(caller_of(reception.door, Role.OPERATOR, Role.LINE_STATION))

    @app.post("/isdp")
    def reserve(message: m.IsdpRequest, session: str = Depends(token)) -> m.IsdpAnswer:
        return m.IsdpAnswer(aid=interface.reserve_isdp(session, message.eid, message.iccid))

    packed = {"requestBody": {"required": True, **octets("application/cbor")}}

    async def body(request: Request) -> bytes:
        return await request.body()

    @app.post("/packets", openapi_extra=packed)
    @spans_peers
    def deliver(
        raw: bytes = Depends(body), session: str = Depends(token)
    ) -> m.PacketReceiptMessage:
        return m.PacketReceiptMessage.of(interface.deliver(session, raw))

    @app.post("/isdp-batches")
    def reserve_many(message: m.PlacesMessage, session: str = Depends(token)) -> m.PlacesAnswer:
        places = [(row.eid, row.iccid) for row in message.places]
        return m.PlacesAnswer(aids=interface.reserve_isdps(session, places))

    @app.post("/packet-batches", openapi_extra=packed)
    @spans_peers
    def deliver_many(
        raw: bytes = Depends(body), session: str = Depends(token)
    ) -> m.BatchReceiptMessage:
        found = interface.deliver_many(session, read_batch(raw))
        refusal = found.refusal
        return m.BatchReceiptMessage(
            receipts=tuple(m.PacketReceiptMessage.of(row) for row in found.receipts),
            refusal=None
            if refusal is None
            else m.ErrorBody(
                code=refusal.code.value, reason=refusal.reason, details=refusal.details
            ),
        )

    @app.get("/packets")
    def stored(_peer: Peer = operator) -> tuple[str, ...]:
        return reception.stored()

    @app.get("/links")
    def links(_peer: Peer = operator) -> tuple[m.LinkReportMessage, ...]:
        return tuple(m.LinkReportMessage.of(row) for row in reception.link_reports())


def write_batch(raws: Sequence[bytes]) -> bytes:
    """Return packet sets as one body: a CBOR array of byte strings."""
    return strict_cbor.encode(list(raws))


def read_batch(body: bytes) -> list[bytes]:
    """Read the packet sets of one body; CodecError if it is no array of byte strings."""
    found = strict_cbor.decode(body, max_bytes=MAX_BODY)
    if not isinstance(found, list) or not all(isinstance(one, bytes) for one in found):
        raise CodecError("a batch of packet sets is not a CBOR array of byte strings")
    return found


def link_face(reception: PacketReception, ledger: Ledger, link: str) -> FastAPI:
    """Return the face of a link of its own, such as a dedicated line: packets, nothing else."""
    app = new_face(f"{reception.owner} on {link}", "link", reception.door, ledger)
    add_receiver(app, reception, link)
    return app
