"""Large orders over HTTP: begun with one call, watched by progress, listed in pages or as a stream.

The same path begins one at an SM-DP, and at an MNO or a support server that passes it on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

from fastapi import FastAPI, Query
from fastapi.responses import StreamingResponse

from hil.provisioning.batches import MAX_PAGE, OrderProgress
from hil.provisioning.bulk_orders import BulkOrders
from hil.provisioning.http import messages as m
from hil.provisioning.http.description import octets
from hil.provisioning.http.function_routes import spans_peers
from hil.provisioning.http.orders import request_of
from hil.provisioning.orders import ProfileRequest
from hil.provisioning.trust import Peer

BULK_PATH = "/bulk-orders"


def add_bulk_begin(
    app: FastAPI,
    begin: Callable[[ProfileRequest, str], OrderProgress],
    orderer: Any,  # noqa: ANN401 - FastAPI's own
) -> None:
    """Add the route that begins a large order; ``orderer`` is the dependency on the caller."""

    @app.post(BULK_PATH, status_code=202)
    @spans_peers
    def begin_order(message: m.OrderMessage, peer: Peer = orderer) -> m.ProgressMessage:
        return m.ProgressMessage.of(begin(request_of(message), peer.id))


def add_bulk(app: FastAPI, bulk: BulkOrders, orderer: Any) -> None:  # noqa: ANN401 - FastAPI's own
    """Add the routes by which a large order of an SM-DP is watched, listed and gone on with."""

    @app.get(BULK_PATH + "/{order_id}")
    def progress(order_id: str, _peer: Peer = orderer) -> m.ProgressMessage:
        return m.ProgressMessage.of(bulk.progress(order_id))

    @app.post(BULK_PATH + "/{order_id}/resume")
    def resume(order_id: str, _peer: Peer = orderer) -> m.ProgressMessage:
        return m.ProgressMessage.of(bulk.resume(order_id))

    @app.get("/orders/{order_id}/profiles")
    def page(
        order_id: str,
        after: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = MAX_PAGE,
        _peer: Peer = orderer,
    ) -> m.PageMessage:
        return m.PageMessage.of(bulk.page(order_id, after=after, limit=limit))

    @app.get(
        "/orders/{order_id}/profiles.ndjson",
        response_class=StreamingResponse,
        responses={200: octets("application/x-ndjson")},
    )
    def stream(order_id: str, _peer: Peer = orderer) -> StreamingResponse:
        # An unknown order is refused here, before the answer has begun.
        bulk.progress(order_id)

        def lines() -> Iterator[bytes]:
            for profile in bulk.profiles(order_id):
                message = m.OrderedProfileMessage.of(profile)
                yield message.model_dump_json().encode() + b"\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")
