"""ES8 DownloadAndInstallation: SCP03t objects come in, a profile is installed (SGP.02, 4.1.3.3).

The pieces of the package are collected in volatile memory: power lost on the way leaves the ISD-P
as it was. The whole package is installed in one transaction, in which the ISD-P becomes DISABLED.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc.install_error import InstallError, Status
from hil.virtual.euicc.installer import InstalledProfile, install, save_profile
from hil.virtual.euicc.package_collector import PackageCollector
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.registry import IsdP, LifeCycle
from hil.wire import scp03t
from hil.wire.profile_package.response import EuiccResponse
from hil.wire.profile_package.test_profile import inspect
from hil.wire.scp03 import SecureChannelError
from hil.wire.scp03t import ErrorCode, TlvCardSession

if TYPE_CHECKING:
    from hil.virtual.euicc.nvm import Nvm
    from hil.virtual.euicc.registry import Registry
    from hil.virtual.euicc.secure_session import Offer, SecureChannels

log = logging.getLogger(__name__)

_SESSION_TAGS: Final = frozenset(
    {scp03t.EXTERNAL_AUTHENTICATE, scp03t.SECURED_DATA, scp03t.REPLACE_SESSION_KEYS}
)


class _Download:
    """One SCP03t session with one ISD-P, and the package that came through it so far."""

    def __init__(self, session: TlvCardSession, offer: Offer, room: int) -> None:
        self.session = session
        self.offer = offer
        self.package = PackageCollector(room)


class ProfileDownloads:
    """SCP03t towards all ISD-Ps, whichever way the objects come."""

    def __init__(self, nvm: Nvm, registry: Registry, channels: SecureChannels) -> None:
        self._nvm = nvm
        self._registry = registry
        self._channels = channels
        self._running: dict[bytes, _Download] = {}

    def process(self, aid: bytes, raw: bytes) -> bytes:
        """Return the answer object to one SCP03t object; errors are answers as well."""
        tag = raw[0] if raw else 0
        try:
            return self._process(aid, tag, raw)
        except RefusalError as err:
            log.info("SCP03t %02X refused: %s", tag, err)
            code = ErrorCode.KEY_NOT_FOUND if err.sw == 0x6A88 else ErrorCode.SECURITY
        except CodecError as err:
            log.info("SCP03t %02X refused: %s", tag, err)
            code = scp03t.code_of(err)
        self.forget(aid)
        return scp03t.error_answer(tag, code)

    def forget(self, aid: bytes) -> None:
        """Drop the session with an ISD-P and what it brought."""
        self._running.pop(aid, None)

    def _process(self, aid: bytes, tag: int, raw: bytes) -> bytes:
        if tag == scp03t.INITIALIZE_UPDATE:
            return self._initialize(aid, raw)
        if tag not in _SESSION_TAGS:
            raise CodecError(f"{tag:02X} is not an SCP03t object")
        running = self._running.get(aid)
        if running is None:
            raise SecureChannelError("no SCP03t session is open")
        if tag == scp03t.EXTERNAL_AUTHENTICATE:
            self._channels.attempted(aid, running.offer.keys.kvn)
            answer = running.session.authenticate(raw)
            self._channels.authenticated(aid, running.offer)
            return answer
        if tag == scp03t.REPLACE_SESSION_KEYS:
            running.session.replace_session_keys(raw)
            return running.session.wrap(tag=tag)
        response = self._take(aid, running, running.session.unwrap(raw))
        if response is None:
            return running.session.wrap()
        self.forget(aid)
        return running.session.wrap(response.encode())

    def _initialize(self, aid: bytes, raw: bytes) -> bytes:
        self.forget(aid)
        request = scp03t.parse_tlv_initialize_update(raw)
        record = self._registry.require(aid)
        if record.installed:
            raise RefusalError(0x6985, f"ISD-P {aid.hex()} has a profile")
        offer = self._channels.offer(aid, request.kvn, len(request.host_challenge))
        session = TlvCardSession(
            offer.keys, request, challenge=offer.challenge, counter=offer.counter
        )
        self._running[aid] = _Download(session, offer, self._room(record))
        return session.answer()

    def _room(self, record: IsdP) -> int:
        return self._registry.free() + record.granted

    def _take(self, aid: bytes, running: _Download, piece: bytes) -> EuiccResponse | None:
        """Take one piece; return the response when the package is whole or refused."""
        try:
            whole = running.package.feed(piece)
            if whole is None:
                return None
            profile = install(whole, aid)
            self._install(aid, profile, test=inspect(whole).is_test)
        except InstallError as err:
            log.info("profile refused: %s", err)
            return EuiccResponse((err.status,), aborted=True)
        except OSError as err:
            failure = InstallError(Status.MEMORY_FAILURE, str(err))
            log.warning("profile not installed: %s", failure)
            return EuiccResponse((failure.status,), aborted=True)
        return profile.response

    def _install(self, aid: bytes, profile: InstalledProfile, *, test: bool) -> None:
        record = replace(self._registry.require(aid), test=test)
        used = profile.size()
        if used > self._room(record):
            raise InstallError(Status.NOT_ENOUGH_MEMORY, f"{used} bytes of {self._room(record)}")
        with self._nvm.transaction() as change:
            save_profile(change, self._registry, record, profile, LifeCycle.DISABLED)
        log.info("profile installed in %s: %d bytes", aid.hex(), used)
