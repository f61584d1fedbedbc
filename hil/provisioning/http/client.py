"""One server as a client sees it: mutual authentication, deadlines, errors with their reasons."""

from __future__ import annotations

import ssl
import threading
import time
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self, TypeVar

import httpx2
from pydantic import TypeAdapter, ValidationError

from hil.errors import LinkError, LinkTimeoutError, ProductError, ProtocolError
from hil.observer import Direction, Exchange, NullObserver, Observer
from hil.provisioning.door import DoorChallenge, enter
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.function_calls import digest_of, new_identifier
from hil.provisioning.http import messages as m
from hil.provisioning.http.face import LINK, LINK_TIMEOUT
from hil.provisioning.http.function_routes import (
    CALL_HEADER,
    MAX_VALIDITY_S,
    VALIDITY_HEADER,
)
from hil.provisioning.store import in_transaction
from hil.provisioning.trust import PeerKeySet
from hil.provisioning.validity import handed_on

DEFAULT_TIMEOUT_S: Final = 30.0
MAX_ANSWER: Final = 16 * 1024 * 1024
KEPT_SECONDS: Final = 30.0
"""How long a connection without work is kept: half of what these servers keep it, so that the
client closes first and no request meets a closed one."""
CONNECTIONS: Final = 100
KEPT_CONNECTIONS: Final = 20

_Answer = TypeVar("_Answer")


class PeerClient:
    """Speaks to the server ``owner`` at ``base_url`` as the peer ``me``.

    The session is opened at the first call that needs one, and again when the server has forgotten
    it. Raises :class:`Refusal` with the server's reason, :class:`LinkError` for an absent server,
    :class:`LinkTimeoutError` for a slow one, :class:`ProtocolError` for one that answers rubbish.
    ``tls`` is for servers behind https; without it no certificate is trusted. ``server_name`` is
    what the server's certificate must name, the host of the URL by default.
    """

    def __init__(
        self,
        base_url: str,
        owner: str,
        me: str,
        keys: PeerKeySet,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        observer: Observer | None = None,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
    ) -> None:
        self.owner = owner
        self.me = me
        self.keys = keys
        self._base_url = base_url.rstrip("/")
        self._timeout_s = timeout_s
        self._observer = observer or NullObserver()
        self._session: str | None = None
        self._lock = threading.Lock()
        self._extensions = {} if server_name is None else {"sni_hostname": server_name}
        self._http = httpx2.Client(
            timeout=httpx2.Timeout(timeout_s),
            trust_env=False,
            verify=tls or _trusts_nobody(),
            limits=httpx2.Limits(
                max_connections=CONNECTIONS,
                max_keepalive_connections=KEPT_CONNECTIONS,
                keepalive_expiry=KEPT_SECONDS,
            ),
        )

    def close(self) -> None:
        """Close the connections; may be called again."""
        self._http.close()

    @property
    def closed(self) -> bool:
        """Whether nothing can be asked any more."""
        return self._http.is_closed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def challenge(self, initiator: str, nonce: bytes) -> DoorChallenge:
        """Ask the server to prove itself."""
        body = m.ChallengeRequest(initiator=initiator, nonce=nonce)
        answer = self._json("POST", "/sessions", m.ChallengeAnswer, body, session=None)
        return DoorChallenge(**answer.values())

    def prove(self, session: str, proof: bytes) -> None:
        """Prove oneself to the server."""
        body = m.ProofRequest(proof=proof)
        self._exchange("POST", "/sessions/proof", _dumped(body), session=session)

    def health(self) -> dict[str, str]:
        """Ask what the server is."""
        adapter = TypeAdapter(dict[str, str])
        return _read(adapter, self._exchange("GET", "/health", None, session=None)[0], self.owner)

    def call(
        self,
        method: str,
        path: str,
        answer: type[_Answer],
        body: m.Message | None = None,
        *,
        timeout_s: float | None = None,
    ) -> _Answer:
        """Exchange JSON in a session; ``answer`` is the type of what comes back."""
        raw, _ = self.send(method, path, _dumped(body), timeout_s=timeout_s)
        return _read(TypeAdapter(answer), raw, self.owner)

    def tell(self, method: str, path: str, body: m.Message | None = None) -> None:
        """Send JSON in a session, for an answer without content."""
        self.send(method, path, _dumped(body))

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        *,
        content_type: str = "application/json",
        timeout_s: float | None = None,
    ) -> tuple[bytes, dict[str, str]]:
        """Exchange bytes in a session; return the body and the headers of the answer."""
        session = self.session()
        # The same for the second try below.
        call = _identifier(method, path, body)
        try:
            return self._exchange(
                method,
                path,
                body,
                session=session,
                content_type=content_type,
                timeout_s=timeout_s,
                call=call,
            )
        except Refusal as refusal:
            if refusal.code is not RefusalCode.NOT_AUTHENTICATED:
                raise
        # The server may have been restarted: authenticate anew, once.
        with self._lock:
            if self._session == session:
                self._session = None
        return self._exchange(
            method,
            path,
            body,
            session=self.session(),
            content_type=content_type,
            timeout_s=timeout_s,
            call=call,
        )

    def session(self) -> str:
        """Return the session, opened now if need be."""
        with self._lock:
            if self._session is None:
                self._session = enter(self, self.me, self.keys)
            return self._session

    def _json(
        self,
        method: str,
        path: str,
        answer: type[_Answer],
        body: m.Message,
        *,
        session: str | None,
    ) -> _Answer:
        raw, _ = self._exchange(method, path, _dumped(body), session=session)
        return _read(TypeAdapter(answer), raw, self.owner)

    def _exchange(
        self,
        method: str,
        path: str,
        body: bytes | None,
        *,
        session: str | None,
        content_type: str = "application/json",
        timeout_s: float | None = None,
        call: str | None = None,
    ) -> tuple[bytes, dict[str, str]]:
        if in_transaction():
            raise RuntimeError(f"{method} {path} of {self.owner} is called within a transaction")
        headers = {"Content-Type": content_type} if body is not None else {}
        if session is not None:
            headers["Authorization"] = f"Bearer {session}"
            if method != "GET" and call != "":
                headers[CALL_HEADER] = call or _identifier(method, path, body)
                headers |= _validity(self.owner)
        size = f" ({len(body)} bytes)" if body else ""
        self._observe("out", f"{method} {path}{size}")
        limit_s = timeout_s if timeout_s is not None else self._timeout_s
        deadline = time.monotonic() + limit_s
        try:
            with self._http.stream(
                method,
                self._base_url + path,
                content=body,
                headers=headers,
                timeout=httpx2.Timeout(limit_s),
                extensions=self._extensions,
            ) as answer:
                content = self._content(answer, deadline, limit_s)
                status, found = answer.status_code, dict(answer.headers)
        except httpx2.TimeoutException as err:
            raise LinkTimeoutError(
                f"{self.owner} at {self._base_url} kept silent for {limit_s:g} s at {method} {path}"
            ) from err
        except httpx2.HTTPError as err:
            raise LinkError(
                f"{self.owner} at {self._base_url} cannot be reached at {method} {path}: "
                f"{_why(err)}"
            ) from err
        except RuntimeError as err:
            if not self.closed:
                raise
            raise LinkError(f"{self.owner}: the connections to it were closed") from err
        self._observe("in", f"{status} ({len(content)} bytes)")
        if status >= 400:
            raise _failure(status, content, f"{self.owner} at {method} {path}")
        return content, found

    def _content(self, answer: httpx2.Response, deadline: float, limit_s: float) -> bytes:
        parts: list[bytes] = []
        size = 0
        for part in answer.iter_bytes():
            size += len(part)
            if size > MAX_ANSWER:
                raise ProtocolError(f"{self.owner} answers with more than {MAX_ANSWER} bytes")
            if time.monotonic() > deadline:
                raise LinkTimeoutError(f"{self.owner} did not end its answer in {limit_s:g} s")
            parts.append(part)
        return b"".join(parts)

    def _observe(self, direction: Direction, text: str) -> None:
        self._observer.exchange(Exchange("http", self.owner, direction, text))


