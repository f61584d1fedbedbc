"""The provisioning support server as one actor (patent FIG. 2 (230), FIG. 3)."""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hil.errors import BenchError
from hil.provisioning.batches import OrderProgress
from hil.provisioning.cores import Cores
from hil.provisioning.door import PeerDoor
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.function_calls import current_call, first_time, settled
from hil.provisioning.links import EumLink
from hil.provisioning.mno import ProfileGenerator
from hil.provisioning.orders import OrderReceipt, ProfileRequest
from hil.provisioning.reception import FirstInterface, PacketReception
from hil.provisioning.store import Store
from hil.provisioning.support_server.device_sessions import (
    DevicePolicy,
    DeviceSessions,
    SessionOffer,
    SessionResult,
)
from hil.provisioning.support_server.devices import DeviceRecord, DeviceRegistry
from hil.provisioning.support_server.jig import JigSample
from hil.provisioning.support_server.outbox import Outbox, StatusSink
from hil.provisioning.support_server.workshop import (
    CounterMoves,
    ImageQuestion,
    ImageRecord,
    ImageWorkshop,
)
from hil.wire.device_auth import (
    CommandAuthorization,
    DeviceHello,
    DeviceKeySet,
    Manner,
    Mode,
    authorize_manner,
    authorize_mode,
)
from hil.wire.image import SigningKey
from hil.wire.packets import PacketSet

log = logging.getLogger(__name__)

SUPPORT_FIRST_TAR = 0x100
"""ISD-Ps that a support server gives out begin here, so that they never meet those of an SM-SR."""


@dataclass(frozen=True, slots=True)
class SealedImage:
    """An image file on its way to a device, with the SHA-256 of its bytes."""

    image_id: str
    iccid: str
    sha256: bytes
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class InstallationReport:
    """What a device says of an image: it is ``installed``, ``failed``, ``refused`` or ``stale``.

    ``found_counter`` is the sequence counter that the ISD-R answered with, where the device tells
    it.
    """

    image_id: str
    result: str
    reason: str = ""
    found_counter: int | None = None


