"""From a subscription to a package and its packets: the SM-DP's workshop (operation 520)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Final

from hil.errors import CodecError, ConfigError
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.orders import Subscription
from hil.wire.download import prepare_packets
from hil.wire.isdp_keys import derive
from hil.wire.packets import PacketSet, ProfileClass
from hil.wire.profile_package.generate import ProfileData, generate, personalise
from hil.wire.scp03_keys import KeySet

FIRST_COUNTER: Final = 1
"""A new ISD-P's key set begins with sequence counter 000001."""


@dataclass(frozen=True, slots=True)
class Template:
    """How profiles of one type are made (R-04).

    ``package``: a profile package to personalise (DER), or None to generate one of
    ``profile_class``. ``memory``: bytes to grant to the ISD-P, 0 for twice the size of the package.
    ``block``: bytes of the longest SCP03t TLV.
    """

    profile_type: str
    profile_class: ProfileClass
    package: bytes | None = field(default=None, repr=False)
    memory: int = 0
    block: int = 1024


STANDARD_TEMPLATES: Final = (
    Template("prepaid", "operational"),
    Template("deferred", "operational"),
    Template("test", "test"),
    Template("provisioning", "provisioning"),
)
"""The types of the patent (FIG. 3 (310); FIG. 2 (230)), all generated."""


class TemplateBook:
    """The templates of one SM-DP, by profile type."""

    def __init__(self, templates: tuple[Template, ...] = STANDARD_TEMPLATES) -> None:
        if not templates:
            raise ConfigError("an SM-DP needs at least one profile template")
        self._templates = {template.profile_type: template for template in templates}
        self.default = templates[0].profile_type

    def find(self, profile_type: str) -> Template:
        """Return the template of a type; refuse an unknown one with the list of known ones."""
        if profile_type not in self._templates:
            raise Refusal(
                RefusalCode.INVALID,
                f"profile type {profile_type!r} is unknown; known: "
                + ", ".join(sorted(self._templates)),
            )
        return self._templates[profile_type]


def make_package(template: Template, subscription: Subscription) -> bytes:
    """Return the profile package (DER) of one subscription."""
    subscription.check()
    try:
        if template.package is not None:
            return personalise(
                template.package,
                iccid=subscription.iccid,
                imsi=subscription.imsi,
                k=subscription.k,
                opc=subscription.opc,
            )
        data = ProfileData(
            iccid=subscription.iccid,
            imsi=subscription.imsi,
            k=subscription.k,
            opc=subscription.opc,
        )
        return generate(data, profile_class=template.profile_class)
    except CodecError as err:
        raise Refusal(
            RefusalCode.INVALID,
            f"no {template.profile_type} profile can be made for {subscription.iccid}: {err}",
        ) from err


@dataclass(frozen=True, slots=True)
class Assignment:
    """For whom packets are made: order, eUICC, its free ISD-P, and the names that go along."""

    order_id: str
    eid: str
    isdp_aid: bytes
    mno: str
    sm_dp: str


def make_packet_set(
    template: Template,
    subscription: Subscription,
    base: KeySet,
    assignment: Assignment,
    *,
    host_challenge: bytes | None = None,
) -> PacketSet:
    """Precompute the packets of one profile for one ISD-P (operations 520 and 530).

    ``host_challenge``: 8 bytes, random by default; the same one gives the same packets.
    The session key is disclosed for a test profile only: whoever must know that it is one looks
    inside.
    """
    package = make_package(template, subscription)
    packets, session_key = prepare_packets(
        package,
        derive(base, assignment.isdp_aid),
        assignment.isdp_aid,
        FIRST_COUNTER,
        host_challenge or secrets.token_bytes(8),
        block=template.block,
    )
    return PacketSet(
        order_id=assignment.order_id,
        eid=assignment.eid,
        iccid=subscription.iccid,
        isdp_aid=assignment.isdp_aid,
        mno=assignment.mno,
        sm_dp=assignment.sm_dp,
        profile_type=template.profile_type,
        profile_class=template.profile_class,
        memory=template.memory or 2 * len(package),
        counter=FIRST_COUNTER,
        packets=packets,
        disclosed_key=session_key if template.profile_class == "test" else None,
    )
