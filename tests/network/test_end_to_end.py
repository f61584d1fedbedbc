"""SM-SR, SMPP, network, radio, eUICC and back: everything but the device is what a bench runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hil.errors import LinkError, LinkTimeoutError
from hil.provisioning.orders import ProfileRequest, Route
from hil.provisioning.sm_sr.ota_queue import Patience
from hil.provisioning.sm_sr.smpp_carrier import SmppAccount, SmppCarrier
from hil.virtual.euicc import open_card
from hil.virtual.network.link_model import Conditions
from tests.network.running import RadioCard, RunningNetwork, SmppLine, wait_for
from tests.provisioning.air import start
from tests.provisioning.pumping import Pumping
from tests.provisioning.world import MSISDN, OPERATOR, World, eid_of

EID = eid_of(1)


@contextmanager
def reachable(
    folder: Path, network: RunningNetwork, patience: Patience
) -> Iterator[tuple[World, RadioCard, SmppCarrier]]:
    host, port = network.smpp
    account = SmppAccount(f"{host}:{port}", "sm-sr", "hil-test", "12345")
    carrier = SmppCarrier(account, timeout_s=5)
    world = World(folder, route=Route.SM_SR, carrier=carrier, patience=patience)
    card = open_card(folder / "card", world.factories[EID])
    start(card)
    radio = RadioCard(network.radio, MSISDN, card)
    world.register_euicc()
    try:
        with Pumping(world.sm_sr.jobs.queue):
            yield world, radio, carrier
    finally:
        radio.close()
        carrier.close()
        card.close()
        world.close()


def order(world: World) -> str:
    request = ProfileRequest(amount=1, profile_type="prepaid", targets=(EID,))
    return world.sm_dp.place(request, "operator").profiles[0].iccid


def test_packets_reach_the_card_through_a_real_centre(tmp_path: Path) -> None:
    with (
        RunningNetwork() as network,
        reachable(tmp_path, network, Patience(answer_s=20)) as (world, radio, _),
    ):
        iccid = order(world)
        job = world.sm_sr.download(OPERATOR, iccid, enable=True)
        report = world.sm_sr.jobs.wait(job, timeout_s=30)
        assert report.state == "done", report
        assert [row.state for row in world.sm_sr.book.profiles(EID)] == ["enabled"]
        assert radio.delivered == report.messages, "nothing was sent twice"


def test_bad_weather_costs_time_only(tmp_path: Path) -> None:
    weather = Conditions(
        latency_s=0.002, jitter_s=0.004, loss=0.01, duplication=0.05, reordering=0.2, reorder_s=0.02
    )
    patience = Patience(answer_s=1.0, back_off=1.2, overtake_s=0.1, attempts=20)
    with (
        RunningNetwork(weather, seed=5) as network,
        reachable(tmp_path, network, patience) as (world, _, _),
    ):
        iccid = order(world)
        job = world.sm_sr.download(OPERATOR, iccid, enable=True)
        report = world.sm_sr.jobs.wait(job, timeout_s=60)
        assert report.state == "done", report
        assert [row.state for row in world.sm_sr.book.profiles(EID)] == ["enabled"]
        assert network.air.down.duplicated
        assert network.air.down.reordered


def test_a_centre_that_refuses_us_is_named() -> None:
    with RunningNetwork() as network:
        host, port = network.smpp
        carrier = SmppCarrier(SmppAccount(f"{host}:{port}", "sm-sr", "wrong", "12345"))
        carrier.listen(lambda *_: None)
        with pytest.raises(LinkTimeoutError, match="are system id and password right"):
            carrier.wait_bound(timeout_s=0.5)
        carrier.close()


def test_a_centre_that_came_back_is_found_again() -> None:
    with RunningNetwork() as network:
        host, port = network.smpp
        carrier = SmppCarrier(
            SmppAccount(f"{host}:{port}", "sm-sr", "hil-test", "12345"), timeout_s=0.5
        )
        carrier.listen(lambda *_: None)
        carrier.wait_bound(timeout_s=5)
        carrier.send(MSISDN, [bytes.fromhex("027000") + b"first"])
    wait_for(lambda: not carrier.bound)
    with pytest.raises(LinkError):
        carrier.send(MSISDN, [bytes.fromhex("027000") + b"lost"])
    with RunningNetwork(smpp_port=port):
        carrier.wait_bound(timeout_s=10)
        carrier.send(MSISDN, [bytes.fromhex("027000") + b"again"])
        carrier.close()


def _run(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "hil.virtual.network", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("end", ["lifeline", "signal"])
def test_the_process_says_where_it_is_and_ends_cleanly(end: str) -> None:
    with _run("--lifeline", "--latency-ms", "5") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        row = json.loads(process.stdout.readline())
        assert (row["ready"], row["modelled"]) == ("network", True)
        host, _, port = row["smpp"].rpartition(":")
        line = SmppLine((host, int(port)))
        if end == "lifeline":
            process.stdin.close()
        else:
            os.kill(process.pid, signal.SIGTERM)
        assert process.wait(10) == 0
        assert line.closed()
        line.close()


def test_an_impossible_command_line_is_refused() -> None:
    with _run("--loss", "2") as process:
        assert process.wait(10) == 2
        assert process.stderr is not None
        assert b"probability" in process.stderr.read()
