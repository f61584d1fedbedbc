"""How an SM-DP brings packets to their receiver: mutual authentication first, then set by set."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby
from typing import Any

from sqlalchemy import Row, bindparam, select, update

from hil.provisioning.batches import BATCH, MAX_BATCH_BYTES, BatchReceipt, BatchReceiver
from hil.provisioning.cores import Cores
from hil.provisioning.door import enter
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.links import EumLink, PacketReceipt, PacketReceiver
from hil.provisioning.orders import Route, Subscription
from hil.provisioning.profile_making import Assignment, Template, TemplateBook, make_packet_set
from hil.provisioning.store import Store
from hil.provisioning.tables import PROFILES
from hil.provisioning.trust import PeerKeySet
from hil.wire.packets import PacketSet, add_mac
from hil.wire.scp03_keys import KeySet


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


@dataclass(frozen=True, slots=True)
class _Making:
    """All that one packet set is made of, for whichever process makes it."""

    template: Template
    subscription: Subscription
    base: KeySet = field(repr=False)
    assignment: Assignment
    host_challenge: bytes


@dataclass(frozen=True, slots=True)
class _Made:
    """A packet set as it is stored: encoded without MAC, and what a receipt must confirm of it."""

    iccid: str
    isdp_aid: bytes
    packets: int
    raw: bytes = field(repr=False)

    @classmethod
    def of(cls, packet_set: PacketSet) -> _Made:
        """Encode a packet set."""
        packets = len(packet_set.packets)
        return cls(packet_set.iccid, packet_set.isdp_aid, packets, packet_set.encode())

    def confirmed_by(self, receipt: PacketReceipt) -> bool:
        """Whether a receipt is for these very packets."""
        return receipt.digest == sha256(self.raw).digest() and receipt.packets == self.packets


class Delivery:
    """Makes and sends the packet sets of an order, each to exactly one receiver (R-09 to R-15).

    A set is stored before it is sent, so an interrupted delivery sends the very same bytes again
    and the receiver knows them by their digest. No more than ``batch`` sets are held at a time.
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
        cores: Cores | None = None,
        batch: int = BATCH,
    ) -> None:
        self._sm_dp = sm_dp
        self._store = store
        self._eum = eum
        self._receivers = dict(receivers)
        self._keys = dict(keys)
        self._templates = templates
        self._cores = cores or Cores(1)
        self._batch = batch

    def run(self, errand: Errand) -> None:
        """Deliver all profiles of the order that are ready; raise on the first that cannot go."""
        sessions: dict[str, str] = {}
        for rows in self._ready(errand.order_id):
            for name, group in groupby(rows, key=lambda row: errand.receiver or row.sm_sr):
                together = list(group)
                if name not in self._receivers or name not in self._keys:
                    raise Refusal(
                        RefusalCode.NO_ROUTE,
                        f"{self._sm_dp} knows no {errand.route.value} {name!r}, to which the MNO "
                        f"{errand.mno} wants profile {together[0].iccid} sent",
                    )
                if name not in sessions:
                    sessions[name] = enter(self._receivers[name], self._sm_dp, self._keys[name])
                self._deliver(errand, together, name, sessions[name])

    def _ready(self, order_id: str) -> Iterator[Sequence[Row[Any]]]:
        """Yield the rows that are ready, a batch at a time."""
        last = 0
        while True:
            with self._store.transaction() as connection:
                rows = connection.execute(
                    select(PROFILES)
                    .where(
                        PROFILES.c.order_id == order_id,
                        PROFILES.c.state == "ready",
                        PROFILES.c.number > last,
                    )
                    .order_by(PROFILES.c.number)
                    .limit(self._batch)
                ).all()
            if not rows:
                return
            yield rows
            last = rows[-1].number

    def _deliver(self, errand: Errand, rows: list[Row[Any]], name: str, session: str) -> None:
        receiver = self._receivers[name]
        mac_key = self._keys[name].mac
        if isinstance(receiver, BatchReceiver):
            sets = self._made(errand, rows, receiver, session)
            raws = [add_mac(one.raw, mac_key) for one in sets]
            for part in _parts(raws):
                answer = receiver.deliver_many(session, raws[part.start : part.stop])
                self._confirm(name, sets[part.start : part.stop], answer)
            return
        for row in rows:
            (one,) = self._made(errand, [row], receiver, session)
            receipt = receiver.deliver(session, add_mac(one.raw, mac_key))
            self._confirm(name, [one], BatchReceipt((receipt,)))

    def _made(
        self,
        errand: Errand,
        rows: list[Row[Any]],
        receiver: PacketReceiver | BatchReceiver,
        session: str,
    ) -> list[_Made]:
        """Return the packet sets of these profiles; those not made before are made and stored."""
        made = {
            row.iccid: _Made.of(PacketSet.decode(bytes(row.packet_set)))
            for row in rows
            if row.packet_set is not None
        }
        new = [row for row in rows if row.iccid not in made]
        if new:
            places = [(row.eid, row.iccid) for row in new]
            if isinstance(receiver, BatchReceiver):
                aids = receiver.reserve_isdps(session, places)
            else:
                aids = tuple(receiver.reserve_isdp(session, eid, iccid) for eid, iccid in places)
            made |= {one.iccid: one for one in self._make(errand, new, aids)}
        return [made[row.iccid] for row in rows]

    def _make(self, errand: Errand, rows: list[Row[Any]], aids: Sequence[bytes]) -> list[_Made]:
        template = self._templates.find(errand.profile_type)
        bases = self._eum.isd_p_bases(tuple(row.eid for row in rows))
        jobs = (
            _Making(
                template,
                _subscription(row),
                base,
                Assignment(errand.order_id, row.eid, aid, errand.mno, self._sm_dp),
                secrets.token_bytes(8),
            )
            for row, aid, base in zip(rows, aids, bases, strict=True)
        )
        sets = list(self._cores.map(_make_one, jobs))
        with self._store.transaction() as connection:
            connection.execute(
                update(PROFILES)
                .where(PROFILES.c.iccid == bindparam("which"))
                .values(isdp_aid=bindparam("aid"), packet_set=bindparam("raw")),
                [{"which": one.iccid, "aid": one.isdp_aid, "raw": one.raw} for one in sets],
            )
        return sets

    def _confirm(self, name: str, sets: Sequence[_Made], answer: BatchReceipt) -> None:
        """Note what arrived; refuse receipts for other packets, and pass on why one was refused."""
        arrived: list[str] = []
        wrong: _Made | None = None
        for one, receipt in zip(sets, answer.receipts, strict=False):
            if not one.confirmed_by(receipt):
                wrong = one
                break
            arrived.append(one.iccid)
        if arrived:
            with self._store.transaction() as connection:
                connection.execute(
                    update(PROFILES)
                    .where(PROFILES.c.iccid.in_(arrived))
                    .values(state="delivered", reason="")
                )
        if wrong is not None:
            raise Refusal(
                RefusalCode.DAMAGED,
                f"{name} confirmed other packets for {wrong.iccid} than were sent to it",
            )
        if answer.refusal is not None:
            raise answer.refusal
        if len(arrived) < len(sets):
            raise Refusal(
                RefusalCode.DAMAGED, f"{name} confirmed {len(arrived)} of {len(sets)} packet sets"
            )


def _parts(raws: Sequence[bytes]) -> Iterator[range]:
    """Cut a row of packet sets into calls that are not too long, at least one set a call."""
    start = size = 0
    for place, raw in enumerate(raws):
        if place > start and size + len(raw) > MAX_BATCH_BYTES:
            yield range(start, place)
            start, size = place, 0
        size += len(raw)
    if start < len(raws):
        yield range(start, len(raws))


def _make_one(job: _Making) -> _Made:
    return _Made.of(
        make_packet_set(
            job.template,
            job.subscription,
            job.base,
            job.assignment,
            host_challenge=job.host_challenge,
        )
    )


def _subscription(row: Row[Any]) -> Subscription:
    return Subscription(
        iccid=row.iccid,
        imsi=row.imsi,
        sm_sr=row.sm_sr,
        k=bytes(row.k),
        opc=bytes(row.opc),
        msisdn=row.msisdn,
    )
