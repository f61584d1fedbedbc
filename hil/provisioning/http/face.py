"""What all faces share: sessions, limits, and errors that tell their reason but no secret."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.security.utils import get_authorization_scheme_param
from sqlalchemy.exc import DataError, OperationalError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hil.errors import CodecError, LinkError, LinkTimeoutError
from hil.provisioning.door import PeerDoor, require_role
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.function_calls import Ledger
from hil.provisioning.http.description import BEHIND_A_SESSION, ERROR_CONTENT, describe
from hil.provisioning.http.function_routes import (
    BODY_KEY,
    RECEIVED_KEY,
    function_route,
    is_json,
)
from hil.provisioning.http.messages import (
    ChallengeAnswer,
    ChallengeRequest,
    ErrorAnswer,
    ErrorBody,
    ProofRequest,
)
from hil.provisioning.http.request_forms import AnyForm, methods_of
from hil.provisioning.http.tls import certificate_gate, check_initiator
from hil.provisioning.trust import Peer, Role

log = logging.getLogger(__name__)

MAX_BODY: Final = 8 * 1024 * 1024
"""Longest request body in bytes: a packet set of a large profile is a tenth of it."""

BODY_SECONDS: Final = 30.0
"""How long a request body may take to arrive."""

LINK: Final = "link"
LINK_TIMEOUT: Final = "link-timeout"
INTERNAL: Final = "internal"

_STATUS: Final = {
    RefusalCode.UNKNOWN_PEER: 401,
    RefusalCode.NOT_AUTHENTICATED: 401,
    RefusalCode.NOT_ALLOWED: 403,
    RefusalCode.DEVICE_REFUSED: 403,
    RefusalCode.UNKNOWN: 404,
    RefusalCode.WRONG_STATE: 409,
    RefusalCode.EXISTS: 409,
    RefusalCode.POLICY: 409,
    RefusalCode.EXPIRED: 409,
    RefusalCode.NO_ROUTE: 409,
    RefusalCode.TOO_LARGE: 413,
    RefusalCode.ATTEMPTS_EXHAUSTED: 423,
}

_ANSWERS: Final = {
    400: {"description": "not HTTP, or not JSON"},
    401: {"description": "no session, or not one of this server"},
    403: {"description": "another role, another certificate, or not the caller's own"},
    404: {"description": "there is no such thing here"},
    408: {"description": "the request took too long to arrive"},
    409: {"description": "the state or a policy forbids it, or it is there already"},
    413: {"description": "too long"},
    415: {"description": "a body of another content type than JSON"},
    422: {"description": "incomplete or invalid"},
    423: {"description": "all attempts are used up"},
    500: {"description": "a mistake of the server"},
    503: {"description": "a peer or the store cannot be reached, or there are too many callers"},
    504: {"description": "a peer kept silent"},
}


def _error(
    status: int,
    code: str,
    reason: str,
    details: dict[str, str | int] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = ErrorAnswer(error=ErrorBody(code=code, reason=reason, details=details or {}))
    answer = JSONResponse(body.model_dump(), status_code=status, headers=headers)
    if status == 401:
        # RFC 9110, 15.5.2: a 401 says how to authenticate.
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def new_face(title: str, kind: str, door: PeerDoor, ledger: Ledger) -> FastAPI:
    """Return an application with sessions, health and error handling, ready for its own routes.

    Routes that are added to it and change something go through ``ledger`` (see
    :mod:`hil.provisioning.http.function_routes`).
    """
    gate = Depends(certificate_gate(door))
    app = FastAPI(
        title=title,
        docs_url=None,
        redoc_url=None,
        dependencies=[gate],
        responses={status: {**row, "content": ERROR_CONTENT} for status, row in _ANSWERS.items()},
    )
    app.add_middleware(BodyLimit)
    app.add_middleware(AnyForm)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(LinkError, _link_lost)
    app.add_exception_handler(CodecError, _unreadable)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(OperationalError, _store_lost)
    app.add_exception_handler(DataError, _unstorable)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _internal)

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"ready": kind, "id": door.owner}

    @app.post("/sessions")
    def challenge(asked: Request, request: ChallengeRequest) -> ChallengeAnswer:
        check_initiator(asked, request.initiator)
        return ChallengeAnswer.of(door.challenge(request.initiator, request.nonce))

    @app.post("/sessions/proof", status_code=204, openapi_extra=BEHIND_A_SESSION)
    def prove(request: ProofRequest, session: str = Depends(token)) -> None:
        door.prove(session, request.proof)

    app.router.route_class = function_route(ledger, caller_of(door))
    describe(app, kind)
    return app


async def token(request: Request) -> str:
    """Return the bearer token of a request (RFC 6750, 2.1); refuse a request without one.

    This and :func:`caller_of` look into memory only: as coroutines they cost no change of thread.
    They take the request as it is: each parameter that FastAPI analyses costs every function of a
    server a part of the time in which the server starts.
    """
    scheme, session = get_authorization_scheme_param(request.headers.get("authorization"))
    if scheme.lower() != "bearer" or not session:
        raise Refusal(
            RefusalCode.NOT_AUTHENTICATED, "no session: authenticate at POST /sessions first"
        )
    return session


def caller_of(door: PeerDoor, *roles: Role) -> Callable[..., Awaitable[Peer]]:
    """Return a dependency that gives the authenticated peer, and refuses other roles than these."""

    async def caller(request: Request) -> Peer:
        session = await token(request)
        if roles:
            require_role(door.principal(session), *roles)
        return door.peer(session)

    return caller


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)  # noqa: S101 - registered for this class only
    return _error(_STATUS.get(error.code, 422), error.code.value, error.reason, error.details)


async def _link_lost(_request: Request, error: Exception) -> Response:
    if isinstance(error, LinkTimeoutError):
        return _error(504, LINK_TIMEOUT, str(error))
    return _error(503, LINK, str(error))


async def _unreadable(_request: Request, error: Exception) -> Response:
    return _error(422, RefusalCode.INVALID.value, str(error))


async def _store_lost(request: Request, error: Exception) -> Response:
    log.error("%s %s: store: %s", request.method, request.url.path, type(error).__name__)
    return _error(503, LINK, "the server's store cannot be reached; nothing was changed")


async def _unstorable(_request: Request, _what: Exception) -> Response:
    return _error(422, RefusalCode.INVALID.value, "a value is too long or cannot be stored")


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    kind = request.headers.get("content-type", "")
    status = 422
    for row in error.errors():
        if row["type"] == "json_invalid":
            status = 400
        elif tuple(row["loc"]) == ("body",) and request.scope.get(BODY_KEY) and not is_json(kind):
            return _error(
                415, RefusalCode.INVALID.value, "the body is to be JSON: Content-Type is another"
            )
    # Only where and what: the input itself may hold a key.
    reasons = [
        f"{'.'.join(str(part) for part in row['loc'])}: {row['msg']}" for row in error.errors()[:5]
    ]
    return _error(status, RefusalCode.INVALID.value, "; ".join(reasons))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(methods_of(request.scope))
    return _error(error.status_code, RefusalCode.INVALID.value, str(error.detail), headers=headers)


async def _internal(request: Request, error: Exception) -> Response:
    log.error("%s %s: %s", request.method, request.url.path, type(error).__name__)
    return _error(500, INTERNAL, f"internal error: {type(error).__name__}; see the server's log")


class BodyLimit:
    """Refuses request bodies that are too long or too slow, before anything reads them whole."""

    def __init__(
        self, app: ASGIApp, *, max_body: int = MAX_BODY, seconds: float = BODY_SECONDS
    ) -> None:
        self._app = app
        self._max_body = max_body
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body within its limits, then let the application have it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault(RECEIVED_KEY, time.time())
        names = {name for name, _ in scope["headers"]}
        if names >= {b"content-length", b"transfer-encoding"}:
            # Two lengths: whoever stands between may see another request than we do (RFC 9112 6.3).
            answer = _error(400, RefusalCode.INVALID.value, "a body has one length, not two")
            answer.headers["connection"] = "close"
            await answer(scope, receive, send)
            return
        try:
            body = await asyncio.wait_for(self._read(scope, receive), self._seconds)
        except TimeoutError:
            # RFC 9110, 15.5.9; what still comes of the body is nobody's request.
            answer = _error(408, LINK_TIMEOUT, f"body did not arrive in {self._seconds:g} s")
            answer.headers["connection"] = "close"
            await answer(scope, receive, send)
            return
        if body is None:
            await _error(
                413, RefusalCode.TOO_LARGE.value, f"body is longer than {self._max_body} bytes"
            )(scope, receive, send)
            return
        scope[BODY_KEY] = body
        handed_over = False

        async def replay() -> Message:
            nonlocal handed_over
            if handed_over:
                return await receive()
            handed_over = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > self._max_body:
            return None
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return b"".join(parts)
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._max_body:
                return None
            parts.append(chunk)
            if not message.get("more_body", False):
                return b"".join(parts)
