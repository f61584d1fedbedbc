"""Client of a support server, and of an SM-SR that offers its functions."""

from __future__ import annotations

from collections.abc import Sequence

from hil.provisioning.http import device_messages as d
from hil.provisioning.http import messages as m
from hil.provisioning.http.bulk_client import BulkOrderClient
from hil.provisioning.http.clients import ReceiverClient, receipt_of, segment
from hil.provisioning.http.orders import order_message
from hil.provisioning.orders import OrderReceipt, ProfileRequest
from hil.provisioning.support_server.device_sessions import (
    DevicePolicy,
    SessionOffer,
    SessionResult,
    Subject,
)
from hil.provisioning.support_server.devices import DeviceRecord
from hil.provisioning.support_server.jig import JigSample
from hil.provisioning.support_server.server import InstallationReport, SealedImage
from hil.provisioning.trust import wrap_key
from hil.wire.device_auth import CommandAuthorization, DeviceHello, Manner, Mode


class SupportServerClient(ReceiverClient, BulkOrderClient):
    """A support server behind HTTP, for line stations and operators."""

    def request_profiles(self, request: ProfileRequest) -> OrderReceipt:
        """Have the server send a profile request to its SM-DP."""
        found: m.ReceiptMessage = self.call(
            "POST", "/profile-requests", m.ReceiptMessage, order_message(request)
        )
        return receipt_of(found)

    def register_device(self, record: DeviceRecord) -> None:
        """Enter a device; its keys travel wrapped."""
        keys = record.keys
        body = d.DeviceMessage(
            device_id=record.device_id,
            eid=record.eid,
            life=record.life,
            kvn=keys.kvn if keys else None,
            auth=wrap_key(self.keys, keys.auth) if keys else None,
            enc=wrap_key(self.keys, keys.enc) if keys else None,
        )
        self.tell("POST", "/devices", body)

    def unlock_device(self, device_id: str) -> None:
        """Forget a device's failed attempts."""
        self.tell("POST", f"/devices/{segment(device_id)}/unlock")

    def set_policy(self, policy: DevicePolicy) -> None:
        """Replace the manner by which devices are authenticated."""
        self.tell("PUT", "/policy", d.PolicyMessage.of(policy))

    def open_session(self) -> SessionOffer:
        """Begin an attempt for the device on this station's line."""
        found: d.OfferMessage = self.call("POST", "/device-sessions", d.OfferMessage)
        return SessionOffer(
            **found.values() | {"manner": Manner(found.manner), "subject": Subject(found.subject)}
        )

    def present(
        self,
        session: str,
        hello: DeviceHello,
        *,
        jig: Sequence[JigSample] = (),
        esim_answer: bytes = b"",
    ) -> SessionResult:
        """Hand in what the device and the jig have shown."""
        body = d.PresentationMessage(
            hello=d.HelloMessage.of(hello),
            jig=tuple(d.JigSampleMessage.of(sample) for sample in jig),
            esim_answer=esim_answer,
        )
        found: d.SessionResultMessage = self.call(
            "POST",
            f"/device-sessions/{segment(session)}/presentation",
            d.SessionResultMessage,
            body,
        )
        return SessionResult(
            **found.values() | {"manner": Manner(found.manner), "subject": Subject(found.subject)}
        )

    def fetch_image(self, session: str, iccid: str | None = None) -> SealedImage:
        """Fetch the next image of the authenticated device, or that of one profile."""
        chosen = "" if iccid is None else f"?iccid={segment(iccid)}"
        path = f"/device-sessions/{segment(session)}/image{chosen}"
        raw, headers = self.send("POST", path, None)
        return SealedImage(
            headers.get("x-image-id", ""),
            headers.get("x-iccid", ""),
            bytes.fromhex(headers.get("x-sha256", "")),
            raw,
        )

    def mode_command(self, session: str, device_nonce: bytes, mode: Mode) -> CommandAuthorization:
        """Have a change of mode authorized."""
        body = d.ModeMessage(device_nonce=device_nonce, mode=mode.value)
        return self._authorization(session, "mode-command", body)

    def manner_command(
        self, session: str, device_nonce: bytes, manner: Manner
    ) -> CommandAuthorization:
        """Have the replacement of the device's manner authorized."""
        body = d.MannerMessage(device_nonce=device_nonce, manner=manner.value)
        return self._authorization(session, "manner-command", body)

    def _authorization(self, session: str, what: str, body: m.Message) -> CommandAuthorization:
        found: d.AuthorizationMessage = self.call(
            "POST", f"/device-sessions/{segment(session)}/{what}", d.AuthorizationMessage, body
        )
        return CommandAuthorization(found.server_nonce, found.proof)

    def report_installation(self, session: str, report: InstallationReport) -> str | None:
        """Report what became of an image; return the id of the one made instead of a stale one."""
        found: d.ReissueMessage = self.call(
            "POST",
            f"/device-sessions/{segment(session)}/installation",
            d.ReissueMessage,
            d.InstallationMessage.of(report),
        )
        return found.image_id

    def images(self, eid: str | None = None) -> tuple[d.ImageMessage, ...]:
        """Ask for the images, without their bytes."""
        path = "/images" if eid is None else f"/images?eid={segment(eid)}"
        found: tuple[d.ImageMessage, ...] = self.call("GET", path, tuple[d.ImageMessage, ...])
        return found

    def build_image(
        self, iccid: str, *, enable: bool = True, signed_by: str | None = None
    ) -> d.ImageMessage:
        """Have an image made of stored packets."""
        body = d.BuildMessage.model_validate(
            {"iccid": iccid, "enable": enable, "signed_by": signed_by}
        )
        found: d.ImageMessage = self.call("POST", "/images", d.ImageMessage, body)
        return found

    def outbox_waiting(self) -> int:
        """Ask how many status notifications have not arrived."""
        found: d.OutboxMessage = self.call("GET", "/outbox", d.OutboxMessage)
        return found.waiting

    def flush_outbox(self) -> int:
        """Have all notifications sent now; return how many still wait."""
        found: d.OutboxMessage = self.call("POST", "/outbox/flush", d.OutboxMessage)
        return found.waiting
