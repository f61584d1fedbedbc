"""The SM-SR as one actor: EIS, packets from SM-DPs, management over the air, notifications."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import insert, select

from hil.provisioning.door import PeerDoor, require_role
from hil.provisioning.eis import SignedEis
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.links import EumLink
from hil.provisioning.reception import FirstInterface, PacketReception
from hil.provisioning.sm_sr import scripts
from hil.provisioning.sm_sr.carrier import Carrier
from hil.provisioning.sm_sr.eis_book import EisBook, EisProfileRow
from hil.provisioning.sm_sr.eis_effects import apply_event, apply_outcome
from hil.provisioning.sm_sr.jobs import JobKind, JobReport, Jobs
from hil.provisioning.sm_sr.ota_queue import OtaCommand, OtaQueue, Patience
from hil.provisioning.sm_sr.packing import MessageSize
from hil.provisioning.store import Store
from hil.provisioning.support_server.outbox import StatusNotification
from hil.provisioning.tables import NOTIFICATIONS
from hil.provisioning.trust import Principal, Role
from hil.wire import isdr_commands
from hil.wire.apdu import CommandApdu
from hil.wire.packets import PacketSet

log = logging.getLogger(__name__)

POL2_NO_DISABLE, POL2_NO_DELETE = 1, 2


class SmSr:
    """One SM-SR. ``carrier`` is None where nothing is to go over the air.

    With ``auto_download`` packets are sent on to the card as soon as an SM-DP has delivered them.
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
        self.jobs = Jobs(self.id, store, apply_outcome, clock=clock)
        if carrier is not None:
            queue = OtaQueue(
                store,
                self.book,
                carrier,
                self.jobs.settle,
                size=self._size,
                patience=patience,
                clock=clock,
            )
            self.jobs.attach(queue)
            carrier.listen(queue.receive)
            self.jobs.recover()

    def first_interface(self, link: str = "main") -> FirstInterface:
        """Return what SM-DPs see of this SM-SR on one of its links (ES3)."""
        return FirstInterface(self.reception, link)

    def register_eis(self, caller: Principal, signed: SignedEis) -> str:
        """Take the EIS of a new eUICC (ES1) and fetch its SCP80 keys; return the EID."""
        require_role(caller, Role.EUM, Role.OPERATOR)
        eis = self.book.verify(signed)
        self.book.enter(eis, signed, self._eum.ota_keys(eis.eid))
        return eis.eid

    def notify(self, notification: StatusNotification) -> None:
        """Take a status notification of a support server; one that came before changes nothing."""
        self.book.require(notification.eid)
        with self._store.transaction() as connection:
            if connection.execute(
                select(NOTIFICATIONS.c.notification_id).where(
                    NOTIFICATIONS.c.notification_id == notification.notification_id
                )
            ).first():
                return
            connection.execute(
                insert(NOTIFICATIONS).values(
                    notification_id=notification.notification_id,
                    sender=notification.sm_dp,
                    body=json.dumps(asdict(notification)),
                    received_at=self._clock(),
                )
            )
            apply_event(connection, notification)

    def download(self, caller: Principal, iccid: str, *, enable: bool = False) -> str:
        """Install the stored packets of a profile over the air (claim 5, R-64); return the job.

        What an earlier attempt left of the ISD-P is removed first; with ``enable`` the profile is
        enabled at the end.
        """
        packet_set = self.reception.packet_set(iccid)
        self.book.require(packet_set.eid)
        self._check_owner(caller, packet_set.mno, iccid)
        known = {row.isdp_aid: row for row in self.book.profiles(packet_set.eid)}
        old = known.get(packet_set.isdp_aid)
        if old is not None and old.state != "created":
            raise Refusal(RefusalCode.WRONG_STATE, f"profile {iccid} is {old.state} already")
        self.book.msisdn(packet_set.eid)

        def commands(job: str) -> list[OtaCommand]:
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
        """Enable a disabled profile (ES4, ES5); return the job."""
        profile = self._managed(caller, eid, iccid)
        if profile.state != "disabled":
            raise Refusal(
                RefusalCode.WRONG_STATE, f"profile {iccid} is {profile.state}, not disabled"
            )
        for other in self.book.profiles(eid):
            if other.state == "enabled" and other.pol2 & POL2_NO_DISABLE:
                raise Refusal(
                    RefusalCode.POLICY,
                    f"POL2 of the enabled profile {other.iccid} forbids to disable it",
                )
        command = isdr_commands.enable_profile(profile.isdp_aid)
        return self._one("enable", caller, profile, command)

    def disable(self, caller: Principal, eid: str, iccid: str) -> str:
        """Disable the enabled profile; the one with the fall-back attribute takes its place."""
        profile = self._managed(caller, eid, iccid)
        if profile.state != "enabled":
            raise Refusal(
                RefusalCode.WRONG_STATE, f"profile {iccid} is {profile.state}, not enabled"
            )
        if profile.fallback:
            raise Refusal(
                RefusalCode.WRONG_STATE, f"profile {iccid} has the fall-back attribute: it stays"
            )
        if profile.pol2 & POL2_NO_DISABLE:
            raise Refusal(RefusalCode.POLICY, f"POL2 of {iccid} forbids to disable it")
        command = isdr_commands.disable_profile(profile.isdp_aid)
        return self._one("disable", caller, profile, command)

    def delete(self, caller: Principal, eid: str, iccid: str) -> str:
        """Delete a disabled profile with its ISD-P."""
        profile = self._managed(caller, eid, iccid)
        if profile.state == "enabled" or profile.fallback:
            why = "has the fall-back attribute" if profile.fallback else "is enabled"
            raise Refusal(RefusalCode.WRONG_STATE, f"profile {iccid} {why}: it cannot be deleted")
        if profile.pol2 & POL2_NO_DELETE:
            raise Refusal(RefusalCode.POLICY, f"POL2 of {iccid} forbids to delete it")
        command = isdr_commands.delete_profile(profile.isdp_aid)
        return self._one("delete", caller, profile, command)

    def audit(self, caller: Principal, eid: str) -> str:
        """Ask the card for the state of all its profiles; the EIS is set right by the answer."""
        self.book.msisdn(eid)
        command = isdr_commands.get_status()
        return self.jobs.start(
            "audit",
            eid,
            "",
            b"",
            caller=caller.id,
            commands=lambda job: [scripts.isd_r_command(job, eid, "audit", command)],
        )

    def set_policy(self, caller: Principal, eid: str, iccid: str, pol2: int) -> None:
        """Set POL2 of a profile (ES4.UpdatePolicyRules)."""
        self._managed(caller, eid, iccid)
        self.book.set_pol2(eid, iccid, pol2)

    def job(self, job: str) -> JobReport:
        """Say how a job stands."""
        return self.jobs.report(job)

    def _one(
        self, kind: JobKind, caller: Principal, profile: EisProfileRow, command: CommandApdu
    ) -> str:
        self.book.msisdn(profile.eid)
        return self.jobs.start(
            kind,
            profile.eid,
            profile.iccid,
            profile.isdp_aid,
            caller=caller.id,
            commands=lambda job: [scripts.isd_r_command(job, profile.eid, kind, command)],
        )

    def _managed(self, caller: Principal, eid: str, iccid: str) -> EisProfileRow:
        profile = self.book.profile(eid, iccid)
        self._check_owner(caller, profile.mno, iccid)
        return profile

    def _check_owner(self, caller: Principal, mno: str, iccid: str) -> None:
        require_role(caller, Role.MNO, Role.SM_DP, Role.OPERATOR)
        if caller.role is Role.MNO and caller.id != mno:
            raise Refusal(
                RefusalCode.NOT_ALLOWED, f"profile {iccid} is not one of the MNO {caller.id}"
            )

    def _packets_stored(self, packet_set: PacketSet) -> None:
        if self._auto_download:
            self.download(Principal(packet_set.sm_dp, Role.SM_DP), packet_set.iccid)
