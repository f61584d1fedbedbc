"""Large orders as a client sees them: begin, watch, list without holding all of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from hil.errors import LinkTimeoutError
from hil.provisioning.batches import MAX_PAGE, OrderProgress, ProfilePage
from hil.provisioning.http import messages as m
from hil.provisioning.http.bulk_face import BULK_PATH
from hil.provisioning.http.client import PeerClient
from hil.provisioning.http.orders import order_message
from hil.provisioning.orders import OrderedProfile, ProfileRequest

_LOOK_S: Final = 0.1


class BulkOrderClient(PeerClient):
    """Whoever begins large orders behind HTTP: an SM-DP, or an MNO or support server before it."""

    def begin(self, request: ProfileRequest, requester: str = "") -> OrderProgress:  # noqa: ARG002 - known by the session
        """Begin a large order; the server knows the requester by the session."""
        body = order_message(request)
        message: m.ProgressMessage = self.call("POST", BULK_PATH, m.ProgressMessage, body)
        return OrderProgress(**message.values())


class BulkClient(BulkOrderClient):
    """The large orders of an SM-DP behind HTTP; ``order_id`` is what ``begin`` returned."""

    def progress(self, order_id: str) -> OrderProgress:
        """Ask how far an order is."""
        message: m.ProgressMessage = self.call("GET", f"{BULK_PATH}/{order_id}", m.ProgressMessage)
        return OrderProgress(**message.values())

    def resume_bulk(self, order_id: str) -> OrderProgress:
        """Go on now with an order that has failed or waits for a peer."""
        message: m.ProgressMessage = self.call(
            "POST", f"{BULK_PATH}/{order_id}/resume", m.ProgressMessage
        )
        return OrderProgress(**message.values())

    def wait_bulk(self, order_id: str, *, timeout_s: float) -> OrderProgress:
        """Watch an order until it runs no more; LinkTimeoutError says how far it got."""
        deadline = time.monotonic() + timeout_s
        while (seen := self.progress(order_id)).state == "running":
            if time.monotonic() > deadline:
                raise LinkTimeoutError(
                    f"order {order_id}: {seen.delivered} of {seen.amount} delivered after "
                    f"{timeout_s:g} s; {seen.reason or 'it still goes on'}"
                )
            time.sleep(_LOOK_S)
        return seen

    def page(self, order_id: str, *, after: int = 0, limit: int = MAX_PAGE) -> ProfilePage:
        """Ask for the profiles of an order behind number ``after``."""
        message: m.PageMessage = self.call(
            "GET", f"/orders/{order_id}/profiles?after={after}&limit={limit}", m.PageMessage
        )
        rows = tuple(OrderedProfile(**row.values()) for row in message.profiles)
        return ProfilePage(rows, message.following)

    def profiles(self, order_id: str) -> Iterator[OrderedProfile]:
        """Yield all profiles of an order, page by page."""
        after: int | None = 0
        while after is not None:
            page = self.page(order_id, after=after)
            yield from page.profiles
            after = page.following
