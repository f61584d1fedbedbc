"""The download of a profile by an SM-DP through the SM-SR (ES3: SGP.02, 5.4.3 to 5.4.5, 3.1).

CreateISDP: in-creation → created. SendData: the SM-DP's own objects, which the SM-SR cannot read.
ProfileDownloadCompleted: created → disabled. DeleteISDP: gone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection

from hil.errors import CodecError, ConfigError
from hil.provisioning.door import require_role
from hil.provisioning.es_status import FunctionStatus, refusal
from hil.provisioning.reception import PacketReception
from hil.provisioning.sm_sr import scripts
from hil.provisioning.sm_sr.eis_book import EisBook
from hil.provisioning.sm_sr.eis_rows import (
    EisProfileRow,
    SubscriptionAddress,
    check_pol2,
    put_profile,
    rows_of,
)
from hil.provisioning.sm_sr.jobs import Jobs
from hil.provisioning.sm_sr.management import ProfileManagement
from hil.provisioning.sm_sr.packing import MessageSize
from hil.provisioning.sm_sr.send_data import check_for_isd_r, parse_data
from hil.provisioning.trust import Principal, Role
from hil.wire import isdr_commands
from hil.wire.identifiers import ISD_R_AID, is_valid_iccid, tar_of


@dataclass(frozen=True, slots=True)
class CreatedIsdp:
    """A CreateISDP on its way: the job, and the AID that the SM-SR chose."""

    job: str
    isdp_aid: bytes


@dataclass(frozen=True, slots=True)
class CompletedDownload:
    """What an SM-DP says at the end of a download (ES3.ProfileDownloadCompleted)."""

    eid: str
    iccid: str
    profile_type: str = ""
    address: SubscriptionAddress = field(default_factory=SubscriptionAddress)
    pol2: int = 0


class DownloadFunctions:
    """Functions for SM-DPs; each is for the very SM-DP that created the ISD-P."""

    def __init__(
        self,
        book: EisBook,
        jobs: Jobs,
        reception: PacketReception,
        management: ProfileManagement,
        size: MessageSize,
    ) -> None:
        self._book = book
        self._jobs = jobs
        self._reception = reception
        self._management = management
        self._size = size

    def create_isdp(
        self, caller: Principal, eid: str, iccid: str, mno: str, memory: int
    ) -> CreatedIsdp:
        """Create an ISD-P with ``memory`` bytes (0: the card decides) for a profile of ``mno``."""
        require_role(caller, Role.SM_DP)
        if not is_valid_iccid(iccid):
            raise refusal(FunctionStatus.PROFILE_INVALID, f"{iccid!r} is not an ICCID")
        if not mno:
            raise refusal(FunctionStatus.DATA_INVALID, "CreateISDP names no MNO")
        self._book.msisdn(eid)
        capacity = self._book.eis(eid).memory
        aid = self._reception.reserve(eid, iccid)
        new = EisProfileRow(
            eid=eid,
            isdp_aid=aid,
            iccid=iccid,
            mno=mno,
            sm_dp=caller.id,
            state="in-creation",
            fallback=False,
            pol2=0,
            memory=memory,
        )

        def enter(connection: Connection, _job: str) -> None:
            rows = rows_of(connection, eid)
            for row in rows:
                if iccid == row.iccid or aid == row.isdp_aid:
                    raise refusal(
                        FunctionStatus.PROFILE_KNOWN,
                        f"eUICC {eid} has the profile {iccid} already, {row.state}",
                    )
            granted = sum(row.memory for row in rows)
            if granted + memory > capacity:
                raise refusal(
                    FunctionStatus.NO_MEMORY,
                    f"eUICC {eid} has {max(0, capacity - granted)} bytes left, not {memory}",
                )
            put_profile(connection, new)

        command = isdr_commands.create_isdp(aid, memory)
        job = self._jobs.start(
            "create",
            eid,
            iccid,
            aid,
            caller=caller.id,
            commands=lambda job: [scripts.isd_r_command(job, eid, "create", command)],
            along=enter,
        )
        return CreatedIsdp(job, aid)

    def send_data(self, caller: Principal, eid: str, sd_aid: bytes, data: bytes) -> str:
        """Bring objects (22, 84 to 87) to an ISD-P of the caller, or to the ISD-R for one.

        To the ISD-R only the establishment of keys of an own ISD-P may go. The job's report has the
        card's answers; whether they are good is for the caller to judge.
        """
        require_role(caller, Role.SM_DP)
        self._book.msisdn(eid)
        items = parse_data(data)
        own = {row.isdp_aid: row for row in self._book.profiles(eid) if row.sm_dp == caller.id}
        target = sd_aid
        if sd_aid == ISD_R_AID:
            target = check_for_isd_r(items) or self._jobs.last_data(eid, caller.id)
        profile = own.get(target)
        if profile is None:
            raise refusal(
                FunctionStatus.UNKNOWN_ISDP,
                f"{caller.id} has no ISD-P on {eid} for which this can be sent to "
                f"{sd_aid.hex().upper()}",
            )
        if profile.state == "in-creation":
            raise refusal(
                FunctionStatus.WRONG_PROFILE_STATE,
                f"ISD-P {profile.isdp_aid.hex().upper()} is not created yet",
            )
        try:
            commands = scripts.data_commands("", eid, tar_of(sd_aid), items, self._size)
        except (CodecError, ConfigError) as err:
            raise refusal(FunctionStatus.DATA_INVALID, str(err)) from err
        return self._jobs.start(
            "send-data",
            eid,
            profile.iccid,
            profile.isdp_aid,
            caller=caller.id,
            commands=lambda job: [scripts.of_job(command, job) for command in commands],
        )

    def completed(self, caller: Principal, said: CompletedDownload) -> None:
        """Note that a download is complete: the profile is disabled, its POL2 and address known.

        Said again by the same SM-DP, it changes nothing that was not said anew.
        """
        require_role(caller, Role.SM_DP)
        check_pol2(said.pol2)
        said.address.check()
        profile = self._management.managed(caller, said.eid, said.iccid)
        if profile.state != "created":
            raise refusal(
                FunctionStatus.WRONG_PROFILE_STATE,
                f"profile {said.iccid} is {profile.state}, not created",
            )
        self._book.complete(said.eid, said.iccid, said.profile_type, said.address, said.pol2)

    def update_connectivity(self, caller: Principal, eid: str, iccid: str, data: bytes) -> str:
        """Bring connectivity parameters, secured by the SM-DP for its ISD-P, to the card."""
        profile = self._management.managed(caller, eid, iccid)
        if profile.state not in ("disabled", "enabled"):
            raise refusal(
                FunctionStatus.WRONG_PROFILE_STATE,
                f"profile {iccid} is {profile.state}: its download is not complete",
            )
        self._book.msisdn(eid)
        items = parse_data(data)
        try:
            commands = scripts.data_commands("", eid, tar_of(profile.isdp_aid), items, self._size)
        except (CodecError, ConfigError) as err:
            raise refusal(FunctionStatus.DATA_INVALID, str(err)) from err
        return self._jobs.start(
            "connectivity",
            eid,
            iccid,
            profile.isdp_aid,
            caller=caller.id,
            commands=lambda job: [scripts.of_job(command, job) for command in commands],
        )
