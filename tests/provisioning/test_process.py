"""The server process: its ready line, its lifeline, and what a kill leaves behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from hil.errors import LinkError
from hil.provisioning import servers
from hil.provisioning.orders import ProfileRequest
from hil.provisioning.serve_config import parse_config
from tests.provisioning.serving import Bench, Clients


@contextmanager
def process(bench: Bench, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    config = folder / "servers.json"
    config.write_text(bench.text())
    with subprocess.Popen(
        [sys.executable, "-m", "hil.provisioning.serve", "--config", str(config), "--lifeline"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stdin is not None
        try:
            yield running, json.loads(running.stdout.readline())
        finally:
            running.stdin.close()
            running.wait(15)


def answers(url: str) -> bool:
    try:
        return httpx2.get(url + "/health").status_code == 200
    except httpx2.HTTPError:
        return False


@pytest.mark.parametrize("end", ["lifeline", "signal"])
def test_it_says_where_everybody_is_and_ends_cleanly(tmp_path: Path, end: str) -> None:
    with process(Bench(tmp_path / "state"), tmp_path) as (running, row):
        assert row["ready"] == "servers"
        assert set(row["urls"]) == {"mno", "eum", "sm-dp", "support-server", "sm-sr"}
        assert all(answers(url) for url in row["urls"].values())
        assert all(url.startswith("http://127.0.0.1:") for url in row["urls"].values())
        if end == "lifeline":
            assert running.stdin is not None
            running.stdin.close()
        else:
            os.kill(running.pid, signal.SIGTERM)
        assert running.wait(15) == 0
        assert not answers(row["urls"]["mno"])
        assert running.stdout is not None
        assert running.stdout.read() == b"", "one line only"


def test_what_was_confirmed_outlives_a_kill(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "state")
    with process(bench, tmp_path) as (running, row):
        clients = Clients(bench, row["actors"])
        receipt = clients.support().request_profiles(ProfileRequest(amount=1))
        running.kill()
        running.wait(15)
        with pytest.raises(LinkError):
            clients.support().images()
        clients.close()
    with process(bench, tmp_path) as (_, row):
        clients = Clients(bench, row["actors"])
        assert clients.sm_dp().order(receipt.order_id) == receipt
        images = clients.support().images()
        assert [image.iccid for image in images] == [receipt.profiles[0].iccid]
        assert clients.sm_sr().euiccs() == (bench.eid,)
        clients.close()


def test_logs_and_ready_line_show_no_secret(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "state")
    with process(bench, tmp_path) as (running, row):
        clients = Clients(bench, row["actors"])
        clients.support().request_profiles(ProfileRequest(amount=1, profile_type="test"))
        clients.close()
        assert running.stdin is not None
        running.stdin.close()
        assert running.stderr is not None
        shown = running.stderr.read().decode() + json.dumps(row)
    secrets = [value for keys in bench.links.values() for value in keys.values()]
    secrets += [bench.eum_key, *bench.signing.values(), bench.device_keys.auth.hex()]
    secrets += [bench.factory["isd_p_base"]["enc"]]
    assert not any(secret in shown for secret in secrets)


@pytest.mark.parametrize(
    ("content", "reason"),
    [("{", "Invalid JSON"), ('{"actors": []}', "actors"), (None, "cannot be read")],
    ids=["no json", "no actors", "no file"],
)
def test_a_wrong_file_is_refused_in_one_line(
    tmp_path: Path, content: str | None, reason: str
) -> None:
    config = tmp_path / "servers.json"
    if content is not None:
        config.write_text(content)
    done = subprocess.run(
        [sys.executable, "-m", "hil.provisioning.serve", "--config", str(config)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_no_worker_holds_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for news is woken, whatever it waits for."""
    monkeypatch.setattr(servers, "IDLE_SECONDS", 60.0)
    before = set(threading.enumerate())
    centre = {"address": "127.0.0.1:1", "system_id": "sm-sr", "password": "p", "number": "1"}
    with servers.Servers(parse_config(Bench(None, carrier=centre).text(), "test")):
        begun = set(threading.enumerate()) - before
        names = {one.name for one in begun}
        assert {"sm-sr-1 over the air", "sm-dp-1 large orders", "http"} <= names
    # Threads that carry out requests end a little later, by themselves.
    left = [one.name for one in begun if one.is_alive() and not one.name.startswith("AnyIO")]
    assert left == []
