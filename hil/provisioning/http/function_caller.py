"""Any function of any server, called by its name and the fields of its JSON."""

from __future__ import annotations

import json
from typing import Any

from hil.errors import ProtocolError
from hil.provisioning.http.client import PeerClient


class FunctionCaller(PeerClient):
    """Calls what docs/servers.md lists, such as ``es4/EnableProfile``, with any fields.

    It checks nothing of what it sends, so that wrong calls can be made as well as right ones.
    """

    def function(
        self, name: str, fields: dict[str, Any], *, identifier: str | None = None
    ) -> dict[str, Any]:
        """Call a function in a session; return the JSON object of its answer, empty for none.

        ``identifier``: what the header names the call, by default one of the client's own making;
        ``""`` sends no such header.
        Raises :class:`Refusal` with the server's reason, and what :class:`PeerClient` raises.
        """
        body = json.dumps(fields).encode()
        raw, _ = self._exchange("POST", f"/{name}", body, session=self.session(), call=identifier)
        return self._object(raw)

    def ask(self, path: str) -> dict[str, Any]:
        """Get a JSON object in a session."""
        raw, _ = self._exchange("GET", f"/{path}", None, session=self.session())
        return self._object(raw)

    def without_session(self, name: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Call a function as nobody: with the caller's certificate, but in no session."""
        raw, _ = self._exchange("POST", f"/{name}", json.dumps(fields).encode(), session=None)
        return self._object(raw)

    def _object(self, raw: bytes) -> dict[str, Any]:
        try:
            found = json.loads(raw) if raw else {}
        except ValueError:
            raise ProtocolError(f"{self.owner} answered with something else than JSON") from None
        if not isinstance(found, dict):
            raise ProtocolError(f"{self.owner} answered with something else than a JSON object")
        return found