def _why(error: BaseException) -> str:
    """Say what is wrong with a connection, and what to look at."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({cause.verify_message}): give its CA"
        if isinstance(cause, ssl.SSLError):
            return f"TLS: {cause.reason or cause}; do both ends have certificates of one CA?"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx2.RemoteProtocolError | httpx2.ReadError):
        # TLS 1.3 lets a client finish before the server has looked at its certificate.
        return "it closed the connection; does it trust the certificate that it was shown?"
    return f"{type(error).__name__}; is it running?"


def _trusts_nobody() -> ssl.SSLContext:
    # Reading the system's certificates costs 40 ms a client, and on loopback nobody shows one.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _identifier(method: str, path: str, body: bytes | None) -> str:
    return new_identifier(digest_of(method, path, body or b"").hex())


def _validity(owner: str) -> dict[str, str]:
    """Return what tells a peer for how long the call still holds; Refusal once it holds no more."""
    until = handed_on()
    if until is None:
        return {}
    left = until - time.time()
    if left <= 0:
        raise Refusal(
            RefusalCode.EXPIRED, f"the validity period has ended: {owner} is asked for nothing more"
        )
    return {VALIDITY_HEADER: f"{min(left, MAX_VALIDITY_S):.6f}"}


def _dumped(body: m.Message | None) -> bytes | None:
    return None if body is None else body.model_dump_json().encode()


def _read(adapter: TypeAdapter[_Answer], raw: bytes, owner: str) -> _Answer:
    try:
        return adapter.validate_json(raw)
    except ValidationError as err:
        raise ProtocolError(
            f"{owner} answered with something else than was asked for "
            f"({err.error_count()} things are wrong): is it the right server?"
        ) from None


def _failure(status: int, content: bytes, where: str) -> Exception:
    try:
        error = m.ErrorAnswer.model_validate_json(content).error
    except ValidationError:
        reason = "without a reason that can be read"
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            return ProductError(f"{where} answered {status} {reason}: look in its log")
        return ProtocolError(f"{where} answered {status} {reason}")
    if error.code == LINK:
        return LinkError(error.reason)
    if error.code == LINK_TIMEOUT:
        return LinkTimeoutError(error.reason)
    try:
        return Refusal(RefusalCode(error.code), error.reason, error.details)
    except ValueError:
        said = f"{where} answered {status} {error.code}: {error.reason}"
        broke = status == HTTPStatus.INTERNAL_SERVER_ERROR
        return ProductError(said) if broke else ProtocolError(said)
