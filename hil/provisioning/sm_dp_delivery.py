"""How an SM-DP brings packets to their receiver: mutual authentication first, then set by set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, update

from hil.provisioning.door import enter
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.links import EumLink, PacketReceiver
from hil.provisioning.orders import Route, Subscription
from hil.provisioning.profile_making import Assignment, TemplateBook, make_packet_set
from hil.provisioning.store import Store
from hil.provisioning.tables import PROFILES
from hil.provisioning.trust import PeerKeySet
from hil.wire.packets import PacketSet


@dataclass(frozen=True, slots=True)
class Errand:
    """What is to be delivered: the profiles of one order, by which route.

    ``receiver`` is a support server, or None: each profile goes to its managing SM-SR.
    """

    order_id: str
    mno: str
    profile_type: str
    route: Route
    receiver: str | None


class Delivery:
    """Makes and sends the packet sets of an order, each to exactly one receiver (R-09 to R-15).

    A set is stored before it is sent, so an interrupted delivery sends the very same bytes again
    and the receiver knows them by their digest.
    """

    def __init__(
        self,
        sm_dp: str,
        store: Store,
        eum: EumLink,
        *,
        receivers: Mapping[str, PacketReceiver],
        keys: Mapping[str, PeerKeySet],
        templates: TemplateBook,
    ) -> None:
        self._sm_dp = sm_dp
        self._store = store
        self._eum = eum
        self._receivers = dict(receivers)
        self._keys = dict(keys)
        self._templates = templates

    def run(self, errand: Errand) -> None:
        """Deliver all profiles of the order that are ready; raise on the first that cannot go."""
        with self._store.transaction() as connection:
            rows = connection.execute(
                select(PROFILES)
                .where(PROFILES.c.order_id == errand.order_id, PROFILES.c.state == "ready")
                .order_by(PROFILES.c.number)
            ).all()
        sessions: dict[str, str] = {}
        for row in rows:
            name = errand.receiver or row.sm_sr
            if name not in self._receivers or name not in self._keys:
                raise Refusal(
                    RefusalCode.NO_ROUTE,
                    f"{self._sm_dp} knows no {errand.route.value} {name!r}, to which the MNO "
                    f"{errand.mno} wants profile {row.iccid} sent",
                )
            if name not in sessions:
                sessions[name] = enter(self._receivers[name], self._sm_dp, self._keys[name])
            self._deliver_one(errand, row, name, sessions[name])

    def _deliver_one(self, errand: Errand, row: Row[Any], name: str, session: str) -> None:
        receiver = self._receivers[name]
        packet_set = self._made(row)
        if packet_set is None:
            aid = receiver.reserve_isdp(session, row.eid, row.iccid)
            packet_set = self._make(errand, row, aid)
        receipt = receiver.deliver(session, packet_set.encode(self._keys[name].mac))
        if receipt.digest != packet_set.digest() or receipt.packets != len(packet_set.packets):
            raise Refusal(
                RefusalCode.DAMAGED,
                f"{name} confirmed other packets for {row.iccid} than were sent to it",
            )
        with self._store.transaction() as connection:
            connection.execute(
                update(PROFILES)
                .where(PROFILES.c.iccid == row.iccid)
                .values(state="delivered", reason="")
            )

    def _made(self, row: Row[Any]) -> PacketSet | None:
        return None if row.packet_set is None else PacketSet.decode(bytes(row.packet_set))

    def _make(self, errand: Errand, row: Row[Any], aid: bytes) -> PacketSet:
        subscription = Subscription(
            iccid=row.iccid,
            imsi=row.imsi,
            sm_sr=row.sm_sr,
            k=bytes(row.k),
            opc=bytes(row.opc),
            msisdn=row.msisdn,
        )
        packet_set = make_packet_set(
            self._templates.find(errand.profile_type),
            subscription,
            self._eum.isd_p_base(row.eid),
            Assignment(errand.order_id, row.eid, aid, errand.mno, self._sm_dp),
        )
        with self._store.transaction() as connection:
            connection.execute(
                update(PROFILES)
                .where(PROFILES.c.iccid == row.iccid)
                .values(isdp_aid=aid, packet_set=packet_set.encode())
            )
        return packet_set
