"""What strangers send: refused with a code in JSON, nothing changed, and the server goes on."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import Message

from hil.provisioning.http import face
from hil.provisioning.http.protocol import ServerProtocol
from hil.provisioning.serve_config import parse_config
from hil.provisioning.servers import Servers
from tests.provisioning.serving import Bench, Clients


class Target:
    """A running bench, and sessions of its peers."""

    def __init__(self) -> None:
        self.bench = Bench(None)
        self.servers = Servers(parse_config(self.bench.text(), "test"))

    def address(self, actor: str = "sm-sr-1") -> tuple[str, int]:
        host, port = self.servers.addresses[actor].removeprefix("http://").split(":")
        return host, int(port)

    def session(self, actor: str, me: str) -> str:
        clients = Clients(self.bench, self.servers.addresses)
        try:
            client = {
                "sm-sr-1": clients.sm_sr,
                "sm-dp-1": clients.sm_dp,
                "mno-1": clients.mno,
                "support-1": clients.support,
            }
            return client[actor](me).session()
        finally:
            clients.close()

    def ask(self, actor: str, method: str, path: str, **options: Any) -> httpx2.Response:  # noqa: ANN401 - httpx2's
        with httpx2.Client(timeout=30) as http:
            return http.request(method, self.servers.addresses[actor] + path, **options)

    def raw(self, sent: bytes, *, ended: bool = False) -> bytes:
        """Send bytes, and with ``ended`` nothing more; return what comes back until silence."""
        with closing(socket.create_connection(self.address(), 20)) as connection:
            parts = []
            try:
                connection.sendall(sent)
                if ended:
                    connection.shutdown(socket.SHUT_WR)
                while chunk := connection.recv(65_536):
                    parts.append(chunk)
                    connection.settimeout(0.5)
            except (TimeoutError, ConnectionError):
                pass
            return b"".join(parts)

    def is_up(self) -> bool:
        return all(self.ask(one, "GET", "/health").status_code == 200 for one in ("sm-sr-1",))


def drained(connection: socket.socket) -> bytes:
    parts = []
    while chunk := connection.recv(65_536):
        parts.append(chunk)
    return b"".join(parts)


def code_of(answer: httpx2.Response) -> str:
    assert answer.headers["content-type"] == "application/json"
    found: str = answer.json()["error"]["code"]
    return found


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    made = Target()
    with made.servers:
        yield made
        assert made.is_up()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"x"',
        b"7",
        b'{"initiator": 7, "nonce": "00"}',
        b'{"initiator": "mno-1", "nonce": "zz"}',
        b'{"initiator": "mno-1", "nonce": "00", "more": 1}',
        b'{"initiator": "' + b"x" * 300 + b'", "nonce": "00"}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"a":' * 50_000,
    ],
    ids=lambda body: body[:12].decode("latin-1"),
)
def test_json_of_the_wrong_shape(target: Target, body: bytes) -> None:
    answer = target.ask(
        "sm-sr-1", "POST", "/sessions", content=body, headers={"Content-Type": "application/json"}
    )
    try:
        json.loads(body)
        status = 422
    except (ValueError, RecursionError):
        status = 400 if body else 422
    assert answer.status_code == status
    assert code_of(answer) == "invalid"


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data", ""])
def test_another_content_type(target: Target, kind: str) -> None:
    answer = target.ask(
        "sm-sr-1",
        "POST",
        "/sessions",
        content=b'{"initiator": "mno-1", "nonce": "00"}',
        headers={"Content-Type": kind} if kind else {},
    )
    assert answer.status_code == 415
    assert code_of(answer) == "invalid"


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", "application/problem+json"]
)
def test_a_call_is_known_however_its_content_type_is_written(target: Target, kind: str) -> None:
    answer = target.ask(
        "sm-sr-1",
        "POST",
        "/es4/AuditEIS",
        content=b'{"eid": "1", "functionCallIdentifier": "written"}',
        headers={
            "Authorization": f"Bearer {target.session('sm-sr-1', 'mno-1')}",
            "Content-Type": kind,
        },
    )
    assert (answer.status_code, code_of(answer)) == (404, "unknown"), "not for want of a name"


@pytest.mark.parametrize(
    ("headers", "fields"),
    [({"Validity-Period": "60"}, {}), ({}, {"validityPeriod": 60})],
    ids=["header", "field"],
)
def test_a_validity_period_without_an_identifier_is_not_overlooked(
    target: Target, headers: dict[str, str], fields: dict[str, int]
) -> None:
    path = "/es3/GetEIS" if fields else f"/euiccs/{target.bench.eid}/audit"
    answer = target.ask(
        "sm-sr-1",
        "POST",
        path,
        json={"eid": target.bench.eid, **fields} if fields else None,
        headers=headers | {"Authorization": f"Bearer {target.session('sm-sr-1', 'sm-dp-1')}"},
    )
    assert (answer.status_code, code_of(answer)) == (422, "incomplete")
    assert "a validity period needs" in answer.json()["error"]["reason"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/euiccs", "GET, HEAD"),
        ("GET", "/sessions", "POST"),
        ("HEAD", "/sessions", "POST"),
        ("OPTIONS", "/euiccs/1/msisdn", "PUT"),
        # Two functions at one path.
        ("PATCH", "/packets", "GET, HEAD, POST"),
    ],
)
def test_another_method_is_told_which_there_are(
    target: Target, method: str, path: str, allowed: str
) -> None:
    actor = "support-1" if path == "/packets" else "sm-sr-1"
    answer = target.ask(actor, method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


def test_head_is_get_without_its_body(target: Target) -> None:
    whole, head = (target.ask("sm-sr-1", method, "/openapi.json") for method in ("GET", "HEAD"))
    assert head.status_code == 200
    assert head.headers["content-length"] == whole.headers["content-length"]
    assert not head.content


def test_a_target_may_be_a_whole_url(target: Target) -> None:
    for url, status in (("http://x/health", 200), ("http://x", 404), ("http://x/none?a=1", 404)):
        answer = target.raw(f"GET {url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert int(answer.split()[1]) == status


def test_a_body_that_is_too_slow_ends_the_connection() -> None:
    async def nothing(_scope: object, _receive: object, _send: object) -> None:
        raise AssertionError("it has no whole body")

    async def silent() -> Message:
        await asyncio.sleep(60)
        raise AssertionError("nobody waits that long")

    async def ask() -> list[Message]:
        sent: list[Message] = []

        async def take(message: Message) -> None:
            sent.append(message)

        limited = face.BodyLimit(nothing, seconds=0.01)
        await limited({"type": "http", "headers": []}, silent, take)
        return sent

    begun = asyncio.run(ask())[0]
    assert begun["status"] == 408
    assert (b"connection", b"close") in begun["headers"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/none", 404),
        ("GET", "/../../etc/passwd", 404),
        ("GET", "/%2e%2e/%2e%2e/etc/passwd", 404),
        ("GET", "/euiccs/..%2f..%2fetc", 404),
        ("GET", "//euiccs", 404),
        ("GET", "/euiccs/%00", 401),
        ("GET", "/docs", 404),
        ("DELETE", "/euiccs", 405),
        ("TRACE", "/euiccs", 405),
        ("GET", "/euiccs?" + "x" * 10_000, 401),
    ],
)
def test_paths_and_methods_that_are_not_there(
    target: Target, method: str, path: str, status: int
) -> None:
    answer = target.raw(
        f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    )
    head, _, body = answer.partition(b"\r\n\r\n")
    assert int(head.split()[1]) == status
    assert json.loads(body)["error"]["code"]


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: y\r\n\r\n",
        b"POST /sessions HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /sessions HTTP/1.1\r\nHost: x\r\n"
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"POST /sessions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n",
        b"POST /sessions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /sessions HTTP/1.1\r\nHost: x\r\n"
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET /euiccs HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
    ids=lambda sent: re.sub(r"[^\w ]", "", sent[:60].decode("latin-1")),
)
def test_what_is_no_http_or_means_two_things(target: Target, sent: bytes) -> None:
    answer = target.raw(sent)
    heads = re.findall(rb"HTTP/1\.1 (\d+)", answer)
    assert heads, answer
    assert heads[0].startswith((b"4", b"5")), answer
    assert len(heads) == 1, "one request, whoever counts"
    assert target.is_up()


def test_a_head_may_have_32_kib_however_it_comes(target: Target) -> None:
    head = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: "
    assert target.raw(head + b"x" * 32_000 + b"\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert target.raw(head + b"x" * 34_000 + b"\r\n\r\n").startswith(b"HTTP/1.1 400")
    many = b"".join(b"X-%d: y\r\n" % number for number in range(5_000))
    assert target.raw(head + many + b"\r\n").startswith(b"HTTP/1.1 400")


def test_a_body_that_is_too_long(target: Target) -> None:
    head = b"POST /sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    declared = target.raw(head + f"Content-Length: {face.MAX_BODY + 1}\r\n\r\n".encode())
    assert b" 413 " in declared.split(b"\r\n", 1)[0]
    assert b'"too-large"' in declared
    with closing(socket.create_connection(target.address(), 30)) as connection:
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        try:
            for _ in range(face.MAX_BODY // 0x100000 + 2):
                connection.sendall(chunk)
        except ConnectionError:
            pass
        else:
            assert b" 413 " in connection.recv(65_536)


def test_heads_and_bodies_that_never_end(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ServerProtocol, "header_s", 0.5)
    with closing(socket.create_connection(target.address(), 20)) as silent:
        assert b" 408 " in drained(silent)
    with closing(socket.create_connection(target.address(), 20)) as slow:
        slow.sendall(b"GET /health HTTP/1.1\r\n")
        began = time.monotonic()
        answer = b""
        slow.settimeout(0.1)
        while not answer and time.monotonic() - began < 15:
            try:
                slow.sendall(b"X: y\r\n")
                answer = slow.recv(65_536)
            except TimeoutError:
                continue
            except ConnectionError:
                break
        # Head and body are two segments at times.
        slow.settimeout(20)
        with suppress(OSError):
            while more := slow.recv(65_536):
                answer += more
        assert answer.startswith(b"HTTP/1.1 408"), "each byte must not begin the time anew"
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "link-timeout"
    assert target.is_up()


def test_a_kept_connection_may_be_idle_for_longer_than_a_head_may_take(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ServerProtocol, "header_s", 0.3)
    with httpx2.Client(base_url=target.servers.addresses["sm-sr-1"]) as http:
        for _ in range(2):
            assert http.get("/health").status_code == 200
            time.sleep(0.6)


def test_too_many_connections(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ServerProtocol, "max_connections", 20)
    with ExitStack() as stack:
        for _ in range(20):
            opened = socket.create_connection(target.address(), 20)
            stack.callback(opened.close)
            opened.sendall(b"GET")
        deadline = time.monotonic() + 10
        answer = b""
        while not answer.startswith(b"HTTP/1.1 503") and time.monotonic() < deadline:
            answer = target.raw(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 503")
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["reason"]
    deadline = time.monotonic() + 10
    while not target.is_up():
        assert time.monotonic() < deadline


def test_many_strangers_at_once(target: Target) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: target.raw(b"\x00" * 100), range(60)))
    assert all(b" 400 " in answer for answer in answers)
    assert target.is_up()


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer " + "0" * 32, "Bearer " + "x" * 5000],
)
def test_who_has_no_session_gets_nothing(target: Target, header: str) -> None:
    for method, path in (("GET", "/euiccs"), ("POST", "/downloads"), ("GET", "/jobs/x")):
        answer = target.ask("sm-sr-1", method, path, headers={"Authorization": header}, json={})
        assert (answer.status_code, code_of(answer)) == (401, "not-authenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "policy",
    [
        '{"manner": "jig"}',
        '{"manner": "jig", "jig": {"volts": {"low": 2, "high": 1}}}',
        '{"manner": "jig", "jig": {"volts": {"low": 1, "high": 2}, "dwell_s": NaN}}',
        '{"session_s": 1e999}',
    ],
)
def test_a_policy_that_cannot_be_is_refused_by_its_reason(target: Target, policy: str) -> None:
    answer = target.ask(
        "support-1",
        "PUT",
        "/policy",
        content=policy.encode(),
        headers={
            "Authorization": f"Bearer {target.session('support-1', 'operator-1')}",
            "Content-Type": "application/json",
        },
    )
    assert (answer.status_code, code_of(answer)) == (422, "invalid")
    assert re.search(r"manner|window|dwell_s|session_s", answer.json()["error"]["reason"])


def test_secrets_stay_out_of_answers_and_logs(
    target: Target, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    secret = "c0ffee" * 8
    session = target.session("mno-1", "operator-1")
    answer = target.ask(
        "mno-1",
        "POST",
        "/subscriptions",
        headers={"Authorization": f"Bearer {session}"},
        json={"iccid": "1", "imsi": "1", "sm_sr": "s", "k": secret, "opc": secret, "x": secret},
    )
    assert answer.status_code == 422
    shown = answer.text + caplog.text
    assert secret not in shown
    assert session not in shown


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(sent=st.binary(max_size=200))
def test_any_bytes_get_an_answer_or_a_closed_connection(target: Target, sent: bytes) -> None:
    answer = target.raw(sent, ended=True)
    assert not answer or re.match(rb"HTTP/1\.1 [24]\d\d ", answer)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=JSON, data=st.data())
def test_any_json_on_any_route_of_any_server_is_no_internal_error(
    target: Target, value: object, data: st.DataObject
) -> None:
    actor = data.draw(st.sampled_from(["sm-sr-1", "sm-dp-1", "mno-1"]))
    app = target.servers.faces[actor]
    routes = [
        (method, path)
        for path, item in app.openapi()["paths"].items()
        for method in item
        if path not in ("/health", "/outbox/flush")
    ]
    method, path = data.draw(st.sampled_from(sorted(routes)))
    filled = re.sub(
        r"\{\w+\}", lambda _: data.draw(st.sampled_from(["x", "0", "%00", "9" * 40])), path
    )
    session = target.session(
        actor,
        data.draw(st.sampled_from(["operator-1", "mno-1", "sm-dp-1"]))
        if actor == "sm-sr-1"
        else "operator-1",
    )
    answer = target.ask(
        actor,
        method.upper(),
        filled,
        headers={"Authorization": f"Bearer {session}", "Content-Type": "application/json"},
        content=json.dumps(value).encode(),
    )
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert code_of(answer)
