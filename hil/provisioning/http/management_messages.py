"""The JSON of an SM-SR: EIS, profiles, jobs, notifications."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hil.provisioning.http.messages import HexBytes, Message, Text


class NotificationMessage(Message):
    """A status notification of a support server."""

    notification_id: Text
    eid: Text
    iccid: Text
    isdp_aid: Text
    mno: Text
    sm_dp: Text
    event: Literal["installed", "enabled", "disabled", "deleted"]
    at: float


class ProfileMessage(Message):
    """A profile in the EIS."""

    eid: Text
    isdp_aid: HexBytes
    iccid: Text
    mno: Text
    sm_dp: Text
    state: Text
    fallback: bool
    pol2: int
    memory: int = 0
    profile_type: Text = ""
    imsi: Text = ""
    msisdn: Text = ""
    delete_due: bool = False


class EuiccMessage(Message):
    """An eUICC in the EIS."""

    eid: Text
    msisdn: Text | None
    profiles: tuple[ProfileMessage, ...]


Way = Literal["auto", "sms", "report", "https"]
"""By short messages (``report``: with the proof of receipt in the delivery report), in an
administration session, or as the number of commands makes better."""


class DownloadMessage(Message):
    """An order to install stored packets over the air."""

    iccid: Text
    enable: bool = False
    way: Way = "auto"


class JobMessage(Message):
    """The id of a job."""

    job: Text


class JobReportMessage(Message):
    """How a job stands."""

    job: Text
    kind: Text
    eid: Text
    iccid: Text
    state: Text
    reason: str
    messages: int
    commands: tuple[tuple[str, str], ...]
    response: HexBytes = Field(default=b"", repr=False)


class MsisdnMessage(Message):
    """The number at which an eUICC is reached."""

    msisdn: Text


class Pol2Message(Message):
    """Policy rules: 1 no disable, 2 no delete, 4 delete on disable."""

    pol2: int
