"""Jobs of an SM-SR: a row of commands to one eUICC with one outcome, kept in the store.

A job is settled from what is stored, whenever one of its commands has ended; settling it again
changes nothing. So a server that was killed takes its jobs up where they stood.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, insert, select, update

from hil.errors import LinkTimeoutError
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.es_status import FunctionStatus, refusal
from hil.provisioning.sm_sr import ota_rows, scripts
from hil.provisioning.sm_sr.handover_rows import is_arriving, is_leaving
from hil.provisioning.sm_sr.job_outcome import (
    NEXT,
    VERIFY,
    Outcome,
    asked,
    card_word,
    contradiction,
    needs_verification,
    response_of,
    tolerated,
    unproved,
)
from hil.provisioning.sm_sr.ota_queue import OtaQueue
from hil.provisioning.sm_sr.ota_rows import OtaCommand
from hil.provisioning.sm_sr.ota_security import skip_counters
from hil.provisioning.store import Store
from hil.provisioning.tables import OTA_COMMANDS, OTA_JOBS
from hil.provisioning.validity import end_of_validity
from hil.wire.isdr_commands import get_status

log = logging.getLogger(__name__)

JobKind = Literal[
    "download",
    "create",
    "send-data",
    "enable",
    "disable",
    "delete",
    "audit",
    "connectivity",
    "confirm",
    "authenticate",
    "key-set",
    "finalise",
    "admin-key",
]
_IN_A_CHANGE: Final = frozenset({"authenticate", "key-set", "finalise", "admin-key"})
"""The jobs of a change of the SM-SR, while nothing else goes to the eUICC."""

COUNTER_SKIP: Final = 256
_POLL_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class JobReport:
    """How a job stands: ``state`` is running, done or failed.

    ``messages`` counts short messages sent, repetitions included; ``commands`` are names and states
    in order; ``response``: what the card answered to the commands, as the objects of its response
    scripts (TS 102 226, 5.2), GetStatus for verification left out.
    """

    job: str
    kind: str
    eid: str
    iccid: str
    state: str
    reason: str
    messages: int
    commands: tuple[tuple[str, str], ...]
    response: bytes = b""


class Jobs:
    """Starts jobs, settles them, and has ``apply`` write their outcome as they are closed."""

    def __init__(
        self,
        owner: str,
        store: Store,
        apply: Callable[[Connection, Outcome], None],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._owner = owner
        self._store = store
        self._apply = apply
        self._clock = clock
        self._queue: OtaQueue | None = None

    def attach(self, queue: OtaQueue) -> None:
        """Say which queue carries the commands."""
        self._queue = queue

    @property
    def queue(self) -> OtaQueue:
        """The queue; refuse all jobs while there is none."""
        if self._queue is None:
            raise Refusal(
                RefusalCode.NO_ROUTE, f"{self._owner} has no short message centre configured"
            )
        return self._queue

    def start(
        self,
        kind: JobKind,
        eid: str,
        iccid: str,
        isdp_aid: bytes,
        *,
        caller: str,
        commands: Callable[[str], list[OtaCommand]],
        along: Callable[[Connection, str], None] | None = None,
    ) -> str:
        """Store a job with the commands made for its id; refuse while the eUICC has another one.

        ``along`` is stored in the same transaction, before the commands; it gets the job's id. The
        validity period of the function call that asks for the job is that of its commands too.
        """
        _ = self.queue
        job = uuid.uuid4().hex
        made = commands(job)
        with self._store.transaction() as connection:
            busy = connection.execute(
                select(OTA_JOBS).where(OTA_JOBS.c.eid == eid, OTA_JOBS.c.state == "running")
            ).first()
            if busy is not None:
                raise refusal(
                    FunctionStatus.EUICC_BUSY,
                    f"eUICC {eid} is busy with another {busy.kind}: wait for job {busy.job}",
                )
            if kind not in _IN_A_CHANGE and (
                is_leaving(connection, eid) or is_arriving(connection, eid)
            ):
                raise refusal(
                    FunctionStatus.EUICC_BUSY, f"eUICC {eid} is being handed to another SM-SR"
                )
            if along is not None:
                along(connection, job)
            connection.execute(
                insert(OTA_JOBS).values(
                    job=job,
                    eid=eid,
                    kind=kind,
                    iccid=iccid,
                    isdp_aid=isdp_aid,
                    caller=caller,
                    state="running",
                    created_at=self._clock(),
                    until=end_of_validity(),
                )
            )
            for command in made:
                ota_rows.add(connection, command)
        self._store.when_committed(self._wake)
        return job

    def last_data(self, eid: str, caller: str) -> bytes:
        """Return the ISD-P of the last job on an eUICC, if that was data of ``caller``; or nothing.

        What has to go on after other data may have been lost on the card by any job in between.
        """
        with self._store.transaction() as connection:
            row = connection.execute(
                select(OTA_JOBS)
                .where(OTA_JOBS.c.eid == eid)
                .order_by(OTA_JOBS.c.created_at.desc(), OTA_JOBS.c.job)
                .limit(1)
            ).first()
        if row is None or (row.kind, row.caller, row.state) != ("send-data", caller, "done"):
            return b""
        return bytes(row.isdp_aid)

    def is_busy(self, eid: str) -> bool:
        """Whether a job runs on an eUICC."""
        with self._store.transaction() as connection:
            return (
                connection.execute(
                    select(OTA_JOBS.c.job).where(
                        OTA_JOBS.c.eid == eid, OTA_JOBS.c.state == "running"
                    )
                ).first()
                is not None
            )

    def settle(self, row: Row[Any]) -> None:
        """Go on with the job of a command that has ended."""
        self._settle(row.job)

    def recover(self) -> None:
        """Settle the jobs that a killed server left behind."""
        with self._store.transaction() as connection:
            rows = connection.execute(
                select(OTA_JOBS.c.job).where(OTA_JOBS.c.state == "running")
            ).all()
        for row in rows:
            self._settle(row.job)

    def _settle(self, job: str) -> None:
        with self._store.transaction() as connection:
            head = connection.execute(select(OTA_JOBS).where(OTA_JOBS.c.job == job)).one()
            if head.state != "running":
                return
            commands = self._judged(connection, job, head.kind)
            failed = next((row for row in commands if row.state == "failed"), None)
            if failed is not None:
                ota_rows.cancel(connection, job)
                self._close(connection, head, commands, f"{failed.name}: {failed.reason}")
            elif not any(row.state in ("queued", "sent") for row in commands):
                if asked(commands[-1]) and scripts.has_more(bytes(commands[-1].response or b"")):
                    ota_rows.add(
                        connection,
                        scripts.isd_r_command(job, head.eid, NEXT, scripts.get_status_next()),
                    )
                elif needs_verification(head.kind, commands):
                    self._verify(connection, head, again=asked(commands[-1]))
                else:
                    self._close(connection, head, commands, unproved(head.kind, commands))
        self._wake()

    def _judged(self, connection: Connection, job: str, kind: str) -> list[Row[Any]]:
        """Return the commands; those whose answers tell of a failure are marked as failed.

        What is sent for somebody else (SendData) is for the sender to judge.
        """
        query = select(OTA_COMMANDS).where(OTA_COMMANDS.c.job == job).order_by(OTA_COMMANDS.c.id)
        for row in connection.execute(query).all():
            if row.state != "done" or kind == "send-data":
                continue
            expected = None if row.expected is None else bytes(row.expected)
            reason = scripts.objection(bytes(row.response), expected)
            if reason is not None and not tolerated(row):
                connection.execute(
                    update(OTA_COMMANDS)
                    .where(OTA_COMMANDS.c.id == row.id)
                    .values(state="failed", reason=reason)
                )
        return list(connection.execute(query).all())

    def _verify(self, connection: Connection, head: Row[Any], *, again: bool) -> None:
        if again:
            # A card that is further on than our counter refuses everything: leave some out.
            skip_counters(connection, head.eid, COUNTER_SKIP)
        ota_rows.add(connection, scripts.isd_r_command(head.job, head.eid, VERIFY, get_status()))

    def _close(
        self, connection: Connection, head: Row[Any], commands: list[Row[Any]], reason: str
    ) -> None:
        ran = {row.name for row in commands if row.state in ("done", "unanswered")}
        outcome = Outcome(
            kind=head.kind,
            eid=head.eid,
            iccid=head.iccid,
            isdp_aid=bytes(head.isdp_aid),
            failed=bool(reason),
            created="create" in ran,
            enabled="enable" in ran,
            card=card_word(commands),
            refused=any(row.state == "failed" and row.response is not None for row in commands),
            response=response_of(commands),
            at=self._clock(),
            job=head.job,
        )
        if not reason:
            reason = contradiction(outcome)
        self._apply(connection, replace(outcome, failed=bool(reason)))
        connection.execute(
            update(OTA_JOBS)
            .where(OTA_JOBS.c.job == head.job)
            .values(state="failed" if reason else "done", reason=reason)
        )
        if reason:
            log.warning("job %s (%s) on %s failed: %s", head.job, head.kind, head.eid, reason)

    def caller(self, job: str) -> str:
        """Return who started a job."""
        with self._store.transaction() as connection:
            row = connection.execute(select(OTA_JOBS.c.caller).where(OTA_JOBS.c.job == job)).first()
        if row is None:
            raise Refusal(RefusalCode.UNKNOWN, f"{self._owner} has no job {job}")
        return str(row.caller)

    def report(self, job: str) -> JobReport:
        """Say how a job stands."""
        with self._store.transaction() as connection:
            head = connection.execute(select(OTA_JOBS).where(OTA_JOBS.c.job == job)).first()
            rows = connection.execute(
                select(OTA_COMMANDS).where(OTA_COMMANDS.c.job == job).order_by(OTA_COMMANDS.c.id)
            ).all()
        if head is None:
            raise Refusal(RefusalCode.UNKNOWN, f"{self._owner} has no job {job}")
        return JobReport(
            job=job,
            kind=head.kind,
            eid=head.eid,
            iccid=head.iccid,
            state=head.state,
            reason=head.reason,
            messages=sum(row.messages for row in rows),
            commands=tuple((row.name, row.state) for row in rows),
            response=response_of(rows),
        )

    def after(self, job: str, *, wait_s: float) -> JobReport:
        """Say how a job stands, after it has ended or ``wait_s`` seconds."""
        if wait_s:
            try:
                return self.wait(job, timeout_s=wait_s)
            except LinkTimeoutError:
                log.debug("job %s runs on", job)
        return self.report(job)

    def wait(self, job: str, *, timeout_s: float) -> JobReport:
        """Wait until a job has ended; LinkTimeoutError when it still runs after ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while True:
            report = self.report(job)
            if report.state != "running":
                return report
            left = deadline - time.monotonic()
            if left <= 0:
                raise LinkTimeoutError(
                    f"{report.kind} on {report.eid} has not ended in {timeout_s:g} s: is the "
                    "device attached and its number right?"
                )
            with self.queue.changed:
                self.queue.changed.wait(min(left, _POLL_S))

    def _wake(self) -> None:
        if self._queue is not None:
            self._queue.wake()
