"""Clients of MNO, eUICC maker, SM-DP and packet receivers; they meet the actors' own protocols."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding

from hil.errors import CodecError, ProtocolError
from hil.known_secrets import announce
from hil.provisioning.batches import BatchReceipt
from hil.provisioning.door import DoorChallenge
from hil.provisioning.eis import SignedEis
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.eum import AdminKey, OtaKeys
from hil.provisioning.http import es_messages as e
from hil.provisioning.http import messages as m
from hil.provisioning.http.bulk_client import BulkClient, BulkOrderClient
from hil.provisioning.http.client import PeerClient
from hil.provisioning.http.faces import subscription_message
from hil.provisioning.http.orders import order_message
from hil.provisioning.http.receiver_face import write_batch
from hil.provisioning.links import PacketReceipt
from hil.provisioning.notices import Notice
from hil.provisioning.orders import (
    OrderedProfile,
    OrderReceipt,
    ProfileRequest,
    Route,
    RoutingInformation,
    Subscription,
)
from hil.provisioning.reception import LinkReport
from hil.provisioning.trust import PeerKeySet, unwrap_key
from hil.wire.scp03_keys import KeySet


def receipt_of(message: m.ReceiptMessage) -> OrderReceipt:
    """Return the receipt in a message."""
    return OrderReceipt(
        **message.values()
        | {
            "route": Route(message.route) if message.route else None,
            "profiles": tuple(OrderedProfile(**row.values()) for row in message.profiles),
        }
    )


def _subscription_of(message: m.SubscriptionMessage, keys: PeerKeySet) -> Subscription:
    opened = {name: unwrap_key(keys, getattr(message, name)) for name in ("k", "opc")}
    subscription = Subscription(**message.values() | opened)
    announce(f"subscription {subscription.iccid}", subscription)
    return subscription


def _key_set_of(message: m.WrappedKeysMessage, keys: PeerKeySet, owner: str) -> KeySet:
    if len(message.keys) != 3:
        raise ProtocolError(f"{owner} sent {len(message.keys)} keys, not three")
    enc, mac, dek = (unwrap_key(keys, key) for key in message.keys)
    key_set = KeySet(message.kvn, enc, mac, dek)
    announce(f"key set {message.kvn:02X} that {owner} sent", key_set)
    return key_set


class MnoClient(BulkOrderClient):
    """An MNO behind HTTP."""

    def routing(self) -> RoutingInformation:
        """Ask where packets of this MNO's profiles are to go."""
        message: m.RoutingMessage = self.call("GET", "/routing", m.RoutingMessage)
        return RoutingInformation(Route(message.route), message.receiver)

    def owns(self, iccid: str) -> bool:
        """Ask whether the MNO has a subscription."""
        found: bool = self.call("GET", f"/subscriptions/{segment(iccid)}/owned", bool)
        return found

    def reserve(
        self, sm_dp: str, order_id: str, amount: int, iccid: str | None = None
    ) -> tuple[Subscription, ...]:
        """Ask for subscriptions; the MNO knows the SM-DP by the session."""
        if sm_dp != self.me:
            raise Refusal(RefusalCode.NOT_ALLOWED, f"{self.me} cannot reserve for {sm_dp}")
        body = m.ReservationMessage(order_id=order_id, amount=amount, iccid=iccid)
        rows: tuple[m.SubscriptionMessage, ...] = self.call(
            "POST", "/reservations", tuple[m.SubscriptionMessage, ...], body
        )
        return tuple(_subscription_of(row, self.keys) for row in rows)

    def request_profiles(self, request: ProfileRequest) -> OrderReceipt:
        """Order through the MNO (R-02)."""
        message: m.ReceiptMessage = self.call(
            "POST", "/orders", m.ReceiptMessage, order_message(request)
        )
        return receipt_of(message)

    def notices(self) -> tuple[Notice, ...]:
        """Ask what the MNO was told of its profiles."""
        rows: tuple[e.NoticeMessage, ...] = self.call(
            "GET", "/notices", tuple[e.NoticeMessage, ...]
        )
        return tuple(e.notice_of(row) for row in rows)

    def add_subscription(self, subscription: Subscription) -> None:
        """Enter a subscription."""
        self.tell("POST", "/subscriptions", subscription_message(self.keys, subscription))


