"""A server that dies between the effect of a call and its answer: the repetition is answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from hil.provisioning.function_calls import Ledger
from hil.provisioning.http import device_messages as d
from hil.provisioning.http.client import PeerClient
from hil.provisioning.orders import ProfileRequest
from hil.provisioning.serve_config import parse_config
from hil.provisioning.servers import Servers
from tests.provisioning.line_device import LineDevice
from tests.provisioning.serving import Bench, Clients
from tests.provisioning.world import eid_of, factory_of

CALL = "again"
SECOND, THIRD = eid_of(2), eid_of(3)


@dataclass
class Fragile:
    """Servers of which one may die between the effect of the call ``again`` and its answer."""

    clients: Clients = field(init=False)
    dying: str = ""

    def twice(self, client: PeerClient, path: str, body: object) -> tuple[Any, Any]:
        """Make a call at a server that dies before the answer; repeat it twice."""
        self.dying = client.owner
        assert self.post(client, path, body).status_code == 500
        assert not self.dying
        first, second = (self.post(client, path, body) for _ in range(2))
        assert (first.status_code, first.content) == (second.status_code, second.content)
        return first, second

    def post(
        self, client: PeerClient, path: str, body: object, call: str = CALL
    ) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {client.session()}", "Function-Call-Identifier": call}
        url = self.clients.actors[client.owner] + path
        return httpx2.post(url, json=body, headers=headers, timeout=60)


@pytest.fixture
def fragile(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fragile]:
    bench = Bench(None)
    config = bench.config()
    maker = next(one for one in config["actors"] if one["kind"] == "eum")
    maker["euiccs"] += [{"factory": factory_of(eid)} for eid in (SECOND, THIRD)]
    support = next(one for one in config["actors"] if one["kind"] == "support-server")
    support["devices"] += [
        {**support["devices"][0], "device_id": f"DUT-{number}", "eid": eid}
        for number, eid in ((2, SECOND), (3, THIRD))
    ]
    end, found = Ledger._end, Fragile()

    def forget(ledger: Ledger, connection: Any, call: Any, *rest: Any) -> None:  # noqa: ANN401
        if ledger._owner == found.dying and call.identifier == CALL:
            found.dying = ""
            raise RuntimeError("killed")
        end(ledger, connection, call, *rest)

    monkeypatch.setattr(Ledger, "_end", forget)
    with Servers(parse_config(json.dumps(config), "test")) as servers:
        found.clients = Clients(bench, servers.addresses)
        yield found
        found.clients.close()


def test_an_eis_is_registered(fragile: Fragile) -> None:
    sm_sr = fragile.clients.sm_sr("eum-1")
    signed = fragile.clients.eum().eis(SECOND)
    body = {"payload": signed.payload.hex(), "signature": signed.signature.hex()}
    first, _ = fragile.twice(sm_sr, "/es1/RegisterEIS", body)
    assert first.status_code == 204, first.text
    assert fragile.post(sm_sr, "/es1/RegisterEIS", body, "other").status_code == 409
    assert SECOND in fragile.clients.sm_sr().euiccs()


def test_an_eis_is_brought_to_an_sm_sr_once(fragile: Fragile) -> None:
    eum = fragile.clients.eum()
    path, body = f"/euiccs/{THIRD}/deliveries", {"sm_sr": "sm-sr-1"}
    first, _ = fragile.twice(eum, path, body)
    assert first.status_code == 204, first.text
    assert THIRD in fragile.clients.sm_sr().euiccs()
    assert fragile.post(eum, path, body, "other").status_code == 409, "it is known by now"


def test_profiles_are_requested_for_the_same_devices(fragile: Fragile) -> None:
    support = fragile.clients.support()
    first, _ = fragile.twice(support, "/profile-requests", {"amount": 1})
    assert first.status_code == 200, first.text
    made = [row["iccid"] for row in first.json()["profiles"]]
    assert list(support.stored()) == made


def test_an_image_is_made_once(fragile: Fragile) -> None:
    support = fragile.clients.support()
    iccid = support.request_profiles(ProfileRequest(amount=1)).profiles[0].iccid
    first, _ = fragile.twice(support, "/images", {"iccid": iccid})
    assert first.status_code == 200, first.text
    assert [row.issue for row in support.images()] == [1, 2]
    assert first.json()["image_id"] == support.images()[-1].image_id


def test_a_device_is_let_in(fragile: Fragile) -> None:
    _, path, hello = presented(fragile)
    first, _ = fragile.twice(fragile.clients.support("station-1"), path, {"hello": hello})
    assert first.status_code == 200, first.text
    assert first.json()["state"] == "passed"
    again = fragile.post(fragile.clients.support("station-1"), path, {"hello": hello}, "other")
    assert again.status_code == 409, "judged once"


def test_a_device_is_refused_and_counted_once(fragile: Fragile) -> None:
    _, path, hello = presented(fragile)
    hello["proof"] = "00" * 16
    first, _ = fragile.twice(fragile.clients.support("station-1"), path, {"hello": hello})
    assert first.status_code == 403
    assert "4 attempts left" in first.json()["error"]["reason"]


def test_a_stale_image_is_made_anew_once(fragile: Fragile) -> None:
    operator, station = fragile.clients.support(), fragile.clients.support("station-1")
    eid = operator.request_profiles(ProfileRequest(amount=1)).profiles[0].eid
    assert eid == fragile.clients.bench.eid
    _, path, hello = presented(fragile)
    assert fragile.post(station, path, {"hello": hello}, "enter").status_code == 200
    session = path.rsplit("/", 1)[0]
    image = fragile.post(station, session + "/image", None, "image").headers["X-Image-Id"]
    report = {"image_id": image, "result": "stale", "reason": "", "found_counter": 9}
    first, _ = fragile.twice(station, session + "/installation", report)
    assert first.status_code == 200, first.text
    rows = operator.images()
    assert [(row.image_id, row.state, row.counter) for row in rows[1:]] == [
        (first.json()["image_id"], "built", 9)
    ]
    assert rows[0].state == "stale"


def presented(fragile: Fragile) -> tuple[Any, str, dict[str, Any]]:
    """Open a session for the first device; return the offer, the path and the hello."""
    bench = fragile.clients.bench
    offer = fragile.clients.support("station-1").open_session()
    device = LineDevice("DUT-1", bench.eid, bench.device_keys, None, {})  # type: ignore[arg-type]
    hello = d.HelloMessage.of(device.hello(offer.server_nonce)).model_dump(mode="json")
    return offer, f"/device-sessions/{offer.session}/presentation", hello
