"""How actors see each other: an actor of this process and a client meet the same protocols.

A link belongs to one caller; whoever hands it out has settled who that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hil.provisioning.door import AnyDoor
from hil.provisioning.eis import SignedEis
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.eum import AdminKey, EuiccMaker, OtaKeys
from hil.provisioning.orders import RoutingInformation, Subscription
from hil.provisioning.trust import Principal
from hil.wire.scp03_keys import KeySet


class MnoLink(Protocol):
    """An MNO, as an SM-DP sees it."""

    def routing(self) -> RoutingInformation:
        """Say where packets of this MNO's profiles are to go."""

    def owns(self, iccid: str) -> bool:
        """Whether the MNO has a subscription with this ICCID."""

    def reserve(
        self, sm_dp: str, order_id: str, amount: int, iccid: str | None = None
    ) -> tuple[Subscription, ...]:
        """Give subscriptions to an order; the same order gets the same ones again."""


class EumLink(Protocol):
    """An eUICC maker, as one caller sees it; what the caller's role does not get is refused."""

    def eis(self, eid: str) -> SignedEis:
        """Return the signed EIS."""

    def ota_keys(self, eid: str) -> OtaKeys:
        """Return the SCP80 key set of the ISD-R."""

    def admin_key(self, eid: str) -> AdminKey:
        """Return the SCP81 key of the ISD-R."""

    def isd_r_keys(self, eid: str, kvn: int) -> KeySet:
        """Return an SCP03 key set of the ISD-R."""

    def isd_p_base(self, eid: str) -> KeySet:
        """Return the ISD-P base key set."""

    def isd_p_bases(self, eids: Sequence[str]) -> tuple[KeySet, ...]:
        """Return the ISD-P base key sets of many eUICCs, in their order."""

    def isd_r_key_sets(self, eids: Sequence[str], kvn: int) -> tuple[KeySet, ...]:
        """Return an SCP03 key set of the ISD-R of many eUICCs, in their order."""

    def subscriptions(self, amount: int) -> tuple[Subscription, ...]:
        """Return information for profiles of the eUICC maker itself."""


@dataclass(frozen=True, slots=True)
class PacketReceipt:
    """The receiver has verified and stored a packet set: ICCID, digest, how many packets."""

    iccid: str
    digest: bytes
    packets: int


class PacketReceiver(AnyDoor, Protocol):
    """Who takes packets from an SM-DP: a support server or an SM-SR."""

    def reserve_isdp(self, session: str, eid: str, iccid: str) -> bytes:
        """Return the AID of a free ISD-P of the eUICC; the same ICCID gets the same one again."""

    def deliver(self, session: str, raw: bytes) -> PacketReceipt:
        """Take an encoded packet set with its MAC."""


class LocalEum:
    """An eUICC maker of this process, seen by one caller."""

    def __init__(self, maker: EuiccMaker, caller: Principal) -> None:
        self._maker = maker
        self._caller = caller

    def eis(self, eid: str) -> SignedEis:
        """Return the signed EIS."""
        return self._maker.eis(eid)

    def ota_keys(self, eid: str) -> OtaKeys:
        """Return the SCP80 key set of the ISD-R."""
        return self._maker.ota_keys(self._caller, eid)

    def admin_key(self, eid: str) -> AdminKey:
        """Return the SCP81 key of the ISD-R."""
        return self._maker.admin_key(self._caller, eid)

    def isd_r_keys(self, eid: str, kvn: int) -> KeySet:
        """Return an SCP03 key set of the ISD-R."""
        return self._maker.isd_r_keys(self._caller, eid, kvn)

    def isd_p_base(self, eid: str) -> KeySet:
        """Return the ISD-P base key set."""
        return self._maker.isd_p_base(self._caller, eid)

    def isd_p_bases(self, eids: Sequence[str]) -> tuple[KeySet, ...]:
        """Return the ISD-P base key sets of many eUICCs, in their order."""
        return self._maker.isd_p_bases(self._caller, eids)

    def isd_r_key_sets(self, eids: Sequence[str], kvn: int) -> tuple[KeySet, ...]:
        """Return an SCP03 key set of the ISD-R of many eUICCs, in their order."""
        return self._maker.isd_r_key_sets(self._caller, eids, kvn)

    def subscriptions(self, amount: int) -> tuple[Subscription, ...]:
        """Return information for profiles of the eUICC maker itself."""
        return self._maker.subscriptions(self._caller, amount)


class SeveralEums:
    """Several eUICC makers as one: the one that knows the EID answers, the first one by default."""

    def __init__(self, links: tuple[EumLink, ...]) -> None:
        self._links = links

    def _of(self, eid: str) -> EumLink:
        for link in self._links:
            try:
                link.eis(eid)
            except Refusal as refusal:
                if refusal.code is not RefusalCode.UNKNOWN:
                    raise
            else:
                return link
        raise Refusal(RefusalCode.UNKNOWN, f"no eUICC maker knows the EID {eid}")

    def eis(self, eid: str) -> SignedEis:
        """Return the signed EIS."""
        return self._of(eid).eis(eid)

    def ota_keys(self, eid: str) -> OtaKeys:
        """Return the SCP80 key set of the ISD-R."""
        return self._of(eid).ota_keys(eid)

    def admin_key(self, eid: str) -> AdminKey:
        """Return the SCP81 key of the ISD-R."""
        return self._of(eid).admin_key(eid)

    def isd_r_keys(self, eid: str, kvn: int) -> KeySet:
        """Return an SCP03 key set of the ISD-R."""
        return self._of(eid).isd_r_keys(eid, kvn)

    def isd_p_base(self, eid: str) -> KeySet:
        """Return the ISD-P base key set."""
        return self._of(eid).isd_p_base(eid)

    def isd_p_bases(self, eids: Sequence[str]) -> tuple[KeySet, ...]:
        """Return the ISD-P base key sets of many eUICCs, in their order."""
        if len(self._links) == 1:
            return self._links[0].isd_p_bases(eids)
        return tuple(self.isd_p_base(eid) for eid in eids)

    def isd_r_key_sets(self, eids: Sequence[str], kvn: int) -> tuple[KeySet, ...]:
        """Return an SCP03 key set of the ISD-R of many eUICCs, in their order."""
        if len(self._links) == 1:
            return self._links[0].isd_r_key_sets(eids, kvn)
        return tuple(self.isd_r_keys(eid, kvn) for eid in eids)

    def subscriptions(self, amount: int) -> tuple[Subscription, ...]:
        """Return information for profiles of the first eUICC maker itself."""
        if not self._links:
            raise Refusal(RefusalCode.NO_ROUTE, "no eUICC maker is known")
        return self._links[0].subscriptions(amount)
