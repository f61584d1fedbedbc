"""Notices of changed profiles on their way to the MNO: ES4 from the SM-SR, ES3 and ES2 by an SM-DP.

SGP.02 calls them HandleProfileEnabledNotification, HandleProfileDisabledNotification,
HandleProfileDeletedNotification and HandleSMSRChangeNotification. A notice is written in the
transaction that makes its cause true, is sent until it has arrived, and is taken once.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Protocol

from sqlalchemy import Connection, func, insert, select, update

from hil.errors import LinkError
from hil.provisioning.errors import Refusal
from hil.provisioning.store import Store
from hil.provisioning.tables import NOTICES, TAKEN_NOTICES

log = logging.getLogger(__name__)

NoticeEvent = Literal["enabled", "disabled", "deleted", "sm-sr-changed"]
NAMES: Final[Mapping[NoticeEvent, str]] = {
    "enabled": "HandleProfileEnabledNotification",
    "disabled": "HandleProfileDisabledNotification",
    "deleted": "HandleProfileDeletedNotification",
    "sm-sr-changed": "HandleSMSRChangeNotification",
}
"""The function by which each event is told."""

LONGEST_PAUSE_S: Final = 300.0
_BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class Notice:
    """One change of a profile, ``at`` in seconds since 1970; ``sm_sr`` manages the eUICC now."""

    notice_id: str
    event: NoticeEvent
    eid: str
    iccid: str
    mno: str
    sm_dp: str
    sm_sr: str
    at: float


class NoticeTaker(Protocol):
    """An MNO or an SM-DP, as those see it who notify it."""

    def take_notice(self, notice: Notice) -> None:
        """Take note; the same notice may come again."""


class NoticeBox:
    """Notices of one sender, in order for each receiver, kept until they have arrived.

    One that cannot be delivered holds back later ones to the same receiver, and is tried again
    after ``first_try_s``, twice that, and so on up to 300 s. An MNO that is not among the
    ``takers`` is told by the SM-DP of the profile; where that is none either, nobody is told.
    """

    def __init__(
        self,
        owner: str,
        store: Store,
        takers: Mapping[str, NoticeTaker],
        *,
        first_try_s: float = 0.5,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._owner = owner
        self._store = store
        self._takers = dict(takers)
        self._first_try_s = first_try_s
        self._clock = clock

    def post(
        self,
        connection: Connection,
        event: NoticeEvent,
        *,
        eid: str,
        iccid: str,
        mno: str,
        sm_dp: str,
        sm_sr: str | None = None,
    ) -> None:
        """Keep a new notice, in the transaction that makes its cause true."""
        now = self._clock()
        notice = Notice(uuid.uuid4().hex, event, eid, iccid, mno, sm_dp, sm_sr or self._owner, now)
        self.forward(connection, notice)

    def forward(self, connection: Connection, notice: Notice) -> None:
        """Keep a notice for whom it concerns."""
        receiver = next((one for one in (notice.mno, notice.sm_dp) if one in self._takers), None)
        if receiver is None:
            return
        connection.execute(
            insert(NOTICES).values(
                notice_id=notice.notice_id,
                sender=self._owner,
                receiver=receiver,
                body=json.dumps(asdict(notice)),
                next_try=self._clock(),
                state="waiting",
            )
        )

    def waiting(self) -> int:
        """Return how many notices have not arrived yet."""
        waits = NOTICES.c.state == "waiting", NOTICES.c.sender == self._owner
        with self._store.transaction() as connection:
            count = select(func.count()).select_from(NOTICES).where(*waits)
            return int(connection.execute(count).scalar_one())

    def flush(self, *, force: bool = False) -> int:
        """Send what is due (``force``: everything); return how many arrived."""
        now = self._clock()
        arrived = 0
        blocked: set[str] = set()
        # However many wait for a receiver that is away, those behind have their turn.
        while page := self._waiting(blocked):
            for row in page:
                if row.receiver in blocked:
                    continue
                if row.next_try > now and not force:
                    blocked.add(row.receiver)
                    continue
                reason = self._send(row.receiver, Notice(**json.loads(row.body)))
                values: dict[str, Any] = {"state": "arrived", "reason": ""}
                if reason is None:
                    arrived += 1
                else:
                    blocked.add(row.receiver)
                    pause = min(LONGEST_PAUSE_S, self._first_try_s * 2.0 ** min(row.attempts, 16))
                    values = {"next_try": now + pause, "reason": reason}
                    log.warning("notice %s to %s waits: %s", row.notice_id, row.receiver, reason)
                with self._store.transaction() as connection:
                    connection.execute(
                        update(NOTICES)
                        .where(NOTICES.c.id == row.id)
                        .values(attempts=NOTICES.c.attempts + 1, **values)
                    )
        return arrived

    def _waiting(self, blocked: set[str]) -> list[Any]:
        with self._store.transaction() as connection:
            return list(
                connection.execute(
                    select(NOTICES)
                    .where(
                        NOTICES.c.state == "waiting",
                        NOTICES.c.sender == self._owner,
                        NOTICES.c.receiver.not_in(blocked),
                    )
                    .order_by(NOTICES.c.id)
                    .limit(_BATCH)
                )
            )

    def _send(self, receiver: str, notice: Notice) -> str | None:
        if receiver not in self._takers:
            return f"{receiver} is not configured"
        try:
            self._takers[receiver].take_notice(notice)
        except (LinkError, Refusal) as err:
            return str(err)
        return None


def take_once(connection: Connection, taker: str, sender: str, notice: Notice, now: float) -> bool:
    """Keep a notice that came in; false when it had come before."""
    known = connection.execute(
        select(TAKEN_NOTICES.c.notice_id).where(
            TAKEN_NOTICES.c.notice_id == notice.notice_id, TAKEN_NOTICES.c.taker == taker
        )
    ).first()
    if known is not None:
        return False
    connection.execute(
        insert(TAKEN_NOTICES).values(
            notice_id=notice.notice_id,
            taker=taker,
            sender=sender,
            body=json.dumps(asdict(notice)),
            taken_at=now,
        )
    )
    return True


def taken(connection: Connection, taker: str) -> tuple[Notice, ...]:
    """Return the notices that ``taker`` got, in the order in which they came."""
    rows = connection.execute(
        select(TAKEN_NOTICES.c.body)
        .where(TAKEN_NOTICES.c.taker == taker)
        .order_by(TAKEN_NOTICES.c.taken_at, TAKEN_NOTICES.c.notice_id)
    )
    return tuple(Notice(**json.loads(row.body)) for row in rows)
