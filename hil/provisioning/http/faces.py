"""The faces of MNO, eUICC maker and SM-DP."""

from __future__ import annotations

import json

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap_with_padding
from fastapi import Depends, FastAPI

from hil.errors import CodecError
from hil.provisioning.door import PeerDoor
from hil.provisioning.eum import EuiccMaker
from hil.provisioning.eum_delivery import EisDelivery
from hil.provisioning.function_calls import Ledger
from hil.provisioning.http import es_messages as e
from hil.provisioning.http import messages as m
from hil.provisioning.http.bulk_face import add_bulk, add_bulk_begin
from hil.provisioning.http.es2_face import add_es2
from hil.provisioning.http.face import caller_of, new_face
from hil.provisioning.http.function_routes import spans_peers
from hil.provisioning.http.notice_faces import add_notices
from hil.provisioning.http.orders import request_of
from hil.provisioning.mno import Mno
from hil.provisioning.orders import OrderReceipt, Subscription
from hil.provisioning.sm_dp import SmDp
from hil.provisioning.trust import Peer, PeerKeySet, Principal, Role, unwrap_key, wrap_key
from hil.wire.scp03_keys import KeySet

ORDERERS = (Role.SUPPORT_SERVER, Role.SM_SR, Role.LINE_STATION, Role.OPERATOR)


def subscription_message(keys: PeerKeySet, one: Subscription) -> m.SubscriptionMessage:
    """Return a subscription as it may travel to the holder of ``keys``."""
    return m.SubscriptionMessage(
        iccid=one.iccid,
        imsi=one.imsi,
        sm_sr=one.sm_sr,
        k=wrap_key(keys, one.k),
        opc=wrap_key(keys, one.opc),
        msisdn=one.msisdn,
    )


def wrapped(keys: PeerKeySet, key_set: KeySet) -> m.WrappedKeysMessage:
    """Return an SCP03 key set as it may travel to the holder of ``keys``."""
    row = (key_set.enc, key_set.mac, key_set.dek)
    return m.WrappedKeysMessage(kvn=key_set.kvn, keys=tuple(wrap_key(keys, key) for key in row))


def _principal(peer: Peer) -> Principal:
    return Principal(peer.id, peer.role)


def mno_face(mno: Mno, door: PeerDoor, ledger: Ledger) -> FastAPI:
    """Return the face of an MNO: for SM-DPs, and for those who order through it."""
    app = new_face(f"MNO {mno.id}", "mno", door, ledger)
    sm_dp = Depends(caller_of(door, Role.SM_DP))
    orderer = Depends(caller_of(door, *ORDERERS))
    operator = Depends(caller_of(door, Role.OPERATOR))

    @app.get("/routing")
    def routing(_peer: Peer = sm_dp) -> m.RoutingMessage:
        return m.RoutingMessage.of(mno.routing())

    @app.get("/subscriptions/{iccid}/owned")
    def owned(iccid: str, _peer: Peer = sm_dp) -> bool:
        return mno.owns(iccid)

    @app.post("/reservations")
    def reserve(
        message: m.ReservationMessage, peer: Peer = sm_dp
    ) -> tuple[m.SubscriptionMessage, ...]:
        found = mno.reserve(peer.id, message.order_id, message.amount, message.iccid)
        return tuple(subscription_message(peer.keys, one) for one in found)

    @app.post("/orders")
    @spans_peers
    def order(message: m.OrderMessage, _peer: Peer = orderer) -> m.ReceiptMessage:
        return m.ReceiptMessage.of(mno.request_profiles(request_of(message)))

    @app.get("/notices")
    def notices(_peer: Peer = operator) -> tuple[e.NoticeMessage, ...]:
        return tuple(e.NoticeMessage.of(row) for row in mno.notices())

    add_notices(app, door, "es2", Role.SM_DP, mno.take_notice)
    add_notices(app, door, "es4", Role.SM_SR, mno.take_notice)

    @app.post("/subscriptions", status_code=204)
    def add(message: m.SubscriptionMessage, peer: Peer = operator) -> None:
        opened = {name: unwrap_key(peer.keys, getattr(message, name)) for name in ("k", "opc")}
        mno.add_subscription(Subscription(**message.values() | opened))

    add_bulk_begin(app, lambda request, _peer: mno.begin(request), orderer)
    return app


