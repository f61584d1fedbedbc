"""The JSON of a support server's second interface (350): sessions, images, commands, reports."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hil.provisioning.http.messages import HexBytes, Message, Text

MannerWord = Literal["key-set", "jig", "both", "skip"]
SubjectWord = Literal["device", "esim"]


class DeviceMessage(Message):
    """A device to register; ``auth`` and ``enc`` are wrapped, or absent where there are none."""

    device_id: Text
    eid: Text
    life: Literal["development", "commercial"] = "commercial"
    kvn: int | None = None
    auth: HexBytes | None = Field(default=None, repr=False)
    enc: HexBytes | None = Field(default=None, repr=False)


class WindowMessage(Message):
    """From low to high."""

    low: float
    high: float


class JigPolicyMessage(Message):
    """What a good jig shows."""

    volts: WindowMessage
    amps: WindowMessage | None = None
    dwell_s: float = 0.2
    max_gap_s: float = 0.25


class PolicyMessage(Message):
    """How a support server authenticates devices."""

    manner: MannerWord = "key-set"
    subject: SubjectWord = "device"
    jig: JigPolicyMessage | None = None
    session_s: float = 120.0
    esim_kvn: int = 0x31


class OfferMessage(Message):
    """What a line station needs for one attempt."""

    session: Text
    manner: MannerWord
    subject: SubjectWord
    server_nonce: HexBytes
    esim_challenge: HexBytes | None
    esim_kvn: int
    jig_dwell_s: float | None
    jig_gap_s: float | None


class JigReadingMessage(Message):
    """What the device senses on its jig pin."""

    state: Text
    accepted: bool
    volts: float
    amps: float | None = None


class HelloMessage(Message):
    """The device's answer to the server's nonce."""

    device_id: Text
    eid: Text
    manner: MannerWord
    device_nonce: HexBytes
    kvn: int | None
    proof: HexBytes
    jig: JigReadingMessage
    jig_proof: HexBytes


class JigSampleMessage(Message):
    """One reading of the jig's supply."""

    at_ns: int
    volts: float
    amps: float | None = None
    volts_uncertainty: float = 0.0
    amps_uncertainty: float = 0.0


class PresentationMessage(Message):
    """All that a line station brings for one attempt."""

    hello: HelloMessage
    jig: tuple[JigSampleMessage, ...] = ()
    esim_answer: HexBytes = b""


class SessionResultMessage(Message):
    """A session that was let in."""

    session: Text
    state: Literal["passed", "skipped"]
    manner: MannerWord
    subject: SubjectWord
    device_id: Text
    eid: Text
    server_proof: HexBytes


class ModeMessage(Message):
    """A change of mode, for the device that gave the nonce."""

    device_nonce: HexBytes
    mode: Literal["first", "second", "test"]


class MannerMessage(Message):
    """A replacement of the manner, for the device that gave the nonce."""

    device_nonce: HexBytes
    manner: MannerWord


class AuthorizationMessage(Message):
    """A server's word for one command."""

    server_nonce: HexBytes
    proof: HexBytes


class InstallationMessage(Message):
    """What a device says of an image."""

    image_id: Text
    result: Text
    reason: str = ""
    found_counter: int | None = None


class ReissueMessage(Message):
    """The image that was made anew, if one was."""

    image_id: Text | None


class ImageMessage(Message):
    """One image file, without its bytes."""

    image_id: Text
    iccid: Text
    eid: Text
    isdp_aid: HexBytes
    device_id: Text | None
    issue: int
    signed_by: Text
    enciphered: bool
    enable: bool
    counter: int
    state: Text
    reason: str


class BuildMessage(Message):
    """An order to make an image of stored packets."""

    iccid: Text
    enable: bool = True
    signed_by: Literal["development", "commercial"] | None = None


class OutboxMessage(Message):
    """How many status notifications have not arrived, and how many went just now."""

    waiting: int
    arrived: int = 0
