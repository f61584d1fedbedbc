"""Management of profiles by their MNO (ES4) or an SM-DP on its behalf (ES3): SGP.02, 5.4, 5.5."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hil.provisioning.es_status import FunctionStatus, refusal
from hil.provisioning.sm_sr import scripts
from hil.provisioning.sm_sr.admin_way import Way
from hil.provisioning.sm_sr.eis_book import EisBook
from hil.provisioning.sm_sr.eis_rows import (
    POL2_NO_DELETE,
    POL2_NO_DISABLE,
    EisProfileRow,
    SubscriptionAddress,
)
from hil.provisioning.sm_sr.jobs import JobKind, Jobs
from hil.provisioning.sm_sr.ota_rows import OtaCommand
from hil.provisioning.sm_sr.rights import Rights
from hil.provisioning.trust import Principal, Role
from hil.wire import isdr_commands
from hil.wire.apdu import CommandApdu


@dataclass(frozen=True, slots=True)
class EisView:
    """What a caller may see of an EIS: the maker's signed part, and the caller's own profiles.

    ``remaining_memory``: bytes not granted to any ISD-P, as far as the SM-SR knows; ``audited_at``:
    seconds since 1970, None before the first audit; ``msisdn``: for those who own a profile;
    ``properties``: the additional ones, as its maker names them.
    """

    eid: str
    eum: str
    sm_sr: str
    msisdn: str | None
    memory: int
    remaining_memory: int
    audited_at: float | None
    payload: bytes
    signature: bytes
    profiles: tuple[EisProfileRow, ...]
    properties: Mapping[str, str]


class ProfileManagement:
    """Checks state, rights and POL2, then starts the job; POL1 is for the card to check."""

    def __init__(self, owner: str, book: EisBook, jobs: Jobs, rights: Rights) -> None:
        self._owner = owner
        self._book = book
        self._jobs = jobs
        self._rights = rights

    def get_eis(self, caller: Principal, eid: str) -> EisView:
        """Return the EIS as far as the caller may see it (ES3.GetEIS, ES4.GetEIS)."""
        row = self._book.row(eid)
        eis = self._book.eis(eid)
        all_profiles = self._book.profiles(eid)
        own = self._rights.visible(caller, all_profiles)
        shown = row.msisdn if own or caller.role is Role.OPERATOR else None
        return EisView(
            eid=eid,
            eum=row.eum,
            sm_sr=self._owner,
            msisdn=shown,
            memory=eis.memory,
            remaining_memory=max(0, eis.memory - sum(one.memory for one in all_profiles)),
            audited_at=row.audited_at,
            payload=bytes(row.payload),
            signature=bytes(row.signature),
            profiles=own,
            properties=self._book.properties(eid),
        )

    def enable(self, caller: Principal, eid: str, iccid: str) -> str:
        """Enable a disabled profile; return the job."""
        profile = self.managed(caller, eid, iccid)
        if profile.state != "disabled":
            raise refusal(
                FunctionStatus.WRONG_PROFILE_STATE,
                f"profile {iccid} is {profile.state}, not disabled",
            )
        for other in self._book.profiles(eid):
            if other.state == "enabled" and other.pol2 & POL2_NO_DISABLE:
                raise refusal(
                    FunctionStatus.POL2,
                    f"POL2 of the enabled profile {_shown(self._rights, caller, other)} forbids to "
                    "disable it",
                )
        return self._one("enable", caller, profile, isdr_commands.enable_profile(profile.isdp_aid))

    def disable(self, caller: Principal, eid: str, iccid: str) -> str:
        """Disable the enabled profile; the one with the fall-back attribute takes its place."""
        profile = self.managed(caller, eid, iccid)
        if profile.state != "enabled":
            raise refusal(
                FunctionStatus.WRONG_PROFILE_STATE,
                f"profile {iccid} is {profile.state}, not enabled",
            )
        if profile.fallback:
            raise refusal(
                FunctionStatus.WRONG_PROFILE_STATE,
                f"profile {iccid} has the fall-back attribute: it stays",
            )
        if profile.pol2 & POL2_NO_DISABLE:
            raise refusal(FunctionStatus.POL2, f"POL2 of {iccid} forbids to disable it")
        command = isdr_commands.disable_profile(profile.isdp_aid)
        return self._one("disable", caller, profile, command)

    def delete(self, caller: Principal, eid: str, iccid: str) -> str:
        """Delete a disabled profile with its ISD-P, or what a download left (ES3.DeleteISDP)."""
        profile = self.managed(caller, eid, iccid)
        if profile.state == "enabled" or profile.fallback:
            why = "has the fall-back attribute" if profile.fallback else "is enabled"
            raise refusal(
                FunctionStatus.WRONG_PROFILE_STATE,
                f"profile {iccid} {why}: it cannot be deleted",
            )
        if profile.pol2 & POL2_NO_DELETE:
            raise refusal(FunctionStatus.POL2, f"POL2 of {iccid} forbids to delete it")
        return self._one("delete", caller, profile, isdr_commands.delete_profile(profile.isdp_aid))

    def audit(self, caller: Principal, eid: str, *, way: Way = "auto") -> str:
        """Ask the card for the state of all its profiles; the EIS is set right by the answer."""
        self._book.msisdn(eid)
        command = isdr_commands.get_status()

        def commands(job: str) -> list[OtaCommand]:
            self._jobs.queue.choose(job, eid, way)
            return [scripts.isd_r_command(job, eid, "audit", command)]

        return self._jobs.start("audit", eid, "", b"", caller=caller.id, commands=commands)

    def check_image(self, eid: str, iccid: str, *, enable: bool, clear: bool) -> None:
        """Refuse an image that does on the card what POL2 forbids (SGP.02, 3.6.3).

        With ``enable`` it disables the profile that is enabled; with ``clear`` it first deletes
        what is on the card of the profile itself. Of an eUICC that nobody has registered there are
        no rules; one that has gone is for another SM-SR to say.
        """
        if not self._book.is_known(eid):
            return
        for row in self._book.profiles(eid):
            if clear and row.iccid == iccid and row.pol2 & POL2_NO_DELETE:
                raise refusal(
                    FunctionStatus.POL2, f"POL2 of {iccid} forbids to delete it, as this image does"
                )
            if enable and row.iccid != iccid and row.state == "enabled":
                self._check_disabling(row)

    @staticmethod
    def _check_disabling(row: EisProfileRow) -> None:
        if row.pol2 & POL2_NO_DISABLE:
            raise refusal(
                FunctionStatus.POL2,
                "POL2 of the enabled profile forbids to disable it, as this image does",
            )

    def set_policy(self, caller: Principal, eid: str, iccid: str, pol2: int) -> None:
        """Set POL2 of a profile (UpdatePolicyRules)."""
        self._finished(self.managed(caller, eid, iccid))
        self._book.set_pol2(eid, iccid, pol2)

    def set_address(
        self, caller: Principal, eid: str, iccid: str, address: SubscriptionAddress
    ) -> None:
        """Note IMSI and number of a profile (UpdateSubscriptionAddress)."""
        self._finished(self.managed(caller, eid, iccid))
        self._book.set_address(eid, iccid, address)

    def delete_due(self) -> None:
        """Start the deletions that POL2 wants, of profiles that were disabled."""
        for profile in self._book.due_for_deletion():
            command = isdr_commands.delete_profile(profile.isdp_aid)
            if not self._jobs.is_busy(profile.eid):
                self._one("delete", Principal(self._owner, Role.SM_SR), profile, command)

    def managed(self, caller: Principal, eid: str, iccid: str) -> EisProfileRow:
        """Return a profile that the caller may manage; refuse any other."""
        profile = self._book.profile(eid, iccid)
        self._rights.check(caller, iccid, profile.mno, profile.sm_dp)
        return profile

    def _finished(self, profile: EisProfileRow) -> None:
        if profile.state in ("in-creation", "created"):
            raise refusal(
                FunctionStatus.WRONG_PROFILE_STATE,
                f"profile {profile.iccid} is {profile.state}: its download is not complete",
            )

    def _one(
        self, kind: JobKind, caller: Principal, profile: EisProfileRow, command: CommandApdu
    ) -> str:
        self._book.msisdn(profile.eid)
        return self._jobs.start(
            kind,
            profile.eid,
            profile.iccid,
            profile.isdp_aid,
            caller=caller.id,
            commands=lambda job: [scripts.isd_r_command(job, profile.eid, kind, command)],
        )


def _shown(rights: Rights, caller: Principal, row: EisProfileRow) -> str:
    """Return the ICCID of another profile only to those who may see it."""
    return row.iccid if rights.owns(caller, row.mno, row.sm_dp) else "of another owner"
