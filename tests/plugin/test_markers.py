from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.plugin.conftest import Session

NEEDS = """
import pytest

@pytest.mark.requires("card", "profiles.ts48")
@pytest.mark.requirement("R-59")
def test_it():
    pass
"""


def test_a_lacking_bench_is_a_skip_that_says_what_is_missing(session: Session) -> None:
    done = session(NEEDS, "-rs", "--hil-bench", "virtual")
    assert done.returncode == 0
    assert "bench 'virtual' lacks profiles.ts48 (GSMA TS.48 profile packages)" in done.stdout
    assert "lacks card" not in done.stdout
    assert "NOT APPLICABLE 1" in done.stdout


@pytest.mark.parametrize("how", ["option", "environment", "ini"])
def test_strict_makes_it_a_failure(session: Session, how: str) -> None:
    options = {"option": ["--hil-strict"], "ini": ["-o", "hil_strict=true"]}.get(how, [])
    variables = {"HIL_STRICT": "1"} if how == "environment" else {}
    done = session(NEEDS, "--hil-bench", "virtual", *options, **variables)
    assert done.returncode == 1
    assert "lacks profiles.ts48" in done.stdout
    assert "(strict run)" in done.stdout
    assert "ERROR 1" in done.stdout


def test_no_bench_is_a_skip_that_says_how_to_name_one(session: Session) -> None:
    done = session(NEEDS, "-rs")
    assert done.returncode == 0
    assert "no bench is named: give --hil-bench NAME" in done.stdout


@pytest.mark.parametrize("how", ["option", "environment", "ini"])
def test_what_is_there_runs(session: Session, how: str) -> None:
    source = NEEDS.replace(', "profiles.ts48"', "")
    options = {"option": ["--hil-bench=virtual"], "ini": ["-o", "hil_bench=virtual"]}.get(how, [])
    variables = {"HIL_BENCH": "virtual"} if how == "environment" else {}
    done = session(source, *options, **variables)
    assert done.returncode == 0
    assert "PASS 1" in done.stdout


def test_option_goes_before_environment_before_ini(session: Session) -> None:
    ini = ["-o", "hil_bench=nowhere"]
    assert session(NEEDS, *ini).returncode == 4
    assert session(NEEDS, *ini, HIL_BENCH="virtual").returncode == 0
    done = session(NEEDS, *ini, "--hil-bench", "virtual-inprocess", HIL_BENCH="nowhere")
    assert done.returncode == 0
    assert "bench virtual-inprocess" in done.stdout


WRONG: Final = (
    ('requirement("R-95")', "there is no requirement 'R-95'"),
    ('requirement("R12")', "did you mean 'R-12'?"),
    ("requirement()", "name a requirement"),
    ("requirement(12)", "there is no requirement 12"),
    ('requirement("R-12", refused=True)', "takes refusal=True and nothing else"),
    ('requirement("R-12", refusal="yes")', "takes refusal=True and nothing else"),
    ('requires("cards")', "did you mean 'card'?"),
    ('requires("power_suply.jig")', "did you mean 'power_supply.jig'?"),
    ("requires()", "say what is needed"),
    ('severity("high")', "is one of blocker, critical"),
    ("severity()", "is one of blocker, critical"),
)


def test_wrong_markers_are_usage_errors_and_all_are_told(session: Session) -> None:
    source = "import pytest\n"
    for number, (marker, _) in enumerate(WRONG):
        source += f"\n@pytest.mark.{marker}\ndef test_{number}():\n    pass\n"
    done = session(source)
    assert done.returncode == 4
    said = done.stdout + done.stderr
    lines = [line for line in said.splitlines() if "test_it.py::test_" in line]
    assert len(lines) == len(WRONG), said
    for number, (_, text) in enumerate(WRONG):
        assert f"test_it.py::test_{number}:" in lines[number]
        assert text in lines[number]
    assert "Traceback" not in said
    assert "passed" not in said


def test_markers_of_a_module_count(session: Session) -> None:
    source = 'import pytest\npytestmark = pytest.mark.requires("device")\ndef test_it(): pass\n'
    done = session(source, "-rs")
    assert "1 skipped" in done.stdout


def test_markers_are_registered(session: Session) -> None:
    done = session(NEEDS, "--strict-markers", "--markers", "--hil-bench", "virtual")
    for name in ("requires(*capabilities)", "requirement(*ids, refusal=False)", "severity(level)"):
        assert f"@pytest.mark.{name}" in done.stdout


@pytest.mark.parametrize("workers", [[], ["-p", "xdist", "-n", "2"]], ids=["plain", "xdist"])
def test_a_wrong_bench_file_stops_everything_before_it_begins(
    session: Session, workers: list[str]
) -> None:
    done = session("def test_it(): print('ran')", "--hil-bench", "no-such-bench", *workers)
    assert done.returncode == 4
    assert "no bench is called 'no-such-bench'" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "INTERNALERROR" not in done.stdout + done.stderr


def test_all_problems_of_a_bench_file_are_shown(session: Session, lab_folder: Path) -> None:
    path = lab_folder / "virtual.yaml"
    path.write_text(path.read_text().replace("5.5 V", "5.5").replace("network:", "netwrk:", 1))
    done = session(NEEDS, "--hil-bench", "virtual")
    assert done.returncode == 4
    assert "has 2 problems" in done.stderr
    line = path.read_text().partition("max_voltage")[0].count("\n") + 1
    assert f"lab-config/virtual.yaml:{line}:20" in done.stderr
    assert "did you mean 'network'?" in done.stderr
