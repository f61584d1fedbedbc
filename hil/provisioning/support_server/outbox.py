"""Status notifications to SM-SRs, kept until they have arrived (R-65)."""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from sqlalchemy import Connection, Row, insert, select, update

from hil.errors import LinkError
from hil.provisioning.errors import Refusal
from hil.provisioning.store import Store
from hil.provisioning.support_server.workshop import ImageRecord
from hil.provisioning.tables import OUTBOX
from hil.wire.packets import PacketSet

log = logging.getLogger(__name__)

ProfileEvent = Literal["installed", "enabled", "disabled", "deleted"]
MAX_BACK_OFF_S: Final = 300.0
_BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class StatusNotification:
    """One change of a profile on a card; AID as hex, ``at`` in seconds since 1970."""

    notification_id: str
    eid: str
    iccid: str
    isdp_aid: str
    mno: str
    sm_dp: str
    event: ProfileEvent
    at: float


class StatusSink(Protocol):
    """An SM-SR, as a support server sees it."""

    def notify(self, notification: StatusNotification) -> None:
        """Take note; the same notification may come again."""

    def check_image(self, eid: str, iccid: str, *, enable: bool, clear: bool) -> None:
        """Refuse an image that does on the card what POL2 of a profile forbids."""


class Outbox:
    """Notifications in the order in which they were posted, an SM-SR at a time.

    A notification that cannot be delivered holds back later ones of the same eUICC, so that their
    order stays right (where the SM-SR cannot be reached: all that it is to get), and is tried again
    after ``first_try_s``, twice that, and so on up to 300 s. Where an SM-SR says that the eUICC has
    gone from it to another one, its notifications follow.
    """

    def __init__(
        self,
        store: Store,
        sinks: Mapping[str, StatusSink],
        *,
        first_try_s: float = 0.5,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._sinks = dict(sinks)
        self._first_try_s = first_try_s
        self._clock = clock
        self._silent: dict[str, float] = {}
        """SM-SRs that could not be reached, and until when they are left alone."""

    def post(
        self, connection: Connection, sm_sr: str, image: ImageRecord, packets: PacketSet, event: str
    ) -> None:
        """Keep a notification for ``sm_sr``, in the transaction that makes its cause true."""
        now = self._clock()
        body = {
            "notification_id": uuid.uuid4().hex,
            "eid": image.eid,
            "iccid": image.iccid,
            "isdp_aid": image.isdp_aid.hex(),
            "mno": packets.mno,
            "sm_dp": packets.sm_dp,
            "event": event,
            "at": now,
        }
        connection.execute(
            insert(OUTBOX).values(
                notification_id=body["notification_id"],
                sm_sr=sm_sr,
                body=json.dumps(body),
                next_try=now,
                state="waiting",
            )
        )

    def waiting(self) -> int:
        """Return how many notifications have not arrived yet."""
        with self._store.transaction() as connection:
            return len(
                connection.execute(select(OUTBOX.c.id).where(OUTBOX.c.state == "waiting")).all()
            )

    def flush(self, *, force: bool = False) -> int:
        """Send what is due, up to a hundred (``force``: everything); return how many arrived."""
        now = self._clock()
        arrived = tried = 0
        silent = {name for name, until in self._silent.items() if until > now and not force}
        held: set[str] = set()
        # However many wait for an SM-SR that is away, or for an EIS, those behind have their turn.
        for row in self._rows(silent):
            body = json.loads(row.body)
            eid = str(body["eid"])
            if row.sm_sr in silent or eid in held:
                continue
            if row.next_try > now and not force:
                held.add(eid)
                continue
            if tried == _BATCH and not force:
                break
            tried += 1
            failure = self._send(row.sm_sr, body)
            wait = self._note(row, failure, now)
            if failure is None:
                arrived += 1
                continue
            held.add(eid)
            if isinstance(failure, Refusal):
                self._follow(eid, row.sm_sr, failure)
            else:
                silent.add(row.sm_sr)
                self._silent[row.sm_sr] = now + wait
        return arrived

    def _rows(self, silent: set[str]) -> Iterator[Row[Any]]:
        """Give what waits, oldest first, in pages: without those that were ``silent`` by then."""
        last = 0
        while True:
            with self._store.transaction() as connection:
                page = connection.execute(
                    select(OUTBOX)
                    .where(
                        OUTBOX.c.state == "waiting",
                        OUTBOX.c.id > last,
                        OUTBOX.c.sm_sr.not_in(silent),
                    )
                    .order_by(OUTBOX.c.id)
                    .limit(_BATCH)
                ).all()
            if not page:
                return
            yield from page
            last = page[-1].id

    def _note(self, row: Row[Any], failure: LinkError | Refusal | None, now: float) -> float:
        """Note how an attempt ended; return after how many seconds the next one is due."""
        wait: float = min(MAX_BACK_OFF_S, self._first_try_s * 2.0 ** min(row.attempts, 16))
        values: dict[str, Any] = {"state": "arrived", "reason": ""}
        if failure is not None:
            values = {"next_try": now + wait, "reason": str(failure)}
            log.warning("notification %s waits: %s", row.notification_id, failure)
        with self._store.transaction() as connection:
            connection.execute(
                update(OUTBOX)
                .where(OUTBOX.c.id == row.id)
                .values(attempts=OUTBOX.c.attempts + 1, **values)
            )
        return wait

    def _send(self, sm_sr: str, body: dict[str, Any]) -> LinkError | Refusal | None:
        if sm_sr not in self._sinks:
            return LinkError(f"SM-SR {sm_sr} is not configured")
        try:
            self._sinks[sm_sr].notify(StatusNotification(**body))
        except (LinkError, Refusal) as err:
            return err
        return None

    def _follow(self, eid: str, sm_sr: str, refusal: Refusal) -> None:
        """Send what waits for an eUICC to the SM-SR that it went to, if we know that one."""
        other = refusal.details.get("sm_sr")
        if other not in self._sinks or other == sm_sr:
            return
        with self._store.transaction() as connection:
            waiting = connection.execute(
                select(OUTBOX.c.id, OUTBOX.c.body).where(
                    OUTBOX.c.state == "waiting", OUTBOX.c.sm_sr == sm_sr
                )
            ).all()
            moved = [row.id for row in waiting if json.loads(row.body)["eid"] == eid]
            connection.execute(
                update(OUTBOX)
                .where(OUTBOX.c.id.in_(moved))
                .values(sm_sr=other, next_try=0.0, attempts=0)
            )
