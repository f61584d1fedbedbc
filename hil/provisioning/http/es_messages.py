"""The JSON of the functions of ES1 to ES7: the data of SGP.02, section 5, in our own words."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hil.provisioning.http.management_messages import ProfileMessage
from hil.provisioning.http.messages import FunctionRequest, HexBytes, Message, Text
from hil.provisioning.notices import Notice


class EuiccRequest(FunctionRequest):
    """A function on an eUICC."""

    eid: Text


class ProfileRequestMessage(EuiccRequest):
    """A function on a profile."""

    iccid: Text


class RegisterEisRequest(FunctionRequest):
    """ES1.RegisterEIS: the EIS as its maker signed it."""

    payload: HexBytes
    signature: HexBytes


class PropertiesRequest(EuiccRequest):
    """ES1.UpdateEISAdditionalProperties: those to be set by name; an empty value takes one away."""

    properties: dict[str, str]


class PolicyRulesRequest(ProfileRequestMessage):
    """UpdatePolicyRules; POL2: 1 no disable, 2 no delete, 4 delete on disable."""

    pol2: int


class SubscriptionAddressMessage(Message):
    """IMSI and MSISDN; an empty one is not known."""

    imsi: Text = ""
    msisdn: Text = ""


class SubscriptionAddressRequest(ProfileRequestMessage):
    """UpdateSubscriptionAddress."""

    address: SubscriptionAddressMessage


class CreateIsdpRequest(ProfileRequestMessage):
    """ES3.CreateISDP; ``memory`` in bytes, 0 leaves it to the card."""

    mno: Text
    memory: int = Field(default=0, ge=0, le=0xFFFFFFFF)


class CreatedIsdpMessage(Message):
    """A CreateISDP on its way."""

    job: Text
    isdp_aid: HexBytes


class SendDataRequest(EuiccRequest):
    """ES3.SendData: objects 22 and 84 to 87 for the security domain ``sd_aid``."""

    sd_aid: HexBytes
    data: HexBytes = Field(repr=False)


class ConnectivityRequest(ProfileRequestMessage):
    """UpdateConnectivityParameters: objects secured by the SM-DP for its ISD-P."""

    data: HexBytes = Field(repr=False)


class DownloadCompletedRequest(ProfileRequestMessage):
    """ES3.ProfileDownloadCompleted."""

    profile_type: Text = ""
    address: SubscriptionAddressMessage = SubscriptionAddressMessage()
    pol2: int = 0


class EisMessage(Message):
    """An EIS as far as the caller may see it."""

    eid: Text
    eum: Text
    sm_sr: Text
    msisdn: Text | None
    memory: int
    remaining_memory: int
    audited_at: float | None
    payload: HexBytes
    signature: HexBytes
    profiles: tuple[ProfileMessage, ...]
    properties: dict[str, str] = Field(default_factory=dict)


class NoticeMessage(FunctionRequest):
    """A notification of a changed profile (ES2, ES3, ES4)."""

    notice_id: Text
    event: Literal["enabled", "disabled", "deleted", "sm-sr-changed"]
    eid: Text
    iccid: Text
    mno: Text
    sm_dp: Text
    sm_sr: Text
    at: float


def notice_of(message: NoticeMessage) -> Notice:
    """Return the notice in a message."""
    return Notice(
        message.notice_id,
        message.event,
        message.eid,
        message.iccid,
        message.mno,
        message.sm_dp,
        message.sm_sr,
        message.at,
    )


class Es2EuiccRequest(EuiccRequest):
    """A function of ES2 on an eUICC, and the SM-SR that manages it."""

    sm_sr: Text


class Es2ProfileRequest(ProfileRequestMessage):
    """A function of ES2 on a profile, and the SM-SR that manages its eUICC."""

    sm_sr: Text


class DownloadProfileRequest(Es2EuiccRequest):
    """ES2.DownloadProfile: an ICCID, or a profile type."""

    iccid: Text | None = None
    profile_type: Text | None = None
    enable: bool = False


class Es2PolicyRequest(Es2ProfileRequest):
    """ES2.UpdatePolicyRules."""

    pol2: int


class Es2AddressRequest(Es2ProfileRequest):
    """ES2.UpdateSubscriptionAddress."""

    address: SubscriptionAddressMessage


class Es2ConnectivityRequest(Es2ProfileRequest):
    """ES2.UpdateConnectivityParameters: data objects of SGP.02, 4.1.3.4, not secured."""

    parameters: HexBytes


class CallMessage(Message):
    """The id of a call."""

    call: Text


class CallReportMessage(Message):
    """How a call stands."""

    call: Text
    kind: Text
    sm_sr: Text
    eid: Text
    iccid: Text
    step: Text
    state: Text
    reason: str


class SmSrChangeRequest(EuiccRequest):
    """ES4.SMSRChange (``sm_sr``: the new one) and ES4.PrepareSMSRChange (the present one)."""

    sm_sr: Text


class HandoverRequest(FunctionRequest):
    """ES7.HandoverEUICC: the maker's EIS, the profiles, and the key sets to be deleted.

    ``kvns``: of SCP80; ``scp81``: pairs of key version and key identifier.
    """

    eid: Text
    payload: HexBytes
    signature: HexBytes
    msisdn: Text | None
    kvns: tuple[int, ...]
    profiles: tuple[ProfileMessage, ...]
    scp81: tuple[tuple[int, int], ...] = ()
    properties: dict[str, str] = Field(default_factory=dict)


class AuthenticateSmSrRequest(EuiccRequest):
    """ES7.AuthenticateSMSR: the certificate of the new SM-SR (7F21)."""

    certificate: HexBytes


class AdditionalKeySetRequest(EuiccRequest):
    """ES7.CreateAdditionalKeySet: the data groupings 3A02, 7F49 and 5F37."""

    request: HexBytes


class HandoverMessage(Message):
    """How a change of the SM-SR stands at one end."""

    eid: Text
    direction: Literal["in", "out"]
    other: Text
    state: Text
    reason: str
