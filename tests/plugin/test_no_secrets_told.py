"""No key reaches a report: neither by what pytest tells of a test nor by what the test words."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hil.bench.lab import load_lab
from hil.bench.lab_secrets import secrets_of
from hil.evidence.leak_search import find_leaks
from hil.evidence.run_record import read_run
from tests.plugin.conftest import Session
from tests.thorough import thorough

ON_BENCH = (
    "--hil-bench",
    "virtual",
    "--hil-run-dir",
    "run",
    "-o",
    "enable_assertion_pass_hook=true",
)

LEAKING = """
import logging
import pytest
from types import SimpleNamespace
from hil.bench.profile_maker import ProfileMaker
from hil.bench.lab import load_lab
from hil.evidence import step
LAB = load_lab("virtual")
DEVICE = LAB.device_keys.auth
KI = LAB.network_keys.subscribers[1].k
PASSWORD = LAB.server_keys.smpp_password
DP_KEY = LAB.server_keys.pki.servers["sm-dp"].key
MADE = dict(
    k=bytes.fromhex("5D9C01B7E64F2A83D07C16F95BA8E342"),
    opc=bytes.fromhex("C3A17E05F9428B6D1E70D4932FB65C88"),
    pin1="4711",
    puk1="36925814",
)

def made():
    esim = SimpleNamespace(profiles=list)
    return ProfileMaker(LAB, esim).profile(**MADE).data

def test_made_key():
    assert made().k == bytes(16)

def test_made_pin():
    data = made()
    assert data.pin1 == "0815"

def test_made_puk_in_a_block():
    block = made().puk1.encode().hex() + made().pin1.encode().hex() + "FFFFFFFF"
    raise ValueError(block)

def test_property(record_property, record_testsuite_property):
    record_property("key", DEVICE.hex())
    record_property("count", 3)
    record_testsuite_property("suite key", KI.hex())
    assert made()

@pytest.mark.requirement("R-12")
def test_device_key():
    with step("compare the key"):
        assert DEVICE == bytes(16), "not the key of the device"

def test_ki_in_hex():
    given = KI.hex().upper()
    assert given == given[:-4] + "0000"

def test_list_and_password():
    assert [KI, PASSWORD] == [b"", "open"]

class Refused(ValueError):
    def __init__(self, key):
        super().__init__()
        self.key = key
    def __str__(self):
        return f"refused: {self.key.hex(' ')}"

@pytest.fixture
def broken():
    raise Refused(DP_KEY)

def test_in_a_fixture(broken):
    pass

def test_chained():
    try:
        raise Refused(DEVICE)
    except Refused as err:
        raise KeyError(DEVICE) from err

def test_skipped():
    pytest.skip(f"no use for {DEVICE!r}")

@pytest.mark.xfail(reason="known")
def test_expected():
    assert DEVICE == KI

def test_output():
    print("key", DEVICE)
    logging.getLogger("lab").warning("Ki %s", KI.hex())
    assert True
"""
UNSCRUBBED = """
import hil.pytest_scrubbing
hil.pytest_scrubbing.Scrubbing._without_secrets = lambda self, text, of_bench: text
"""
VIEWS = (
    "--alluredir",
    "run/allure-results",
    "--junitxml",
    "run/junit.xml",
    "-o",
    "junit_logging=all",
)


def _leaks(tmp_path: Path, done: subprocess.CompletedProcess[str]) -> set[str]:
    (tmp_path / "run" / "console.txt").write_text(done.stdout + done.stderr)
    secrets = {name: one for name, one in secrets_of(load_lab("virtual")).items() if len(one) >= 6}
    secrets |= {
        "made k": bytes.fromhex("5D9C01B7E64F2A83D07C16F95BA8E342"),
        "made opc": bytes.fromhex("C3A17E05F9428B6D1E70D4932FB65C88"),
        "made puk": b"36925814",
        "made pin": b"4711\xff\xff\xff\xff",
    }
    found = find_leaks(tmp_path / "run", secrets)
    assert found.searched > 2
    return {leak.file for leak in found.leaks}


@pytest.mark.parametrize(
    "options",
    [
        [],
        pytest.param(["-vv", "--color=yes", "-l", "-rA"], marks=thorough),
        ["-p", "xdist", "-n", "1", "--tb=native"],
    ],
    ids=["plain", "verbose", "xdist"],
)
def test_what_a_failed_test_compared_is_told_without_the_keys(
    session: Session, tmp_path: Path, options: list[str]
) -> None:
    done = session(LEAKING, *ON_BENCH, "-p", "allure_pytest", *VIEWS, *options)
    assert _leaks(tmp_path, done) == set()
    run = read_run(tmp_path / "run")
    assert run.faults == ()
    said = {name.partition("::")[2]: test.reason for name, test in run.tests.items()}
    assert said["test_device_key"].startswith("AssertionError: not the key of the device")
    assert "[secret network.subscribers[1].k]" in said["test_ki_in_hex"]
    assert "refused: [secret servers.pki.servers.sm-dp.key]" in said["test_in_a_fixture"]
    assert said["test_skipped"] == "no use for b'[secret device.auth]'"
    assert "[secret k of profile 89" in said["test_made_key"]
    assert said["test_made_pin"].startswith("AssertionError: assert '[secret pin1 of profile 89")
    assert said["test_made_puk_in_a_block"].count("[secret pu") == 1
    results = "".join(
        path.read_text() for path in (tmp_path / "run" / "allure-results").glob("*.json")
    )
    for told in (done.stdout, (tmp_path / "run" / "junit.xml").read_text(), results):
        assert "not the key of the device" in told
        assert "[secret device.auth]" in told
        assert r"\xbe\x97" not in told
        assert "'4711'" not in told
    junit = (tmp_path / "run" / "junit.xml").read_text()
    assert 'name="key" value="[secret device.auth]"' in junit
    assert 'name="count" value="3"' in junit
    if "xdist" not in options:  # a worker's properties of the suite reach no file
        assert 'name="suite key" value="[secret network.subscribers[1].k]"' in junit


UNCOLLECTED = (
    LEAKING
    + """