class EumClient(PeerClient):
    """An eUICC maker behind HTTP; what the caller's role does not get is refused."""

    def eis(self, eid: str) -> SignedEis:
        """Ask for the signed EIS."""
        found: m.SignedEisMessage = self.call(
            "GET", f"/euiccs/{segment(eid)}/eis", m.SignedEisMessage
        )
        return SignedEis(found.payload, found.signature)

    def ota_keys(self, eid: str) -> OtaKeys:
        """Ask for the SCP80 key set of the ISD-R."""
        found = self._wrapped(f"/euiccs/{segment(eid)}/scp80")
        if len(found.keys) != 2:
            raise ProtocolError(f"{self.owner} sent {len(found.keys)} keys, not two")
        kic, kid = (unwrap_key(self.keys, key) for key in found.keys)
        sent = OtaKeys(found.kvn, kic, kid, found.counter)
        announce(f"eUICC {eid}, that {self.owner} sent", sent)
        return sent

    def admin_key(self, eid: str) -> AdminKey:
        """Ask for the SCP81 key of the ISD-R."""
        found: m.WrappedPskMessage = self.call(
            "GET", f"/euiccs/{segment(eid)}/scp81", m.WrappedPskMessage
        )
        sent = AdminKey(found.kvn, found.kid, unwrap_key(self.keys, found.key))
        announce(f"eUICC {eid}, that {self.owner} sent", sent)
        return sent

    def isd_r_keys(self, eid: str, kvn: int) -> KeySet:
        """Ask for an SCP03 key set of the ISD-R."""
        found = self._wrapped(f"/euiccs/{segment(eid)}/scp03/{kvn}")
        return _key_set_of(found, self.keys, self.owner)

    def isd_p_base(self, eid: str) -> KeySet:
        """Ask for the ISD-P base key set."""
        found = self._wrapped(f"/euiccs/{segment(eid)}/isd-p-base")
        return _key_set_of(found, self.keys, self.owner)

    def isd_p_bases(self, eids: Sequence[str]) -> tuple[KeySet, ...]:
        """Ask for the ISD-P base key sets of many eUICCs, in their order."""
        return self._many("/isd-p-bases", eids)

    def isd_r_key_sets(self, eids: Sequence[str], kvn: int) -> tuple[KeySet, ...]:
        """Ask for an SCP03 key set of the ISD-R of many eUICCs, in their order."""
        return self._many(f"/scp03-key-sets/{kvn}", eids)

    def subscriptions(self, amount: int) -> tuple[Subscription, ...]:
        """Ask for information for profiles of the eUICC maker itself."""
        rows: tuple[m.SubscriptionMessage, ...] = self.call(
            "POST",
            "/subscriptions",
            tuple[m.SubscriptionMessage, ...],
            m.AmountMessage(amount=amount),
        )
        return tuple(_subscription_of(row, self.keys) for row in rows)

    def produce(self, factory: Mapping[str, Any], *, msisdn: str | None = None) -> str:
        """Enter an eUICC as it is personalised in the factory; return its EID."""
        raw = json.dumps(dict(factory)).encode()
        body = m.FactoryMessage(
            factory=aes_key_wrap_with_padding(self.keys.wrap, raw), msisdn=msisdn
        )
        eid: str = self.call("POST", "/euiccs", str, body)
        return eid

    def update_properties(self, eid: str, sm_sr: str, changed: Mapping[str, str]) -> None:
        """Have an SM-SR told additional properties of an eUICC."""
        body = m.PropertiesMessage(sm_sr=sm_sr, properties=dict(changed))
        self.tell("POST", f"/euiccs/{segment(eid)}/properties", body)

    def deliver_eis(self, eid: str, sm_sr: str) -> None:
        """Have the EIS brought to an SM-SR."""
        self.tell("POST", f"/euiccs/{segment(eid)}/deliveries", m.SmSrMessage(sm_sr=sm_sr))

    def _many(self, path: str, eids: Sequence[str]) -> tuple[KeySet, ...]:
        rows: tuple[m.WrappedKeysMessage, ...] = self.call(
            "POST", path, tuple[m.WrappedKeysMessage, ...], m.EidsMessage(eids=tuple(eids))
        )
        if len(rows) != len(eids):
            raise ProtocolError(f"{self.owner} sent {len(rows)} key sets for {len(eids)} eUICCs")
        return tuple(_key_set_of(row, self.keys, self.owner) for row in rows)

    def _wrapped(self, path: str) -> m.WrappedKeysMessage:
        found: m.WrappedKeysMessage = self.call("GET", path, m.WrappedKeysMessage)
        return found