class SupportServer:
    """Takes packets, makes images, authenticates devices, gives out images, notifies SM-SRs.

    ``sm_dps`` are the profile generation servers it orders from; ``sm_srs`` those it notifies, and
    ``managing`` says which of them manages an MNO's profiles (with one SM-SR nothing needs saying).
    """

    def __init__(
        self,
        door: PeerDoor,
        store: Store,
        eum: EumLink,
        signers: Mapping[str, SigningKey],
        *,
        policy: DevicePolicy | None = None,
        reception: PacketReception | None = None,
        links: dict[str, str] | None = None,
        sm_dps: Mapping[str, ProfileGenerator] | None = None,
        sm_srs: Mapping[str, StatusSink] | None = None,
        managing: Mapping[str, str] | None = None,
        attempt_limit: int = 5,
        enable: bool = True,
        counter_moves: CounterMoves = "external-authenticate",
        cores: Cores | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        store.claim("support-server", door.owner)
        self.id = door.owner
        self.door = door
        self._store = store
        self.reception = reception or PacketReception(
            door,
            store,
            links=links,
            first_tar=SUPPORT_FIRST_TAR,
            clock=clock,
            on_stored=self._packets_stored,
        )
        self.devices = DeviceRegistry(store, attempt_limit=attempt_limit)
        self.sessions = DeviceSessions(
            store, self.devices, eum, policy or DevicePolicy(), clock=clock
        )
        self.workshop = ImageWorkshop(
            store,
            self.reception,
            self.devices,
            eum,
            dict(signers),
            counter_moves=counter_moves,
            cores=cores,
            allow=self._ask_policy,
            clock=clock,
        )
        self.outbox = Outbox(store, sm_srs or {}, clock=clock)
        self._sm_dps = dict(sm_dps or {})
        self._sm_srs = dict(sm_srs or {})
        self._managing = dict(managing or {})
        self._enable = enable

    def first_interface(self, link: str = "main") -> FirstInterface:
        """Return what SM-DPs see on one of this server's links (310)."""
        return FirstInterface(self.reception, link)

    def request_profiles(self, request: ProfileRequest) -> OrderReceipt:
        """Send a profile request to a profile generation server (operations 510 and 610).

        Without targets, the eSIMs of registered devices that have no packets yet are named.
        """
        named, sm_dp = self._named(request)
        return self._sm_dps[sm_dp].place(named, self.id)

    def begin(self, request: ProfileRequest) -> OrderProgress:
        """Send a large order to a profile generation server; it goes on by itself."""
        named, sm_dp = self._named(request)
        return self._sm_dps[sm_dp].begin(named, self.id)

    def _named(self, request: ProfileRequest) -> tuple[ProfileRequest, str]:
        request.check()
        name = request.sm_dp or (next(iter(self._sm_dps)) if len(self._sm_dps) == 1 else None)
        if name is None or name not in self._sm_dps:
            known = ", ".join(sorted(self._sm_dps)) or "none"
            raise Refusal(
                RefusalCode.NO_ROUTE, f"{self.id} works with no SM-DP {name!r}; it knows: {known}"
            )
        if request.targets:
            return replace(request, sm_dp=name), name
        with self._store.unit() as connection:
            # Others wait once packets have come; a repetition is for the same ones.
            chosen = settled(connection, "targets", lambda: self._waiting_esims(request.count))
        return replace(request, sm_dp=name, targets=tuple(chosen)), name

    def _waiting_esims(self, count: int) -> tuple[str, ...]:
        served = self.reception.eids()
        waiting = [eid for eid in self.devices.eids() if eid not in served]
        if len(waiting) < count:
            raise Refusal(
                RefusalCode.INCOMPLETE,
                f"{count} profiles are asked for, but {len(waiting)} registered devices wait "
                "for one",
            )
        return tuple(waiting[:count])

    def _packets_stored(self, packet_sets: Sequence[PacketSet]) -> None:
        known = self.devices.holding([one.eid for one in packet_sets])
        wanted = [one.iccid for one in packet_sets if one.eid in known]
        if not wanted:
            return
        try:
            _, refused = self.workshop.build_many(wanted, enable=self._enable)
        except (Refusal, BenchError) as err:
            # The packets are safe; images are tried again when the devices ask for them.
            log.warning("no images of %d profiles yet: %s", len(wanted), err)
            return
        for iccid, refusal in refused.items():
            log.warning("no image of %s yet: %s", iccid, refusal.reason)

    def register_device(self, record: DeviceRecord) -> None:
        """Enter a device of the device maker."""
        self.devices.register(record)

    def set_policy(self, policy: DevicePolicy) -> None:
        """Replace the manner by which devices are authenticated from now on (R-32)."""
        self.sessions.policy = policy

    def open_session(self, station: str) -> SessionOffer:
        """Begin an attempt to authenticate the device on the line of ``station``."""
        return self.sessions.open(station)

    def present(
        self,
        session: str,
        station: str,
        hello: DeviceHello,
        *,
        jig: Sequence[JigSample] = (),
        esim_answer: bytes = b"",
    ) -> SessionResult:
        """Judge a device; a refusal names the reason and opens nothing (operation 660)."""
        return self.sessions.present(session, station, hello, jig=jig, esim_answer=esim_answer)

    def fetch_image(self, session: str, station: str, iccid: str | None = None) -> SealedImage:
        """Hand out the next image of the authenticated device's eSIM, or that of one profile.

        It is noted as sent before it leaves (operation 650).
        """
        row = self.sessions.admitted(session, station)
        device = self.devices.with_esim(row.eid)
        if device is not None and device.device_id != row.device_id:
            raise Refusal(
                RefusalCode.NOT_ALLOWED,
                f"images for the eSIM {row.eid} are for the device {device.device_id}",
            )
        record = self.workshop.send_next(row.eid, iccid)
        return SealedImage(
            record.image_id, record.iccid, hashlib.sha256(record.raw).digest(), record.raw
        )

    def mode_command(
        self, session: str, station: str, device_nonce: bytes, mode: Mode
    ) -> CommandAuthorization:
        """Authorize a change of mode for the device of this session (claims 6 and 13)."""
        device_id, eid, keys = self._commanded(session, station)
        return authorize_mode(
            keys,
            device_id=device_id,
            eid=eid,
            server_nonce=secrets.token_bytes(16),
            device_nonce=device_nonce,
            mode=mode.value,
        )

    def manner_command(
        self, session: str, station: str, device_nonce: bytes, manner: Manner
    ) -> CommandAuthorization:
        """Authorize the replacement of the manner by which the device authenticates senders."""
        device_id, eid, keys = self._commanded(session, station)
        return authorize_manner(
            keys,
            device_id=device_id,
            eid=eid,
            server_nonce=secrets.token_bytes(16),
            device_nonce=device_nonce,
            manner=manner.value,
        )

    def _commanded(self, session: str, station: str) -> tuple[str, str, DeviceKeySet]:
        row = self.sessions.admitted(session, station)
        device = self.devices.find(row.device_id)
        if device is None or device.keys is None:
            raise Refusal(
                RefusalCode.NOT_ALLOWED,
                f"{self.id} shares no key set with {row.device_id}: it cannot command it",
            )
        return row.device_id, row.eid, device.keys

    def report_installation(
        self, session: str, station: str, report: InstallationReport
    ) -> ImageRecord | None:
        """Note what became of an image; a stale one is made anew and returned.

        An installation is notified to the SM-SR, in the same transaction (R-65).
        """
        row = self.sessions.admitted(session, station)
        image = self.workshop.image(report.image_id)
        if image.eid != row.eid:
            raise Refusal(
                RefusalCode.NOT_ALLOWED, f"image {report.image_id} is not for the eSIM {row.eid}"
            )
        if report.result not in ("installed", "failed", "refused", "stale"):
            raise Refusal(RefusalCode.INVALID, f"{report.result!r} is no result of an installation")
        if image.state == report.result and not (report.result == "stale" and _goes_on()):
            return None
        if report.result == "installed":
            packets = self.reception.packet_set(image.iccid)
            sm_sr = self._manager_of(packets.mno)
            with self._store.transaction() as connection:
                self.workshop.set_state(connection, image.image_id, "installed")
                if sm_sr is not None:
                    self.outbox.post(connection, sm_sr, image, packets, "installed")
                    if image.enable:
                        self.outbox.post(connection, sm_sr, image, packets, "enabled")
            self.outbox.flush()
            return None
        moved = report.found_counter not in (None, image.counter)
        # A device may call it what it likes: an image for a counter that has passed is stale.
        result = "stale" if report.result == "refused" and moved else report.result
        with self._store.unit() as connection:
            if first_time(connection, f"report on {image.image_id}"):
                self.workshop.set_state(connection, image.image_id, result, report.reason)
                if report.found_counter is not None:
                    self.workshop.found_counter(image.eid, report.found_counter)
                elif report.result != "refused":
                    # It broke off in its first session; if not, the next image will find the
                    # counter.
                    self.workshop.set_counter(image.eid, image.counter + 1)
        if result != "stale":
            return None
        return self.workshop.build(image.iccid, enable=image.enable)

    def _manager_of(self, mno: str) -> str | None:
        if mno in self._managing:
            return self._managing[mno]
        return next(iter(self._sm_srs)) if len(self._sm_srs) == 1 else None

    def _ask_policy(self, wanted: ImageQuestion) -> None:
        """Have the SM-SR judge an image by POL2; the one that an eUICC went to, where it has gone.

        Without an SM-SR nobody has set POL2. One that cannot be reached lets no image out: what it
        forbids is not known.
        """
        asked = self._manager_of(wanted.mno)
        for _ in self._sm_srs:
            if asked not in self._sm_srs:
                return
            try:
                self._sm_srs[asked].check_image(
                    wanted.eid, wanted.iccid, enable=wanted.enable, clear=wanted.clear
                )
            except Refusal as refused:
                other = refused.details.get("sm_sr")
                if not isinstance(other, str) or other not in self._sm_srs:
                    raise
                asked = other
            else:
                return


def _goes_on() -> bool:
    """Whether a call is carried out again because the server died before it was answered."""
    call = current_call()
    return call is not None and call.resumed
