"""The SM-SR as one actor: EIS, packets from SM-DPs, management over the air, notifications."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Connection, insert, select

from hil.provisioning.credentials import Credentials
from hil.provisioning.door import PeerDoor, require_role
from hil.provisioning.eis import SignedEis
from hil.provisioning.errors import Refusal
from hil.provisioning.es_status import FunctionStatus, refusal
from hil.provisioning.links import EumLink
from hil.provisioning.notices import NoticeBox, NoticeTaker
from hil.provisioning.reception import FirstInterface, PacketReception
from hil.provisioning.sm_sr import scripts
from hil.provisioning.sm_sr.admin_key_renewal import AdminKeyRenewal
from hil.provisioning.sm_sr.admin_way import Way
from hil.provisioning.sm_sr.administration import Administration
from hil.provisioning.sm_sr.card_notifications import CardNotifications
from hil.provisioning.sm_sr.carrier import Carrier
from hil.provisioning.sm_sr.download_functions import DownloadFunctions
from hil.provisioning.sm_sr.eis_book import EisBook
from hil.provisioning.sm_sr.eis_effects import EisEffects
from hil.provisioning.sm_sr.handover_in import HandoverIn
from hil.provisioning.sm_sr.handover_links import Es7Link
from hil.provisioning.sm_sr.handover_out import HandoverOut
from hil.provisioning.sm_sr.job_outcome import Outcome
from hil.provisioning.sm_sr.jobs import JobReport, Jobs
from hil.provisioning.sm_sr.management import ProfileManagement
from hil.provisioning.sm_sr.ota_queue import OtaQueue, Patience
from hil.provisioning.sm_sr.ota_rows import OtaCommand
from hil.provisioning.sm_sr.packing import MessageSize
from hil.provisioning.sm_sr.rights import Rights
from hil.provisioning.store import Store
from hil.provisioning.support_server.outbox import StatusNotification
from hil.provisioning.tables import NOTIFICATIONS
from hil.provisioning.trust import Principal, Role
from hil.wire import isdr_commands
from hil.wire.apdu import CommandApdu
from hil.wire.packets import PacketSet

log = logging.getLogger(__name__)

WORK_SECONDS: Final = 0.5


class SmSr:
    """One SM-SR. ``carrier`` is None where nothing is to go over the air.

    With ``auto_download`` packets are sent on to the card as soon as an SM-DP has delivered them.
    ``authorised``: SM-DP → MNOs on whose behalf it may manage profiles that it did not make.
    ``takers``: MNOs and SM-DPs that are notified of changes of their profiles. ``others``: SM-SRs
    to which eUICCs may go and from which they may come; for the latter it needs ``credentials``,
    and its ``number`` at the SMS centre where cards are to be told of it. ``delivery_reports``:
    whether the carrier brings their user data.
    """

    def __init__(
        self,
        door: PeerDoor,
        store: Store,
        eum: EumLink,
        trusted_eums: Mapping[str, ec.EllipticCurvePublicKey],
        *,
        carrier: Carrier | None = None,
        size: MessageSize | None = None,
        patience: Patience | None = None,
        auto_download: bool = False,
        links: dict[str, str] | None = None,
        authorised: Mapping[str, Collection[str]] | None = None,
        takers: Mapping[str, NoticeTaker] | None = None,
        administration: Administration | None = None,
        others: Mapping[str, Es7Link] | None = None,
        credentials: Credentials | None = None,
        number: str | None = None,
        delivery_reports: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        store.claim("sm-sr", door.owner)
        self.id = door.owner
        self.door = door
        self._store = store
        self._eum = eum
        self._size = size or MessageSize()
        self._auto_download = auto_download
        self._clock = clock
        self.book = EisBook(door.owner, store, trusted_eums, clock=clock)
        self.reception = PacketReception(
            door, store, links=links, clock=clock, on_stored=self._packets_stored
        )
        self.notices = NoticeBox(self.id, store, takers or {}, clock=clock)
        self._effects = EisEffects(self.notices)
        self._rights = Rights(authorised)
        self.jobs = Jobs(self.id, store, self._ended, clock=clock)
        self.management = ProfileManagement(self.id, self.book, self.jobs, self._rights)
        self.downloads = DownloadFunctions(
            self.book, self.jobs, self.reception, self.management, self._size
        )
        self.card_notifications = CardNotifications(
            store, self.book, self.jobs, self._effects, clock=clock
        )
        self._renewal = AdminKeyRenewal(self.id, store, self.jobs)
        self.leaving = HandoverOut(
            store, self.book, self.jobs, self._rights, others or {}, clock=clock
        )
        self.coming = HandoverIn(
            self.id,
            store,
            self.book,
            self.jobs,
            notices=self.notices,
            renewal=self._renewal,
            links=others or {},
            credentials=credentials,
            number=number,
            clock=clock,
        )
        if carrier is not None:
            queue = OtaQueue(
                store,
                self.book,
                carrier,
                self.jobs.settle,
                size=self._size,
                patience=patience,
                admin=None if administration is None else administration.way,
                reports=delivery_reports,
                clock=clock,
            )
            self.jobs.attach(queue)
            queue.answers.notified = self.card_notifications.receive
            carrier.listen(queue.receive)
            self.jobs.recover()
            if administration is not None:
                administration.serve(queue)

    def first_interface(self, link: str = "main") -> FirstInterface:
        """Return what SM-DPs see of this SM-SR on one of its links (ES3)."""
        return FirstInterface(self.reception, link)

    def register_eis(self, caller: Principal, signed: SignedEis) -> str:
        """Take the EIS of a new eUICC (ES1) and fetch its keys; return the EID."""
        require_role(caller, Role.EUM, Role.OPERATOR)
        eis = self.book.verify(signed)
        admin = self._eum.admin_key(eis.eid) if eis.scp81_kvns else None
        self.book.enter(eis, signed, self._eum.ota_keys(eis.eid), admin)
        return eis.eid

    def update_properties(self, caller: Principal, eid: str, changed: Mapping[str, str]) -> None:
        """Take additional properties of an eUICC from its maker (ES1)."""
        require_role(caller, Role.EUM)
        self.book.update_properties(caller.id, eid, changed)

    def notify(self, notification: StatusNotification) -> None:
        """Take a status notification of a support server; one that came before changes nothing.

        One of an eUICC that is leaving, or has gone, is refused: the sender keeps it until then.
        """
        with self._store.transaction() as connection:
            if connection.execute(
                select(NOTIFICATIONS.c.notification_id).where(
                    NOTIFICATIONS.c.notification_id == notification.notification_id
                )
            ).first():
                return
            self.book.require_staying(connection, notification.eid)
            connection.execute(
                insert(NOTIFICATIONS).values(
                    notification_id=notification.notification_id,
                    sender=notification.sm_dp,
                    body=json.dumps(asdict(notification)),
                    received_at=self._clock(),
                )
            )
            self._effects.event(connection, notification)

    def check_image(self, eid: str, iccid: str, *, enable: bool, clear: bool) -> None:
        """Refuse an image of a support server that does on the card what POL2 forbids."""
        self.management.check_image(eid, iccid, enable=enable, clear=clear)

    def download(
        self, caller: Principal, iccid: str, *, enable: bool = False, way: Way = "auto"
    ) -> str:
        """Install the stored packets of a profile over the air (claim 5, R-64); return the job.

        What an earlier attempt left of the ISD-P is removed first; with ``enable`` the profile is
        enabled at the end. ``way``: by short messages, in an administration session, or as the
        number of commands makes it better.
        """
        packet_set = self.reception.packet_set(iccid)
        self.book.require(packet_set.eid)
        self._rights.check(caller, iccid, packet_set.mno, packet_set.sm_dp)
        known = {row.isdp_aid: row for row in self.book.profiles(packet_set.eid)}
        old = known.get(packet_set.isdp_aid)
        if old is not None and old.state != "created":
            raise refusal(
                FunctionStatus.WRONG_PROFILE_STATE, f"profile {iccid} is {old.state} already"
            )
        self.book.msisdn(packet_set.eid)

        def commands(job: str) -> list[OtaCommand]:
            self.jobs.queue.choose(job, packet_set.eid, way)
            return self._download_commands(job, packet_set, clear=old is not None, enable=enable)

        return self.jobs.start(
            "download",
            packet_set.eid,
            iccid,
            packet_set.isdp_aid,
            caller=caller.id,
            commands=commands,
        )

    def _download_commands(
        self, job: str, packet_set: PacketSet, *, clear: bool, enable: bool
    ) -> list[OtaCommand]:
        def to_isd_r(name: str, command: CommandApdu) -> OtaCommand:
            return scripts.isd_r_command(job, packet_set.eid, name, command)

        aid = packet_set.isdp_aid
        row = [to_isd_r("clear", isdr_commands.delete_profile(aid))] if clear else []
        row.append(to_isd_r("create", isdr_commands.create_isdp(aid, packet_set.memory)))
        row += scripts.packet_commands(job, packet_set, self._size)
        if enable:
            row.append(to_isd_r("enable", isdr_commands.enable_profile(aid)))
        return row

    def enable(self, caller: Principal, eid: str, iccid: str) -> str:
        """Enable a disabled profile; return the job."""
        return self.management.enable(caller, eid, iccid)

    def disable(self, caller: Principal, eid: str, iccid: str) -> str:
        """Disable the enabled profile; return the job."""
        return self.management.disable(caller, eid, iccid)

    def delete(self, caller: Principal, eid: str, iccid: str) -> str:
        """Delete a disabled profile; return the job."""
        return self.management.delete(caller, eid, iccid)

    def audit(self, caller: Principal, eid: str, *, way: Way = "auto") -> str:
        """Ask the card for its profiles; return the job."""
        return self.management.audit(caller, eid, way=way)

    def set_policy(self, caller: Principal, eid: str, iccid: str, pol2: int) -> None:
        """Set POL2 of a profile."""
        self.management.set_policy(caller, eid, iccid, pol2)

    def work(self) -> float:
        """Do what is due beside the requests; return in how many seconds to look again."""
        for step in (
            self.notices.flush,
            self.card_notifications.work,
            self.management.delete_due,
            self.leaving.work,
            self.coming.work,
            self._renewal.work,
        ):
            try:
                step()
            except Refusal as refused:
                # One eUICC out of reach must not keep the others waiting.
                log.info("%s: %s", self.id, refused.reason)
        return WORK_SECONDS

    def _ended(self, connection: Connection, outcome: Outcome) -> None:
        self._effects.outcome(connection, outcome)
        if outcome.kind == "finalise":
            self.coming.finalised(connection, outcome)
        elif outcome.kind == "admin-key":
            if self._renewal.ended(connection, outcome):
                self.coming.renewed(connection, outcome.eid)
        elif outcome.kind == "confirm":
            self.card_notifications.confirmed(connection, outcome)

    def visible_eids(self, caller: Principal) -> tuple[str, ...]:
        """Return the eUICCs on which a caller has profiles; the operator sees all."""
        if caller.role is Role.OPERATOR:
            return self.book.eids()
        return tuple(
            eid for eid in self.book.eids() if self._rights.visible(caller, self.book.profiles(eid))
        )

    def check_job(self, caller: Principal, job: str) -> None:
        """Refuse the report of a job that another one started."""
        started = self.jobs.caller(job)
        if caller.role is not Role.OPERATOR and caller.id != started:
            raise refusal(FunctionStatus.CALLER_NOT_ALLOWED, f"job {job} is not one of {caller.id}")

    def job(self, job: str) -> JobReport:
        """Say how a job stands."""
        return self.jobs.report(job)

    def _packets_stored(self, packet_sets: Sequence[PacketSet]) -> None:
        for one in packet_sets if self._auto_download else ():
            self.download(Principal(one.sm_dp, Role.SM_DP), one.iccid)
