"""The old SM-SR's part of a change of the SM-SR (SGP.02, 3.8): it ends without EIS and keys."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import Connection, delete, select

from hil.errors import CodecError, LinkError
from hil.provisioning.door import require_role
from hil.provisioning.eis import SignedEis
from hil.provisioning.errors import Refusal
from hil.provisioning.es_status import FunctionStatus, refusal
from hil.provisioning.sm_sr import handover_rows as rows
from hil.provisioning.sm_sr import scripts
from hil.provisioning.sm_sr.asking import Asking
from hil.provisioning.sm_sr.eis_book import EisBook
from hil.provisioning.sm_sr.eis_rows import rows_of
from hil.provisioning.sm_sr.handover_links import Es7Link
from hil.provisioning.sm_sr.handover_rows import HandedEis, HandoverReport
from hil.provisioning.sm_sr.jobs import JobKind, Jobs
from hil.provisioning.sm_sr.rights import Rights
from hil.provisioning.store import Store
from hil.provisioning.tables import (
    ADMIN_KEY_RENEWALS,
    ADMIN_KEYS,
    CARD_NOTIFICATIONS,
    EIS,
    EIS_PROFILES,
    EIS_PROPERTIES,
    ISDP_AIDS,
    OTA_JOBS,
    OTA_KEYS,
)
from hil.provisioning.trust import Principal, Role
from hil.wire.apdu import CommandApdu
from hil.wire.gp_certificate import Certificate
from hil.wire.key_establishment_messages import KeyRequest, certificate_message, store_data

UNCONFIRMED: Final = ("due", "confirming")
"""States of a card's notification while the card waits for an answer to it."""

log = logging.getLogger(__name__)


