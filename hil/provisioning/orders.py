"""What is ordered, and what an MNO knows of a subscription: rows that actors hand each other."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Final

from hil.provisioning.errors import Refusal, RefusalCode
from hil.wire.identifiers import is_valid_eid, is_valid_iccid

MAX_AMOUNT: Final = 10_000


def check_amount(amount: int) -> None:
    """Refuse to give less than one or more than :data:`MAX_AMOUNT` at once."""
    if not 1 <= amount <= MAX_AMOUNT:
        raise Refusal(RefusalCode.INVALID, f"amount {amount} is not between 1 and {MAX_AMOUNT}")


class Route(StrEnum):
    """Where an SM-DP sends the packets of an MNO's profiles (patent FIG. 2 (220))."""

    SUPPORT_SERVER = "support-server"
    SM_SR = "sm-sr"


class Source(StrEnum):
    """Whose information a profile is made from (patent operation 520)."""

    MNO = "mno"
    EUM = "eum"


@dataclass(frozen=True, slots=True)
class ProfileRequest:
    """An order of one or many profiles (patent claims 7 and 15, operations 510 and 610).

    At least one of the first five fields is given; the SM-DP fills in the others. ``profile_id`` is
    an ICCID, ``mno`` and ``sm_dp`` are ids of actors, ``targets`` are EIDs: one profile for each.
    Without targets the profiles wait at the SM-DP until eUICCs are assigned.
    """

    profile_id: str | None = None
    amount: int | None = None
    mno: str | None = None
    sm_dp: str | None = None
    profile_type: str | None = None
    targets: tuple[str, ...] = ()
    source: Source = Source.MNO

    def check(self) -> None:
        """Refuse an order that says nothing, or contradicts itself."""
        named = (self.profile_id, self.amount, self.mno, self.sm_dp, self.profile_type)
        if all(value is None for value in named):
            raise Refusal(
                RefusalCode.INCOMPLETE,
                "a profile request needs at least one of profile id, amount, MNO, SM-DP id and "
                "profile type; none is given",
            )
        check_amount(self.count)
        if self.profile_id is not None:
            if not is_valid_iccid(self.profile_id):
                raise Refusal(
                    RefusalCode.INVALID, f"profile id {self.profile_id!r} is not an ICCID"
                )
            if self.count != 1:
                raise Refusal(
                    RefusalCode.INVALID, f"one profile id cannot name {self.count} profiles"
                )
        for eid in self.targets:
            if not is_valid_eid(eid):
                raise Refusal(RefusalCode.INVALID, f"target {eid!r} is not an EID")
        if len(set(self.targets)) != len(self.targets):
            raise Refusal(RefusalCode.INVALID, "a target EID stands there twice")
        if self.targets and self.amount not in (None, len(self.targets)):
            raise Refusal(
                RefusalCode.INVALID,
                f"{self.amount} profiles are asked for, but {len(self.targets)} targets are given",
            )

    @property
    def count(self) -> int:
        """How many profiles are asked for."""
        return self.amount if self.amount is not None else max(1, len(self.targets))


@dataclass(frozen=True, slots=True)
class Subscription:
    """What an MNO (or, for its own profiles, an eUICC maker) gives to an SM-DP for one profile.

    ``k`` and ``opc`` are 16 bytes and never shown; ``sm_sr`` is the id of the managing SM-SR.
    """

    iccid: str
    imsi: str
    sm_sr: str
    k: bytes = field(repr=False)
    opc: bytes = field(repr=False)
    msisdn: str | None = None

    def check(self) -> None:
        """Refuse a subscription that lacks ICCID, IMSI, managing SM-SR, K or OPc (R-07)."""
        missing = [
            item.name
            for item in fields(self)
            if item.name != "msisdn" and not getattr(self, item.name)
        ]
        if missing:
            raise Refusal(
                RefusalCode.INCOMPLETE,
                f"subscription {self.iccid or '(no ICCID)'} lacks {', '.join(missing)}: no profile "
                "can be made from it",
            )
        if not is_valid_iccid(self.iccid):
            raise Refusal(RefusalCode.INVALID, f"{self.iccid!r} is not an ICCID")
        if not (self.imsi.isascii() and self.imsi.isdigit() and 6 <= len(self.imsi) <= 15):
            raise Refusal(RefusalCode.INVALID, f"IMSI of {self.iccid} is not 6 to 15 digits")
        if len(self.k) != 16 or len(self.opc) != 16:
            raise Refusal(RefusalCode.INVALID, f"K and OPc of {self.iccid} are not 16 bytes each")


@dataclass(frozen=True, slots=True)
class RoutingInformation:
    """Where an MNO wants its packets: the kind of receiver and its id."""

    route: Route
    receiver: str


@dataclass(frozen=True, slots=True)
class OrderedProfile:
    """One profile of an order; ``state``: ``waiting`` (for an eUICC), ``ready``, ``delivered``."""

    iccid: str
    number: int
    state: str
    eid: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OrderReceipt:
    """How an order stands: ``state`` is ``accepted``, ``waiting``, ``delivered`` or ``failed``."""

    order_id: str
    mno: str
    profile_type: str
    route: Route | None
    receiver: str | None
    state: str
    profiles: tuple[OrderedProfile, ...]
    reason: str = ""
