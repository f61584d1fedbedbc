"""What the card remembers of administration sessions over a loss of power."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cbor2

from hil.virtual.euicc.admin_settings import AdminSettings
from hil.wire.admin_http import ScriptStatus

if TYPE_CHECKING:
    from hil.virtual.euicc.nvm import Nvm, Transaction

_SETTINGS: Final = "admin/settings"
_PENDING: Final = "admin/pending"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a dialogue stands: the request that is to be sent next, or again.

    ``status`` None with ``running`` true: a script was begun, and what became of it is not known.
    It is never begun again.
    """

    uri: str
    status: ScriptStatus | None = None
    body: bytes | None = None
    running: bool = False


@dataclass(frozen=True, slots=True)
class Pending:
    """A session that was asked for and has not ended: ``request`` as it came, retries left."""

    request: bytes
    retries: int
    progress: Progress | None = None


class AdminStore:
    """Settings and the pending session in non-volatile memory."""

    def __init__(self, nvm: Nvm) -> None:
        self._nvm = nvm

    @property
    def settings(self) -> AdminSettings | None:
        """Where the administration server is, ``None`` for a card without SCP81."""
        raw = self._nvm.get(_SETTINGS)
        return None if raw is None else AdminSettings.decode(raw)

    def put_settings(self, change: Transaction, settings: AdminSettings) -> None:
        """Write the settings as part of a transaction."""
        change.put(_SETTINGS, settings.encode())

    @property
    def pending(self) -> Pending | None:
        """The session that has not ended, ``None`` for none."""
        raw = self._nvm.get(_PENDING)
        if raw is None:
            return None
        request, retries, progress = cbor2.loads(raw)
        if progress is None:
            return Pending(request, retries)
        uri, status, body, running = progress
        known = None if status is None else ScriptStatus(status)
        return Pending(request, retries, Progress(uri, known, body, running))

    def put_pending(self, pending: Pending) -> None:
        """Write the pending session, before what it tells of is done."""
        one = pending.progress
        progress = None if one is None else [one.uri, one.status, one.body, one.running]
        with self._nvm.transaction() as change:
            change.put(_PENDING, cbor2.dumps([pending.request, pending.retries, progress]))

    def end(self) -> None:
        """Forget the pending session."""
        with self._nvm.transaction() as change:
            change.delete(_PENDING)
