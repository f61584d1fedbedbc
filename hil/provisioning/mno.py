"""The MNO (patent FIG. 2 (200)): owns subscriptions, says where its profiles go, may order them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from sqlalchemy import Connection, Row, insert, select, update

from hil.provisioning import sequences
from hil.provisioning.batches import OrderProgress
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.notices import Notice, take_once, taken
from hil.provisioning.numbering import NumberPlan
from hil.provisioning.orders import (
    OrderReceipt,
    ProfileRequest,
    RoutingInformation,
    Subscription,
    check_amount,
)
from hil.provisioning.store import Store
from hil.provisioning.tables import SUBSCRIPTIONS


class ProfileGenerator(Protocol):
    """An SM-DP as those see it who order profiles."""

    def place(self, request: ProfileRequest, requester: str) -> OrderReceipt:
        """Take an order and carry it out as far as it can go now."""

    def begin(self, request: ProfileRequest, requester: str) -> OrderProgress:
        """Take a large order; it is carried out from now on, batch by batch."""


class Mno:
    """One MNO, which may work with several SM-DPs and SM-SRs.

    ``routing`` is where its packets go, for every SM-DP alike; ``plan`` and ``sm_sr`` serve for the
    subscriptions it makes on demand (None: it only has those that were added to it).
    """

    def __init__(
        self,
        mno_id: str,
        store: Store,
        *,
        routing: RoutingInformation,
        sm_sr: str,
        plan: NumberPlan | None = None,
        sm_dps: Mapping[str, ProfileGenerator] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        store.claim("mno", mno_id)
        self.id = mno_id
        self._store = store
        self._routing = routing
        self._sm_sr = sm_sr
        self._plan = plan
        self._sm_dps = dict(sm_dps or {})
        self._clock = clock

    def routing(self) -> RoutingInformation:
        """Say where packets of this MNO's profiles are to go."""
        return self._routing

    def add_subscription(self, subscription: Subscription) -> None:
        """Enter a subscription; refuse one without ICCID, SM-SR, IMSI, K or OPc, or a known one."""
        subscription.check()
        with self._store.transaction() as connection:
            known = connection.execute(
                select(SUBSCRIPTIONS.c.iccid).where(
                    (SUBSCRIPTIONS.c.iccid == subscription.iccid)
                    | (SUBSCRIPTIONS.c.imsi == subscription.imsi)
                )
            ).first()
            if known is not None:
                raise Refusal(
                    RefusalCode.EXISTS,
                    f"{self.id} has a subscription with the ICCID or IMSI of {subscription.iccid}",
                )
            connection.execute(insert(SUBSCRIPTIONS).values(**_columns(subscription)))

    def owns(self, iccid: str) -> bool:
        """Whether ``iccid`` is a subscription of this MNO."""
        with self._store.transaction() as connection:
            row = connection.execute(
                select(SUBSCRIPTIONS.c.iccid).where(SUBSCRIPTIONS.c.iccid == iccid)
            ).first()
        return row is not None

    def reserve(
        self, sm_dp: str, order_id: str, amount: int, iccid: str | None = None
    ) -> tuple[Subscription, ...]:
        """Give ``amount`` subscriptions to an order; the same order gets the same ones again.

        With ``iccid`` that very subscription; otherwise free ones, then new ones of the number
        plan.
        """
        check_amount(amount)
        with self._store.transaction() as connection:
            held = connection.execute(
                select(SUBSCRIPTIONS)
                .where(SUBSCRIPTIONS.c.order_id == order_id, SUBSCRIPTIONS.c.sm_dp == sm_dp)
                .order_by(SUBSCRIPTIONS.c.iccid)
            ).all()
            if held:
                return tuple(_subscription(row) for row in held)
            free = select(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.order_id.is_(None))
            if iccid is not None:
                free = free.where(SUBSCRIPTIONS.c.iccid == iccid)
            rows = connection.execute(
                free.order_by(SUBSCRIPTIONS.c.iccid).limit(amount).with_for_update()
            ).all()
            found = [_subscription(row) for row in rows]
            if iccid is None and self._plan is not None:
                found += self._new(connection, self._plan, amount - len(found))
            if len(found) < amount:
                raise Refusal(
                    RefusalCode.INCOMPLETE,
                    f"{self.id} has no free subscription {iccid}"
                    if iccid
                    else f"{self.id} has {len(found)} free subscriptions of {amount} asked for",
                )
            connection.execute(
                update(SUBSCRIPTIONS)
                .where(SUBSCRIPTIONS.c.iccid.in_([one.iccid for one in found]))
                .values(order_id=order_id, sm_dp=sm_dp)
            )
        return tuple(sorted(found, key=lambda one: one.iccid))

    def take_notice(self, sender: str, notice: Notice) -> None:
        """Take note of a change of one of this MNO's profiles; once, however often it comes."""
        if notice.mno != self.id:
            raise Refusal(
                RefusalCode.NOT_ALLOWED, f"profile {notice.iccid} is not one of {self.id}"
            )
        with self._store.transaction() as connection:
            take_once(connection, self.id, sender, notice, self._clock())

    def notices(self) -> tuple[Notice, ...]:
        """Return what this MNO was told, in order."""
        with self._store.transaction() as connection:
            return taken(connection, self.id)

    def _new(self, connection: Connection, plan: NumberPlan, amount: int) -> list[Subscription]:
        """Make subscriptions of the number plan; numbers that were entered by hand are left out."""
        made: list[Subscription] = []
        while len(made) < amount:
            serials = sequences.take(connection, "subscription", amount - len(made), first=1)
            some = [plan.subscription(serial, self._sm_sr) for serial in serials]
            rows = connection.execute(
                select(SUBSCRIPTIONS.c.iccid, SUBSCRIPTIONS.c.imsi).where(
                    SUBSCRIPTIONS.c.iccid.in_([one.iccid for one in some])
                    | SUBSCRIPTIONS.c.imsi.in_([one.imsi for one in some])
                )
            ).all()
            taken = {number for row in rows for number in (row.iccid, row.imsi)}
            some = [one for one in some if one.iccid not in taken and one.imsi not in taken]
            if some:
                connection.execute(insert(SUBSCRIPTIONS), [_columns(one) for one in some])
            made += some
        return made

    def begin(self, request: ProfileRequest) -> OrderProgress:
        """Pass a large order on to an SM-DP in this MNO's name; it goes on by itself."""
        forwarded, sm_dp = self._forwarded(request)
        return self._sm_dps[sm_dp].begin(forwarded, self.id)

    def request_profiles(self, request: ProfileRequest) -> OrderReceipt:
        """Pass a profile request on to an SM-DP in this MNO's name (patent operation 610, R-02)."""
        forwarded, sm_dp = self._forwarded(request)
        return self._sm_dps[sm_dp].place(forwarded, self.id)

    def _forwarded(self, request: ProfileRequest) -> tuple[ProfileRequest, str]:
        request.check()
        sm_dp = request.sm_dp
        if sm_dp is None and len(self._sm_dps) == 1:
            sm_dp = next(iter(self._sm_dps))
        if sm_dp is None or sm_dp not in self._sm_dps:
            known = ", ".join(sorted(self._sm_dps)) or "none"
            raise Refusal(
                RefusalCode.NO_ROUTE,
                f"{self.id} works with no SM-DP {sm_dp!r}; it knows: {known}",
            )
        if request.mno not in (None, self.id):
            raise Refusal(RefusalCode.NOT_ALLOWED, f"{self.id} cannot order for {request.mno}")
        return replace(request, mno=self.id, sm_dp=sm_dp), sm_dp


def _columns(subscription: Subscription) -> dict[str, object]:
    return {
        "iccid": subscription.iccid,
        "imsi": subscription.imsi,
        "k": subscription.k,
        "opc": subscription.opc,
        "msisdn": subscription.msisdn,
        "sm_sr": subscription.sm_sr,
    }


def _subscription(row: Row[Any]) -> Subscription:
    return Subscription(
        iccid=row.iccid,
        imsi=row.imsi,
        sm_sr=row.sm_sr,
        k=bytes(row.k),
        opc=bytes(row.opc),
        msisdn=row.msisdn,
    )
