"""Commands over the air as they are kept, from the order to their outcome.

| state | meaning |
|---|---|
| queued | waits for the commands before it |
| sent | went out at least once; is sent again, the same bytes, when no proof of receipt comes |
| done | the proof of receipt is there, ``response`` holds the answer |
| unanswered | the card has run it (or refuses its counter), but the answer was lost |
| failed | refused by the card, or given up |
| cancelled | a command before it failed |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select, update

from hil.provisioning.tables import OTA_COMMANDS, OTA_JOBS

PENDING: Final = ("queued", "sent")


@dataclass(frozen=True, slots=True)
class OtaCommand:
    """What is to be sent: the script for the application with ``tar`` of the eUICC ``eid``.

    ``expected``: the answer as it must be, where it can be known.
    """

    job: str
    eid: str
    name: str
    tar: bytes
    script: bytes
    expected: bytes | None = None


def add(connection: Connection, command: OtaCommand) -> None:
    """Queue a command in the caller's transaction."""
    connection.execute(
        insert(OTA_COMMANDS).values(
            job=command.job,
            eid=command.eid,
            name=command.name,
            tar=command.tar,
            script=command.script,
            expected=command.expected,
            next_try=0.0,
            state="queued",
        )
    )


def cancel(connection: Connection, job: str) -> None:
    """Cancel the commands of a job that have not been sent."""
    connection.execute(
        update(OTA_COMMANDS)
        .where(OTA_COMMANDS.c.job == job, OTA_COMMANDS.c.state == "queued")
        .values(state="cancelled")
    )


def heads(connection: Connection) -> list[Row[Any]]:
    """Return the first unfinished command of each eUICC."""
    rows = connection.execute(
        select(OTA_COMMANDS).where(OTA_COMMANDS.c.state.in_(PENDING)).order_by(OTA_COMMANDS.c.id)
    ).all()
    found: dict[str, Row[Any]] = {}
    for row in rows:
        found.setdefault(row.eid, row)
    return list(found.values())


def first(connection: Connection, eid: str) -> Row[Any] | None:
    """Return the first unfinished command of one eUICC."""
    return connection.execute(
        select(OTA_COMMANDS)
        .where(OTA_COMMANDS.c.eid == eid, OTA_COMMANDS.c.state.in_(PENDING))
        .order_by(OTA_COMMANDS.c.id)
    ).first()


def has_expired(connection: Connection, command: Row[Any], now: float) -> bool:
    """Whether the validity period of the function call behind a command has ended."""
    until = connection.execute(
        select(OTA_JOBS.c.until).where(OTA_JOBS.c.job == command.job)
    ).scalar_one_or_none()
    return until is not None and until <= now


def numbered(connection: Connection, eid: str, number: int) -> Row[Any] | None:
    """Return a command of an eUICC by its number."""
    return connection.execute(
        select(OTA_COMMANDS).where(OTA_COMMANDS.c.id == number, OTA_COMMANDS.c.eid == eid)
    ).first()
