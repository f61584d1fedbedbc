"""Taking packets from SM-DPs: first interface (310) and profile storage (330) of the patent.

Used alike by a support server and by an SM-SR.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select

from hil.errors import CodecError
from hil.provisioning.batches import MAX_BATCH, BatchReceipt
from hil.provisioning.door import DoorChallenge, PeerDoor, require_role
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.links import PacketReceipt
from hil.provisioning.store import Store
from hil.provisioning.tables import EIS_PROFILES, ISDP_AIDS, PACKET_SETS
from hil.provisioning.trust import Peer, Role
from hil.wire.download import decipher_packets
from hil.wire.identifiers import isd_p_aid, tar_of
from hil.wire.packets import PacketError, PacketSet, PacketSetMacError
from hil.wire.profile_package.test_profile import inspect

LAST_TAR: Final = 0xFFFF
MAIN_LINK: Final = "main"


@dataclass(frozen=True, slots=True)
class LinkReport:
    """What went over one link to the SM-DPs: its name, its kind, packet sets taken and refused.

    ``kind`` is in the configuration's words, for instance ``network`` or ``dedicated-line``.
    """

    name: str
    kind: str
    accepted: int
    refused: int


class PacketReception:
    """Verifies packet sets and stores them.

    ``links`` maps the names of links to their kind; packets are taken on these only (R-15).
    ``first_tar`` is where this receiver begins to give out ISD-Ps.
    """

    def __init__(
        self,
        door: PeerDoor,
        store: Store,
        *,
        links: dict[str, str] | None = None,
        first_tar: int = 0x11,
        clock: Callable[[], float] = time.time,
        on_stored: Callable[[Sequence[PacketSet]], None] | None = None,
    ) -> None:
        self.door = door
        self._store = store
        self._links = dict(links or {MAIN_LINK: "network"})
        self._first_tar = first_tar
        self._clock = clock
        self._on_stored = on_stored
        self._counts: Counter[tuple[str, bool]] = Counter()
        self._lock = threading.Lock()

    @property
    def owner(self) -> str:
        """Id of the server that takes the packets."""
        return self.door.owner

    def reserve_isdp(self, session: str, eid: str, iccid: str) -> bytes:
        """Return the AID of a free ISD-P; the same ICCID gets the same one again."""
        return self.reserve_isdps(session, [(eid, iccid)])[0]

    def reserve_isdps(self, session: str, places: Sequence[tuple[str, str]]) -> tuple[bytes, ...]:
        """Return the AIDs of free ISD-Ps for pairs of EID and ICCID: all of them or none."""
        require_role(self.door.principal(session), Role.SM_DP)
        _check_batch(places)
        with self._store.transaction() as connection:
            return tuple(self._reserve(connection, eid, iccid) for eid, iccid in places)

    def reserve(self, eid: str, iccid: str) -> bytes:
        """Return the AID of a free ISD-P; the same ICCID gets the same one again."""
        with self._store.transaction() as connection:
            return self._reserve(connection, eid, iccid)

    def _reserve(self, connection: Connection, eid: str, iccid: str) -> bytes:
        rows = connection.execute(
            select(ISDP_AIDS).where(ISDP_AIDS.c.eid == eid).with_for_update()
        ).all()
        for row in rows:
            if row.iccid == iccid:
                return isd_p_aid(row.tar)
        taken = {row.tar for row in rows}
        # What an SM-SR knows from elsewhere: from the factory, or from the SM-SR before it.
        known = connection.execute(select(EIS_PROFILES.c.isdp_aid).where(EIS_PROFILES.c.eid == eid))
        taken |= {int.from_bytes(tar_of(bytes(row.isdp_aid)), "big") for row in known}
        tar = self._first_tar
        while tar in taken:
            tar += 1
        if tar > LAST_TAR:
            raise Refusal(RefusalCode.NO_ROUTE, f"eUICC {eid} has no free ISD-P")
        _occupy(connection, eid, tar, iccid)
        return isd_p_aid(tar)

    def deliver(self, session: str, raw: bytes, link: str = MAIN_LINK) -> PacketReceipt:
        """Verify a packet set and store it; refuse a damaged one with the number of its packet.

        The MAC must be made with the key set of the very SM-DP that holds the session.
        """
        found = self.deliver_many(session, [raw], link)
        if found.refusal is not None:
            raise found.refusal
        return found.receipts[0]

    def deliver_many(
        self, session: str, raws: Sequence[bytes], link: str = MAIN_LINK
    ) -> BatchReceipt:
        """Verify packet sets and store them together, up to the first one that is refused."""
        sets: list[PacketSet] = []
        receipts: list[PacketReceipt] = []
        stored: list[PacketSet] = []
        refusal: Refusal | None = None
        try:
            peer = self._sender(session, link)
            _check_batch(raws)
            for raw in raws:
                sets.append(self._verify(raw, peer))  # noqa: PERF401 - those before a bad one stay
        except Refusal as refused:
            refusal = refused
        if sets:
            with self._store.transaction() as connection:
                for one in sets:
                    try:
                        new = self._keep(connection, one, link)
                    except Refusal as refused:
                        refusal = refused
                        break
                    receipts.append(PacketReceipt(one.iccid, one.digest(), len(one.packets)))
                    stored += [one] if new else []
        with self._lock:
            self._counts[link, True] += len(receipts)
            self._counts[link, False] += refusal is not None
        if stored and self._on_stored is not None:
            self._on_stored(stored)
        return BatchReceipt(tuple(receipts), refusal)

    def _sender(self, session: str, link: str) -> Peer:
        peer = self.door.peer(session)
        if peer.role is not Role.SM_DP:
            raise Refusal(
                RefusalCode.NOT_ALLOWED, f"{peer.id} is not an SM-DP: it sends no packets"
            )
        if link not in self._links:
            raise Refusal(
                RefusalCode.NO_ROUTE,
                f"{self.owner} takes packets on {', '.join(sorted(self._links))} only, "
                f"not on {link}",
            )
        return peer

    def _verify(self, raw: bytes, peer: Peer) -> PacketSet:
        packet_set = _verified(raw, peer.keys.mac)
        if packet_set.sm_dp != peer.id:
            raise Refusal(
                RefusalCode.NOT_ALLOWED, f"{peer.id} cannot send packets of {packet_set.sm_dp}"
            )
        if packet_set.profile_class == "test":
            check_test_profile(packet_set)
        return packet_set

    def _keep(self, connection: Connection, packet_set: PacketSet, link: str) -> bool:
        """Store a packet set; return whether it is a new one."""
        tar = int.from_bytes(tar_of(packet_set.isdp_aid), "big")
        known = connection.execute(
            select(PACKET_SETS.c.digest).where(PACKET_SETS.c.iccid == packet_set.iccid)
        ).first()
        if known is not None:
            if bytes(known.digest) == packet_set.digest():
                return False
            raise Refusal(
                RefusalCode.EXISTS,
                f"{self.owner} holds other packets for {packet_set.iccid}: nothing was stored",
            )
        place = connection.execute(
            select(ISDP_AIDS.c.iccid).where(
                ISDP_AIDS.c.eid == packet_set.eid, ISDP_AIDS.c.tar == tar
            )
        ).first()
        if place is None:
            _occupy(connection, packet_set.eid, tar, packet_set.iccid)
        elif place.iccid != packet_set.iccid:
            raise Refusal(
                RefusalCode.EXISTS,
                f"ISD-P {packet_set.isdp_aid.hex()} of {packet_set.eid} is taken by another "
                "profile",
            )
        connection.execute(
            insert(PACKET_SETS).values(
                iccid=packet_set.iccid,
                eid=packet_set.eid,
                order_id=packet_set.order_id,
                mno=packet_set.mno,
                sm_dp=packet_set.sm_dp,
                profile_type=packet_set.profile_type,
                profile_class=packet_set.profile_class,
                isdp_aid=packet_set.isdp_aid,
                raw=packet_set.encode(),
                digest=packet_set.digest(),
                link=link,
                received_at=self._clock(),
            )
        )
        return True

    def packet_set(self, iccid: str) -> PacketSet:
        """Return the stored packets of a profile."""
        with self._store.transaction() as connection:
            row = connection.execute(
                select(PACKET_SETS.c.raw).where(PACKET_SETS.c.iccid == iccid)
            ).first()
        if row is None:
            raise Refusal(RefusalCode.UNKNOWN, f"{self.owner} holds no packets for {iccid}")
        return PacketSet.decode(bytes(row.raw))

    def stored(self, eid: str | None = None) -> tuple[str, ...]:
        """Return the ICCIDs of the stored packet sets, in the order in which they came."""
        query = select(PACKET_SETS.c.iccid).order_by(PACKET_SETS.c.received_at, PACKET_SETS.c.iccid)
        if eid is not None:
            query = query.where(PACKET_SETS.c.eid == eid)
        with self._store.transaction() as connection:
            rows: list[Row[Any]] = list(connection.execute(query))
        return tuple(row.iccid for row in rows)

    def eids(self) -> frozenset[str]:
        """Return the EIDs of all eUICCs that packet sets are stored for."""
        with self._store.transaction() as connection:
            rows = connection.execute(select(PACKET_SETS.c.eid).distinct())
            return frozenset(row.eid for row in rows)

    def link_reports(self) -> tuple[LinkReport, ...]:
        """Say what went over each link since this server began."""
        with self._lock:
            counts = Counter(self._counts)
        names = {**self._links, **{name: "closed" for name, _ in counts if name not in self._links}}
        return tuple(
            LinkReport(name, kind, counts[name, True], counts[name, False])
            for name, kind in names.items()
        )


class FirstInterface:
    """The reception as one link shows it to SM-DPs; the link is known by where it is plugged in."""

    def __init__(self, reception: PacketReception, link: str = MAIN_LINK) -> None:
        self._reception = reception
        self.link = link

    @property
    def owner(self) -> str:
        """Id of the server behind the link."""
        return self._reception.owner

    def challenge(self, initiator: str, nonce: bytes) -> DoorChallenge:
        """Ask the server to prove itself."""
        return self._reception.door.challenge(initiator, nonce)

    def prove(self, session: str, proof: bytes) -> None:
        """Prove oneself to the server."""
        self._reception.door.prove(session, proof)

    def reserve_isdp(self, session: str, eid: str, iccid: str) -> bytes:
        """Return the AID of a free ISD-P."""
        return self._reception.reserve_isdp(session, eid, iccid)

    def deliver(self, session: str, raw: bytes) -> PacketReceipt:
        """Take an encoded packet set with its MAC."""
        return self._reception.deliver(session, raw, self.link)

    def reserve_isdps(self, session: str, places: Sequence[tuple[str, str]]) -> tuple[bytes, ...]:
        """Return the AIDs of free ISD-Ps for pairs of EID and ICCID."""
        return self._reception.reserve_isdps(session, places)

    def deliver_many(self, session: str, raws: Sequence[bytes]) -> BatchReceipt:
        """Take encoded packet sets with their MACs."""
        return self._reception.deliver_many(session, raws, self.link)


def _check_batch(items: Sequence[object]) -> None:
    if len(items) > MAX_BATCH:
        raise Refusal(
            RefusalCode.TOO_LARGE, f"{len(items)} packet sets at once; {MAX_BATCH} are the most"
        )


def check_test_profile(packet_set: PacketSet) -> None:
    """Refuse a profile that calls itself a test profile and is none inside (R-59)."""
    if packet_set.disclosed_key is None:
        raise Refusal(
            RefusalCode.INVALID,
            f"test profile {packet_set.iccid} does not disclose its session key: "
            "nobody can look inside",
        )
    try:
        found = inspect(decipher_packets(packet_set.packets, packet_set.disclosed_key))
    except CodecError as err:
        raise Refusal(
            RefusalCode.INVALID, f"test profile {packet_set.iccid} cannot be looked into: {err}"
        ) from err
    if not found.is_test:
        raise Refusal(
            RefusalCode.INVALID,
            f"profile {packet_set.iccid} calls itself a test profile, but: "
            + "; ".join(found.reasons),
        )


def _verified(raw: bytes, mac_key: bytes) -> PacketSet:
    try:
        return PacketSet.decode(raw, mac_key)
    except PacketError as err:
        raise Refusal(RefusalCode.DAMAGED, str(err), {"packet": err.number}) from err
    except PacketSetMacError as err:
        raise Refusal(RefusalCode.NOT_AUTHENTICATED, str(err)) from err
    except CodecError as err:
        raise Refusal(RefusalCode.DAMAGED, f"packet set cannot be read: {err}") from err


def _occupy(connection: Connection, eid: str, tar: int, iccid: str) -> None:
    connection.execute(insert(ISDP_AIDS).values(eid=eid, tar=tar, iccid=iccid))
