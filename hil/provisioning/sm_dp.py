"""The SM-DP (patent FIG. 2 (220)): takes orders, makes profiles, decides the route, sends."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from hil.errors import LinkError
from hil.provisioning.batches import BATCH, OrderProgress
from hil.provisioning.bulk_orders import RUNNING, BulkOrders
from hil.provisioning.cores import Cores
from hil.provisioning.credentials import Credentials
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.function_calls import first_time, new_identifier
from hil.provisioning.links import EumLink, MnoLink, PacketReceiver
from hil.provisioning.notices import Notice, NoticeBox, NoticeTaker, take_once
from hil.provisioning.online.calls import OnlineCalls
from hil.provisioning.online.isdp_keys import IsdpKeys
from hil.provisioning.online.link import Es3Link
from hil.provisioning.online.profiles import ProfileShelf
from hil.provisioning.online.worker import CallWorker
from hil.provisioning.orders import (
    OrderedProfile,
    OrderReceipt,
    ProfileRequest,
    Route,
    Source,
)
from hil.provisioning.profile_making import TemplateBook
from hil.provisioning.profile_rows import check_new, profile_columns
from hil.provisioning.sm_dp_delivery import Delivery, Errand
from hil.provisioning.store import Store
from hil.provisioning.tables import ORDERS, PROFILES
from hil.provisioning.trust import PeerKeySet
from hil.wire.identifiers import is_valid_eid

log = logging.getLogger(__name__)

DEFAULT_TYPE: Final = "deferred"
WORK_SECONDS: Final = 0.5


class SmDp:
    """One SM-DP with the MNOs it works for, the eUICC makers, and the receivers it may send to.

    ``receivers`` and ``keys`` are by id of the support server or SM-SR; ``takers``: MNOs that are
    told of changes of their profiles; ``cores`` make packets, ``batch`` of them at a time; ``es3``:
    SM-SRs through which it reaches cards, with its ``credentials``; ``card_timeout_s`` bounds each
    thing that a card is to do.
    """

    def __init__(
        self,
        sm_dp_id: str,
        store: Store,
        *,
        mnos: Mapping[str, MnoLink],
        eum: EumLink,
        receivers: Mapping[str, PacketReceiver],
        keys: Mapping[str, PeerKeySet],
        templates: TemplateBook | None = None,
        takers: Mapping[str, NoticeTaker] | None = None,
        cores: Cores | None = None,
        batch: int = BATCH,
        es3: Mapping[str, Es3Link] | None = None,
        credentials: Credentials | None = None,
        card_timeout_s: float = 3600.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        store.claim("sm-dp", sm_dp_id)
        self.id = sm_dp_id
        self._store = store
        self._mnos = dict(mnos)
        self._eum = eum
        self._templates = templates or TemplateBook()
        self._clock = clock
        self.online = OnlineCalls(
            sm_dp_id,
            store,
            ProfileShelf(store, self._templates, self.place),
            es3 or {},
            credentials,
            keys=IsdpKeys(store, eum),
            new_call=new_identifier,
            timeout_s=card_timeout_s,
            clock=clock,
        )
        self.worker = CallWorker(self.online)
        self.notices = NoticeBox(sm_dp_id, store, takers or {}, clock=clock)
        self._delivery = Delivery(
            sm_dp_id,
            store,
            eum,
            receivers=receivers,
            keys=keys,
            templates=self._templates,
            cores=cores,
            batch=batch,
        )
        self.bulk = BulkOrders(
            sm_dp_id, store, self._delivery, mnos=mnos, eum=eum, batch=batch, clock=clock
        )

    def place(self, request: ProfileRequest, requester: str) -> OrderReceipt:
        """Take an order and carry it out as far as it can go now (operations 510 to 530).

        With targets the packets are delivered before this returns; a receiver that cannot be
        reached raises :class:`LinkError` and the order can be resumed.
        """
        profile_type, mno = self._checked(request)
        order_id = new_identifier("order")
        try:
            if self._store_order(order_id, request, requester, mno, profile_type):
                self._gather(order_id, request, mno)
        except (Refusal, LinkError) as err:
            self._set_order(order_id, "failed", str(err))
            raise
        if request.targets:
            return self.assign(order_id, request.targets)
        return self.order(order_id)

    def begin(self, request: ProfileRequest, requester: str) -> OrderProgress:
        """Take a large order and return at once; ``bulk.work`` carries it out, batch by batch."""
        profile_type, mno = self._checked(request)
        return self.bulk.enter(request, requester, mno=mno, profile_type=profile_type)

    def _checked(self, request: ProfileRequest) -> tuple[str, str]:
        """Return the profile type and the MNO of an order that can be taken."""
        request.check()
        if request.sm_dp not in (None, self.id):
            raise Refusal(
                RefusalCode.NO_ROUTE, f"order is for the SM-DP {request.sm_dp}; this is {self.id}"
            )
        profile_type = request.profile_type or DEFAULT_TYPE
        self._templates.find(profile_type)
        return profile_type, self._mno_of(request)

    def assign(self, order_id: str, eids: tuple[str, ...]) -> OrderReceipt:
        """Assign eUICCs to profiles of an order that wait for one; make and send their packets."""
        if len(set(eids)) != len(eids) or not all(is_valid_eid(eid) for eid in eids):
            raise Refusal(RefusalCode.INVALID, "EIDs are not valid, or one stands there twice")
        with self._store.transaction() as connection:
            if first_time(connection, f"assign {order_id}"):
                self._assign(connection, order_id, eids)
        return self.resume(order_id)

    def _assign(self, connection: Connection, order_id: str, eids: tuple[str, ...]) -> None:
        waiting = connection.execute(
            select(PROFILES.c.iccid)
            .where(PROFILES.c.order_id == order_id, PROFILES.c.state == "waiting")
            .order_by(PROFILES.c.number)
            .with_for_update()
        ).all()
        if len(eids) > len(waiting):
            raise Refusal(
                RefusalCode.WRONG_STATE,
                f"order {order_id} has {len(waiting)} profiles that wait for an eUICC, "
                f"not {len(eids)}",
            )
        for row, eid in zip(waiting, eids, strict=False):
            connection.execute(
                update(PROFILES).where(PROFILES.c.iccid == row.iccid).values(eid=eid, state="ready")
            )

    def resume(self, order_id: str) -> OrderReceipt:
        """Make and send what is still to be sent of an order; nothing arrives twice."""
        order = self._order_row(order_id)
        if order.state == RUNNING:
            self.bulk.resume(order_id)
            return self.order(order_id)
        try:
            self._delivery.run(
                Errand(order_id, order.mno, order.profile_type, Route(order.route), order.receiver)
            )
        except (Refusal, LinkError) as err:
            self._set_order(order_id, "failed", str(err))
            log.warning("order %s of %s: %s", order_id, self.id, err)
            raise
        receipt = self.order(order_id)
        waits = any(profile.state == "waiting" for profile in receipt.profiles)
        self._set_order(order_id, "waiting" if waits else "delivered", "")
        return self.order(order_id)

    def order(self, order_id: str) -> OrderReceipt:
        """Say how an order stands."""
        order = self._order_row(order_id)
        with self._store.transaction() as connection:
            rows = connection.execute(
                select(PROFILES).where(PROFILES.c.order_id == order_id).order_by(PROFILES.c.number)
            ).all()
        return OrderReceipt(
            order_id=order_id,
            mno=order.mno,
            profile_type=order.profile_type,
            route=Route(order.route) if order.route else None,
            receiver=order.receiver,
            state=order.state,
            reason=order.reason,
            profiles=tuple(
                OrderedProfile(row.iccid, row.number, row.state, row.eid, row.reason)
                for row in rows
            ),
        )

    def take_notice(self, sender: str, notice: Notice) -> None:
        """Take note of a change that an SM-SR tells (ES3), and pass it on to the MNO (ES2)."""
        if notice.sm_dp != self.id:
            raise Refusal(
                RefusalCode.NOT_ALLOWED, f"profile {notice.iccid} was not made by {self.id}"
            )
        with self._store.transaction() as connection:
            if take_once(connection, self.id, sender, notice, self._clock()):
                self.notices.forward(connection, notice)

    def work(self) -> float:
        """Do what is due beside the requests; return in how many seconds to look again."""
        self.worker.work()
        self.notices.flush()
        return WORK_SECONDS

    def _mno_of(self, request: ProfileRequest) -> str:
        if request.mno is not None:
            if request.mno not in self._mnos:
                raise Refusal(
                    RefusalCode.NO_ROUTE, f"{self.id} does not work for the MNO {request.mno}"
                )
            return request.mno
        if request.profile_id is not None:
            for name, link in self._mnos.items():
                if link.owns(request.profile_id):
                    return name
            raise Refusal(RefusalCode.UNKNOWN, f"no MNO of {self.id} owns {request.profile_id}")
        if len(self._mnos) == 1:
            return next(iter(self._mnos))
        raise Refusal(
            RefusalCode.INCOMPLETE,
            f"{self.id} works for {len(self._mnos)} MNOs: the order must name one of them",
        )

    def _gather(self, order_id: str, request: ProfileRequest, mno: str) -> None:
        """Ask where the packets go, and for the subscriptions; store both."""
        routing = self._mnos[mno].routing()
        if request.source is Source.EUM:
            found = self._eum.subscriptions(request.count)
        else:
            found = self._mnos[mno].reserve(self.id, order_id, request.count, request.profile_id)
        for subscription in found:
            subscription.check()
        if len(found) != request.count:
            raise Refusal(
                RefusalCode.INCOMPLETE,
                f"{mno} gave {len(found)} subscriptions for {request.count} profiles",
            )
        receiver = routing.receiver if routing.route is Route.SUPPORT_SERVER else None
        with self._store.transaction() as connection:
            check_new(connection, self.id, found)
            connection.execute(
                insert(PROFILES),
                [
                    profile_columns(order_id, number, one)
                    for number, one in enumerate(found, start=1)
                ],
            )
            connection.execute(
                update(ORDERS)
                .where(ORDERS.c.order_id == order_id)
                .values(route=routing.route.value, receiver=receiver, state="waiting")
            )

    def _store_order(
        self,
        order_id: str,
        request: ProfileRequest,
        requester: str,
        mno: str,
        profile_type: str,
    ) -> bool:
        """Store the order if it is new; return whether it still has no profiles."""
        with self._store.transaction() as connection:
            known = connection.execute(
                select(ORDERS.c.route).where(ORDERS.c.order_id == order_id)
            ).first()
            if known is not None:
                return known.route is None
            connection.execute(
                insert(ORDERS).values(
                    order_id=order_id,
                    requester=requester,
                    mno=mno,
                    source=request.source.value,
                    profile_type=profile_type,
                    amount=request.count,
                    state="accepted",
                    created_at=self._clock(),
                )
            )
        return True

    def _set_order(self, order_id: str, state: str, reason: str) -> None:
        with self._store.transaction() as connection:
            connection.execute(
                update(ORDERS)
                .where(ORDERS.c.order_id == order_id)
                .values(state=state, reason=reason)
            )

    def _order_row(self, order_id: str) -> Row[Any]:
        with self._store.transaction() as connection:
            row = connection.execute(select(ORDERS).where(ORDERS.c.order_id == order_id)).first()
        if row is None:
            raise Refusal(RefusalCode.UNKNOWN, f"{self.id} has no order {order_id}")
        if row.route is None and row.state not in ("accepted", RUNNING):
            raise Refusal(
                RefusalCode.WRONG_STATE, f"order {order_id} failed before it had profiles"
            )
        return row
