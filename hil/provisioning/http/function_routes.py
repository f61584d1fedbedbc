"""Routes that change something carry a function call identifier and are carried out once.

The identifier stands in the header ``Function-Call-Identifier``, or in the field
``functionCallIdentifier`` of a JSON body; the validity period (seconds) in ``Validity-Period`` or
``validityPeriod`` (SGP.02 annex A). Who the requester is, the session says;
``functionRequesterId`` is taken only when it says the same.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import wraps
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.concurrency import run_in_threadpool

from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.function_calls import (
    MAX_IDENTIFIER,
    Answer,
    FunctionCall,
    Ledger,
    digest_of,
)
from hil.provisioning.http.description import BEHIND_A_SESSION
from hil.provisioning.trust import Peer

CALL_HEADER: Final = "Function-Call-Identifier"
VALIDITY_HEADER: Final = "Validity-Period"
MAX_VALIDITY_S: Final = 365 * 86_400
OF_SGP02: Final = re.compile(r"/es\d/")
"""Paths of the functions of SGP.02: they are refused without a function call identifier."""
BODY_KEY: Final = "hil.body"
RECEIVED_KEY: Final = "hil.received"

SHORT_BODY: Final = 16 * 1024
"""Bytes of a body that are read in less time than a change of thread takes."""

HEADERS: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": CALL_HEADER,
        "in": "header",
        "required": False,
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_IDENTIFIER},
        "description": "names this call: a repetition with the same identifier is answered as "
        "before and changes nothing",
    },
    {
        "name": VALIDITY_HEADER,
        "in": "header",
        "required": False,
        "schema": {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_VALIDITY_S},
        "description": "seconds in which this call may be carried out; only with an identifier",
    },
)
"""How these headers are described (OpenAPI 3.1, 4.8.12)."""

_CHANGING: Final = frozenset(("POST", "PUT", "PATCH", "DELETE"))
_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])


def spans_peers(endpoint: _Endpoint) -> _Endpoint:
    """Mark a function that calls peers: it cannot be one transaction with its answer."""
    endpoint.__dict__["spans_peers"] = True
    return endpoint


def needs_identifier(endpoint: _Endpoint) -> _Endpoint:
    """Mark a function that is refused without a function call identifier."""
    endpoint.__dict__["needs_identifier"] = True
    return endpoint


def function_route(ledger: Ledger, peer_of: Callable[[Request], Awaitable[Peer]]) -> type[APIRoute]:
    """Return the class of routes whose functions go through ``ledger``.

    ``peer_of`` gives the authenticated caller of a request.
    """

    async def asked(request: Request) -> FunctionCall | None:
        peer = await peer_of(request)
        if len(request.scope.get(BODY_KEY, b"")) > SHORT_BODY:
            return await run_in_threadpool(call_of, request, peer)
        return call_of(request, peer)

    def call_of(request: Request, peer: Peer) -> FunctionCall | None:
        header = request.headers.get(CALL_HEADER)
        validity = _number(request.headers.get(VALIDITY_HEADER))
        body: bytes = request.scope.get(BODY_KEY, b"")
        fields = _fields(request, body)
        requester = fields.get("functionRequesterId")
        if requester is not None and requester != peer.id:
            raise Refusal(
                RefusalCode.NOT_ALLOWED,
                f"functionRequesterId is {requester!r}, but the session is that of {peer.id}",
            )
        identifier = _same(header, fields.get("functionCallIdentifier"), CALL_HEADER)
        validity = _same(validity, fields.get("validityPeriod"), VALIDITY_HEADER)
        if identifier is None:
            if validity is not None:
                # It would be overlooked, and what is stale would be carried out.
                raise Refusal(
                    RefusalCode.INCOMPLETE,
                    "a validity period needs a function call identifier",
                )
            return None
        if not _is_identifier(identifier):
            raise Refusal(
                RefusalCode.INVALID,
                f"a function call identifier has 1 to {MAX_IDENTIFIER} printable characters",
            )
        seconds = _seconds(validity)
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        received = request.scope.get(RECEIVED_KEY, ledger.clock())
        return FunctionCall(
            caller=peer.id,
            identifier=identifier,
            digest=digest_of(request.method, target, body),
            until=None if seconds is None else received + seconds,
        )

    class FunctionRoute(APIRoute):
        """A route; what changes something is carried out once for each identifier."""

        def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:  # noqa: ANN401 - FastAPI's own
            described = {**(options.pop("openapi_extra", None) or {}), **BEHIND_A_SESSION}
            if _CHANGING & set(options.get("methods") or ()):
                named = bool(OF_SGP02.match(path))
                if named:
                    endpoint = needs_identifier(endpoint)
                endpoint = _once(endpoint, ledger, asked, options.get("status_code") or 200)
                described["parameters"] = [HEADERS[0] | {"required": named}, HEADERS[1]]
            super().__init__(path, endpoint, openapi_extra=described, **options)

    return FunctionRoute


def _once(
    endpoint: Callable[..., Any],
    ledger: Ledger,
    asked: Callable[[Request], Awaitable[FunctionCall | None]],
    status: int,
) -> Callable[..., Any]:
    signature = inspect.signature(endpoint, eval_str=True)
    spanning = bool(endpoint.__dict__.get("spans_peers"))
    needed = bool(endpoint.__dict__.get("needs_identifier"))
    declared = signature.return_annotation
    adapter = None if declared in (None, Response) else TypeAdapter(declared)

    @wraps(endpoint)
    def carried_out_once(*, function_call: FunctionCall | None, **values: Any) -> object:  # noqa: ANN401 - the endpoint's
        if function_call is None:
            if needed:
                raise Refusal(
                    RefusalCode.INCOMPLETE,
                    f"this function needs a function call identifier (header {CALL_HEADER} or "
                    "field functionCallIdentifier)",
                )
            return endpoint(**values)

        def act() -> Answer:
            return _answer(endpoint(**values), adapter, status)

        answer = ledger.once(function_call, act, spanning=spanning)
        return Response(answer.body, status_code=answer.status, headers=answer.headers)

    extra = inspect.Parameter(
        "function_call",
        inspect.Parameter.KEYWORD_ONLY,
        annotation=Annotated[FunctionCall | None, Depends(asked)],
    )
    parameters = [*signature.parameters.values(), extra]
    carried_out_once.__dict__["__signature__"] = signature.replace(parameters=parameters)
    return carried_out_once


def _answer(value: object, adapter: TypeAdapter[Any] | None, status: int) -> Answer:
    if isinstance(value, Response):
        headers = {
            name: text for name, text in value.headers.items() if name.lower() != "content-length"
        }
        return Answer(value.status_code, bytes(value.body), headers)
    if adapter is None:
        return Answer(status, b"")
    return Answer(status, adapter.dump_json(value), {"content-type": "application/json"})


def _fields(request: Request, body: bytes) -> dict[str, Any]:
    if not is_json(request.headers.get("content-type", "")):
        return {}
    with suppress(ValueError, RecursionError):
        found = json.loads(body)
        if isinstance(found, dict):
            return found
    return {}


def is_json(content_type: str) -> bool:
    """Whether FastAPI reads a body of this content type as JSON."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind.startswith("application/") and (kind[12:] == "json" or kind.endswith("+json"))


def _same(header: Any, body: Any, name: str) -> Any:  # noqa: ANN401 - whatever was sent
    if header is not None and body is not None and header != body:
        raise Refusal(RefusalCode.INVALID, f"header {name} and the body say different things")
    return body if header is None else header


def _number(header: str | None) -> float | None:
    if header is None:
        return None
    try:
        return float(header)
    except ValueError:
        raise Refusal(RefusalCode.INVALID, f"{VALIDITY_HEADER} is no number of seconds") from None


def _is_identifier(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_IDENTIFIER and value.isprintable()


def _seconds(value: Any) -> float | None:  # noqa: ANN401 - whatever was sent
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refusal(RefusalCode.INVALID, "a validity period is a number of seconds")
    if not 0 < value <= MAX_VALIDITY_S:
        raise Refusal(RefusalCode.INVALID, f"a validity period is 1 to {MAX_VALIDITY_S} seconds")
    return float(value)
