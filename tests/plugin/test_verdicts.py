from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.conftest import Session

MIXED = """
import pytest
from hil.not_applicable import not_applicable

pytestmark = pytest.mark.requirement("R-12")

def test_pass(): pass
def test_fail(): assert 1 == 2, "the product is wrong"
def test_pytest_fail(): pytest.fail("judged by hand")
def test_error(): raise RuntimeError("the bench broke")
@pytest.mark.skip(reason="no such feature")
def test_skip(): pass
def test_bare_skip(): pytest.skip("it seemed better so")
def test_not_applicable(): not_applicable("the card has no such files")
@pytest.fixture
def absent(): not_applicable("the bench has none")
def test_not_applicable_in_a_fixture(absent): pass
@pytest.mark.xfail(reason="known")
def test_known_failure(): assert False
@pytest.fixture
def broken(): assert False, "fixtures judge no product"
def test_setup(broken): pass
@pytest.fixture
def late():
    yield
    raise RuntimeError("teardown broke")
def test_teardown(late): pass
def test_fail_and_teardown(late): assert False
"""
BOOT = """
import signal, sys, pytest
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(pytest.main(sys.argv[1:]))
"""
EXPECTED = {
    "test_pass": "PASS",
    "test_fail": "FAIL",
    "test_pytest_fail": "FAIL",
    "test_error": "ERROR",
    "test_skip": "INCONCLUSIVE",
    "test_bare_skip": "INCONCLUSIVE",
    "test_not_applicable": "NOT APPLICABLE",
    "test_not_applicable_in_a_fixture": "NOT APPLICABLE",
    "test_known_failure": "FAIL",
    "test_setup": "ERROR",
    "test_teardown": "ERROR",
    "test_fail_and_teardown": "FAIL",
}


def table(folder: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((folder / "runs" / "verdicts.json").read_text())
    return {name.partition("::")[2]: entry for name, entry in found.items()}


@pytest.mark.parametrize("workers", [[], ["-p", "xdist", "-n", "2"]], ids=["plain", "xdist"])
def test_verdicts_in_the_words_of_a_lab(
    session: Session, tmp_path: Path, workers: list[str]
) -> None:
    done = session(MIXED, "--hil-bench", "virtual", "-v", "--junitxml=junit.xml", *workers)
    assert done.returncode == 1
    assert "PASS 1  FAIL 4  INCONCLUSIVE 2  ERROR 3  NOT APPLICABLE 2  NOT RUN 0" in done.stdout
    assert {name: entry["verdict"] for name, entry in table(tmp_path).items()} == EXPECTED
    assert table(tmp_path)["test_fail"]["requirements"] == ["R-12"]
    assert "the product is wrong" in table(tmp_path)["test_fail"]["reason"]
    assert table(tmp_path)["test_bare_skip"]["reason"] == "it seemed better so"
    assert table(tmp_path)["test_not_applicable"]["reason"] == "the card has no such files"
    assert "reason" not in table(tmp_path)["test_pass"]
    cases = ET.parse(tmp_path / "junit.xml").getroot().iter("testcase")  # noqa: S314 - our own
    properties = {
        case.get("name"): {p.get("name"): p.get("value") for p in case.iter("property")}
        for case in cases
    }
    assert properties["test_pass"] == {"requirement": "R-12", "verdict": "PASS"}
    assert properties["test_fail"]["verdict"] == "FAIL"


def test_too_near_to_a_limit_is_inconclusive(session: Session, tmp_path: Path) -> None:
    source = MIXED + (
        "\nfrom hil.errors import Inconclusive\n"
        "def test_near(): raise Inconclusive('1.895 V is within U of 1.9 V')\n"
    )
    done = session(source, "-k", "test_near or test_pass")
    assert done.returncode == 1
    assert "PASS 1  FAIL 0  INCONCLUSIVE 1  ERROR 0" in done.stdout
    assert "within U" in table(tmp_path)["test_near"]["reason"]


@pytest.mark.parametrize(
    ("raised", "verdict"),
    [
        ("ProductRefusal('no')", "FAIL"),
        ("ProductError('sm-sr-1 answered 500: look in its log')", "FAIL"),
        ("ProtocolError('no JSON')", "ERROR"),
        ("LinkError('is it running?')", "ERROR"),
    ],
    ids=["refused", "broke", "no protocol", "no connection"],
)
def test_a_product_that_says_no_or_broke_failed_and_a_bench_that_lacks_it_did_not(
    session: Session, tmp_path: Path, raised: str, verdict: str
) -> None:
    source = (
        f"{MIXED}\nfrom hil.errors import LinkError, ProductError, ProductRefusal, ProtocolError\n"
        f"def test_asked(): raise {raised}\n"
    )
    assert session(source, "-k", "test_asked").returncode == 1
    assert table(tmp_path)["test_asked"]["verdict"] == verdict


def test_tables_of_runs_are_merged(session: Session, tmp_path: Path) -> None:
    session(MIXED, "-k", "test_fail and not pytest")
    session(MIXED, "-k", "test_pass")
    assert set(table(tmp_path)) == {"test_fail", "test_fail_and_teardown", "test_pass"}
    (tmp_path / "runs" / "verdicts.json").write_text("{damaged")
    session(MIXED, "-k", "test_pass")
    assert set(table(tmp_path)) == {"test_pass"}
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["verdicts.json"]


def test_collecting_writes_no_table(session: Session, tmp_path: Path) -> None:
    assert session(MIXED, "--collect-only").returncode == 0
    assert not (tmp_path / "runs").exists()


def test_an_aborted_test_does_not_pass(session: Session, tmp_path: Path) -> None:
    source = MIXED + "\ndef test_stop(): raise KeyboardInterrupt\ndef test_never(): pass\n"
    done = session(source, "-k", "test_pass or test_stop or test_never")
    assert done.returncode == 2
    assert "PASS 1  FAIL 0  INCONCLUSIVE 1" in done.stdout
    assert "NOT RUN 1" in done.stdout
    assert table(tmp_path)["test_stop"]["verdict"] == "INCONCLUSIVE"


def test_a_killed_worker_gives_no_pass(session: Session, tmp_path: Path) -> None:
    source = MIXED + "\nimport os\ndef test_stop(): os._exit(3)\n"
    done = session(
        source,
        "-p",
        "xdist",
        "-n",
        "1",
        "--max-worker-restart=0",
        "--hil-bench",
        "virtual",
        "-k",
        "test_stop",
    )
    assert done.returncode == 1
    assert table(tmp_path)["test_stop"]["verdict"] == "INCONCLUSIVE"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=str)
def test_signals_reach_the_teardown_while_something_is_on(
    tmp_path: Path, environment: dict[str, str], number: signal.Signals
) -> None:
    (tmp_path / "test_it.py").write_text("""
import time, pytest
from pathlib import Path
from hil.bench.safe_state import SAFE_STATE

@pytest.fixture
def supply():
    SAFE_STATE.register("supply", lambda: Path("safe").write_text("off"))
    yield
    Path("teardown").write_text("done")

def test_it(supply):
    Path("on").write_text("on")
    time.sleep(60)
""")
    process = subprocess.Popen(
        # A job in the background would ignore SIGINT, and the test would prove nothing.
        [sys.executable, "-c", BOOT, "-p", "hil.plugin", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "on").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, number)
    # Long before the test's own minute of sleep is over.
    assert process.wait(30) == 2
    assert (tmp_path / "teardown").exists()
    assert (tmp_path / "safe").read_text() == "off"
