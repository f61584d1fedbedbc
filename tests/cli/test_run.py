from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hil.cli.run import WORKERS
from hil.evidence.run_record import read_run
from hil.report import allure as report
from tests.cli.conftest import SMALL, Hil
from tests.thorough import thorough

ALLURE = """import json, pathlib, sys
arguments = sys.argv[1:]
assert arguments[0] == "generate"
out = pathlib.Path(arguments[arguments.index("-o") + 1])
config = json.loads(pathlib.Path(arguments[arguments.index("-c") + 1]).read_text())
assert pathlib.Path(config["historyPath"]).is_absolute()
assert pathlib.Path.cwd() == pathlib.Path(arguments[arguments.index("--cwd") + 1])
out.mkdir()
{rest}
"""
PAGE = """
(out / "index.html").write_text('<head><script async src="https://www.googletagmanager.com/gtag/js?id=1"></script>'
 '<script>\\nwindow.dataLayer = 1;</script>\\n</head><body>' + config["name"] + '</body>')
"""


def allure(folder: Path, rest: str) -> str:
    """Put a program in the place of Allure that checks how it is called; return its folder."""
    binary = folder / "bin" / "allure"
    binary.parent.mkdir()
    script = binary.with_suffix(".py")
    script.write_text(ALLURE.format(rest=rest))
    # A first line "#!..." could not name an interpreter with a space in its path.
    binary.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n')
    binary.chmod(0o755)
    return f"{binary.parent}:{os.environ['PATH']}"


def only_run(project: Path) -> Path:
    (found,) = (path for path in (project / "runs").iterdir() if path.is_dir())
    return found


def test_a_run_leaves_banner_results_and_report(hil: Hil, project: Path) -> None:
    done = hil("run", "--bench", "small", PATH=allure(project, PAGE))
    workers = min(WORKERS, 1 + (os.cpu_count() or 1))
    assert f"{workers} workers" in done.stdout, "the suite runs on virtual benches side by side"
    assert done.returncode == 0, done.stdout + done.stderr
    assert "RIGOL TECHNOLOGIES,DP832,DP8C000000007" in done.stdout
    assert "PASS 1  FAIL 0  INCONCLUSIVE 0  ERROR 0  NOT APPLICABLE 1" in done.stdout
    folder = only_run(project)
    assert any((folder / "allure-results").glob("*-result.json"))
    assert (folder / "junit.xml").is_file()
    assert "VIRTUAL" in (folder / "bench.txt").read_text()
    assert (
        "power.supply = TCPIP0"
        in (folder / "allure-results" / "environment.properties").read_text()
    )
    page = folder / "report" / "index.html"
    assert f"report    {page}" in done.stdout
    assert "gate      0" in done.stdout
    evidence = {path.name for path in (folder / "evidence").iterdir()}
    assert evidence >= {"run.html", "report.html", "matrix.html", "matrix.csv", "matrix.json"}
    assert {path.name for path in (folder / "config").iterdir()} >= {"bench.yaml"}
    assert read_run(folder).ended
    assert "eSIM provisioning on small" in page.read_text()
    assert "googletagmanager" not in page.read_text()


def test_without_allure_one_line_says_what_mends_it(hil: Hil, project: Path) -> None:
    done = hil("run", "--bench", "bare", "-n0", PATH="/usr/bin:/bin")
    assert done.returncode == 0
    (line,) = (row for row in done.stdout.splitlines() if row.startswith("report"))
    assert "sudo apt install nodejs npm" in line


@pytest.mark.parametrize(
    ("rest", "text"),
    [
        ("sys.exit('out of memory')", "out of memory"),
        pytest.param("", "could not make the report", marks=thorough),
        pytest.param(
            PAGE.replace("window.dataLayer = 1;</script>", "other</script>"),
            "would contact an analytics server",
            marks=thorough,
        ),
    ],
    ids=["fails", "empty", "calls home"],
)
def test_a_report_that_fails_is_not_well(hil: Hil, project: Path, rest: str, text: str) -> None:
    done = hil("run", "--bench", "bare", "-n0", PATH=allure(project, rest))
    assert done.returncode == 7
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_failures_and_strictness_reach_the_exit_code(hil: Hil, project: Path) -> None:
    assert hil("run", "--bench", "bare", "-n0", "--no-report", "--strict").returncode == 4
    path = project / "testcases" / "test_it.py"
    path.write_text(path.read_text().replace("assert True", "assert False"))
    assert hil("run", "--bench", "bare", "-n0", "--no-report").returncode == 1
    done = hil("run", "--bench", "bare", "-n0", "--no-report", "-k", "nothing_like_it")
    assert done.returncode == 3


