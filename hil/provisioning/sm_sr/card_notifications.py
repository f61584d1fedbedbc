"""What a card tells of itself: the default notification, and its confirmation (SGP.02, 3.15).

The EIS follows the card: the ISD-P that it names is the enabled one, whether a change came about,
was rolled back or was a fall-back. Then HandleNotificationConfirmation goes to the card, whose
answer names the profiles that POL1 deleted. A repetition of the same sequence number is confirmed
again and changes nothing; an older one is dropped, for it may be a replay.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from hil.errors import CodecError
from hil.provisioning.sm_sr import eis_rows, scripts
from hil.provisioning.sm_sr.eis_book import EisBook
from hil.provisioning.sm_sr.eis_effects import EisEffects
from hil.provisioning.sm_sr.handover_rows import is_leaving
from hil.provisioning.sm_sr.job_outcome import Outcome
from hil.provisioning.sm_sr.jobs import Jobs
from hil.provisioning.sm_sr.ota_security import ota_keys_of
from hil.provisioning.store import Store
from hil.provisioning.tables import CARD_NOTIFICATIONS
from hil.wire import isdr_commands, tlv
from hil.wire.apdu import ResponseApdu
from hil.wire.command_script import R_APDU
from hil.wire.notification import Notification

log = logging.getLogger(__name__)

_NUMBERS: Final = 0x10000
_AHEAD: Final = 0x8000


class CardNotifications:
    """Takes notifications of cards, sets the EIS right, confirms them."""

    def __init__(
        self,
        store: Store,
        book: EisBook,
        jobs: Jobs,
        effects: EisEffects,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._book = book
        self._jobs = jobs
        self._effects = effects
        self._clock = clock

    def receive(self, source: str, packet: bytes) -> None:
        """Take a command packet that came from a number; CodecError when it is not authentic."""
        reason = f"no eUICC is reached at {source}"
        for eid in self._book.eids_at(source):
            with self._store.transaction() as connection:
                keys = ota_keys_of(connection, eid)
            if keys is None:
                continue
            try:
                notification = Notification.open(packet, keys)
            except CodecError as err:
                reason = str(err)
                continue
            if notification.eid == eid:
                self._take(notification)
                return
            reason = f"a notification of {eid} names the EID {notification.eid}"
        raise CodecError(reason)

    def work(self) -> None:
        """Confirm what is to be confirmed, on eUICCs that are not busy."""
        with self._store.transaction() as connection:
            due = list(
                connection.execute(
                    select(CARD_NOTIFICATIONS).where(
                        CARD_NOTIFICATIONS.c.state.in_(("due", "audit"))
                    )
                )
            )
        for row in due:
            if self._jobs.is_busy(row.eid):
                continue
            if row.state == "due":
                self._confirm(row.eid, row.sequence)
            else:
                self._audit(row.eid)

    def confirmed(self, connection: Connection, outcome: Outcome) -> None:
        """Take note of the end of a confirmation, and of what POL1 deleted."""
        state = "confirmed"
        if outcome.refused:
            state = "refused"
        elif outcome.failed:
            # The card has it, but what it deleted is not known: ask.
            state = "audit"
        else:
            before = eis_rows.rows_of(connection, outcome.eid)
            for aid in _deleted(outcome.response):
                eis_rows.remove_profile(connection, outcome.eid, aid)
            self._effects.tell(connection, outcome.eid, before)
        self._set(connection, outcome.eid, outcome.job, state)

    def _take(self, notification: Notification) -> None:
        eid, sequence = notification.eid, notification.sequence
        with self._store.transaction() as connection:
            if is_leaving(connection, eid):
                # Unconfirmed, the card says it again, and then to the new SM-SR.
                log.info("notification %d of %s, which is leaving, is left to it", sequence, eid)
                return
            known = connection.execute(
                select(CARD_NOTIFICATIONS).where(CARD_NOTIFICATIONS.c.eid == eid)
            ).first()
            if known is not None and known.sequence == sequence:
                if known.state in ("confirmed", "refused"):
                    self._set(connection, eid, known.job, "due")
                return
            if known is not None and (sequence - known.sequence) % _NUMBERS >= _AHEAD:
                log.warning("notification %d of %s is older than the last one", sequence, eid)
                return
            before = eis_rows.rows_of(connection, eid)
            if any(row.isdp_aid == notification.aid for row in before):
                eis_rows.set_enabled(connection, eid, notification.aid)
                self._effects.tell(connection, eid, before)
            connection.execute(delete(CARD_NOTIFICATIONS).where(CARD_NOTIFICATIONS.c.eid == eid))
            connection.execute(
                insert(CARD_NOTIFICATIONS).values(
                    eid=eid,
                    sequence=sequence,
                    kind=notification.kind,
                    isdp_aid=notification.aid,
                    state="due",
                    received_at=self._clock(),
                )
            )
        log.info("notification %d of %s, type %d", sequence, eid, notification.kind)

    def _confirm(self, eid: str, sequence: int) -> None:
        command = isdr_commands.confirm_notification(sequence)

        def note(connection: Connection, job: str) -> None:
            connection.execute(
                update(CARD_NOTIFICATIONS)
                .where(CARD_NOTIFICATIONS.c.eid == eid)
                .values(state="confirming", job=job)
            )

        self._jobs.start(
            "confirm",
            eid,
            "",
            b"",
            caller=self._book.owner,
            commands=lambda job: [scripts.isd_r_command(job, eid, "confirm", command)],
            along=note,
        )

    def _audit(self, eid: str) -> None:
        command = isdr_commands.get_status()

        def note(connection: Connection, _job: str) -> None:
            connection.execute(
                update(CARD_NOTIFICATIONS)
                .where(CARD_NOTIFICATIONS.c.eid == eid)
                .values(state="confirmed", job="")
            )

        self._jobs.start(
            "audit",
            eid,
            "",
            b"",
            caller=self._book.owner,
            commands=lambda job: [scripts.isd_r_command(job, eid, "audit", command)],
            along=note,
        )

    @staticmethod
    def _set(connection: Connection, eid: str, job: str, state: str) -> None:
        connection.execute(
            update(CARD_NOTIFICATIONS)
            .where(CARD_NOTIFICATIONS.c.eid == eid, CARD_NOTIFICATIONS.c.job == job)
            .values(state=state)
        )


def _deleted(response: bytes) -> tuple[bytes, ...]:
    """Return the ISD-Ps that the answer to a confirmation names; nothing for a strange answer."""
    try:
        answers = [one.value for one in tlv.decode_all(response) if one.tag == R_APDU]
        return isdr_commands.deleted_profiles(ResponseApdu.decode(answers[-1]).data)
    except (CodecError, IndexError) as err:
        log.warning("answer to a confirmation: %s", err)
        return ()
