"""From packets to image files (patent operations 540 and 630), and the life of each image."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, delete, insert, select, update

from hil.provisioning.cores import Cores
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.function_calls import new_identifier
from hil.provisioning.links import EumLink
from hil.provisioning.reception import PacketReception
from hil.provisioning.store import Store
from hil.provisioning.support_server.devices import DeviceRegistry
from hil.provisioning.support_server.image_craft import ImageJob, craft
from hil.provisioning.tables import IMAGES, ISDR_COUNTERS, PACKET_SETS
from hil.wire.image import SigningKey
from hil.wire.isdr_commands import PROVISIONING_KVN
from hil.wire.packets import PacketSet
from hil.wire.scp03_keys import KeySet

CounterMoves = Literal["external-authenticate", "initialize-update"]
"""When the ISD-R's sequence counter moves; the standard leaves it open."""

FIRST_COUNTER: Final = 1
OPEN_STATES: Final = ("built", "sent")


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image file: ``state`` is built, sent, installed, stale, refused, failed or withdrawn.

    ``issue`` counts the images made for one profile from 1; ``counter`` is the sequence counter of
    the ISD-R's provisioning key set that the image expects; ``signed_by`` the kind of signing key.
    """

    image_id: str
    iccid: str
    eid: str
    isdp_aid: bytes
    device_id: str | None
    issue: int
    signed_by: str
    enciphered: bool
    enable: bool
    counter: int
    state: str
    reason: str
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ImageQuestion:
    """What an image would do on a card, for whoever knows whether it may.

    ``enable``: disable the profile that is enabled; ``clear``: delete what is there of its own.
    """

    eid: str
    iccid: str
    mno: str
    enable: bool
    clear: bool


def _allow_all(_question: ImageQuestion) -> None:
    """Allow every image, where nobody has rules."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What an image is made of: packets, which image of the profile it is, how it is signed."""

    packet_set: PacketSet
    issue: int
    enable: bool
    signed_by: str | None
    image_id: str = field(default_factory=lambda: uuid.uuid4().hex)


