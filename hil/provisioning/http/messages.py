"""The JSON of the servers. Bytes are hex; unknown fields are refused; keys travel wrapped only."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

MAX_TEXT = 200


def _octets(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise ValueError("bytes are written as hex digits")  # noqa: TRY004 - pydantic's way
    try:
        return bytes.fromhex(value)
    except ValueError:
        raise ValueError("bytes are written as hex digits") from None


HEX_SCHEMA: Final = {"type": "string", "pattern": "^([0-9A-Fa-f]{2})*$"}
"""Bytes by themselves are described as raw octets, which say nothing of hex digits."""

HexBytes = Annotated[
    bytes,
    BeforeValidator(_octets),
    PlainSerializer(lambda raw: raw.hex(), return_type=str),
    WithJsonSchema(HEX_SCHEMA),
]
Text = Annotated[str, Field(max_length=MAX_TEXT)]


class Message(BaseModel):
    """One JSON object; :meth:`of` takes it from a row, :meth:`values` gives it back."""

    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)

    @classmethod
    def of(cls, row: object) -> Self:
        """Return the message of a dataclass with the same fields."""
        return cls.model_validate(row)

    def values(self) -> dict[str, Any]:
        """Return the fields as they are, for a dataclass with the same fields."""
        return {name: getattr(self, name) for name in type(self).model_fields}


class FunctionRequest(Message):
    """What any function of SGP.02 may say in its body instead of in headers.

    The session says who the requester is; the identifier makes a repetition harmless.
    """

    model_config = ConfigDict(populate_by_name=True)

    function_requester_id: Text | None = Field(default=None, alias="functionRequesterId")
    function_call_identifier: Text | None = Field(default=None, alias="functionCallIdentifier")
    validity_period: float | None = Field(default=None, alias="validityPeriod")


class ErrorBody(Message):
    """Why a request was refused; ``details`` never holds a secret."""

    code: Text
    reason: str
    details: dict[str, str | int] = {}


class ErrorAnswer(Message):
    """The body of every answer that is no success."""

    error: ErrorBody


class ChallengeRequest(Message):
    """A peer asks the server to prove itself."""

    initiator: Text
    nonce: HexBytes


class ChallengeAnswer(Message):
    """The server's proof; the session is the bearer token from now on, good once proved."""

    session: Text = Field(repr=False)
    nonce: HexBytes
    proof: HexBytes


class ProofRequest(Message):
    """The peer's own proof."""

    proof: HexBytes


class OrderMessage(Message):
    """A profile request (patent claims 7 and 15)."""

    # No field is needed by itself, but one of them is.
    model_config = ConfigDict(json_schema_extra={"examples": [{"amount": 1}]})

    profile_id: Text | None = None
    amount: int | None = None
    mno: Text | None = None
    sm_dp: Text | None = None
    profile_type: Text | None = None
    targets: tuple[Text, ...] = ()
    source: Literal["mno", "eum"] = "mno"


class OrderedProfileMessage(Message):
    """One profile of an order."""

    iccid: Text
    number: int
    state: Text
    eid: Text | None = None
    reason: str = ""


class ReceiptMessage(Message):
    """How an order stands."""

    order_id: Text
    mno: Text
    profile_type: Text
    route: Literal["support-server", "sm-sr"] | None
    receiver: Text | None
    state: Text
    profiles: tuple[OrderedProfileMessage, ...]
    reason: str = ""


class EidsMessage(Message):
    """eUICCs to assign to an order."""

    eids: tuple[Text, ...]


class RoutingMessage(Message):
    """Where an MNO wants its packets."""

    route: Literal["support-server", "sm-sr"]
    receiver: Text


class ReservationMessage(Message):
    """An SM-DP asks for subscriptions."""

    order_id: Text
    amount: int
    iccid: Text | None = None


class SubscriptionMessage(Message):
    """A subscription; ``k`` and ``opc`` are wrapped under the key set of both peers."""

    iccid: Text
    imsi: Text
    sm_sr: Text
    k: HexBytes = Field(repr=False)
    opc: HexBytes = Field(repr=False)
    msisdn: Text | None = None


class AmountMessage(Message):
    """How many."""

    amount: int


class SignedEisMessage(Message):
    """An EIS and its signature."""

    payload: HexBytes
    signature: HexBytes


class WrappedKeysMessage(Message):
    """Keys, each wrapped; ``counter`` where the key set has one."""

    kvn: int
    keys: tuple[HexBytes, ...] = Field(repr=False)
    counter: int = 0


class WrappedPskMessage(Message):
    """The key of administration sessions, wrapped."""

    kvn: int
    kid: int
    key: HexBytes = Field(repr=False)


class FactoryMessage(Message):
    """Factory data of an eUICC: JSON, wrapped with padding (RFC 5649)."""

    factory: HexBytes = Field(repr=False)
    msisdn: Text | None = None


class SmSrMessage(Message):
    """The id of an SM-SR."""

    sm_sr: Text


class PropertiesMessage(Message):
    """Additional properties of an eUICC, and the SM-SR that is told of them."""

    sm_sr: Text
    properties: dict[str, str]


class IsdpRequest(Message):
    """An SM-DP asks for a free ISD-P."""

    eid: Text
    iccid: Text


class IsdpAnswer(Message):
    """The ISD-P that was reserved."""

    aid: HexBytes


class PacketReceiptMessage(Message):
    """The receiver has verified and stored a packet set."""

    iccid: Text
    digest: HexBytes
    packets: int


class LinkReportMessage(Message):
    """What went over one link."""

    name: Text
    kind: Text
    accepted: int
    refused: int


class PlacesMessage(Message):
    """An SM-DP asks for free ISD-Ps."""

    places: tuple[IsdpRequest, ...]


class PlacesAnswer(Message):
    """The ISD-Ps that were reserved, in the order asked for."""

    aids: tuple[HexBytes, ...]


class BatchReceiptMessage(Message):
    """Receipts of the first packet sets of a batch, and why no more were taken."""

    receipts: tuple[PacketReceiptMessage, ...]
    refusal: ErrorBody | None = None


class ProgressMessage(Message):
    """How far a large order is."""

    order_id: Text
    state: Text
    amount: int
    numbered: int
    made: int
    delivered: int
    reason: str = ""


class PageMessage(Message):
    """Some profiles of an order; ``following``: ask for those after this number."""

    profiles: tuple[OrderedProfileMessage, ...]
    following: int | None
