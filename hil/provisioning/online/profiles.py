"""The profiles of an SM-DP that wait to be downloaded: those ordered before, and new ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, update

from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.es_status import FunctionStatus, refusal
from hil.provisioning.function_calls import settled
from hil.provisioning.orders import OrderReceipt, ProfileRequest, Subscription
from hil.provisioning.profile_making import Template, TemplateBook
from hil.provisioning.store import Store
from hil.provisioning.tables import ORDERS, PROFILES

Place = Callable[[ProfileRequest, str], OrderReceipt]


@dataclass(frozen=True, slots=True)
class ShelvedProfile:
    """A subscription and the template by which its profile is made."""

    template: Template
    subscription: Subscription


class ProfileShelf:
    """Chooses profiles for downloads. ``place`` orders one where none waits."""

    def __init__(self, store: Store, templates: TemplateBook, place: Place) -> None:
        self._store = store
        self._templates = templates
        self._place = place

    def choose(self, mno: str, eid: str, *, iccid: str | None, profile_type: str | None) -> str:
        """Take the profile with this ICCID, or one of this type, for an eUICC; return its ICCID.

        A profile that was chosen for this eUICC before is chosen again; one that was given to
        another eUICC, or made for the offline route, is refused.
        """
        if iccid is None:
            assert profile_type is not None  # noqa: S101 - one of both is given
            return self._choose_one(mno, eid, profile_type)
        row = self._row(iccid)
        if row is None:
            row = self._ordered(ProfileRequest(profile_id=iccid, mno=mno), mno)
        if row.mno != mno:
            raise refusal(
                FunctionStatus.NOT_YOUR_PROFILE, f"profile {iccid} is not one of the MNO {mno}"
            )
        if not self._take(iccid, eid):
            raise refusal(
                FunctionStatus.PROFILE_KNOWN,
                f"profile {iccid} was given to an eUICC before, or goes the other way",
            )
        return iccid

    def _choose_one(self, mno: str, eid: str, profile_type: str) -> str:
        """Take a profile of a type: one that waits, or a new one.

        A call that is repeated after a server died gets the one that it took then: what was taken
        is noted with it, and an order of a repeated call is the same order.
        """
        self._templates.find(profile_type)
        with self._store.transaction() as connection:
            taken = settled(
                connection,
                "profile that waited",
                lambda: self._take_waiting(connection, mno, eid, profile_type),
            )
        if taken is not None:
            return str(taken)
        wanted = ProfileRequest(amount=1, mno=mno, profile_type=profile_type)
        while True:
            row = self._ordered(wanted, mno)
            if self._take(row.iccid, eid):
                return str(row.iccid)

    def _ordered(self, request: ProfileRequest, mno: str) -> Row[Any]:
        row = self._row(self._place(request, mno).profiles[0].iccid)
        assert row is not None  # noqa: S101 - just ordered
        return row

    def find(self, iccid: str) -> ShelvedProfile:
        """Return what a profile is made from."""
        row = self._row(iccid)
        if row is None:
            raise Refusal(RefusalCode.UNKNOWN, f"no profile {iccid} was ordered here")
        return ShelvedProfile(
            self._templates.find(row.profile_type),
            Subscription(
                iccid=row.iccid,
                imsi=row.imsi,
                sm_sr=row.sm_sr,
                k=bytes(row.k),
                opc=bytes(row.opc),
                msisdn=row.msisdn,
            ),
        )

    def downloaded(self, iccid: str, eid: str, *, ok: bool) -> None:
        """Note the end of a download; a failed one gives the profile back to the shelf."""
        values = {"state": "delivered"} if ok else {"state": "waiting", "eid": None}
        with self._store.transaction() as connection:
            connection.execute(
                update(PROFILES)
                .where(
                    PROFILES.c.iccid == iccid, PROFILES.c.eid == eid, PROFILES.c.state == "online"
                )
                .values(**values)
            )

    def _take(self, iccid: str, eid: str) -> bool:
        """Give a profile to an eUICC; false when it is another's, or goes the other way."""
        with self._store.transaction() as connection:
            taken = connection.execute(
                update(PROFILES)
                .where(
                    PROFILES.c.iccid == iccid,
                    (PROFILES.c.state == "waiting")
                    | ((PROFILES.c.eid == eid) & PROFILES.c.state.in_(("online", "delivered"))),
                    PROFILES.c.packet_set.is_(None),
                )
                .values(state="online", eid=eid)
            )
        return bool(taken.rowcount)

    def _row(self, iccid: str) -> Row[Any] | None:
        with self._store.transaction() as connection:
            return connection.execute(
                select(PROFILES, ORDERS.c.mno, ORDERS.c.profile_type)
                .join(ORDERS, ORDERS.c.order_id == PROFILES.c.order_id)
                .where(PROFILES.c.iccid == iccid)
            ).first()

    @staticmethod
    def _take_waiting(connection: Connection, mno: str, eid: str, profile_type: str) -> str | None:
        waiting = (
            select(PROFILES.c.iccid)
            .join(ORDERS, ORDERS.c.order_id == PROFILES.c.order_id)
            .where(
                PROFILES.c.state == "waiting",
                PROFILES.c.packet_set.is_(None),
                ORDERS.c.mno == mno,
                ORDERS.c.profile_type == profile_type,
            )
            .order_by(PROFILES.c.iccid)
        )
        for iccid in connection.execute(waiting).scalars().all():
            taken = connection.execute(
                update(PROFILES)
                .where(PROFILES.c.iccid == iccid, PROFILES.c.state == "waiting")
                .values(state="online", eid=eid)
            )
            if taken.rowcount:
                return str(iccid)
        return None
