"""What jobs and notifications change in the EIS, and whom the SM-SR tells of it."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection, select, update

from hil.provisioning.notices import NoticeBox, NoticeEvent
from hil.provisioning.sm_sr import eis_rows
from hil.provisioning.sm_sr.eis_rows import EisProfileRow
from hil.provisioning.sm_sr.job_outcome import Outcome
from hil.provisioning.support_server.outbox import StatusNotification
from hil.provisioning.tables import EIS, PACKET_SETS


class EisEffects:
    """Writes outcomes into the EIS; the owners of profiles that changed get a notice of it."""

    def __init__(self, notices: NoticeBox) -> None:
        self._notices = notices

    def outcome(self, connection: Connection, outcome: Outcome) -> None:
        """Write the outcome of a job, in the transaction that ends the job."""
        before = eis_rows.rows_of(connection, outcome.eid)
        apply_outcome(connection, outcome)
        self.tell(connection, outcome.eid, before)

    def event(self, connection: Connection, notification: StatusNotification) -> None:
        """Write a support server's notification."""
        before = eis_rows.rows_of(connection, notification.eid)
        apply_event(connection, notification)
        self.tell(connection, notification.eid, before)

    def tell(self, connection: Connection, eid: str, before: tuple[EisProfileRow, ...]) -> None:
        """Post a notice for each profile of an MNO that is in another state than before."""
        after = {row.isdp_aid: row for row in eis_rows.rows_of(connection, eid)}
        old = {row.isdp_aid: row for row in before}
        for aid in old.keys() | after.keys():
            event = _event(old.get(aid), after.get(aid))
            row = after.get(aid) or old[aid]
            if event is not None and row.mno:
                self._notices.post(
                    connection, event, eid=eid, iccid=row.iccid, mno=row.mno, sm_dp=row.sm_dp
                )


def _event(old: EisProfileRow | None, new: EisProfileRow | None) -> NoticeEvent | None:
    was, now = (row.state if row is not None else "" for row in (old, new))
    if now == "enabled" != was:
        return "enabled"
    if was == "enabled" and now == "disabled":
        return "disabled"
    if was in ("enabled", "disabled") and not now:
        return "deleted"
    return None


def apply_outcome(connection: Connection, outcome: Outcome) -> None:
    """Write the outcome of a job into the EIS."""
    eid, aid = outcome.eid, outcome.isdp_aid
    if outcome.card is not None:
        _take_word(connection, outcome)
    elif outcome.kind == "download":
        if outcome.created:
            state = "created" if outcome.failed else "disabled"
            eis_rows.put_profile(
                connection, replace(_from_packets(connection, eid, aid), state=state)
            )
        if outcome.enabled and not outcome.failed:
            eis_rows.set_enabled(connection, eid, aid)
    elif outcome.kind == "create":
        _end_creation(connection, outcome)
    elif outcome.failed:
        return
    elif outcome.kind == "enable":
        eis_rows.set_enabled(connection, eid, aid)
    elif outcome.kind == "disable":
        eis_rows.set_disabled(connection, eid, aid)
    elif outcome.kind == "delete":
        eis_rows.remove_profile(connection, eid, aid)


def _end_creation(connection: Connection, outcome: Outcome) -> None:
    """Note what came of CreateISDP; where nothing is known, the row waits to be deleted."""
    if outcome.refused:
        eis_rows.remove_profile(connection, outcome.eid, outcome.isdp_aid)
    elif not outcome.failed:
        for row in eis_rows.rows_of(connection, outcome.eid):
            if row.isdp_aid == outcome.isdp_aid:
                eis_rows.put_profile(connection, replace(row, state="created"))


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
        eis_rows.put_profile(connection, row)
    elif notification.event == "enabled":
        eis_rows.set_enabled(connection, eid, aid)
    elif notification.event == "disabled":
        eis_rows.set_disabled(connection, eid, aid)
    else:
        eis_rows.remove_profile(connection, eid, aid)


def _take_word(connection: Connection, outcome: Outcome) -> None:
    """Set the EIS right by what the card itself says."""
    said = outcome.card or ()
    known = {row.isdp_aid: row for row in eis_rows.rows_of(connection, outcome.eid)}
    for aid in known.keys() - {one.isdp_aid for one in said}:
        eis_rows.remove_profile(connection, outcome.eid, aid)
    for one in said:
        row = known.get(one.isdp_aid) or _from_packets(connection, outcome.eid, one.isdp_aid)
        state = one.state
        if state == "disabled" and outcome.kind != "download" and _is_unfinished(row, known):
            # The SM-DP has not said yet that its download is complete.
            state = "created"
        due = row.delete_due or (
            row.state == "enabled" and state == "disabled" and eis_rows.wants_deletion(row)
        )
        eis_rows.put_profile(
            connection,
            replace(row, state=state, fallback=one.fallback, delete_due=due and state != "enabled"),
        )
    if outcome.kind == "audit" and not outcome.failed:
        connection.execute(
            update(EIS).where(EIS.c.eid == outcome.eid).values(audited_at=outcome.at)
        )


def _is_unfinished(row: EisProfileRow, known: dict[bytes, EisProfileRow]) -> bool:
    return row.isdp_aid in known and row.state in ("in-creation", "created")


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
        profile_type=row.profile_type if row else "",
    )