class ImageWorkshop:
    """Builds one image a profile and keeps it, with its expected counters.

    ``allow`` refuses an image that policy rules forbid: as it is asked for, and as it leaves, for
    the rules may have changed since. Images that are made in advance are asked for as they leave.
    """

    def __init__(
        self,
        store: Store,
        reception: PacketReception,
        devices: DeviceRegistry,
        eum: EumLink,
        signers: dict[str, SigningKey],
        *,
        kvn: int = PROVISIONING_KVN,
        issue_limit: int = 5,
        counter_moves: CounterMoves = "external-authenticate",
        cores: Cores | None = None,
        allow: Callable[[ImageQuestion], None] = _allow_all,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._reception = reception
        self._devices = devices
        self._eum = eum
        self._signers = dict(signers)
        self._kvn = kvn
        self._issue_limit = issue_limit
        self._pems = {name: signer.private_pem() for name, signer in signers.items()}
        self._cores = cores or Cores(1)
        self._used_up = int(counter_moves == "initialize-update")
        self._allow = allow
        self._clock = clock

    def build(
        self, iccid: str, *, enable: bool = True, signed_by: str | None = None
    ) -> ImageRecord:
        """Make an image of a profile's packets; an older open one of this profile is withdrawn.

        From the second image on, what the earlier ones may have left of the ISD-P is deleted first.
        It is signed with the key of the device's life (or ``signed_by``) and enciphered for the
        device where the device is known and has a key set.
        """
        packet_set = self._reception.packet_set(iccid)
        with self._store.transaction() as connection:
            older = select(IMAGES.c.image_id).where(IMAGES.c.iccid == iccid)
            clear = connection.execute(older).first() is not None
        self._allow(ImageQuestion(packet_set.eid, iccid, packet_set.mno, enable, clear))
        keys = self._eum.isd_r_keys(packet_set.eid, self._kvn)
        name = new_identifier(f"image of {iccid}")
        with self._store.transaction() as connection:
            made = connection.execute(select(IMAGES).where(IMAGES.c.image_id == name)).first()
            if made is not None:
                return _record(made)
            issue = self._next_issue(connection, iccid, packet_set.eid)
            plan = _Plan(packet_set, issue, enable, signed_by, name)
            return self._make(connection, plan, keys)

    def build_many(
        self, iccids: Sequence[str], *, enable: bool = True
    ) -> tuple[tuple[ImageRecord, ...], dict[str, Refusal]]:
        """Make images of many profiles side by side on all cores, as :meth:`build` makes one.

        Returns the images in the order of ``iccids``, and why the other profiles have none. Give
        it a batch at a time: all of it is held.
        """
        sets = [self._reception.packet_set(iccid) for iccid in iccids]
        keys = self._eum.isd_r_key_sets([one.eid for one in sets], self._kvn)
        refused: dict[str, Refusal] = {}
        plans: list[tuple[_Plan, ImageJob]] = []
        with self._store.transaction() as connection:
            for packet_set, key_set in zip(sets, keys, strict=True):
                try:
                    issue = self._next_issue(connection, packet_set.iccid, packet_set.eid)
                    plan = _Plan(packet_set, issue, enable, None)
                    plans.append((plan, self._job(connection, plan, key_set)))
                except Refusal as refusal:
                    refused[packet_set.iccid] = refusal
        raws = list(self._cores.map(craft, (job for _, job in plans)))
        made: list[ImageRecord] = []
        with self._store.transaction() as connection:
            for (plan, job), raw in zip(plans, raws, strict=True):
                if self._overtaken(connection, plan):
                    iccid = plan.packet_set.iccid
                    refused[iccid] = Refusal(
                        RefusalCode.EXISTS, f"another request made an image of {iccid} meanwhile"
                    )
                else:
                    made.append(self._keep(connection, plan, job, raw))
        return tuple(made), refused

    def _overtaken(self, connection: Connection, plan: _Plan) -> bool:
        later = select(IMAGES.c.image_id).where(
            IMAGES.c.iccid == plan.packet_set.iccid, IMAGES.c.issue >= plan.issue
        )
        return connection.execute(later).first() is not None

    def _make(self, connection: Connection, plan: _Plan, keys: KeySet) -> ImageRecord:
        job = self._job(connection, plan, keys)
        return self._keep(connection, plan, job, craft(job))

    def _job(self, connection: Connection, plan: _Plan, keys: KeySet) -> ImageJob:
        """Return what the next image is made of; its counter is the one that is due."""
        packet_set = plan.packet_set
        device = self._devices.known(connection, packet_set.eid)
        kind = plan.signed_by or (device.life if device else "commercial")
        signer = self._signers.get(kind)
        if signer is None:
            raise Refusal(
                RefusalCode.INVALID, f"{self._reception.owner} holds no {kind} signing key"
            )
        return ImageJob(
            packet_set=packet_set,
            keys=keys,
            counter=_next_counter(connection, packet_set.eid),
            enable=plan.enable,
            clear=plan.issue > 1,
            signed_by=signer.kind,
            signer=self._pems[kind],
            device_id=device.device_id if device else None,
            device_key=device.keys.enc if device and device.keys else None,
            image_id=plan.image_id,
        )

    def _keep(self, connection: Connection, plan: _Plan, job: ImageJob, raw: bytes) -> ImageRecord:
        row: dict[str, Any] = {
            "image_id": job.image_id,
            "iccid": job.packet_set.iccid,
            "eid": job.packet_set.eid,
            "isdp_aid": job.packet_set.isdp_aid,
            "device_id": job.device_id,
            "issue": plan.issue,
            "signed_by": job.signed_by,
            "enciphered": job.device_key is not None,
            "enable": plan.enable,
            "counter": job.counter,
            "state": "built",
            "reason": "",
            "raw": raw,
        }
        connection.execute(insert(IMAGES).values(**row, built_at=self._clock()))
        return ImageRecord(**row)

    def _next_issue(self, connection: Connection, iccid: str, eid: str) -> int:
        """Return which image of its profile the next one is, and withdraw open ones."""
        older = connection.execute(
            select(IMAGES).where(IMAGES.c.iccid == iccid).order_by(IMAGES.c.issue)
        ).all()
        if any(row.state == "installed" for row in older):
            raise Refusal(RefusalCode.WRONG_STATE, f"profile {iccid} is installed already")
        if len(older) >= self._issue_limit:
            raise Refusal(
                RefusalCode.ATTEMPTS_EXHAUSTED,
                f"{len(older)} images were made for {iccid}; the limit is {self._issue_limit}",
            )
        following = _next_counter(connection, eid)
        for row in older:
            if row.state == "sent" and row.counter + _sessions(row) == following:
                # Nothing went out after it, so its counters are good for its successor.
                _set_counter(connection, eid, row.counter)
            if row.state in OPEN_STATES:
                self.set_state(connection, row.image_id, "withdrawn", "a newer image was made")
        return len(older) + 1

    def send_next(self, eid: str, iccid: str | None = None) -> ImageRecord:
        """Return the image that the eSIM is to get next, or that of one profile, as sent.

        Images go in the order in which their packets came. What has no image (or none that was not
        refused) gets one now, and an image that others have overtaken is made with the counter that
        is due now: only an image that leaves takes counters.
        """
        with self._store.transaction() as connection:
            good = select(IMAGES.c.iccid).where(
                IMAGES.c.eid == eid, IMAGES.c.state.in_((*OPEN_STATES, "installed"))
            )
            imaged = {row.iccid for row in connection.execute(good)}
        for waiting in self._reception.stored(eid):
            if waiting not in imaged and iccid in (None, waiting):
                self.build(waiting)
        keys = self._eum.isd_r_keys(eid, self._kvn)
        chosen = select(IMAGES).where(IMAGES.c.eid == eid, IMAGES.c.state.in_(OPEN_STATES))
        if iccid is not None:
            chosen = chosen.where(IMAGES.c.iccid == iccid)
        with self._store.transaction() as connection:
            row = connection.execute(chosen.order_by(IMAGES.c.built_at)).first()
            mno = "" if row is None else _packets(connection, row.iccid).mno
        if row is not None:
            self._allow(ImageQuestion(eid, row.iccid, mno, row.enable, row.issue > 1))
            # The very image that was judged, if it is still there.
            chosen = chosen.where(IMAGES.c.image_id == row.image_id)
        with self._store.transaction() as connection:
            row = connection.execute(chosen.order_by(IMAGES.c.built_at)).first()
            if row is None:
                what = f"the eSIM {eid}" if iccid is None else f"{iccid} on the eSIM {eid}"
                raise Refusal(
                    RefusalCode.UNKNOWN, f"{self._reception.owner} has no image for {what}"
                )
            record = _record(row)
            if record.state == "sent":
                return record
            if record.counter != _next_counter(connection, eid):
                connection.execute(delete(IMAGES).where(IMAGES.c.image_id == record.image_id))
                packet_set = _packets(connection, record.iccid)
                plan = _Plan(packet_set, record.issue, record.enable, record.signed_by)
                record = self._make(connection, plan, keys)
            _set_counter(connection, eid, record.counter + _sessions(row))
            self.set_state(connection, record.image_id, "sent")
        return replace(record, state="sent")

    def image(self, image_id: str) -> ImageRecord:
        """Return one image."""
        with self._store.transaction() as connection:
            row = connection.execute(select(IMAGES).where(IMAGES.c.image_id == image_id)).first()
        if row is None:
            raise Refusal(RefusalCode.UNKNOWN, f"{self._reception.owner} has no image {image_id}")
        return _record(row)

    def images(self, eid: str | None = None) -> tuple[ImageRecord, ...]:
        """Return all images, or those of one eSIM, in the order in which they were built."""
        query = select(IMAGES).order_by(IMAGES.c.built_at)
        if eid is not None:
            query = query.where(IMAGES.c.eid == eid)
        with self._store.transaction() as connection:
            return tuple(_record(row) for row in connection.execute(query))

    def set_state(
        self, connection: Connection, image_id: str, state: str, reason: str = ""
    ) -> None:
        """Note what became of an image."""
        connection.execute(
            update(IMAGES).where(IMAGES.c.image_id == image_id).values(state=state, reason=reason)
        )

    def found_counter(self, eid: str, found: int) -> None:
        """Note which sequence counter the ISD-R answered with to INITIALIZE UPDATE.

        It uses it again, unless its counter moves at INITIALIZE UPDATE already.
        """
        self.set_counter(eid, found + self._used_up)

    def set_counter(self, eid: str, following: int) -> None:
        """Note which sequence counter the ISD-R will use next."""
        with self._store.transaction() as connection:
            _set_counter(connection, eid, following)

    def next_counter(self, eid: str) -> int:
        """Return the sequence counter that the next image of this eSIM will expect."""
        with self._store.transaction() as connection:
            return _next_counter(connection, eid)


def _sessions(row: Row[Any]) -> int:
    """Return by how much an image moves the sequence counter of the ISD-R."""
    return 2 if row.enable else 1


def _packets(connection: Connection, iccid: str) -> PacketSet:
    raw = connection.execute(select(PACKET_SETS.c.raw).where(PACKET_SETS.c.iccid == iccid))
    return PacketSet.decode(bytes(raw.scalar_one()))


def _next_counter(connection: Connection, eid: str) -> int:
    row = connection.execute(
        select(ISDR_COUNTERS.c.next).where(ISDR_COUNTERS.c.eid == eid).with_for_update()
    ).first()
    return FIRST_COUNTER if row is None else int(row.next)


def _set_counter(connection: Connection, eid: str, following: int) -> None:
    changed = connection.execute(
        update(ISDR_COUNTERS).where(ISDR_COUNTERS.c.eid == eid).values(next=following)
    )
    if not changed.rowcount:
        connection.execute(insert(ISDR_COUNTERS).values(eid=eid, next=following))


def _record(row: Row[Any]) -> ImageRecord:
    return ImageRecord(
        image_id=row.image_id,
        iccid=row.iccid,
        eid=row.eid,
        isdp_aid=bytes(row.isdp_aid),
        device_id=row.device_id,
        issue=row.issue,
        signed_by=row.signed_by,
        enciphered=row.enciphered,
        enable=row.enable,
        counter=row.counter,
        state=row.state,
        reason=row.reason,
        raw=bytes(row.raw),
    )