class HandoverOut:
    """Gives eUICCs to other SM-SRs (``links``), on the word of an MNO that has a profile there."""

    def __init__(
        self,
        store: Store,
        book: EisBook,
        jobs: Jobs,
        rights: Rights,
        links: Mapping[str, Es7Link],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._book = book
        self._jobs = jobs
        self._rights = rights
        self._links = dict(links)
        self._clock = clock
        self._asking = Asking()

    def change(self, caller: Principal, eid: str, target: str) -> None:
        """Begin to hand an eUICC over to ``target`` (ES4.SMSRChange)."""
        require_role(caller, Role.MNO)
        if not self._rights.visible(caller, self._book.profiles(eid)):
            raise refusal(FunctionStatus.CALLER_NOT_ALLOWED, f"{caller.id} has no profile on {eid}")
        if target not in self._links:
            known = ", ".join(sorted(self._links)) or "none"
            raise refusal(
                FunctionStatus.UNKNOWN_SM_SR, f"no SM-SR {target!r} is known here; known: {known}"
            )
        with self._store.transaction() as connection:
            busy = connection.execute(
                select(OTA_JOBS.c.job).where(OTA_JOBS.c.eid == eid, OTA_JOBS.c.state == "running")
            ).first()
            if busy is not None or rows.is_leaving(connection, eid):
                raise refusal(
                    FunctionStatus.EUICC_BUSY,
                    f"eUICC {eid} is busy: wait until its job or handover has ended",
                )
            if connection.execute(
                select(CARD_NOTIFICATIONS.c.eid).where(
                    CARD_NOTIFICATIONS.c.eid == eid, CARD_NOTIFICATIONS.c.state.in_(UNCONFIRMED)
                )
            ).first():
                # The card waits for the confirmation, and takes its change back without it.
                raise refusal(
                    FunctionStatus.EUICC_BUSY,
                    f"a notification of eUICC {eid} is not confirmed yet: ask again in a moment",
                )
            if any(row.state in ("in-creation", "created") for row in rows_of(connection, eid)):
                raise refusal(
                    FunctionStatus.WRONG_PROFILE_STATE,
                    f"a download to {eid} is not complete: end or delete it first",
                )
            rows.begin(
                connection,
                eid,
                rows.OUT,
                other=target,
                mno=caller.id,
                state="offered",
                begun_at=self._clock(),
            )

    def report(self, caller: Principal, eid: str) -> HandoverReport:
        """Say how a handover stands, to the MNO that asked for it."""
        with self._store.transaction() as connection:
            row = rows.find(connection, eid, rows.OUT)
        if row is None or (caller.role is not Role.OPERATOR and caller.id != row.mno):
            raise refusal(
                FunctionStatus.UNKNOWN_EUICC, f"{eid} was not to be handed over for {caller.id}"
            )
        return HandoverReport(eid, rows.OUT, row.other, row.state, row.reason)

    def authenticate_sm_sr(self, caller: Principal, eid: str, certificate: bytes) -> str:
        """Show the ISD-R the new SM-SR's certificate (ES7.AuthenticateSMSR); return the job."""
        self._check_taker(caller, eid)
        try:
            message = certificate_message(Certificate.decode(certificate))
        except CodecError as err:
            raise refusal(FunctionStatus.BAD_SM_SR_CERTIFICATE, str(err)) from err
        return self._start("authenticate", caller, eid, store_data(message, last=False))

    def create_additional_key_set(self, caller: Principal, eid: str, request: bytes) -> str:
        """Have the ISD-R make keys with the new SM-SR (ES7.CreateAdditionalKeySet); the job.

        Our own key set is not the one to be replaced: until the end both manage the card.
        """
        self._check_taker(caller, eid)
        try:
            kvn = KeyRequest.decode(request).reference.kvn
        except CodecError as err:
            raise refusal(FunctionStatus.DATA_INVALID, f"key request: {err}") from err
        if kvn in self._book.ota_kvns(eid) or not 0x01 <= kvn <= 0x0F:
            raise refusal(
                FunctionStatus.DATA_NOT_ALLOWED, f"key set {kvn:02X} of {eid} cannot be made new"
            )
        with self._store.transaction() as connection:
            row = rows.find(connection, eid, rows.OUT)
        first = row.kvn if row is not None and row.kvn is not None else 1
        return self._start("key-set", caller, eid, store_data(request, first=first, last=True))

    def work(self) -> None:
        """Do what is due: send EISs, ask how new SM-SRs get on, forget what has gone."""
        with self._store.transaction() as connection:
            leaving = rows.in_states(connection, rows.OUT, rows.LEAVING)
        self._asking.keep_only(row.eid for row in leaving)
        for row in leaving:
            try:
                if row.state == "offered":
                    self._offer(row.eid, row.other)
                elif self._asking.is_due(row.eid, self._clock()):
                    self._follow(row.eid, row.other)
            except LinkError as err:
                log.warning("handover of %s to %s waits: %s", row.eid, row.other, err)
            except Refusal as err:
                self._end(row.eid, "failed", err.reason)

    def _offer(self, eid: str, target: str) -> None:
        row = self._book.row(eid)
        handed = HandedEis(
            eid=eid,
            signed=SignedEis(bytes(row.payload), bytes(row.signature)),
            msisdn=row.msisdn,
            kvns=self._book.ota_kvns(eid),
            profiles=self._book.profiles(eid),
            scp81=self._book.scp81_keys(eid),
            properties=self._book.properties(eid),
        )
        self._link(target).handover_euicc(handed)
        with self._store.transaction() as connection:
            rows.change(connection, eid, rows.OUT, state="running")

    def _follow(self, eid: str, target: str) -> None:
        report = self._link(target).handover(eid)
        if report.state == "done":
            self._end(eid, "done", "")
        elif report.state == "failed":
            self._end(eid, "failed", report.reason)

    def _end(self, eid: str, state: str, reason: str) -> None:
        with self._store.transaction() as connection:
            rows.change(connection, eid, rows.OUT, state=state, reason=reason)
            if state == "done":
                forget(connection, eid)
        log.info("handover of %s: %s %s", eid, state, reason)

    def _check_taker(self, caller: Principal, eid: str) -> None:
        require_role(caller, Role.SM_SR)
        with self._store.transaction() as connection:
            row = rows.find(connection, eid, rows.OUT)
        if row is None or row.state not in rows.LEAVING or row.other != caller.id:
            raise refusal(
                FunctionStatus.SM_SR_NOT_EXPECTED, f"{eid} is not being handed over to {caller.id}"
            )

    def _start(
        self, kind: JobKind, caller: Principal, eid: str, blocks: tuple[CommandApdu, ...]
    ) -> str:
        def note(connection: Connection, _job: str) -> None:
            if kind == "authenticate":
                rows.change(connection, eid, rows.OUT, kvn=len(blocks))

        return self._jobs.start(
            kind,
            eid,
            "",
            b"",
            caller=caller.id,
            commands=lambda job: [scripts.isd_r_commands(job, eid, kind, blocks)],
            along=note,
        )

    def _link(self, target: str) -> Es7Link:
        if target not in self._links:
            raise refusal(FunctionStatus.UNKNOWN_SM_SR, f"SM-SR {target} is not known any more")
        return self._links[target]


def forget(connection: Connection, eid: str) -> None:
    """Forget an eUICC: its EIS, its profiles and its keys."""
    keys = (OTA_KEYS, ADMIN_KEYS, ADMIN_KEY_RENEWALS)
    for table in (*keys, EIS_PROPERTIES, EIS_PROFILES, EIS, ISDP_AIDS):
        connection.execute(delete(table).where(table.c.eid == eid))
