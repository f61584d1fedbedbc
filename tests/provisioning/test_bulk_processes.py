"""Large orders between real server processes, one of which is killed in the middle."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from hil.errors import LinkError
from hil.provisioning.orders import ProfileRequest
from hil.provisioning.serve_config import parse_config
from hil.provisioning.servers import Servers
from tests.provisioning.serving import IDS, Bench, Clients
from tests.provisioning.world import eid_of, factory_of
from tests.thorough import thorough

COUNT, BATCH = 60, 6
EIDS = tuple(eid_of(number) for number in range(1, COUNT + 1))
DEADLINE_S = 120.0
PEERS = [{"id": name, "role": IDS[name]} for name in ("station-1", "operator-1")]


class Factory(Bench):
    """A bench with many eUICCs, some of them in devices that the support server knows."""

    def config(self) -> dict[str, Any]:
        made = super().config()
        for actor in made["actors"]:
            if actor["kind"] == "eum":
                actor["euiccs"] = [{"factory": factory_of(eid)} for eid in EIDS]
            elif actor["kind"] == "sm-dp":
                actor["batch"] = BATCH
            elif actor["kind"] == "support-server":
                actor["cores"] = 1
                actor["devices"] = [
                    {"device_id": f"DUT-{number}", "eid": eid}
                    for number, eid in enumerate(EIDS[:20])
                ]
        return made

    def parts(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the configurations of two processes: all but the SM-DP, and the SM-DP."""
        whole = self.config()
        sm_dp = [actor for actor in whole["actors"] if actor["id"] == "sm-dp-1"]
        others = [actor for actor in whole["actors"] if actor["id"] != "sm-dp-1"]
        peer = {"id": "sm-dp-1", "role": "sm-dp"}
        return (
            whole | {"actors": others, "peers": [*PEERS, peer]},
            whole | {"actors": sm_dp, "peers": PEERS},
        )


