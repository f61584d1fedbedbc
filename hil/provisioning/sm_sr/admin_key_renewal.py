"""A key of administration sessions (SCP81) of its own, for an SM-SR that has taken an eUICC over.

EstablishISDRKeySet gives the new SM-SR an SCP80 key set and no more (SGP.02, 4.1.1.8). By that it
deletes the key that the card shared with the SM-SR before, and puts one of its own in its place:
PUT KEY of a pre-shared key (type 85), enciphered by the DEK of the new key set (GlobalPlatform,
11.8; Amendment B). Until the card has said that it has the key, no session is asked for.

| state | meaning |
|---|---|
| prepared | the key is made; those of the SM-SR before are to be deleted first |
| due | to be put on the card, again and again while nobody knows whether it is there |
| refused | the card does not take it: the eUICC is managed by short messages |
"""

from __future__ import annotations

import logging
import secrets
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update

from hil.provisioning.errors import Refusal
from hil.provisioning.eum import AdminKey
from hil.provisioning.sm_sr import scripts
from hil.provisioning.sm_sr.admin_keys import put_admin_key
from hil.provisioning.sm_sr.job_outcome import Outcome
from hil.provisioning.sm_sr.jobs import Jobs
from hil.provisioning.store import Store
from hil.provisioning.tables import ADMIN_KEY_RENEWALS
from hil.wire import isdr_commands
from hil.wire.apdu import CommandApdu
from hil.wire.key_blocks import AES, PSK_TLS, CardKey, put_keys

log = logging.getLogger(__name__)

PSK_BYTES: Final = 16
"""As long as the AES keys of the cipher suites of SGP.02 (2.4.3.1)."""


class AdminKeyRenewal:
    """Puts the keys that are due on their cards, by short messages; one job for each."""

    def __init__(self, owner: str, store: Store, jobs: Jobs) -> None:
        self._owner = owner
        self._store = store
        self._jobs = jobs

    def prepare(self, connection: Connection, eid: str, kvn: int, kid: int, *, dek: bytes) -> None:
        """Make a key of this version and identifier; ``dek`` of our new key set enciphers it."""
        forget_renewal(connection, eid)
        connection.execute(
            insert(ADMIN_KEY_RENEWALS).values(
                eid=eid,
                kvn=kvn,
                kid=kid,
                psk=secrets.token_bytes(PSK_BYTES),
                dek=dek,
                state="prepared",
            )
        )

    def begin(self, connection: Connection, eid: str) -> bool:
        """Have a key that was prepared put on the card; whether there is one.

        In the transaction in which the keys of the SM-SR before are gone.
        """
        begun = connection.execute(
            update(ADMIN_KEY_RENEWALS)
            .where(ADMIN_KEY_RENEWALS.c.eid == eid, ADMIN_KEY_RENEWALS.c.state == "prepared")
            .values(state="due")
        )
        return bool(begun.rowcount)

    def work(self) -> None:
        """Start the jobs that are due; an eUICC that is busy waits for its turn."""
        with self._store.transaction() as connection:
            due = connection.execute(
                select(ADMIN_KEY_RENEWALS)
                .where(ADMIN_KEY_RENEWALS.c.state == "due", ADMIN_KEY_RENEWALS.c.job == "")
                .order_by(ADMIN_KEY_RENEWALS.c.eid)
            ).all()
        for row in due:
            if self._jobs.is_busy(row.eid):
                continue
            try:
                self._start(row)
            except Refusal as err:
                log.info("SCP81 key of %s waits: %s", row.eid, err.reason)

    def _start(self, row: Row[Any]) -> None:
        # An attempt before may have put a key whose answer was lost: PUT KEY adds, so it goes.
        named: dict[str, CommandApdu] = {
            "clear": isdr_commands.delete_key(row.kvn, row.kid),
            "admin key": put_keys(
                row.kvn,
                [CardKey(PSK_TLS, bytes(row.psk))],
                CardKey(AES, bytes(row.dek)),
                first_id=row.kid,
            ),
        }

        def note(connection: Connection, job: str) -> None:
            _change(connection, row.eid, job=job)

        self._jobs.start(
            "admin-key",
            row.eid,
            "",
            b"",
            caller=self._owner,
            commands=lambda job: [
                scripts.isd_r_command(job, row.eid, name, command)
                for name, command in named.items()
            ],
            along=note,
        )

    def ended(self, connection: Connection, outcome: Outcome) -> bool:
        """Take note of the end of a job; whether there is nothing left to do.

        Only a key that the card has is used.
        """
        row = connection.execute(
            select(ADMIN_KEY_RENEWALS).where(ADMIN_KEY_RENEWALS.c.eid == outcome.eid)
        ).first()
        if row is None or row.job != outcome.job:
            return False
        if outcome.refused:
            log.warning("eUICC %s takes no SCP81 key: it goes on by short messages", outcome.eid)
            _change(connection, outcome.eid, state="refused", psk=b"", dek=b"", job="")
        elif outcome.failed:
            _change(connection, outcome.eid, job="")
            return False
        else:
            put_admin_key(connection, outcome.eid, AdminKey(row.kvn, row.kid, bytes(row.psk)))
            forget_renewal(connection, outcome.eid)
        return True


def forget_renewal(connection: Connection, eid: str) -> None:
    """Forget a key that is not on its card."""
    connection.execute(delete(ADMIN_KEY_RENEWALS).where(ADMIN_KEY_RENEWALS.c.eid == eid))


def _change(connection: Connection, eid: str, **values: object) -> None:
    connection.execute(
        update(ADMIN_KEY_RENEWALS).where(ADMIN_KEY_RENEWALS.c.eid == eid).values(**values)
    )
