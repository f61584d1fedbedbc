"""The page of the servers: its commands are run against servers."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

from hil.provisioning.serve_config import parse_config
from hil.provisioning.servers import Servers
from tests.docs.pages import ROOT
from tests.provisioning.serving import Bench

PAGE = ROOT / "docs" / "servers.md"


def commands() -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)


def test_curl_and_openssl_are_client_enough(tmp_path: Path) -> None:
    bench = Bench(None).secured(tmp_path)
    (script,) = [block for block in commands() if "openssl mac" in block]
    with Servers(parse_config(bench.text(), "test")) as servers:
        given = {
            "CERTS": str(tmp_path),
            "ME": "operator-1",
            "SERVER": "sm-sr-1",
            "URL": servers.addresses["sm-sr-1"],
            "AUTH": bench.links[frozenset(("operator-1", "sm-sr-1"))]["auth"],
        }
        for auth, expected in ((given["AUTH"], 0), ("00" * 16, 1)):
            done = subprocess.run(
                ["bash", "-eu", "-c", script],
                env={**os.environ, **given, "AUTH": auth},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == expected, done.stderr
            if expected == 0:
                assert json.loads(done.stdout) == [bench.eid]
            else:
                assert done.stderr.strip() == "this is not sm-sr-1"


def test_a_foreign_sm_dp_repeats_its_call(tmp_path: Path) -> None:
    bench = Bench(None).secured(tmp_path)
    entering, calling = [block for block in commands() if "ask" in block]
    with Servers(parse_config(bench.text(), "test")) as servers:
        given = {
            "CERTS": str(tmp_path),
            "ME": "sm-dp-1",
            "SERVER": "sm-sr-1",
            "URL": servers.addresses["sm-sr-1"],
            "AUTH": bench.links[frozenset(("sm-dp-1", "sm-sr-1"))]["auth"],
            "EID": bench.eid,
        }
        done = subprocess.run(
            ["bash", "-eu", "-c", f"{{ {entering}\n}} >&2\n{calling}"],
            env={**os.environ, **given},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    first, again = done.stdout.splitlines()
    assert first == again
    # No SMS centre here: the SM-SR says so, and says the same to the repetition.
    assert set(json.loads(first)) in ({"job"}, {"error"})
