"""The face of a support server: devices on the second interface (350), orders, images, outbox."""

from __future__ import annotations

from fastapi import Depends, FastAPI, Response

from hil.errors import ConfigError
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.http import device_messages as d
from hil.provisioning.http import messages as m
from hil.provisioning.http.bulk_face import add_bulk_begin
from hil.provisioning.http.description import octets
from hil.provisioning.http.face import caller_of
from hil.provisioning.http.function_routes import spans_peers
from hil.provisioning.http.orders import request_of
from hil.provisioning.support_server.device_sessions import DevicePolicy, Subject
from hil.provisioning.support_server.devices import DeviceRecord
from hil.provisioning.support_server.jig import JigPolicy, JigSample, Window
from hil.provisioning.support_server.server import InstallationReport, SupportServer
from hil.provisioning.trust import Peer, PeerKeySet, Role, unwrap_key
from hil.wire.device_auth import DeviceHello, DeviceKeySet, JigReading, Manner, Mode


def device_of(message: d.DeviceMessage, keys: PeerKeySet) -> DeviceRecord:
    """Return the device in a message, its keys unwrapped."""
    key_set = None
    if message.kvn is not None and message.auth is not None and message.enc is not None:
        key_set = DeviceKeySet(
            message.kvn, unwrap_key(keys, message.auth), unwrap_key(keys, message.enc)
        )
    return DeviceRecord(message.device_id, message.eid, message.life, key_set)


def policy_of(message: d.PolicyMessage) -> DevicePolicy:
    """Return the policy in a message."""
    jig = None
    if message.jig is not None:
        amps = message.jig.amps
        jig = JigPolicy(
            Window(message.jig.volts.low, message.jig.volts.high),
            Window(amps.low, amps.high) if amps is not None else None,
            message.jig.dwell_s,
            message.jig.max_gap_s,
        )
    return DevicePolicy(
        Manner(message.manner), Subject(message.subject), jig, message.session_s, message.esim_kvn
    )


def hello_of(message: d.HelloMessage) -> DeviceHello:
    """Return the device's hello in a message."""
    parts = {"manner": Manner(message.manner), "jig": JigReading(**message.jig.values())}
    return DeviceHello(**message.values() | parts)


def add_support(app: FastAPI, server: SupportServer) -> None:
    """Add the routes of a support server; who it is, the door says."""
    station = Depends(caller_of(server.door, Role.LINE_STATION))
    operator = Depends(caller_of(server.door, Role.OPERATOR, Role.LINE_STATION))

    @app.post("/profile-requests")
    @spans_peers
    def request_profiles(message: m.OrderMessage, _peer: Peer = operator) -> m.ReceiptMessage:
        return m.ReceiptMessage.of(server.request_profiles(request_of(message)))

    add_bulk_begin(app, lambda request, _peer: server.begin(request), operator)

    @app.post("/devices", status_code=204)
    @spans_peers
    def register(message: d.DeviceMessage, peer: Peer = operator) -> None:
        server.register_device(device_of(message, peer.keys))

    @app.post("/devices/{device_id}/unlock", status_code=204)
    def unlock(device_id: str, _peer: Peer = operator) -> None:
        server.devices.clear_failures(device_id)

    @app.put("/policy", status_code=204)
    def set_policy(message: d.PolicyMessage, _peer: Peer = operator) -> None:
        try:
            policy = policy_of(message)
        except ConfigError as err:
            raise Refusal(RefusalCode.INVALID, str(err)) from err
        server.set_policy(policy)

    @app.post("/device-sessions")
    def open_session(peer: Peer = station) -> d.OfferMessage:
        return d.OfferMessage.of(server.open_session(peer.id))

    @app.post("/device-sessions/{session}/presentation")
    @spans_peers
    def present(
        session: str, message: d.PresentationMessage, peer: Peer = station
    ) -> d.SessionResultMessage:
        result = server.present(
            session,
            peer.id,
            hello_of(message.hello),
            jig=[JigSample(**sample.values()) for sample in message.jig],
            esim_answer=message.esim_answer,
        )
        return d.SessionResultMessage.of(result)

    @app.post(
        "/device-sessions/{session}/image",
        response_class=Response,
        responses={200: octets("application/cose")},
    )
    @spans_peers
    def image(session: str, iccid: str | None = None, peer: Peer = station) -> Response:
        found = server.fetch_image(session, peer.id, iccid)
        headers = {
            "X-Image-Id": found.image_id,
            "X-Iccid": found.iccid,
            "X-Sha256": found.sha256.hex(),
        }
        return Response(found.raw, media_type="application/cose", headers=headers)

    @app.post("/device-sessions/{session}/mode-command")
    def mode(session: str, message: d.ModeMessage, peer: Peer = station) -> d.AuthorizationMessage:
        return d.AuthorizationMessage.of(
            server.mode_command(session, peer.id, message.device_nonce, Mode(message.mode))
        )

    @app.post("/device-sessions/{session}/manner-command")
    def manner(
        session: str, message: d.MannerMessage, peer: Peer = station
    ) -> d.AuthorizationMessage:
        return d.AuthorizationMessage.of(
            server.manner_command(session, peer.id, message.device_nonce, Manner(message.manner))
        )

    @app.post("/device-sessions/{session}/installation")
    @spans_peers
    def installation(
        session: str, message: d.InstallationMessage, peer: Peer = station
    ) -> d.ReissueMessage:
        report = InstallationReport(**message.values())
        again = server.report_installation(session, peer.id, report)
        return d.ReissueMessage(image_id=again.image_id if again else None)

    @app.get("/images")
    def images(eid: str | None = None, _peer: Peer = operator) -> tuple[d.ImageMessage, ...]:
        return tuple(d.ImageMessage.of(row) for row in server.workshop.images(eid))

    @app.post("/images")
    @spans_peers
    def build(message: d.BuildMessage, _peer: Peer = operator) -> d.ImageMessage:
        return d.ImageMessage.of(
            server.workshop.build(message.iccid, enable=message.enable, signed_by=message.signed_by)
        )

    @app.get("/outbox")
    def outbox(_peer: Peer = operator) -> d.OutboxMessage:
        return d.OutboxMessage(waiting=server.outbox.waiting())

    @app.post("/outbox/flush")
    @spans_peers
    def flush(_peer: Peer = operator) -> d.OutboxMessage:
        arrived = server.outbox.flush(force=True)
        return d.OutboxMessage(waiting=server.outbox.waiting(), arrived=arrived)
