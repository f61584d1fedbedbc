"""A bench whose reader holds another card than the suite is for; and ``hil card info``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hil.bench.pcscd import PrivatePcscd
from hil.cli.pytest_command import plugin_options
from tests.card import transcripts
from tests.card.scripted_card import ScriptedCard
from tests.card.transcripts import Transcript
from tests.thorough import thorough

ROOT = Path(__file__).parents[2]
TESTS = """
import pytest


@pytest.mark.requirement("R-44")
@pytest.mark.requires("card.m2m")
def test_for_m2m(card):
    raise AssertionError("must not run")


@pytest.mark.requirement("R-44")
def test_for_an_esim(esim):
    raise AssertionError("must not run")


@pytest.mark.requirement("R-75")
@pytest.mark.requires("card")
def test_for_any_uicc(card):
    assert card.select(0x3F00).sw == 0x9000
"""


def play(pcscd: PrivatePcscd, reader: int, card: Transcript) -> ScriptedCard:
    return ScriptedCard(pcscd.vpcd_ports[reader], card.transmit, atr=card.power_on())


def run(*arguments: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HIL_")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**kept, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture
def project(tmp_path: Path, pcscd: PrivatePcscd, reader: int) -> Path:
    lab = tmp_path / "lab-config"
    lab.mkdir()
    (lab / "keysets").symlink_to(ROOT / "lab-config" / "keysets")
    pattern = pcscd.reader_patterns[reader].replace("'", "''")
    (lab / "desk.yaml").write_text(
        f"schema: 1\ncard:\n  pcsc:\n    reader: '{pattern}'\n"
        "key_sets:\n  euicc: {file: keysets/euicc-test.yaml}\n"
    )
    (tmp_path / "testcases").mkdir()
    (tmp_path / "testcases" / "test_it.py").write_text(TESTS)
    (tmp_path / "conftest.py").write_text(
        'pytest_plugins = ["fixtures.bench", "fixtures.card", "fixtures.evidence"]\n'
    )
    return tmp_path


@pytest.mark.parametrize(
    "make",
    [
        transcripts.consumer,
        pytest.param(transcripts.iot, marks=thorough),
        pytest.param(transcripts.plain, marks=thorough),
    ],
    ids=lambda one: one.__name__,
)
def test_m2m_tests_are_not_applicable_on_another_card(
    project: Path, pcscd: PrivatePcscd, reader: int, make: Callable[[], Transcript]
) -> None:
    with play(pcscd, reader, make()):
        done = run(
            *("-m", "pytest", *plugin_options(), "-p", "no:cacheprovider", "testcases", "-rs"),
            cwd=project,
            HIL_BENCH="desk",
        )
    assert "1 passed, 2 skipped" in done.stdout, done.stdout + done.stderr
    assert "this needs M2M eUICC (GSMA SGP.02)" in done.stdout
    assert "NOT APPLICABLE" in done.stdout
    assert done.returncode == 0


@thorough
def test_a_strict_run_says_that_the_card_is_another(
    project: Path, pcscd: PrivatePcscd, reader: int
) -> None:
    with play(pcscd, reader, transcripts.consumer()):
        done = run(
            *("-m", "pytest", *plugin_options(), "-p", "no:cacheprovider", "testcases"),
            cwd=project,
            HIL_BENCH="desk",
            HIL_STRICT="1",
        )
    assert "consumer eUICC (GSMA SGP.22)" in done.stdout
    assert done.returncode == 1


def test_card_info_of_a_reader(project: Path, pcscd: PrivatePcscd, reader: int) -> None:
    pattern = pcscd.reader_patterns[reader]
    with play(pcscd, reader, transcripts.consumer()):
        text = run("-m", "hil", "card", "info", "--reader", pattern, cwd=project)
        as_json = run("-m", "hil", "card", "info", "--reader", pattern, "--json", cwd=project)
    assert text.returncode == 0, text.stderr
    assert "consumer eUICC (GSMA SGP.22)" in text.stdout
    assert transcripts.CONSUMER_EID in text.stdout
    read = json.loads(as_json.stdout)
    assert read["kind"] == "consumer"
    assert len(read["profiles"]) == 2


def test_card_info_of_the_virtual_bench_is_an_m2m_card(tmp_path: Path, pcscd: PrivatePcscd) -> None:
    del pcscd  # only where PC/SC is
    variables = {"HIL_LAB_CONFIG": str(ROOT / "lab-config"), "PCSCLITE_CSOCK_NAME": ""}
    done = run(
        "-m", "hil", "card", "info", "--bench", "virtual", "--json", cwd=tmp_path, **variables
    )
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)
    assert read["kind"] == "m2m"
    assert len(read["eid"]) == 32
    assert read["profiles"] is None
    assert "PC/SC" in read["reader"]


def test_no_reader_and_no_card_say_what_to_do(
    project: Path, pcscd: PrivatePcscd, reader: int
) -> None:
    none = run("-m", "hil", "card", "info", "--reader", "NoSuchReader", cwd=project)
    assert none.returncode == 4
    assert "no PC/SC reader fits 'NoSuchReader'" in none.stderr
    assert "Plug it in" in none.stderr
    pattern = pcscd.reader_patterns[reader]
    empty = run("-m", "hil", "card", "info", "--reader", pattern, "--timeout", "0.2", cwd=project)
    assert empty.returncode == 4
    assert "insert the card" in empty.stderr
    gone = run(
        *("-m", "hil", "card", "info"), cwd=project, PCSCLITE_CSOCK_NAME=str(project / "none")
    )
    assert gone.returncode == 4
    assert "systemctl start pcscd" in gone.stderr
    assert "Traceback" not in none.stderr + empty.stderr + gone.stderr