print("while it was read:", DEVICE)
raise RuntimeError(f"no tests for {KI.hex()}")
"""
)


@pytest.mark.parametrize(
    "options",
    [[], pytest.param(["-vv", "-p", "xdist", "-n", "1"], marks=thorough)],
    ids=["plain", "xdist"],
)
def test_what_could_not_be_collected_is_told_without_the_keys(
    session: Session, tmp_path: Path, options: list[str]
) -> None:
    done = session(UNCOLLECTED, *ON_BENCH, "-p", "allure_pytest", *VIEWS, *options)
    assert "RuntimeError: no tests for [secret network.subscribers[1].k]" in done.stdout
    assert "no tests for [secret" in (tmp_path / "run" / "junit.xml").read_text()
    assert _leaks(tmp_path, done) == set()


def test_without_scrubbing_the_search_finds_the_keys_in_every_view(
    session: Session, tmp_path: Path
) -> None:
    source = UNSCRUBBED + LEAKING
    found = _leaks(tmp_path, session(source, *ON_BENCH, "-p", "allure_pytest", *VIEWS))
    assert {"journal/main.jsonl", "junit.xml", "console.txt"} <= found
    assert any(name.startswith("allure-results/") for name in found)


LOGGING = """
from pathlib import Path
from hil.bench.lab import load_lab

def test_it():
    key = load_lab("virtual").device_keys.auth
    Path("run/main/part.log").write_text(f"the part was told {key.hex()} once\\n")
    assert key
"""


def test_a_log_is_attached_without_the_secrets_of_the_bench(
    session: Session, tmp_path: Path
) -> None:
    session(LOGGING, *ON_BENCH)
    (log,) = read_run(tmp_path / "run").tests["test_it.py::test_it"].attachments
    text = (tmp_path / "run" / log.file).read_text()
    assert text == "the part was told [secret device.auth] once\n"


WORDING = """
import allure
import pytest
from hil.bench.lab import load_lab
from hil.checks import check
from hil.evidence import current_notebook, measured, step
LAB = load_lab("virtual")
DEVICE = LAB.device_keys.auth
KI = LAB.network_keys.subscribers[1].k

@pytest.mark.requirement("R-12")
@pytest.mark.parametrize("key", [pytest.param(KI.hex(), id="subscriber")])
def test_words(key):
    notebook = current_notebook()
    with step(f"say {key}"), allure.step(f"say {DEVICE.hex()}"):
        check(f"the key is {DEVICE!r}")
        measured(f"length of {DEVICE.hex(':')}", 16, "byte", instrument="ruler")
    for kind in ("text", "json", "csv"):
        notebook.attach(f"{kind} of {key}", f"key;{DEVICE.hex(' ')}", kind=kind)
        notebook.attach(f"bytes as {kind}", b"\\xff " + DEVICE.hex().encode(), kind=kind)
    notebook.prompt_begins(f"Type {key}", "", 1.0)
    notebook.prompt(f"Type {key}", "", KI.hex(), "me", 0)
    notebook.proof("outputs", f"off, said {DEVICE.hex()}")
    allure.dynamic.parameter("own", DEVICE.hex())
"""


def test_what_a_test_words_is_kept_without_the_keys(session: Session, tmp_path: Path) -> None:
    done = session(WORDING, *ON_BENCH, "-p", "allure_pytest", *VIEWS)
    assert _leaks(tmp_path, done) == set()
    (test,) = read_run(tmp_path / "run").tests.values()
    assert test.verdict == "PASS"
    assert [step.title for step in test.steps] == ["say [secret network.subscribers[1].k]"]
    kept = [(tmp_path / "run" / one.file).read_bytes() for one in test.attachments]
    assert b"key;[secret device.auth]" in kept
    assert b"\xff [secret device.auth]" in kept
    results = "".join(
        path.read_text() for path in (tmp_path / "run" / "allure-results").glob("*-result.json")
    )
    for told in ("say [secret device.auth]", "'[secret device.auth]'"):
        assert told in results


def test_without_scrubbing_the_words_of_a_test_tell_the_keys(
    session: Session, tmp_path: Path
) -> None:
    source = UNSCRUBBED + WORDING
    found = _leaks(tmp_path, session(source, *ON_BENCH, "-p", "allure_pytest", *VIEWS))
    assert "journal/main.jsonl" in found
    assert any(name.endswith("-result.json") for name in found)
    assert any(name.startswith("attachments/") for name in found)
