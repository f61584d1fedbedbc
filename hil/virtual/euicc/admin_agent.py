"""The administration agent of the ISD-R: SCP81 sessions, asked for by short message (SGP.02).

Every session that was asked for is kept in non-volatile memory until the server ends it. A broken
link, or a loss of power, is followed by a session in resume mode: it sends the last request again,
with the response script that it carries, so that no script is executed twice.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc.admin_dialogue import AdminDialogue, Caller, post_of
from hil.virtual.euicc.admin_store import AdminStore, Pending, Progress
from hil.virtual.euicc.byte_channel import ByteChannel
from hil.virtual.euicc.key_store import KeyStore, KeyType
from hil.wire import admin_http, bip, cat, toolkit_events
from hil.wire.admin_session import AdminRequest, PskIdentity
from hil.wire.identifiers import ISD_R_AID
from hil.wire.tls.client import TlsClient

if TYPE_CHECKING:
    from hil.virtual.euicc.admin_settings import AdminSettings
    from hil.virtual.euicc.toolkit import Toolkit
    from hil.wire.apdu import CommandApdu

log = logging.getLogger(__name__)

_TIMER: Final = 1


class AdminAgent:
    """Opens sessions. ``run`` executes a script on an application, ``None`` for an unknown one."""

    def __init__(
        self,
        toolkit: Toolkit,
        store: AdminStore,
        keys: KeyStore,
        run: Callable[[bytes, bytes], bytes | None],
        *,
        eid: str,
    ) -> None:
        self._toolkit = toolkit
        self._store = store
        self._keys = keys
        self._run = run
        self._eid = eid
        self._channel: ByteChannel | None = None
        self._dialogue: AdminDialogue | None = None
        self._wanted: bytes | None = None
        toolkit.greeted = self._greeted

    def request(self, data: bytes) -> None:
        """Take a request for a session; :class:`CodecError` when it cannot be read or obeyed.

        One that comes while a session is open is obeyed after it: the server may have had nothing
        to say when the card asked last.
        """
        AdminRequest.decode(data)
        settings = self._store.settings
        if settings is None:
            raise CodecError("this card has no SCP81")
        if self._channel is not None:
            self._wanted = data
            return
        pending = self._store.pending
        progress = pending.progress if pending is not None and pending.request == data else None
        if progress is not None and not progress.uri:
            # Power went in a script whose answer nobody wanted: there is nothing to go on with.
            progress = None
        retry = AdminRequest.decode(data).retry or settings.retry
        self._store.put_pending(Pending(data, retry.attempts, progress))
        self._begin(resume=progress is not None)

    def envelope(self, command: CommandApdu) -> None:
        """Take an event or the end of a timer; what is no such thing, or broken, is passed over."""
        try:
            self._envelope(command)
        except CodecError as err:
            log.info("ENVELOPE passed over: %s", err)

    def _envelope(self, command: CommandApdu) -> None:
        tag = cat.envelope_tag(command)
        if tag == toolkit_events.EVENT_DOWNLOAD:
            event = toolkit_events.parse_event(command)
            if self._channel is not None:
                self._channel.event(event)
        elif tag == toolkit_events.TIMER_EXPIRATION:
            mine = toolkit_events.parse_timer(command) == _TIMER
            if mine and self._channel is None:
                self._try_again()

    def _greeted(self) -> None:
        if self._channel is None:
            self._try_again()

    def _try_again(self) -> None:
        pending = self._store.pending
        if pending is None or not pending.retries or not self._toolkit.knows_channels:
            return
        self._store.put_pending(replace(pending, retries=pending.retries - 1))
        self._begin(resume=True)

    def _begin(self, *, resume: bool) -> None:
        pending, settings = self._store.pending, self._store.settings
        if pending is None or settings is None:
            return
        if pending.progress is not None and not pending.progress.uri:
            # The server wanted no answer to the script that was begun last.
            self._store.end()
            return
        if not self._toolkit.knows_channels:
            log.warning("the terminal opens no channels: the session waits for one that does")
            return
        request = AdminRequest.decode(pending.request)
        try:
            tls = self._tls(request, settings)
            connection = _connection(request, settings)
        except CodecError as err:
            log.warning("no administration session: %s", err)
            self._store.end()
            return
        caller = self._caller(request, settings, connection)
        start = (request.uri or settings.uri.encode()).decode()
        progress = pending.progress or Progress(admin_http.next_uri(start))
        self._dialogue = AdminDialogue(
            tls,
            caller,
            post_of(progress, caller, resume=resume),
            run=self._run,
            note=self._note,
        )
        self._toolkit.session_open = True
        self._channel = ByteChannel(
            self._toolkit, opened=self._flush, received=self._receive, lost=self._failed
        )
        self._channel.open(connection)

    def _flush(self) -> None:
        if self._channel is not None and self._dialogue is not None:
            data = self._dialogue.outgoing()
            if data:
                self._channel.send(data)

    def _receive(self, data: bytes) -> None:
        dialogue, channel = self._dialogue, self._channel
        if dialogue is None or channel is None:
            return
        try:
            dialogue.receive(data)
        except CodecError as err:
            reason = str(err)
            self._flush()
            channel.close(lambda: self._failed(reason))
            self._dialogue = None
            return
        self._flush()
        if dialogue.over:
            self._dialogue = None
            self._store.end()
            channel.close(self._ended)

    def _ended(self) -> None:
        log.info("administration session ended")
        self._channel = None
        self._toolkit.session_open = False
        self._obey_waiting()

    def _obey_waiting(self) -> bool:
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self.request(wanted)
        return wanted is not None

    def _failed(self, reason: str) -> None:
        log.warning("administration session broken off: %s", reason)
        self._channel = self._dialogue = None
        self._toolkit.session_open = False
        if self._obey_waiting():
            return
        pending, settings = self._store.pending, self._store.settings
        if pending is None or settings is None or not pending.retries:
            return
        retry = AdminRequest.decode(pending.request).retry or settings.retry
        if not retry.delay_s:
            self._try_again()
        elif self._toolkit.knows_timers:
            self._toolkit.ask(functools.partial(_start_timer, seconds=retry.delay_s))

    def _note(self, progress: Progress) -> None:
        pending = self._store.pending
        if pending is not None:
            self._store.put_pending(replace(pending, progress=progress))

    def _tls(self, request: AdminRequest, settings: AdminSettings) -> TlsClient:
        kvn = settings.kvn if request.kvn is None else request.kvn
        kid = settings.kid if request.kid is None else request.kid
        key = self._keys.key(ISD_R_AID, kvn, kid)
        if key is None or key.kind != KeyType.PSK_TLS:
            raise CodecError(f"no PSK with key version {kvn:02X} and identifier {kid:02X}")
        identity = request.psk_identity or PskIdentity(self._eid, ISD_R_AID, kvn, kid).encode()
        return TlsClient(
            identity, key.value, suites=settings.suites, encrypt_then_mac=settings.encrypt_then_mac
        )

    def _caller(
        self, request: AdminRequest, settings: AdminSettings, connection: bip.OpenChannel
    ) -> Caller:
        host = (request.host or settings.host.encode()).decode()
        agent = (request.agent_id or settings.agent_id.encode()).decode()
        own = admin_http.agent_id(self._eid, ISD_R_AID)
        return Caller(host or _authority(connection), agent or own)


def _connection(request: AdminRequest, settings: AdminSettings) -> bip.OpenChannel:
    """Return the channel to open: what the request does not say is as stored."""
    stored, asked = settings.connection, request.connection
    if asked is not None:
        stored = bip.OpenChannel(
            asked.address or stored.address,
            stored.port if asked.port is None else asked.port,
            asked.buffer_size or stored.buffer_size,
            asked.bearer or stored.bearer,
            asked.access_name or stored.access_name,
            asked.protocol,
        )
    if stored.address is None or stored.protocol != bip.TCP_CLIENT:
        raise CodecError("no TCP address of an administration server is known")
    return stored


def _authority(connection: bip.OpenChannel) -> str:
    """Return the Host of a server that has no name: IPv6 in brackets (RFC 3986, 3.2.2)."""
    host = f"[{connection.host}]" if ":" in connection.host else connection.host
    return f"{host}:{connection.port}"


def _start_timer(number: int, *, seconds: int) -> bytes:
    return bip.start_timer(number, _TIMER, seconds)
