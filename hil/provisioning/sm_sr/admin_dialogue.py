"""What an SM-SR answers to the posts of a card (GlobalPlatform Amendment B, 3.4).

Each script's response goes to a URI of its own, ``…?command=N``, so every post tells which script
the card has finished. A post in resume mode says that the script after that one did not arrive: it
is handed out again. In any other post after a handed-out script, nobody knows whether it ran: the
command stays unanswered, and the job asks the card.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Row

from hil.errors import CodecError
from hil.provisioning.sm_sr.ota_queue import OtaQueue
from hil.wire import admin_http
from hil.wire.admin_http import ScriptStatus
from hil.wire.identifiers import ISD_R_TAR, isd_p_aid

log = logging.getLogger(__name__)

_QUERY: Final = re.compile(r"command=([0-9]{1,12})")
_RESPONSES: Final = (
    admin_http.RESPONSES.partition(";")[0],
    "application/vnd.etsi.scp.response-data",
)


@dataclass(frozen=True, slots=True)
class Post:
    """One request as it was read; header fields by lower-case name."""

    method: str
    uri: str
    fields: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back."""

    status: int
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def last(self) -> bool:
        """Whether the connection ends with it."""
        return self.status != 200


class AdminDialogue:
    """Answers one eUICC, whose identity TLS has proven."""

    def __init__(self, queue: OtaQueue, eid: str, uri: str) -> None:
        self._queue = queue
        self._eid = eid
        self._uri = uri

    def open(self) -> AbstractContextManager[None]:
        """Return a context in which the card is known to be here."""
        return self._queue.session(self._eid)

    def answer(self, post: Post) -> Reply:
        """Take what a post brings and return the next script, 204 when there is none."""
        path, _, query = post.uri.partition("?")
        match = _QUERY.fullmatch(query)
        refusal = self._refusal(post, path, bool(query) and match is None)
        if refusal:
            log.warning("post of %s refused with %d", self._eid, refusal)
            return Reply(refusal)
        resume = post.fields.get("x-admin-resume", "").lower() == "true"
        if match is not None:
            self._take(int(match[1]), post, resume=resume)
        row = self._queue.handed_out(self._eid)
        if row is not None and not resume:
            self._queue.leave_open(row, "the card began anew: whether this ran is not known")
            row = None
        row = row or self._queue.hand_out(self._eid)
        return self._script(row) if row is not None else _reply(204)

    def _refusal(self, post: Post, path: str, bad_query: bool) -> int:
        if path != self._uri or bad_query:
            return 404
        if post.method != "POST":
            return 405
        if post.fields.get("x-admin-protocol") != admin_http.PROTOCOL:
            return 400
        kind = post.fields.get("content-type", "").partition(";")[0].strip().lower()
        if post.body and kind not in _RESPONSES:
            return 415
        try:
            eid, _ = admin_http.parse_agent_id(post.fields.get("x-admin-from", ""))
        except CodecError:
            # An agent id may have another form; TLS has proven who this is.
            return 0
        return 0 if eid == self._eid else 403

    def _take(self, command: int, post: Post, *, resume: bool) -> None:
        row = self._queue.command(self._eid, command)
        if row is None:
            log.warning("%s answers a command that is not one of its own", self._eid)
            return
        status = post.fields.get("x-admin-script-status")
        if status == ScriptStatus.OK:
            self._queue.take_response(row, post.body)
        elif status is not None:
            self._queue.refuse(row, f"the card answers {status[:60]}")
        elif resume:
            self._queue.leave_open(row, "the card lost its power while this ran")

    def _script(self, row: Row[Any]) -> Reply:
        fields = [
            (admin_http.X_PROTOCOL, admin_http.PROTOCOL),
            (admin_http.X_NEXT_URI, f"{self._uri}?command={row.id}"),
            ("Content-Type", admin_http.COMMANDS),
        ]
        if bytes(row.tar) != ISD_R_TAR:
            aid = isd_p_aid(int.from_bytes(bytes(row.tar), "big"))
            fields.append((admin_http.X_TARGET, admin_http.target(aid)))
        return Reply(200, tuple(fields), bytes(row.script))


def _reply(status: int) -> Reply:
    return Reply(status, ((admin_http.X_PROTOCOL, admin_http.PROTOCOL),))
