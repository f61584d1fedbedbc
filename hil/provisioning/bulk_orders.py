"""Large orders at the SM-DP: taken at once, carried out batch by batch, gone on with after a kill.

Every batch goes the whole way (numbers, packets, delivery) before the next one begins, and each of
these steps is stored before the next one is taken. A process that is killed at any point finds in
its store what is still to be done: numbers that were asked for are given again by the MNO, packets
that were made are sent again byte for byte, and the receiver knows those that it has.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from sqlalchemy import Row, func, insert, select, update

from hil.errors import BenchError, LinkError
from hil.provisioning.batches import BATCH, MAX_PAGE, OrderProgress, ProfilePage
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.function_calls import first_time, new_identifier
from hil.provisioning.links import EumLink, MnoLink
from hil.provisioning.orders import OrderedProfile, ProfileRequest, Route, Source
from hil.provisioning.profile_rows import check_new, profile_columns
from hil.provisioning.sm_dp_delivery import Delivery, Errand
from hil.provisioning.store import Store
from hil.provisioning.tables import ORDER_TARGETS, ORDERS, PROFILES

log = logging.getLogger(__name__)

RUNNING: Final = "running"
FIRST_TRY_S: Final = 0.5
MAX_BACK_OFF_S: Final = 60.0


class BulkOrders:
    """The large orders of one SM-DP. ``batch``: profiles that go the whole way together."""

    def __init__(
        self,
        sm_dp: str,
        store: Store,
        delivery: Delivery,
        *,
        mnos: Mapping[str, MnoLink],
        eum: EumLink,
        batch: int = BATCH,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sm_dp = sm_dp
        self._store = store
        self._delivery = delivery
        self._mnos = dict(mnos)
        self._eum = eum
        self._batch = batch
        self._clock = clock
        self._waits: dict[str, tuple[float, float]] = {}
        self._news = threading.Event()
        self._one_at_a_time = threading.Lock()

    def enter(
        self, request: ProfileRequest, requester: str, *, mno: str, profile_type: str
    ) -> OrderProgress:
        """Store a checked order; :meth:`work` carries it out."""
        order_id = new_identifier("order")
        values = {
            "order_id": order_id,
            "requester": requester,
            "mno": mno,
            "source": request.source.value,
            "profile_type": profile_type,
            "amount": request.count,
            "state": RUNNING,
            "created_at": self._clock(),
        }
        rows = (
            {"order_id": order_id, "number": number, "eid": eid}
            for number, eid in enumerate(request.targets, start=1)
        )
        with self._store.transaction() as connection:
            if first_time(connection, "order"):
                connection.execute(insert(ORDERS).values(**values))
                while some := list(islice(rows, MAX_PAGE)):
                    connection.execute(insert(ORDER_TARGETS), some)
        self._news.set()
        return self.progress(order_id)

    def resume(self, order_id: str) -> OrderProgress:
        """Go on now with an order that has failed or waits for a peer."""
        order = self._order(order_id)
        if order.state == "failed":
            self._set(order_id, RUNNING, "")
        self._waits.pop(order_id, None)
        self._news.set()
        return self.progress(order_id)

    def progress(self, order_id: str) -> OrderProgress:
        """Say how far an order is."""
        order = self._order(order_id)
        with self._store.transaction() as connection:
            numbered, made, delivered = connection.execute(
                select(
                    func.count(),
                    func.count(PROFILES.c.isdp_aid),
                    func.count().filter(PROFILES.c.state == "delivered"),
                ).where(PROFILES.c.order_id == order_id)
            ).one()
        return OrderProgress(
            order_id, order.state, order.amount, numbered, made, delivered, order.reason
        )

    def page(self, order_id: str, *, after: int = 0, limit: int = MAX_PAGE) -> ProfilePage:
        """Return the profiles of an order behind number ``after``, at most ``limit`` of them."""
        self._order(order_id)
        size = max(1, min(limit, MAX_PAGE))
        columns = (
            PROFILES.c.iccid,
            PROFILES.c.number,
            PROFILES.c.state,
            PROFILES.c.eid,
            PROFILES.c.reason,
        )
        with self._store.transaction() as connection:
            rows = connection.execute(
                select(*columns)
                .where(PROFILES.c.order_id == order_id, PROFILES.c.number > after)
                .order_by(PROFILES.c.number)
                .limit(size)
            ).all()
        found = tuple(OrderedProfile(*row) for row in rows)
        return ProfilePage(found, found[-1].number if len(found) == size else None)

    def profiles(self, order_id: str) -> Iterator[OrderedProfile]:
        """Yield all profiles of an order; one page of them is held at a time."""
        after: int | None = 0
        while after is not None:
            page = self.page(order_id, after=after)
            yield from page.profiles
            after = page.following

    def work(self) -> float | None:
        """Take each running order one batch further; return in how many seconds more is due.

        An order whose peer cannot be reached waits, longer each time; one that is refused fails
        with the reason.
        """
        with self._one_at_a_time:
            self._news.clear()
            with self._store.transaction() as connection:
                orders = connection.execute(
                    select(ORDERS).where(ORDERS.c.state == RUNNING).order_by(ORDERS.c.created_at)
                ).all()
            return min((self._further(order) for order in orders), default=None)

    def wait(self, seconds: float) -> None:
        """Wait for a new order or a resumed one."""
        self._news.wait(seconds)

    def wake(self) -> None:
        """End the wait of :meth:`wait`."""
        self._news.set()

    def _further(self, order: Row[Any]) -> float:
        now = self._clock()
        due, pause = self._waits.get(order.order_id, (now, FIRST_TRY_S / 2))
        if due > now:
            return due - now
        try:
            self._batch_of(order)
        except Refusal as refusal:
            log.warning("order %s of %s failed: %s", order.order_id, self._sm_dp, refusal)
            self._set(order.order_id, "failed", str(refusal))
        except (LinkError, BenchError) as err:
            pause = min(MAX_BACK_OFF_S, 2 * pause)
            self._waits[order.order_id] = (now + pause, pause)
            log.warning("order %s waits %g s: %s", order.order_id, pause, err)
            self._set(order.order_id, RUNNING, str(err))
            return pause
        self._waits.pop(order.order_id, None)
        return 0.0

    def _batch_of(self, order: Row[Any]) -> None:
        """Give one batch its numbers, and deliver what is ready, also what a kill left over."""
        with self._store.transaction() as connection:
            have = connection.execute(
                select(func.count()).where(PROFILES.c.order_id == order.order_id)
            ).scalar_one()
        if have < order.amount:
            order = self._number(order, have)
        errand = Errand(
            order.order_id, order.mno, order.profile_type, Route(order.route), order.receiver
        )
        self._delivery.run(errand)
        progress = self.progress(order.order_id)
        log.info("order %s: %d of %d delivered", order.order_id, progress.delivered, order.amount)
        if progress.numbered == order.amount:
            done = progress.delivered == order.amount
            self._set(order.order_id, "delivered" if done else "waiting", "")
        elif order.reason:
            self._set(order.order_id, RUNNING, "")

    def _number(self, order: Row[Any], have: int) -> Row[Any]:
        """Get the subscriptions of the next batch, and store them with their eUICCs."""
        routing = self._mnos[order.mno].routing()
        wanted = min(self._batch, order.amount - have)
        if order.source == Source.EUM:
            found = self._eum.subscriptions(wanted)
        else:
            # Asked for under the number it begins with, a batch is given again after a kill.
            name = f"{order.order_id}/{have + 1}"
            found = self._mnos[order.mno].reserve(self._sm_dp, name, wanted)
        for subscription in found:
            subscription.check()
        if not 0 < len(found) <= order.amount - have:
            raise Refusal(
                RefusalCode.INCOMPLETE,
                f"{order.mno} gave {len(found)} subscriptions for {wanted} profiles",
            )
        receiver = routing.receiver if routing.route is Route.SUPPORT_SERVER else None
        with self._store.transaction() as connection:
            check_new(connection, self._sm_dp, found)
            eids = connection.execute(
                select(ORDER_TARGETS.c.eid)
                .where(ORDER_TARGETS.c.order_id == order.order_id, ORDER_TARGETS.c.number > have)
                .order_by(ORDER_TARGETS.c.number)
                .limit(len(found))
            ).scalars()
            targets = [*eids] or [None] * len(found)
            connection.execute(
                insert(PROFILES),
                [
                    profile_columns(order.order_id, have + place, one, eid)
                    for place, (one, eid) in enumerate(zip(found, targets, strict=True), start=1)
                ],
            )
            connection.execute(
                update(ORDERS)
                .where(ORDERS.c.order_id == order.order_id)
                .values(route=routing.route.value, receiver=receiver)
            )
        return self._order(order.order_id)

    def _order(self, order_id: str) -> Row[Any]:
        with self._store.transaction() as connection:
            row = connection.execute(select(ORDERS).where(ORDERS.c.order_id == order_id)).first()
        if row is None:
            raise Refusal(RefusalCode.UNKNOWN, f"{self._sm_dp} has no order {order_id}")
        return row

    def _set(self, order_id: str, state: str, reason: str) -> None:
        with self._store.transaction() as connection:
            connection.execute(
                update(ORDERS)
                .where(ORDERS.c.order_id == order_id)
                .values(state=state, reason=reason)
            )
