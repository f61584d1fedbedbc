"""One connection to the administration server: TLS, HTTP and scripts (GlobalPlatform Amendment B).

Bytes in, bytes out, over whatever carries them. The card posts, the server answers with a script
and where its response is to go; 204 without a next URI ends the dialogue.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc.admin_store import Progress
from hil.wire import admin_http
from hil.wire.admin_http import AdminPost, ScriptStatus
from hil.wire.http_reader import HttpResponse, HttpResponseReader
from hil.wire.identifiers import ISD_R_AID

if TYPE_CHECKING:
    from hil.wire.tls.client import TlsClient

log = logging.getLogger(__name__)

_OK, _NO_CONTENT = 200, 204
_COMMANDS: Final = admin_http.COMMANDS.partition(";")[0]


@dataclass(frozen=True, slots=True)
class Caller:
    """What every request of a dialogue says of its sender."""

    host: str
    agent_id: str


class AdminDialogue:
    """Speaks until ``over``. ``run`` executes a script on an application, ``None`` if unknown.

    ``note`` writes progress into the card's memory, before a script is begun and when it has ended.
    """

    def __init__(
        self,
        tls: TlsClient,
        caller: Caller,
        first: AdminPost,
        *,
        run: Callable[[bytes, bytes], bytes | None],
        note: Callable[[Progress], None],
    ) -> None:
        self._tls = tls
        self._caller = caller
        self._post: AdminPost | None = first
        self._run = run
        self._note = note
        self._reader = HttpResponseReader()
        self.over = False

    def outgoing(self) -> bytes:
        """Return what is to be sent to the server."""
        return self._tls.outgoing()

    def receive(self, data: bytes) -> None:
        """Take bytes of the server; :class:`CodecError` when it breaks TLS or HTTP."""
        self._tls.receive(data)
        if self._tls.established and self._post is not None:
            self._send()
        self._reader.feed(self._tls.read())
        while not self.over and (response := self._reader.next()) is not None:
            self._answer(response)
        if self._tls.peer_closed and not self.over:
            raise CodecError("the server closed the connection in the middle of the dialogue")

    def _send(self) -> None:
        post, self._post = self._post, None
        if post is not None:
            log.info("POST %s, script status %s", post.uri, post.status or "none")
            self._tls.write(post.encode())

    def _answer(self, response: HttpResponse) -> None:
        following = response.get(admin_http.X_NEXT_URI)
        if response.status == _NO_CONTENT:
            if following is None:
                self._end()
                return
            progress = Progress(admin_http.next_uri(following))
            self._note(progress)
        elif response.status == _OK:
            executed = self._execute(response, following)
            if executed is None:
                return
            progress = executed
        else:
            raise CodecError(f"the server answers with HTTP status {response.status}")
        self._post = post_of(progress, self._caller)
        self._send()

    def _execute(self, response: HttpResponse, following: str | None) -> Progress | None:
        """Run a script once; return what to post, or None where the server wants no answer."""
        kind = (response.get("Content-Type") or "").partition(";")[0].strip().lower()
        if kind != _COMMANDS:
            raise CodecError(f"the server sends {kind[:80]!r}, not a command script")
        targeted = response.get(admin_http.X_TARGET)
        aid = ISD_R_AID if targeted is None else admin_http.parse_target(targeted)
        uri = "" if following is None else admin_http.next_uri(following)
        self._note(Progress(uri, running=True))
        answer = self._run(aid, response.body)
        if not uri:
            self._end()
            return None
        if answer is None:
            progress = Progress(uri, ScriptStatus.UNKNOWN_APPLICATION)
        else:
            progress = Progress(uri, ScriptStatus.OK, answer)
        self._note(progress)
        return progress

    def _end(self) -> None:
        self._tls.close()
        self.over = True


def post_of(progress: Progress, caller: Caller, *, resume: bool = False) -> AdminPost:
    """Return the request that goes on where ``progress`` stands."""
    return AdminPost(
        progress.uri, caller.host, caller.agent_id, progress.status, progress.body, resume
    )
