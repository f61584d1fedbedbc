"""From packets to image files (patent operations 540 and 630), and the life of each image."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from hil.errors import CodecError
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.links import EumLink
from hil.provisioning.reception import PacketReception
from hil.provisioning.store import Store
from hil.provisioning.support_server.devices import DeviceRegistry
from hil.provisioning.tables import IMAGES, ISDR_COUNTERS
from hil.wire.image import SigningKey, image_of, seal
from hil.wire.install_script import prepare_install

PROVISIONING_KVN: Final = 0x30
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


class ImageWorkshop:
    """Builds one image a profile and keeps it, with its expected counters."""

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
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._reception = reception
        self._devices = devices
        self._eum = eum
        self._signers = dict(signers)
        self._kvn = kvn
        self._issue_limit = issue_limit
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
        device = self._devices.with_esim(packet_set.eid)
        kind = signed_by or (device.life if device else "commercial")
        if kind not in self._signers:
            raise Refusal(
                RefusalCode.INVALID, f"{self._reception.owner} holds no {kind} signing key"
            )
        keys = self._eum.isd_r_keys(packet_set.eid, self._kvn)
        with self._store.transaction() as connection:
            issue, counter = self._place(connection, iccid, packet_set.eid, enable=enable)
            try:
                script = prepare_install(
                    keys,
                    counter,
                    secrets.token_bytes(8),
                    isdp_aid=packet_set.isdp_aid,
                    memory=packet_set.memory,
                    enable=enable,
                    clear=issue > 1,
                )
                image = image_of(
                    packet_set,
                    image_id=uuid.uuid4().hex,
                    counter=counter,
                    steps_before=script.before,
                    steps_after=script.after,
                    device_id=device.device_id if device else None,
                )
                raw = seal(
                    image,
                    self._signers[kind],
                    device.keys.enc if device and device.keys else None,
                )
            except CodecError as err:
                raise Refusal(
                    RefusalCode.INVALID, f"no image can be made of the packets of {iccid}: {err}"
                ) from err
            _set_counter(connection, packet_set.eid, counter + script.sessions)
            connection.execute(
                insert(IMAGES).values(
                    image_id=image.image_id,
                    iccid=iccid,
                    eid=packet_set.eid,
                    isdp_aid=packet_set.isdp_aid,
                    device_id=image.device_id,
                    issue=issue,
                    signed_by=kind,
                    enciphered=bool(device and device.keys),
                    enable=enable,
                    counter=counter,
                    state="built",
                    raw=raw,
                    built_at=self._clock(),
                )
            )
        return self.image(image.image_id)

    def _place(
        self, connection: Connection, iccid: str, eid: str, *, enable: bool
    ) -> tuple[int, int]:
        """Return issue and counter of the next image; an open image gives its counter back."""
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
        counter = _next_counter(connection, eid)
        newest = connection.execute(
            select(IMAGES.c.image_id).where(IMAGES.c.eid == eid).order_by(IMAGES.c.built_at.desc())
        ).first()
        for row in older:
            if row.state not in OPEN_STATES:
                continue
            # The card has not seen the newest image's counters, so they are good for its successor.
            if newest is not None and newest.image_id == row.image_id and row.enable == enable:
                counter = row.counter
            connection.execute(
                update(IMAGES)
                .where(IMAGES.c.image_id == row.image_id)
                .values(state="withdrawn", reason="a newer image was made")
            )
        return len(older) + 1, counter

    def next_for(self, eid: str) -> ImageRecord:
        """Return the image that the eSIM ``eid`` is to get next; build what was not built yet."""
        with self._store.transaction() as connection:
            imaged = {
                row.iccid
                for row in connection.execute(select(IMAGES.c.iccid).where(IMAGES.c.eid == eid))
            }
        for iccid in self._reception.stored(eid):
            if iccid not in imaged:
                self.build(iccid)
        with self._store.transaction() as connection:
            row = connection.execute(
                select(IMAGES)
                .where(IMAGES.c.eid == eid, IMAGES.c.state.in_(OPEN_STATES))
                .order_by(IMAGES.c.counter)
            ).first()
        if row is None:
            raise Refusal(
                RefusalCode.UNKNOWN, f"{self._reception.owner} has no image for the eSIM {eid}"
            )
        return _record(row)

    def image(self, image_id: str) -> ImageRecord:
        """Return one image."""
        with self._store.transaction() as connection:
            row = connection.execute(select(IMAGES).where(IMAGES.c.image_id == image_id)).first()
        if row is None:
            raise Refusal(RefusalCode.UNKNOWN, f"{self._reception.owner} has no image {image_id}")
        return _record(row)

    def images(self, eid: str | None = None) -> tuple[ImageRecord, ...]:
        """Return all images, or those of one eSIM, in the order in which they were built."""
        query = select(IMAGES).order_by(IMAGES.c.built_at, IMAGES.c.counter)
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

    def set_counter(self, eid: str, following: int) -> None:
        """Note which sequence counter the ISD-R will use next, as the device found it."""
        with self._store.transaction() as connection:
            _set_counter(connection, eid, following)

    def next_counter(self, eid: str) -> int:
        """Return the sequence counter that the next image of this eSIM will expect."""
        with self._store.transaction() as connection:
            return _next_counter(connection, eid)


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
