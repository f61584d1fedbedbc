"""A server killed at any moment: its state is old or new, and the repetition is one effect."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import func, select

from hil.errors import LinkError
from hil.provisioning.store import Store
from hil.provisioning.tables import ORDERS, PROFILES, SUBSCRIPTIONS
from tests.provisioning.serving import Bench, Clients
from tests.provisioning.test_process import process


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