def eum_face(maker: EuiccMaker, door: PeerDoor, ledger: Ledger, delivery: EisDelivery) -> FastAPI:
    """Return the face of an eUICC maker: EIS, secrets by role, new eUICCs."""
    app = new_face(f"eUICC maker {maker.id}", "eum", door, ledger)
    anyone = Depends(caller_of(door))
    operator = Depends(caller_of(door, Role.OPERATOR))

    @app.get("/euiccs/{eid}/eis")
    def eis(eid: str, _peer: Peer = anyone) -> m.SignedEisMessage:
        return m.SignedEisMessage.of(maker.eis(eid))

    @app.get("/euiccs/{eid}/scp80")
    def scp80(eid: str, peer: Peer = anyone) -> m.WrappedKeysMessage:
        keys = maker.ota_keys(_principal(peer), eid)
        row = (wrap_key(peer.keys, keys.kic), wrap_key(peer.keys, keys.kid))
        return m.WrappedKeysMessage(kvn=keys.kvn, keys=row, counter=keys.counter)

    @app.get("/euiccs/{eid}/scp81")
    def scp81(eid: str, peer: Peer = anyone) -> m.WrappedPskMessage:
        key = maker.admin_key(_principal(peer), eid)
        return m.WrappedPskMessage(kvn=key.kvn, kid=key.kid, key=wrap_key(peer.keys, key.psk))

    @app.get("/euiccs/{eid}/scp03/{kvn}")
    def scp03(eid: str, kvn: int, peer: Peer = anyone) -> m.WrappedKeysMessage:
        return wrapped(peer.keys, maker.isd_r_keys(_principal(peer), eid, kvn))

    @app.get("/euiccs/{eid}/isd-p-base")
    def isd_p_base(eid: str, peer: Peer = anyone) -> m.WrappedKeysMessage:
        return wrapped(peer.keys, maker.isd_p_base(_principal(peer), eid))

    @app.post("/isd-p-bases")
    def isd_p_bases(
        message: m.EidsMessage, peer: Peer = anyone
    ) -> tuple[m.WrappedKeysMessage, ...]:
        found = maker.isd_p_bases(_principal(peer), message.eids)
        return tuple(wrapped(peer.keys, one) for one in found)

    @app.post("/scp03-key-sets/{kvn}")
    def scp03_many(
        kvn: int, message: m.EidsMessage, peer: Peer = anyone
    ) -> tuple[m.WrappedKeysMessage, ...]:
        found = maker.isd_r_key_sets(_principal(peer), message.eids, kvn)
        return tuple(wrapped(peer.keys, one) for one in found)

    @app.post("/subscriptions")
    def subscriptions(
        message: m.AmountMessage, peer: Peer = anyone
    ) -> tuple[m.SubscriptionMessage, ...]:
        found = maker.subscriptions(_principal(peer), message.amount)
        return tuple(subscription_message(peer.keys, one) for one in found)

    @app.post("/euiccs")
    def produce(message: m.FactoryMessage, peer: Peer = operator) -> str:
        try:
            factory = json.loads(aes_key_unwrap_with_padding(peer.keys.wrap, message.factory))
        except (InvalidUnwrap, ValueError, RecursionError):
            raise CodecError("factory data cannot be opened: not wrapped for this server") from None
        if not isinstance(factory, dict):
            raise CodecError("factory data are not a JSON object")
        return maker.produce(factory, msisdn=message.msisdn)

    @app.post("/euiccs/{eid}/deliveries", status_code=204)
    @spans_peers
    def deliver(eid: str, message: m.SmSrMessage, _peer: Peer = operator) -> None:
        delivery.deliver(eid, message.sm_sr)

    @app.post("/euiccs/{eid}/properties", status_code=204)
    @spans_peers
    def properties(eid: str, message: m.PropertiesMessage, _peer: Peer = operator) -> None:
        delivery.update_properties(eid, message.sm_sr, message.properties)

    return app


def sm_dp_face(sm_dp: SmDp, door: PeerDoor, ledger: Ledger) -> FastAPI:
    """Return the face of an SM-DP: orders."""
    app = new_face(f"SM-DP {sm_dp.id}", "sm-dp", door, ledger)
    orderer = Depends(caller_of(door, Role.MNO, *ORDERERS))

    add_notices(app, door, "es3", Role.SM_SR, sm_dp.take_notice)
    add_es2(app, door, sm_dp.online)

    def shown(receipt: OrderReceipt) -> m.ReceiptMessage:
        return m.ReceiptMessage.of(receipt)

    @app.post("/orders")
    @spans_peers
    def order(message: m.OrderMessage, peer: Peer = orderer) -> m.ReceiptMessage:
        return shown(sm_dp.place(request_of(message), peer.id))

    @app.get("/orders/{order_id}")
    def receipt(order_id: str, _peer: Peer = orderer) -> m.ReceiptMessage:
        return shown(sm_dp.order(order_id))

    @app.post("/orders/{order_id}/eids")
    @spans_peers
    def assign(order_id: str, message: m.EidsMessage, _peer: Peer = orderer) -> m.ReceiptMessage:
        return shown(sm_dp.assign(order_id, message.eids))

    @app.post("/orders/{order_id}/resume")
    @spans_peers
    def resume(order_id: str, _peer: Peer = orderer) -> m.ReceiptMessage:
        return shown(sm_dp.resume(order_id))

    add_bulk_begin(app, sm_dp.begin, orderer)
    add_bulk(app, sm_dp.bulk, orderer)
    return app
