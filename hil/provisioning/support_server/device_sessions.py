"""Authentication of devices (module 340 of the patent; operations 550, 640 to 660).

One session is one attempt: the server gives its nonces, the line station brings the device's proofs
and the jig's readings, the server judges once. Only a session that passed opens images and
commands.
"""

from __future__ import annotations

import logging
import math
import secrets
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, insert, select, update

from hil.errors import ConfigError
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.function_calls import settled
from hil.provisioning.links import EumLink
from hil.provisioning.store import Store
from hil.provisioning.support_server.devices import DeviceRecord, DeviceRegistry
from hil.provisioning.support_server.esim_proof import esim_objection
from hil.provisioning.support_server.jig import JigPolicy, JigSample
from hil.provisioning.tables import DEVICE_SESSIONS
from hil.wire.device_auth import NONCE_LENGTH, DeviceHello, Manner
from hil.wire.isdr_commands import AUDIT_KVN
from hil.wire.scp03_keys import KeySet

log = logging.getLogger(__name__)

_KVNS = range(0x80)
"""Key version numbers of GlobalPlatform (Card Specification 11.1.4)."""


class Subject(StrEnum):
    """Who is authenticated by a key set: the device or its eSIM (operation 550)."""

    DEVICE = "device"
    ESIM = "esim"


@dataclass(frozen=True, slots=True)
class DevicePolicy:
    """How this server authenticates devices.

    ``jig`` is needed for the manners jig and both. ``session_s`` is how long a session may last.
    """

    manner: Manner = Manner.KEY_SET
    subject: Subject = Subject.DEVICE
    jig: JigPolicy | None = None
    session_s: float = 120.0
    esim_kvn: int = AUDIT_KVN

    def __post_init__(self) -> None:
        if self.manner.needs_jig and self.jig is None:
            raise ConfigError(f"manner {self.manner.value} needs a jig window; none is configured")
        if not 0 < self.session_s < math.inf:
            raise ConfigError(f"session_s is more than 0, not {self.session_s:g}")
        if self.esim_kvn not in _KVNS:
            raise ConfigError(f"esim_kvn is 0 to {_KVNS[-1]}, not {self.esim_kvn}")


@dataclass(frozen=True, slots=True)
class SessionOffer:
    """What the line station needs for one attempt.

    ``server_nonce`` (16 bytes) goes to the device; ``esim_challenge`` (8 bytes) to the eSIM when
    ``subject`` asks for it, for key set ``esim_kvn``; ``jig_dwell_s`` is how long the jig must be
    watched, and ``jig_gap_s`` how far two readings may lie apart, None where the jig does not
    count.
    """

    session: str
    manner: Manner
    subject: Subject
    server_nonce: bytes
    esim_challenge: bytes | None
    esim_kvn: int
    jig_dwell_s: float | None
    jig_gap_s: float | None


@dataclass(frozen=True, slots=True)
class SessionResult:
    """A device that was let in: ``state`` is ``passed`` or ``skipped``, never one for the other.

    ``server_proof`` is for the device, empty when the server shares no key set with it.
    """

    session: str
    state: str
    manner: Manner
    subject: Subject
    device_id: str
    eid: str
    server_proof: bytes