class SmDpClient(BulkClient):
    """An SM-DP behind HTTP."""

    def place(self, request: ProfileRequest, requester: str = "") -> OrderReceipt:
        """Order profiles; the SM-DP knows the requester by the session."""
        if requester not in ("", self.me):
            raise Refusal(RefusalCode.NOT_ALLOWED, f"{self.me} cannot order as {requester}")
        return self._receipt("POST", "/orders", order_message(request))

    def assign(self, order_id: str, eids: tuple[str, ...]) -> OrderReceipt:
        """Assign eUICCs to profiles that wait for one."""
        body = m.EidsMessage(eids=eids)
        return self._receipt("POST", f"/orders/{segment(order_id)}/eids", body)

    def resume(self, order_id: str) -> OrderReceipt:
        """Go on with an order whose delivery broke off."""
        return self._receipt("POST", f"/orders/{segment(order_id)}/resume", None)

    def order(self, order_id: str) -> OrderReceipt:
        """Ask how an order stands."""
        return self._receipt("GET", f"/orders/{segment(order_id)}", None)

    def _receipt(self, method: str, path: str, body: m.Message | None) -> OrderReceipt:
        message: m.ReceiptMessage = self.call(method, path, m.ReceiptMessage, body)
        return receipt_of(message)


class ReceiverClient(PeerClient):
    """Whoever takes packets, behind HTTP: its base URL decides on which link."""

    def reserve_isdp(self, session: str, eid: str, iccid: str) -> bytes:
        """Ask for a free ISD-P."""
        body = m.IsdpRequest(eid=eid, iccid=iccid)
        return self._json("POST", "/isdp", m.IsdpAnswer, body, session=session).aid

    def deliver(self, session: str, raw: bytes) -> PacketReceipt:
        """Deliver an encoded packet set."""
        content, _ = self._exchange(
            "POST", "/packets", raw, session=session, content_type="application/cbor"
        )
        try:
            message = m.PacketReceiptMessage.model_validate_json(content)
        except ValueError:
            raise ProtocolError(f"{self.owner} answered packets without a receipt") from None
        return PacketReceipt(**message.values())

    def reserve_isdps(self, session: str, places: Sequence[tuple[str, str]]) -> tuple[bytes, ...]:
        """Ask for free ISD-Ps for pairs of EID and ICCID."""
        body = m.PlacesMessage(
            places=tuple(m.IsdpRequest(eid=eid, iccid=iccid) for eid, iccid in places)
        )
        aids = self._json("POST", "/isdp-batches", m.PlacesAnswer, body, session=session).aids
        if len(aids) != len(places):
            raise ProtocolError(f"{self.owner} gave {len(aids)} ISD-Ps of {len(places)}")
        return aids

    def deliver_many(self, session: str, raws: Sequence[bytes]) -> BatchReceipt:
        """Deliver encoded packet sets."""
        content, _ = self._exchange(
            "POST",
            "/packet-batches",
            write_batch(raws),
            session=session,
            content_type="application/cbor",
        )
        try:
            message = m.BatchReceiptMessage.model_validate_json(content)
            refusal = None
            if message.refusal is not None:
                code = RefusalCode(message.refusal.code)
                refusal = Refusal(code, message.refusal.reason, message.refusal.details)
        except ValueError:
            raise ProtocolError(f"{self.owner} answered packets without receipts") from None
        return BatchReceipt(
            tuple(PacketReceipt(**row.values()) for row in message.receipts), refusal
        )

    def stored(self) -> tuple[str, ...]:
        """Ask for the ICCIDs of stored packet sets."""
        found: tuple[str, ...] = self.call("GET", "/packets", tuple[str, ...])
        return found

    def link_reports(self) -> tuple[LinkReport, ...]:
        """Ask what went over each link."""
        rows: tuple[m.LinkReportMessage, ...] = self.call(
            "GET", "/links", tuple[m.LinkReportMessage, ...]
        )
        return tuple(LinkReport(**row.values()) for row in rows)


def door_challenge(client: PeerClient, nonce: bytes) -> DoorChallenge:
    """Ask a server behind HTTP to prove itself to this client."""
    return client.challenge(client.me, nonce)


def segment(name: str) -> str:
    """Return ``name`` as one segment of a path; CodecError for what would be more."""
    if not name or not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
        raise CodecError(f"{name!r} cannot stand in a path")
    return name