class Process:
    """A server process that can be killed and begun anew at the same address."""

    def __init__(self, config: dict[str, Any], path: Path) -> None:
        self.config = config
        self.path = path
        self.start()

    def start(self) -> None:
        self.path.write_text(json.dumps(self.config))
        self.running = subprocess.Popen(
            [sys.executable, "-m", "hil.provisioning.serve", "--config", self.path, "--lifeline"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.running.stdout is not None
        self.actors: dict[str, str] = json.loads(self.running.stdout.readline())["actors"]
        for actor in self.config["actors"]:
            actor["port"] = int(self.actors[actor["id"]].rsplit(":", 1)[1])

    def kill(self) -> None:
        self.running.kill()
        self.close()

    def close(self) -> None:
        assert self.running.stdin is not None
        assert self.running.stdout is not None
        self.running.stdin.close()
        self.running.wait(20)
        self.running.stdout.close()


@contextmanager
def two_processes(folder: Path) -> Iterator[tuple[Process, Process, Clients]]:
    bench = Factory(folder / "state")
    others_config, sm_dp_config = bench.parts()
    with ExitStack() as stack:
        others = Process(others_config, folder / "others.json")
        stack.callback(others.close)
        urls = [{"id": name, "role": IDS[name], "url": url} for name, url in others.actors.items()]
        sm_dp_config["peers"] = [*sm_dp_config["peers"], *urls]
        sm_dp = Process(sm_dp_config, folder / "sm-dp.json")
        stack.callback(sm_dp.close)
        clients = Clients(bench, others.actors | sm_dp.actors)
        stack.callback(clients.close)
        yield others, sm_dp, clients


@thorough
@pytest.mark.parametrize("victim", ["sm-dp", "support-server"])
def test_an_order_outlives_the_kill_of_a_server(tmp_path: Path, victim: str) -> None:
    with two_processes(tmp_path) as (others, sm_dp, clients):
        client = clients.sm_dp()
        order_id = client.begin(ProfileRequest(amount=COUNT, targets=EIDS)).order_id
        deadline = time.monotonic() + DEADLINE_S
        while (seen := client.progress(order_id)).delivered < 2 * BATCH:
            assert time.monotonic() < deadline, seen
        assert seen.delivered < COUNT, "too late to kill"
        killed = sm_dp if victim == "sm-dp" else others
        killed.kill()
        if victim == "sm-dp":
            with pytest.raises(LinkError):
                client.progress(order_id)
        else:
            while not (seen := client.progress(order_id)).reason:
                assert time.monotonic() < deadline, seen
            assert seen.state == "running"
        killed.start()
        client.resume_bulk(order_id)
        done = client.wait_bulk(order_id, timeout_s=DEADLINE_S)
        assert (done.state, done.reason) == ("delivered", "")
        assert (done.numbered, done.made, done.delivered) == (COUNT, COUNT, COUNT)
        profiles = list(client.profiles(order_id))
        assert [one.eid for one in profiles] == list(EIDS)
        assert {one.state for one in profiles} == {"delivered"}
        stored = clients.support().stored()
        assert len(stored) == len(set(stored)) == COUNT
        assert set(stored) == {one.iccid for one in profiles}


@pytest.fixture(scope="module")
def factory() -> Iterator[tuple[Factory, Clients]]:
    bench = Factory(None)
    with Servers(parse_config(bench.text(), "test")) as servers:
        clients = Clients(bench, json.loads(servers.ready_line())["actors"])
        yield bench, clients
        clients.close()


@pytest.mark.parametrize("way", ["sm-dp", "mno", "support-server"])
def test_every_way_of_ordering_takes_large_orders(
    factory: tuple[Factory, Clients], way: str
) -> None:
    _, clients = factory
    begin = {"sm-dp": clients.sm_dp(), "mno": clients.mno(), "support-server": clients.support()}
    request = ProfileRequest(amount=10, targets=EIDS[:10])
    begun = begin[way].begin(request)
    assert (begun.state, begun.amount) == ("running", 10)
    done = clients.sm_dp().wait_bulk(begun.order_id, timeout_s=DEADLINE_S)
    assert (done.state, done.delivered) == ("delivered", 10)
    arrived = set(clients.support().stored())
    assert {one.iccid for one in clients.sm_dp().profiles(begun.order_id)} <= arrived
    imaged = {image.iccid for image in clients.support().images()}
    assert {one.iccid for one in clients.sm_dp().profiles(begun.order_id)} <= imaged


def test_a_list_is_a_stream_of_lines_for_any_http_client(
    factory: tuple[Factory, Clients],
) -> None:
    _, clients = factory
    client = clients.sm_dp()
    order_id = client.begin(ProfileRequest(amount=25)).order_id
    assert client.wait_bulk(order_id, timeout_s=DEADLINE_S).state == "waiting"
    url = f"{clients.actors['sm-dp-1']}/orders/{order_id}/profiles"
    with httpx2.Client(headers={"Authorization": f"Bearer {client.session()}"}) as http:
        answer = http.get(url + ".ndjson")
        assert answer.headers["content-type"] == "application/x-ndjson"
        rows = [json.loads(line) for line in answer.text.splitlines()]
        assert [row["number"] for row in rows] == list(range(1, 26))
        page = http.get(url, params={"after": 20, "limit": 3}).json()
        assert [row["number"] for row in page["profiles"]] == [21, 22, 23]
        assert page["following"] == 23
        assert http.get(url, params={"limit": 0}).status_code == 422
        assert http.get(url.replace(order_id, "nothing") + ".ndjson").status_code == 404
    with httpx2.Client() as http:
        assert http.get(url).status_code == 401


def test_rubbish_instead_of_a_batch_is_refused(factory: tuple[Factory, Clients]) -> None:
    _, clients = factory
    session = clients.support("sm-dp-1").session()
    url = f"{clients.actors['support-1']}/packet-batches"
    with httpx2.Client(headers={"Authorization": f"Bearer {session}"}) as http:
        for body in (b"", b"\x00", b"\x9f", b"\xa0", b"\x81\x01", b"[]", b"\x9b" + b"\xff" * 8):
            assert http.post(url, content=body).status_code == 422, body
        answer = http.post(url, content=b"\x81\x41\x00").json()
        assert answer["receipts"] == []
        assert answer["refusal"]["code"] == "damaged"