class DeviceSessions:
    """All attempts, kept with their reasons."""

    def __init__(
        self,
        store: Store,
        devices: DeviceRegistry,
        eum: EumLink,
        policy: DevicePolicy,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._devices = devices
        self._eum = eum
        self._clock = clock
        self.policy = policy

    def open(self, station: str) -> SessionOffer:
        """Begin an attempt for a device on the line of ``station``."""
        policy, now = self.policy, self._clock()
        offer = SessionOffer(
            session=uuid.uuid4().hex,
            manner=policy.manner,
            subject=policy.subject,
            server_nonce=secrets.token_bytes(NONCE_LENGTH),
            esim_challenge=secrets.token_bytes(8) if policy.subject is Subject.ESIM else None,
            esim_kvn=policy.esim_kvn,
            jig_dwell_s=policy.jig.dwell_s if policy.manner.needs_jig and policy.jig else None,
            jig_gap_s=policy.jig.max_gap_s if policy.manner.needs_jig and policy.jig else None,
        )
        with self._store.transaction() as connection:
            connection.execute(
                insert(DEVICE_SESSIONS).values(
                    session=offer.session,
                    station=station,
                    manner=offer.manner.value,
                    subject=offer.subject.value,
                    server_nonce=offer.server_nonce,
                    esim_challenge=offer.esim_challenge or b"",
                    opened_at=now,
                    until=now + policy.session_s,
                    state="open",
                )
            )
        return offer

    def present(
        self,
        session: str,
        station: str,
        hello: DeviceHello,
        *,
        jig: Sequence[JigSample] = (),
        esim_answer: bytes = b"",
    ) -> SessionResult:
        """Judge what the line station brought; refuse with the reason, which is also stored.

        A refused session stays refused; the station may open another one until the attempts of this
        device are used up.
        """
        row = self._found(session, station)
        esim_keys = self._esim_keys(row, hello)
        with self._store.unit() as connection:

            def judge() -> dict[str, str]:
                return self._judge(session, station, hello, jig, (esim_answer, esim_keys))

            said = settled(connection, f"judgement of {session}", judge)
        if said["state"] == "refused":
            log.warning("device %s refused: %s", hello.device_id, said["reason"])
            raise Refusal(
                RefusalCode.DEVICE_REFUSED,
                f"device {hello.device_id} is not authenticated: {said['reason']}",
            )
        device = self._devices.find(hello.device_id)
        keys = device.keys if device is not None else None
        return SessionResult(
            session=session,
            state=said["state"],
            manner=Manner(row.manner),
            subject=Subject(row.subject),
            device_id=hello.device_id,
            eid=hello.eid,
            server_proof=hello.server_proof(keys, bytes(row.server_nonce)) if keys else b"",
        )

    def _judge(
        self,
        session: str,
        station: str,
        hello: DeviceHello,
        jig: Sequence[JigSample],
        esim: tuple[bytes, KeySet | Refusal | None],
    ) -> dict[str, str]:
        """Judge within the caller's transaction; return the state, and the reason of a refusal."""
        row = self._row(session, station)
        if row.state != "open":
            raise Refusal(
                RefusalCode.WRONG_STATE, "this session was judged before: open another one"
            )
        device = self._devices.find(hello.device_id)
        reason = self._objection(row, hello, device, jig, esim)
        if reason is not None:
            self._close(session, "refused", hello, reason)
            if device is not None:
                left = self._devices.note_failure(hello.device_id)
                reason += f"; {left} attempts left"
            return {"state": "refused", "reason": reason}
        state = "skipped" if Manner(row.manner) is Manner.SKIP else "passed"
        self._close(session, state, hello, "")
        if device is not None and state == "passed":
            self._devices.clear_failures(hello.device_id)
        return {"state": state, "reason": ""}

    def admitted(self, session: str, station: str) -> Row[Any]:
        """Return the row of a session that was let in and still lasts; refuse any other (R-27)."""
        row = self._row(session, station)
        if row.state not in ("passed", "skipped"):
            raise Refusal(
                RefusalCode.NOT_AUTHENTICATED,
                "no device is authenticated in this session: nothing is sent",
            )
        return row

    def _row(self, session: str, station: str) -> Row[Any]:
        row = self._found(session, station)
        if row.until < self._clock():
            raise Refusal(RefusalCode.NOT_AUTHENTICATED, "device session has expired: open another")
        return row

    def _found(self, session: str, station: str) -> Row[Any]:
        with self._store.transaction() as connection:
            row = connection.execute(
                select(DEVICE_SESSIONS).where(DEVICE_SESSIONS.c.session == session)
            ).first()
        if row is None or row.station != station:
            raise Refusal(RefusalCode.UNKNOWN, f"station {station} has no such device session")
        return row

    def _close(self, session: str, state: str, hello: DeviceHello, reason: str) -> None:
        with self._store.transaction() as connection:
            changed = connection.execute(
                update(DEVICE_SESSIONS)
                .where(DEVICE_SESSIONS.c.session == session, DEVICE_SESSIONS.c.state == "open")
                .values(state=state, reason=reason, device_id=hello.device_id, eid=hello.eid)
            )
        if not changed.rowcount:
            raise Refusal(RefusalCode.WRONG_STATE, "this session was judged at the same moment")

    def _objection(
        self,
        row: Row[Any],
        hello: DeviceHello,
        device: DeviceRecord | None,
        jig: Sequence[JigSample],
        esim: tuple[bytes, KeySet | Refusal | None],
    ) -> str | None:
        manner, subject = Manner(row.manner), Subject(row.subject)
        if device is not None:
            self._devices.check_attempts(hello.device_id)
            if device.eid != hello.eid:
                return f"it holds the eSIM {hello.eid}, but {device.eid} belongs to it"
        elif subject is Subject.DEVICE:
            return "this device id is not registered"
        if manner is Manner.SKIP:
            allowed = device is not None and device.life == "development"
            return None if allowed else "authentication may be skipped in development only"
        reason = None
        if manner.needs_key_set and subject is Subject.ESIM:
            reason = _esim_objection(row, *esim)
        elif manner.needs_key_set:
            reason = _device_objection(hello, device, bytes(row.server_nonce))
        if reason is None and manner.needs_jig:
            policy = self.policy.jig
            reason = policy.objection(jig) if policy else "no jig window is configured"
        return reason

    def _esim_keys(self, row: Row[Any], hello: DeviceHello) -> KeySet | Refusal | None:
        """Return the keys of the eSIM that shall prove itself, or why there are none."""
        if row.state != "open" or Subject(row.subject) is not Subject.ESIM:
            return None
        if not Manner(row.manner).needs_key_set:
            return None
        try:
            return self._eum.isd_r_keys(hello.eid, self.policy.esim_kvn)
        except Refusal as refusal:
            return refusal


def _esim_objection(row: Row[Any], answer: bytes, keys: KeySet | Refusal | None) -> str | None:
    if isinstance(keys, Refusal):
        return keys.reason
    if keys is None:
        return "no key set of this eSIM is known"
    return esim_objection(answer, keys, bytes(row.esim_challenge))


def _device_objection(
    hello: DeviceHello, device: DeviceRecord | None, server_nonce: bytes
) -> str | None:
    if device is None or device.keys is None:
        return "no key set of this device is known"
    if hello.kvn != device.keys.kvn:
        return f"it used key set {hello.kvn}, not {device.keys.kvn}"
    if len(hello.device_nonce) != NONCE_LENGTH:
        return f"its nonce has {len(hello.device_nonce)} bytes, not {NONCE_LENGTH}"
    if not hello.proves_device(device.keys, server_nonce):
        return "its proof does not fit its key set and this server's nonce"
    return None
