"""Forms of a request that HTTP allows and a router by path does not know (RFC 9110, RFC 9112)."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send


class AnyForm:
    """Lets the application see every request as one for a path, and HEAD as GET.

    A target may be a whole URL (RFC 9112, 3.2.2). HEAD is answered as GET without the body (RFC
    9110, 9.3.2), which the server leaves out by itself.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on the request in its plain form."""
        if scope["type"] == "http":
            scope = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
            if scope["path"].startswith(("http://", "https://")):
                raw = urlsplit(scope["raw_path"].decode("ascii")).path or "/"
                scope = {**scope, "path": unquote(raw), "raw_path": raw.encode("ascii")}
        await self._app(scope, receive, send)


def methods_of(scope: Scope) -> list[str]:
    """Return the methods that the path of a request takes, sorted."""
    found: set[str] = set()
    for route in scope["app"].routes:
        if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE:
            found |= route.methods or set()
    if "GET" in found:
        found.add("HEAD")
    return sorted(found)
