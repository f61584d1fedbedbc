"""ES1 to ES7 over HTTP with a real SMS centre: two MNOs, two SM-DPs, two SM-SRs, one card each."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest

from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.http.client import PeerClient
from hil.provisioning.http.clients import MnoClient
from hil.provisioning.http.es2_client import Es2Client
from hil.provisioning.http.es_clients import Es3Client, Es4Client, Es7Client
from hil.provisioning.http.sm_sr_client import SmSrClient
from hil.provisioning.online.calls import Place
from hil.provisioning.serve_config import parse_config
from hil.provisioning.servers import Servers
from hil.provisioning.sm_sr.eis_rows import SubscriptionAddress
from hil.provisioning.trust import PeerKeySet
from hil.virtual.euicc import open_card
from hil.wire.gp_certificate import Role
from tests.network.running import RadioCard, RunningNetwork
from tests.provisioning.air import start
from tests.provisioning.certified import TestCi
from tests.provisioning.serving import scalar
from tests.provisioning.world import eid_of

KINDS = {
    "mno-1": "mno",
    "mno-2": "mno",
    "eum-1": "eum",
    "sm-dp-1": "sm-dp",
    "sm-dp-2": "sm-dp",
    "sm-sr-1": "sm-sr",
    "sm-sr-2": "sm-sr",
    "operator-1": "operator",
}
NUMBERS = {"sm-sr-1": "12345", "sm-sr-2": "12346"}
ACCOUNTS = {"sm-sr-1": ("sm-sr", "hil-test"), "sm-sr-2": ("other", "secret")}
"""At the SMS centre: system id and password."""

EIDS = {"sm-sr-1": eid_of(1), "sm-sr-2": eid_of(2)}
LEAVING = eid_of(3)
"""An eUICC that the first SM-SR manages until it is handed over."""

CARDS = {eid_of(1): "882100000001", eid_of(2): "882100000002", LEAVING: "882100000003"}
"""Number of each eUICC."""
PAIRS = {frozenset(pair): index for index, pair in enumerate(combinations(KINDS, 2), start=1)}


_Client = TypeVar("_Client", bound=PeerClient)


@dataclass
class Field:
    """All servers, both cards, and clients of anybody at anybody."""

    addresses: dict[str, str]
    made: list[PeerClient] = field(default_factory=list)

    def of(self, kind: type[_Client], actor: str, me: str) -> _Client:
        client = kind(self.addresses[actor], actor, me, keys(actor, me), timeout_s=30)
        self.made.append(client)
        return client

    def es2(self, me: str, sm_dp: str = "sm-dp-1") -> Es2Client:
        return self.of(Es2Client, sm_dp, me)

    def es4(self, me: str, sm_sr: str = "sm-sr-1") -> Es4Client:
        return self.of(Es4Client, sm_sr, me)

    def states(self, sm_sr: str, eid: str) -> dict[str, str]:
        seen = self.of(SmSrClient, sm_sr, "operator-1").euicc(eid)
        return {row.iccid: row.state for row in seen.profiles}


def keys(one: str, other: str) -> PeerKeySet:
    index = PAIRS[frozenset((one, other))]
    return PeerKeySet(1, *(bytes((index, place)) * 8 for place in range(3)))


def config(ci: TestCi, factories: dict[str, dict[str, Any]], smpp: str) -> dict[str, Any]:
    """Return the configuration of two of each."""

    def identity(name: str, role: Role) -> dict[str, str]:
        found = ci.credentials(role, name).identity
        return {
            "key": found.key.scalar.hex(),
            "certificate": found.certificate.encode().hex(),
        }

    actors: list[dict[str, Any]] = [
        {
            "kind": "eum",
            "id": "eum-1",
            "signing_key": scalar(),
            "euiccs": [
                {
                    "factory": factories[eid],
                    "msisdn": msisdn,
                    "sm_sr": "sm-sr-2" if eid == EIDS["sm-sr-2"] else "sm-sr-1",
                }
                for eid, msisdn in CARDS.items()
            ],
        }
    ]
    for number in (1, 2):
        sm_sr = f"sm-sr-{number}"
        actors += [
            {
                "kind": "mno",
                "id": f"mno-{number}",
                "routing": {"route": "sm-sr", "receiver": sm_sr},
                "sm_sr": sm_sr,
                "numbers": {
                    "iccid_prefix": f"890010{number}",
                    "imsi_prefix": f"001010{number}",
                },
            },
            {
                "kind": "sm-dp",
                "id": f"sm-dp-{number}",
                "identity": identity(f"sm-dp-{number}", Role.SM_DP),
                "card_timeout_s": 60,
            },
            {
                "kind": "sm-sr",
                "id": sm_sr,
                "identity": identity(sm_sr, Role.SM_SR),
                "carrier": {
                    "address": smpp,
                    "system_id": ACCOUNTS[sm_sr][0],
                    "password": ACCOUNTS[sm_sr][1],
                    "number": NUMBERS[sm_sr],
                },
                "patience": {"answer_s": 30},
            },
        ]
    maker = ci.credentials(Role.SM_DP, "any").maker_certificates["eum-1"]
    return {
        "state": None,
        "actors": actors,
        "keys": [
            {
                "between": sorted(pair),
                **{
                    name: (bytes((index, place)) * 8).hex()
                    for place, name in enumerate(("auth", "mac", "wrap"))
                },
            }
            for pair, index in PAIRS.items()
        ],
        "peers": [{"id": "operator-1", "role": "operator"}],
        "euicc_certificates": {
            "ci_key": ci.ci.key.public.encode().hex(),
            "makers": {"eum-1": maker.hex()},
        },
    }


@pytest.fixture(scope="module")
def field_of_two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """Two MNOs, two SM-DPs and two SM-SRs, each with one card that it manages."""
    folder: Path = tmp_path_factory.mktemp("field")
    ci = TestCi()
    factories = {eid: ci.factory(eid) for eid in CARDS}
    with ExitStack() as stack:
        network = stack.enter_context(RunningNetwork())
        host, port = network.smpp
        for eid, factory in factories.items():
            card = open_card(folder / eid, factory)
            stack.callback(card.close)
            start(card)
            radio = RadioCard(network.radio, CARDS[eid], card)
            stack.callback(radio.close)
        text = json.dumps(config(ci, factories, f"{host}:{port}"))
        servers = stack.enter_context(Servers(parse_config(text, "test")))
        found = Field(json.loads(servers.ready_line())["actors"])
        yield found
        for client in found.made:
            client.close()


def test_each_mno_gets_its_profile_on_its_card_and_hears_of_it(field_of_two: Field) -> None:
    field = field_of_two
    calls = {
        number: field.es2(f"mno-{number}", f"sm-dp-{number}").download_profile(
            f"sm-sr-{number}", EIDS[f"sm-sr-{number}"], profile_type="test", enable=True
        )
        for number in (1, 2)
    }
    for number, call in calls.items():
        es2 = field.es2(f"mno-{number}", f"sm-dp-{number}")
        report = es2.wait(call, timeout_s=60)
        assert report.state == "done", report.reason
        assert report.iccid.startswith(f"890010{number}")
        sm_sr = f"sm-sr-{number}"
        assert field.states(sm_sr, EIDS[sm_sr])[report.iccid] == "enabled"
        view = field.es4(f"mno-{number}", sm_sr).get_eis(EIDS[sm_sr])
        assert report.iccid in [row.iccid for row in view.profiles]
        other = field.es4(f"mno-{3 - number}", sm_sr).get_eis(EIDS[sm_sr])
        assert (other.profiles, other.msisdn) == ((), None), "nothing of the other's is seen"
        told = wait_for_notice(field, f"mno-{number}", report.iccid)
        assert told == {("enabled", sm_sr)}
        with pytest.raises(Refusal) as caught:
            field.es2(f"mno-{3 - number}", f"sm-dp-{number}").report(call)
        assert caught.value.code is RefusalCode.UNKNOWN


def wait_for_notice(field: Field, mno: str, iccid: str) -> set[tuple[str, str]]:
    """Return what an MNO was told of a profile, once it was told something."""
    client = field.of(MnoClient, mno, "operator-1")
    deadline = time.monotonic() + 10
    while True:
        found: set[tuple[str, str]] = {
            (one.event, one.sm_sr) for one in client.notices() if one.iccid == iccid
        }
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def test_management_by_es4_and_es2_and_what_the_other_may_not(field_of_two: Field) -> None:
    field = field_of_two
    sm_sr, eid = "sm-sr-1", EIDS["sm-sr-1"]
    es2, es4 = field.es2("mno-1"), field.es4("mno-1")
    call = es2.download_profile(sm_sr, eid, profile_type="prepaid")
    iccid = es2.wait(call, timeout_s=60).iccid
    place = Place(sm_sr, eid, iccid)
    stranger = field.es4("mno-2")
    for refused in (
        lambda: stranger.enable_profile(eid, iccid),
        lambda: stranger.delete_profile(eid, iccid),
        lambda: stranger.update_policy_rules(eid, iccid, 0),
        lambda: field.es2("mno-2").enable_profile(place),
        lambda: field.of(Es3Client, sm_sr, "sm-dp-2").enable_profile(eid, iccid),
    ):
        with pytest.raises(Refusal) as caught:
            refused()
        assert caught.value.details["subject"] == "8.2.1"
    es4.update_policy_rules(eid, iccid, 2)
    es2.update_subscription_address(place, SubscriptionAddress("001010000000042", ""))
    row = next(one for one in es2.get_eis(sm_sr, eid).profiles if one.iccid == iccid)
    assert (row.pol2, row.imsi, row.state) == (2, "001010000000042", "disabled")
    with pytest.raises(Refusal) as caught:
        es4.delete_profile(eid, iccid)
    assert (caught.value.code, caught.value.details["subject"]) == (RefusalCode.POLICY, "8.2.3")
    es4.update_policy_rules(eid, iccid, 0)
    job = es4.audit_eis(eid)
    assert es4.wait(job, timeout_s=30).state == "done"
    with pytest.raises(Refusal, match="not one of mno-2"):
        stranger.report(job)
    assert es2.wait(es2.delete_profile(place), timeout_s=30).state == "done"
    assert iccid not in field.states(sm_sr, eid)


def test_an_euicc_changes_its_sm_sr_and_is_managed_there(field_of_two: Field) -> None:
    field = field_of_two
    eid = LEAVING
    es2 = field.es2("mno-1")
    report = es2.wait(es2.download_profile("sm-sr-1", eid, profile_type="test"), timeout_s=60)
    assert report.state == "done", report.reason
    old, new = field.es4("mno-1", "sm-sr-1"), field.es4("mno-1", "sm-sr-2")
    new.prepare_sm_sr_change(eid, "sm-sr-1")
    old.sm_sr_change(eid, "sm-sr-2")
    deadline = time.monotonic() + 60
    while (state := old.handover(eid)).state not in ("done", "failed"):
        assert time.monotonic() < deadline, state
        time.sleep(0.1)
    assert state.state == "done", state.reason
    with pytest.raises(Refusal) as caught:
        old.get_eis(eid)
    assert caught.value.details == {"subject": "8.1.1", "reason": "3.9"}
    moved = field.es2("mno-1")
    call = moved.enable_profile(Place("sm-sr-2", eid, report.iccid))
    assert moved.wait(call, timeout_s=60).state == "done"
    assert field.states("sm-sr-2", eid)[report.iccid] == "enabled"


@pytest.mark.parametrize(
    ("kind", "me", "path", "body"),
    [
        (Es3Client, "mno-1", "/es3/GetEIS", {"eid": EIDS["sm-sr-1"]}),
        (Es3Client, "sm-dp-1", "/es4/GetEIS", {"eid": EIDS["sm-sr-1"]}),
        (Es3Client, "sm-dp-1", "/es7/AuthenticateSMSR", {"eid": "1", "certificate": ""}),
        (Es7Client, "sm-sr-2", "/es4/SMSRChange", {"eid": "1", "sm_sr": "sm-sr-2"}),
        (Es3Client, "mno-1", "/es1/RegisterEIS", {"payload": "", "signature": ""}),
        (Es3Client, "mno-1", "/es3/SendData", {"eid": "1", "sd_aid": "", "data": ""}),
    ],
)
def test_functions_of_another_interface_are_refused(
    field_of_two: Field, kind: type[PeerClient], me: str, path: str, body: dict[str, str]
) -> None:
    client = field_of_two.of(kind, "sm-sr-1", me)
    with pytest.raises(Refusal) as caught:
        client.send("POST", path, json.dumps(body).encode())
    assert caught.value.code is RefusalCode.NOT_ALLOWED


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"eid": 7},
        {"eid": "8", "more": 1},
        {"eid": "8" * 300},
        {"eid": "8", "functionRequesterId": "mno-2"},
        [],
        "x",
    ],
)
def test_json_of_a_wrong_shape_is_refused(field_of_two: Field, body: object) -> None:
    client = field_of_two.es4("mno-1")
    with pytest.raises(Refusal) as caught:
        client.send("POST", "/es4/GetEIS", json.dumps(body).encode())
    assert caught.value.code in (RefusalCode.INVALID, RefusalCode.NOT_ALLOWED)


def test_nobody_is_answered_without_a_session(field_of_two: Field) -> None:
    for path in ("/es1/RegisterEIS", "/es3/GetEIS", "/es4/GetEIS", "/es7/HandoverEUICC"):
        answer = httpx2.post(field_of_two.addresses["sm-sr-1"] + path, json={}, trust_env=False)
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "not-authenticated"


def test_the_interfaces_stand_in_the_description(field_of_two: Field) -> None:
    answer = httpx2.get(field_of_two.addresses["sm-sr-1"] + "/openapi.json", trust_env=False)
    paths = set(answer.json()["paths"])
    assert {"/es3/CreateISDP", "/es4/DeleteProfile", "/es7/HandoverEUICC"} <= paths
    ids = [
        operation["operationId"]
        for methods in answer.json()["paths"].values()
        for operation in methods.values()
    ]
    assert len(ids) == len(set(ids))
