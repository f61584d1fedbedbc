"""Function call identifiers over HTTP: where they stand, what they do, and who must give one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from fastapi import Depends, FastAPI, Response
from sqlalchemy import select

from hil.provisioning import sequences
from hil.provisioning.door import PeerDoor, enter
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.function_calls import Ledger
from hil.provisioning.http.face import caller_of, new_face
from hil.provisioning.http.function_routes import needs_identifier, spans_peers
from hil.provisioning.http.messages import FunctionRequest, Text
from hil.provisioning.store import Store
from hil.provisioning.tables import FUNCTION_CALLS
from hil.provisioning.trust import Peer, Role
from tests.provisioning.world import peer_keys

KEYS = peer_keys()


class Naming(FunctionRequest):
    """A function with a body."""

    name: Text


class Face:
    """A server with functions of every kind; ``taken`` counts effects."""

    def __init__(self) -> None:
        self.store = Store()
        peers = [Peer("mno-1", Role.MNO, KEYS), Peer("line-1", Role.LINE_STATION, KEYS)]
        self.door = PeerDoor("sm-sr-1", peers)
        self.app: FastAPI = new_face("T", "sm-sr", self.door, Ledger(self.store, "sm-sr-1"))
        self.taken = 0
        mno: Any = Depends(caller_of(self.door, Role.MNO))

        @self.app.post("/numbers")
        def number(_peer: Peer = mno) -> int:
            return self.take()

        @self.app.post("/spanning")
        @spans_peers
        def spanning(_peer: Peer = mno) -> int:
            return self.take()

        @self.app.post("/es4/name")
        @needs_identifier
        def name(message: Naming, _peer: Peer = mno) -> str:
            return f"{message.name} {self.take()}"

        @self.app.put("/nothing", status_code=204)
        def nothing(_peer: Peer = mno) -> None:
            self.take()

        @self.app.post("/image")
        def image(_peer: Peer = mno) -> Response:
            raw = bytes([self.take()])
            return Response(raw, media_type="application/cose", headers={"X-Image-Id": "7"})

        @self.app.post("/refused")
        def refused(_peer: Peer = mno) -> int:
            raise Refusal(RefusalCode.POLICY, f"no {self.take()}")

    def take(self) -> int:
        self.taken += 1
        with self.store.transaction() as connection:
            return sequences.take(connection, "n", 1, first=1)[0]

    def ask(
        self,
        path: str,
        *,
        me: str = "mno-1",
        method: str = "POST",
        headers: dict[str, str] | None = None,
        json: object = None,
    ) -> httpx2.Response:
        session = enter(self.door, me, KEYS)

        async def run() -> httpx2.Response:
            transport = httpx2.ASGITransport(app=self.app)
            async with httpx2.AsyncClient(transport=transport, base_url="http://t") as client:
                given = {"Authorization": f"Bearer {session}"} | (headers or {})
                return await client.request(method, path, headers=given, json=json)

        return asyncio.run(run())


@pytest.fixture
def face() -> Iterator[Face]:
    made = Face()
    yield made
    made.store.close()


def named(identifier: str, **more: str) -> dict[str, str]:
    return {"Function-Call-Identifier": identifier} | more


@pytest.mark.parametrize("path", ["/numbers", "/spanning"])
def test_the_same_identifier_gives_the_same_answer(face: Face, path: str) -> None:
    answers = [face.ask(path, headers=named("a")) for _ in range(3)]
    assert [(one.status_code, one.json()) for one in answers] == [(200, 1)] * 3
    assert face.ask(path, headers=named("b")).json() == 2
    assert face.ask(path).json() == 3
    assert face.taken == 3


def test_it_counts_for_one_function_only(face: Face) -> None:
    face.ask("/numbers", headers=named("a"))
    other = face.ask("/spanning", headers=named("a"))
    assert (other.status_code, other.json()["error"]["code"]) == (409, "exists")
    assert face.taken == 1


def test_bytes_headers_and_no_content_are_given_again(face: Face) -> None:
    first, again = (face.ask("/image", headers=named("i")) for _ in range(2))
    for answer in (first, again):
        assert answer.content == b"\x01"
        assert answer.headers["content-type"] == "application/cose"
        assert answer.headers["x-image-id"] == "7"
        assert answer.headers["content-length"] == "1"
    for _ in range(2):
        empty = face.ask("/nothing", method="PUT", headers=named("n"))
        assert (empty.status_code, empty.content) == (204, b"")
    assert face.taken == 2


def test_a_refusal_is_given_again(face: Face) -> None:
    answers = [face.ask("/refused", headers=named("r")) for _ in range(2)]
    assert [one.status_code for one in answers] == [409, 409]
    assert {one.json()["error"]["reason"] for one in answers} == {"no 1"}


def test_it_may_stand_in_the_body_as_in_the_standard(face: Face) -> None:
    body = {"name": "x", "functionCallIdentifier": "f", "functionRequesterId": "mno-1"}
    answers = [face.ask("/es4/name", json=body | {"validityPeriod": 60}) for _ in range(2)]
    assert [one.json() for one in answers] == ["x 1", "x 1"]
    both = face.ask("/es4/name", json=body | {"validityPeriod": 60}, headers=named("f"))
    assert both.json() == "x 1"
    differ = face.ask("/es4/name", json=body, headers=named("g"))
    assert (differ.status_code, differ.json()["error"]["code"]) == (422, "invalid")


def test_functions_of_the_standard_need_one(face: Face) -> None:
    without = face.ask("/es4/name", json={"name": "x"})
    assert (without.status_code, without.json()["error"]["code"]) == (422, "incomplete")
    assert face.taken == 0


@pytest.mark.parametrize(
    ("over", "code"),
    [
        ({"functionRequesterId": "mno-2"}, "not-allowed"),
        ({"functionCallIdentifier": ""}, "invalid"),
        ({"functionCallIdentifier": "a\nb"}, "invalid"),
        ({"functionCallIdentifier": "x" * 201}, "invalid"),
        ({"functionCallIdentifier": 7}, "invalid"),
        ({"validityPeriod": 0}, "invalid"),
        ({"validityPeriod": -1}, "invalid"),
        ({"validityPeriod": "60"}, "invalid"),
        ({"validityPeriod": True}, "invalid"),
        ({"validityPeriod": 1e300}, "invalid"),
    ],
)
def test_what_makes_no_sense_is_refused(face: Face, over: dict[str, Any], code: str) -> None:
    body = {"name": "x", "functionCallIdentifier": "f"} | over
    answer = face.ask("/es4/name", json=body)
    assert answer.json()["error"]["code"] == code
    assert answer.status_code in (403, 422)
    assert face.taken == 0


def test_a_call_that_came_too_late_is_not_carried_out(
    face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    def later(seconds: float) -> Callable[[], float]:
        import time  # noqa: PLC0415

        return lambda: time.time() + seconds

    face.store.close()
    slow = Face()
    ledger = Ledger(slow.store, "sm-sr-1", clock=later(5))
    slow.app = new_face("T", "sm-sr", slow.door, ledger)

    @slow.app.post("/numbers")
    def number(_peer: Peer = Depends(caller_of(slow.door))) -> int:  # noqa: B008
        return slow.take()

    answer = slow.ask("/numbers", headers=named("v", **{"Validity-Period": "2"}))
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "expired")
    assert slow.ask("/numbers", headers=named("w", **{"Validity-Period": "60"})).json() == 1
    slow.store.close()


def test_who_is_refused_at_the_door_leaves_no_trace(face: Face) -> None:
    assert face.ask("/numbers", me="line-1", headers=named("a")).status_code == 403
    wrong = face.ask("/es4/name", json={"name": 7}, headers=named("a"))
    assert wrong.status_code == 422
    with face.store.transaction() as connection:
        assert connection.execute(select(FUNCTION_CALLS)).all() == []
    assert face.ask("/numbers", headers=named("a")).json() == 1