def test_pytest_arguments_pass_through(hil: Hil, project: Path) -> None:
    done = hil("run", "--bench", "bare", "--no-report", "-k", "good", "-n", "1", "-q")
    assert done.returncode == 0
    assert "PASS 1" in done.stdout
    done = hil(
        "run", "--bench", "bare", "-n0", "--no-report", "testcases/test_it.py::test_needs_a_card"
    )
    assert "NOT APPLICABLE 1" in done.stdout
    assert "PASS 0" in done.stdout


def test_no_pcsc_falls_back_and_says_so(hil: Hil, project: Path) -> None:
    """Without pyscard the default bench is the one with the card in-process."""
    blocked = project / "blocked"
    blocked.mkdir()
    (blocked / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda n, p=None: None if n == 'smartcard' else find(n, p)\n"
    )
    root = Path(__file__).parents[2]
    done = hil("bench-info", "--no-open", PYTHONPATH=f"{blocked}:{root}")
    assert done.returncode == 0
    assert "bench virtual-inprocess" in done.stdout
    (line,) = done.stderr.splitlines()
    assert "in-process" in line
    assert "apt install" in line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=str)
def test_ending_the_tool_ends_its_tests(
    project: Path, environment: dict[str, str], number: signal.Signals
) -> None:
    (project / "testcases" / "test_it.py").write_text("""
import os, time, pytest
from pathlib import Path
from hil.bench.safe_state import SAFE_STATE

def test_it():
    SAFE_STATE.register("supply", lambda: Path("safe").write_text("off"))
    Path("pid").write_text(str(os.getpid()))
    time.sleep(60)
""")
    boot = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from hil.cli import main; sys.exit(main(['run', '--bench', 'bare', '--no-report', '-n0']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", boot],
        cwd=project,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 30
    while not (project / "pid").exists() or not (project / "pid").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    pid = int((project / "pid").read_text())
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.send_signal(number)
    deadline = time.monotonic() + 10
    while not (project / "safe").exists():
        assert time.monotonic() < deadline, "the outputs were not switched off"
        time.sleep(0.02)
    process.wait(10)
    assert process.returncode != 0
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline + 5
        time.sleep(0.02)


def test_an_empty_run_gives_no_report(tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    with pytest.raises(report.ReportError, match="no results"):
        report.build("allure", results, tmp_path / "out", {})


def test_a_worker_that_is_killed_leaves_an_incomplete_run(hil: Hil, project: Path) -> None:
    """What ran in it is INCONCLUSIVE, the others have their verdicts, and the number says so."""
    (project / "testcases" / "test_it.py").write_text(
        "import os, signal\n\n"
        "def test_before(): assert os\n"
        "def test_killed(): os.kill(os.getpid(), signal.SIGKILL)\n"
        "def test_after(): assert os\n"
    )
    done = hil("run", "--bench", "bare", "--no-report", "-n", "1")
    assert done.returncode == 3, done.stdout
    run = read_run(only_run(project))
    verdicts = {name.partition("::")[2]: test.verdict for name, test in run.tests.items()}
    assert verdicts == {"test_before": "PASS", "test_killed": "INCONCLUSIVE", "test_after": "PASS"}
    assert run.recovered
    assert run.faults == ()
    assert "test broken off" in done.stdout


WAIVED = """
schema: 1
kind: waivers
waivers:
  - {id: W-1, test: "*test_bad*", reason: known and agreed until the next release,
     author: j.doe, issued: 2020-01-01, expires: 2999-12-31}
"""


def test_a_waived_failure_passes_the_run_and_is_shown_as_a_failure(hil: Hil, project: Path) -> None:
    (project / "testcases" / "test_it.py").write_text("def test_bad(): assert 1 == 2\n")
    given = ("run", "--bench", "bare", "-n0", "--no-report")
    assert hil(*given).returncode == 1
    waivers = project / "waivers.yaml"
    waivers.write_text(WAIVED)
    done = hil(*given, "--waivers", str(waivers))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAIL 1" in done.stdout
    assert "W-1" in done.stdout
    newest = max((project / "runs").glob("*/journal"), key=lambda path: path.stat().st_mtime_ns)
    assert hil("gate", str(newest.parent)).returncode == 0


def test_a_bench_that_does_not_open_leaves_a_journal_that_says_so(hil: Hil, project: Path) -> None:
    bench = SMALL.replace("virtual: {serial: DP8C000000007}", "visa: TCPIP0::127.0.0.1::9::SOCKET")
    (project / "lab-config" / "gone.yaml").write_text(bench)
    done = hil("run", "--bench", "gone", "-n0")
    assert done.returncode == 4
    assert "Traceback" not in done.stderr
    run = read_run(only_run(project))
    assert run.ended
    assert "the bench could not be opened" in run.proofs[0].text
    assert hil("gate", str(only_run(project))).returncode == 3
