"""What jobs and notifications change in the EIS."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, select

from hil.provisioning.sm_sr import eis_book
from hil.provisioning.sm_sr.eis_book import EisProfileRow
from hil.provisioning.sm_sr.jobs import Outcome
from hil.provisioning.support_server.outbox import StatusNotification
from hil.provisioning.tables import PACKET_SETS


def apply_outcome(connection: Connection, outcome: Outcome) -> None:
    """Write the outcome of a job into the EIS, in the transaction that ends the job."""
    eid, aid = outcome.eid, outcome.isdp_aid
    if outcome.card is not None:
        _take_word(connection, outcome)
    elif outcome.kind == "download":
        if outcome.created:
            state = "created" if outcome.failed else "disabled"
            eis_book.put_profile(
                connection, replace(_from_packets(connection, eid, aid), state=state)
            )
        if outcome.enabled and not outcome.failed:
            eis_book.set_enabled(connection, eid, aid)
    elif outcome.failed:
        return
    elif outcome.kind == "enable":
        eis_book.set_enabled(connection, eid, aid)
    elif outcome.kind == "disable":
        eis_book.set_disabled(connection, eid, aid)
    elif outcome.kind == "delete":
        eis_book.remove_profile(connection, eid, aid)


def apply_event(connection: Connection, notification: StatusNotification) -> None:
    """Write a support server's notification into the EIS."""
    eid, aid = notification.eid, bytes.fromhex(notification.isdp_aid)
    if notification.event == "installed":
        row = EisProfileRow(
            eid=eid,
            isdp_aid=aid,
            iccid=notification.iccid,
            mno=notification.mno,
            sm_dp=notification.sm_dp,
            state="disabled",
            fallback=False,
            pol2=0,
        )
        eis_book.put_profile(connection, row)
    elif notification.event == "enabled":
        eis_book.set_enabled(connection, eid, aid)
    elif notification.event == "disabled":
        eis_book.set_disabled(connection, eid, aid)
    else:
        eis_book.remove_profile(connection, eid, aid)


def _take_word(connection: Connection, outcome: Outcome) -> None:
    """Set the EIS right by what the card itself says."""
    said = outcome.card or ()
    known = {row.isdp_aid: row for row in eis_book.rows_of(connection, outcome.eid)}
    for aid in known.keys() - {one.isdp_aid for one in said}:
        eis_book.remove_profile(connection, outcome.eid, aid)
    for one in said:
        row = known.get(one.isdp_aid) or _from_packets(connection, outcome.eid, one.isdp_aid)
        eis_book.put_profile(connection, replace(row, state=one.state, fallback=one.fallback))


def _from_packets(connection: Connection, eid: str, aid: bytes) -> EisProfileRow:
    """Return what the stored packets tell of an ISD-P, or a row that only has its AID."""
    row = connection.execute(
        select(PACKET_SETS).where(PACKET_SETS.c.eid == eid, PACKET_SETS.c.isdp_aid == aid)
    ).first()
    return EisProfileRow(
        eid=eid,
        isdp_aid=aid,
        iccid=row.iccid if row else "",
        mno=row.mno if row else "",
        sm_dp=row.sm_dp if row else "",
        state="created",
        fallback=False,
        pol2=0,
    )
