"""A server killed at any moment: its state is old or new, and the repetition is one effect."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import Table, func, select

from hil.errors import LinkError
from hil.provisioning.http.client import PeerClient
from hil.provisioning.store import Store
from hil.provisioning.tables import EIS, ORDERS, OTA_KEYS, PACKET_SETS, PROFILES, SUBSCRIPTIONS
from tests.provisioning.serving import Bench, Clients
from tests.provisioning.test_process import process
from tests.provisioning.world import eid_of, factory_of
from tests.thorough import thorough

SECOND = eid_of(2)


def order(bench: Bench, actors: dict[str, str], timeout_s: float) -> httpx2.Response | None:
    """Order one profile, always under the same identifier; None when the server went away."""
    clients = Clients(bench, actors)
    try:
        client = clients.sm_dp()
        with httpx2.Client(timeout=timeout_s) as http:
            return http.post(
                actors["sm-dp-1"] + "/orders",
                json={"amount": 1, "targets": [bench.eid]},
                headers={
                    "Authorization": f"Bearer {client.session()}",
                    "Function-Call-Identifier": "order-1",
                },
            )
    except (httpx2.HTTPError, LinkError):
        return None
    finally:
        clients.close()


def count(folder: Path, actor: str) -> tuple[int, ...]:
    store = Store(f"sqlite:///{folder}/state/{actor}.db")
    tables = {"sm-dp-1": (ORDERS, PROFILES), "mno-1": (SUBSCRIPTIONS,)}[actor]
    with store.transaction() as connection:
        found = [connection.execute(select(func.count()).select_from(one)) for one in tables]
        numbers = tuple(int(row.scalar_one()) for row in found)
    store.close()
    return numbers


@thorough
@pytest.mark.parametrize("delay_s", [0.05, 0.3])
def test_an_order_that_a_kill_broke_off_is_made_once(tmp_path: Path, delay_s: float) -> None:
    bench = Bench(tmp_path / "state")
    with process(bench, tmp_path) as (running, row):
        asking = threading.Thread(target=order, args=(bench, row["actors"], 20))
        asking.start()
        time.sleep(delay_s)
        running.kill()
        running.wait(15)
        asking.join(30)
    with process(bench, tmp_path) as (_, row):
        answers = [order(bench, row["actors"], 60) for _ in range(2)]
    assert answers[0] is not None
    assert answers[1] is not None
    assert answers[0].status_code == 200, answers[0].text
    assert answers[0].json()["state"] == "delivered"
    assert answers[1].content == answers[0].content
    assert count(tmp_path, "sm-dp-1") == (1, 1)
    assert count(tmp_path, "mno-1") == (1,)


def register(bench: Bench, actors: dict[str, str]) -> tuple[str, object]:
    clients = Clients(bench, actors)
    signed = clients.eum().eis(SECOND)
    clients.close()
    body = {"payload": signed.payload.hex(), "signature": signed.signature.hex()}
    return "/es1/RegisterEIS", body


def request(_bench: Bench, _actors: dict[str, str]) -> tuple[str, object]:
    return "/profile-requests", {"amount": 1}


@dataclass(frozen=True)
class Function:
    """A function of a server: who calls it, what it is asked, and what it leaves, by table."""

    owner: str
    caller: str
    asked: Callable[[Bench, dict[str, str]], tuple[str, object]]
    leaves: tuple[tuple[Table, int], ...]


FUNCTIONS = {
    "SM-SR": Function("sm-sr-1", "eum-1", register, ((EIS, 2), (OTA_KEYS, 2))),
    "support server": Function("support-1", "operator-1", request, ((PACKET_SETS, 1),)),
}


def ask(
    bench: Bench, actors: dict[str, str], what: Function, asked: tuple[str, object]
) -> httpx2.Response | None:
    clients = Clients(bench, actors)
    path, body = asked
    try:
        session = clients.of(PeerClient, what.owner, what.caller).session()
        headers = {"Authorization": f"Bearer {session}", "Function-Call-Identifier": "once"}
        return httpx2.post(actors[what.owner] + path, json=body, headers=headers, timeout=60)
    except (httpx2.HTTPError, LinkError):
        return None
    finally:
        clients.close()


@pytest.mark.parametrize(
    "server",
    [pytest.param(one, marks=thorough) for one in FUNCTIONS],
)
def test_other_servers_too_at_moments_of_any_kind(tmp_path: Path, server: str) -> None:
    what = FUNCTIONS[server]
    chance = random.Random(f"{server} 1")  # noqa: S311 - to be repeated
    bench = Bench(tmp_path / "state")
    bench.more_euiccs = [{"factory": factory_of(SECOND)}]
    asked: tuple[str, object] | None = None
    for _ in range(2):
        with process(bench, tmp_path) as (running, row):
            asked = asked or what.asked(bench, row["actors"])
            asking = threading.Thread(target=ask, args=(bench, row["actors"], what, asked))
            asking.start()
            time.sleep(chance.uniform(0.0, 0.4))
            running.kill()
            running.wait(15)
            asking.join(30)
    assert asked is not None
    with process(bench, tmp_path) as (_, row):
        answers = [ask(bench, row["actors"], what, asked) for _ in range(2)]
    assert answers[0] is not None
    assert answers[1] is not None
    assert answers[0].is_success, answers[0].text
    assert answers[1].content == answers[0].content
    store = Store(f"sqlite:///{tmp_path}/state/{what.owner}.db")
    with store.transaction() as connection:
        for table, amount in what.leaves:
            rows = connection.execute(select(func.count()).select_from(table))
            assert rows.scalar_one() == amount, table.name
    store.close()
