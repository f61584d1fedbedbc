from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from hil.cli import COMMANDS, main
from tests.cli.conftest import Hil


def test_help_names_every_command_and_exit_code(hil: Hil) -> None:
    done = hil("--help")
    assert done.returncode == 0
    for word in (*COMMANDS, "7 the report"):
        assert word in done.stdout


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_has_help(hil: Hil, command: str) -> None:
    done = hil(command, "--help")
    assert done.returncode == 0
    assert COMMANDS[command].partition(";")[0].partition(",")[0][1:] in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ((), 64, "COMMAND"),
        (("rnu",), 64, "invalid choice"),
        (("schema", "--foo"), 64, "unknown argument: --foo"),
        (("schema", "bnech"), 64, "invalid choice"),
        (("bench-info", "--bench", "virtul"), 64, "did you mean 'virtual'?"),
        (("bench-info", "--bench", "no/such.yaml"), 64, "there is no such bench file"),
        (("run", "--bench", "virtul"), 64, "did you mean 'virtual'?"),
        (("run", "--bench", "bare", "--profile", "none.der"), 64, "no profile package"),
        (("requirements", "R-99"), 64, "there is no requirement 'R-99'"),
        (("virtual", "powersupply"), 64, "invalid choice"),
        (("schema", "--foo"), 64, "usage: hil schema"),
        (("run", "--bench", "bare", "--output", "/proc/none"), 64, "/proc/none: No such file or"),
        (("run", "--bench", "bare", "--output", "/dev/null"), 64, "/dev/null: File exists; name"),
        (("discover", "--visa", "rubbish"), 64, "rubbish: no VISA resource name, such as TCPIP0"),
        (("discover", "--timeout", "nan"), 64, "'nan' is no number of seconds"),
        (("card", "info", "--timeout", "-1"), 64, "'-1' is no number of seconds"),
    ],
)
def test_mistakes_are_one_message(
    hil: Hil, arguments: tuple[str, ...], code: int, text: str
) -> None:
    done = hil(*arguments)
    assert done.returncode == code
    assert text in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_interrupted_while_a_command_is_loaded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(_name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hil.cli.importlib.import_module", load)
    assert main(["run"]) == 130
    assert capsys.readouterr().err == "hil: interrupted\n"


def test_a_broken_bench_has_its_own_exit_code(hil: Hil, project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    path = project / "lab-config" / "dead.yaml"
    text = (project / "lab-config" / "small.yaml").read_text()
    visa = f"visa: TCPIP0::127.0.0.1::{port}::SOCKET"
    path.write_text(text.replace("virtual: {serial: DP8C000000007}", visa))
    done = hil("bench-info", "--bench", "dead")
    assert done.returncode == 4
    assert done.stderr.startswith("hil: bench: ")
    assert str(port) in done.stderr
    assert "Traceback" not in done.stderr


def test_schema_checks_the_shipped_benches(hil: Hil, project: Path) -> None:
    schema = json.loads(hil("schema").stdout)
    bench = yaml.safe_load((project / "lab-config" / "virtual.yaml").read_text())
    jsonschema.validate(bench, schema)
    assert json.loads(hil("schema", "jig").stdout)["properties"]["dwell"]


def test_bench_info_opens_or_not(hil: Hil) -> None:
    planned = hil("bench-info", "--bench", "small", "--no-open")
    assert "DP832" in planned.stdout
    assert "VIRTUAL" in planned.stdout
    opened = hil("bench-info", "--bench", "small")
    assert "RIGOL TECHNOLOGIES,DP832,DP8C000000007" in opened.stdout
    assert opened.returncode == 0


def test_bench_is_named_by_environment(hil: Hil) -> None:
    assert "bench small" in hil("bench-info", "--no-open", HIL_BENCH="small").stdout


def test_output_cut_off_by_the_reader_is_no_traceback(
    project: Path, environment: dict[str, str]
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "hil", "requirements"],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
    assert b"Traceback" not in errors
    assert b"BrokenPipe" not in errors


def test_a_virtual_part_by_itself(project: Path, environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "hil", "virtual", "power-supply", "--port", "0"],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        port = int(ready["resource"].split("::")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"*IDN?\n")
            assert b"DP832" in connection.recv(200)
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(5) == 0
        assert process.stderr is not None
        assert "Ctrl-C ends it" in process.stderr.read()


def test_discover_writes_a_bench_file_that_is_valid(hil: Hil, project: Path) -> None:
    done = hil("discover", "--write", "lab-config/found.yaml", "--timeout", "0.2")
    assert done.returncode == 0, done.stderr
    assert "wrote   lab-config/found.yaml" in done.stdout
    assert hil("bench-info", "--bench", "found", "--no-open").returncode == 0
    again = hil("discover", "--write", "lab-config/found.yaml", "--timeout", "0.2")
    assert again.returncode == 64
    assert "--force" in again.stderr


def test_requirements_tell_tests_and_last_verdicts(hil: Hil) -> None:
    before = json.loads(hil("requirements", "R-24", "R-12", "--json").stdout)
    assert before[0]["claims"] == [3]
    assert before[0]["tests"] == {
        "testcases/test_it.py::test_good": {"shows": ["good way"], "verdict": "NOT RUN", "at": ""},
        "testcases/test_it.py::test_needs_a_card": {
            "shows": ["refusal"],
            "verdict": "NOT RUN",
            "at": "",
        },
    }
    assert [row["missing"] for row in before] == [[], ["good way"]]
    assert hil("run", "--bench", "bare", "-n0", "--no-report").returncode == 0
    after = hil("requirements", "R-24", "R-01")
    assert "PASS            good way            testcases/test_it.py::test_good  20" in after.stdout
    assert (
        "NOT APPLICABLE  refusal             testcases/test_it.py::test_needs_a_card"
        in after.stdout
    )
    assert after.returncode == 1, "a requirement that was asked for has no test"
    assert "NO TEST" in after.stdout
    everything = hil("requirements")
    assert everything.returncode == 0
    assert "75 requirements, 2 with tests, 1 by the good way and a refusal" in everything.stdout
    assert "NO GOOD WAY" in everything.stdout
    assert "no refusal: a measurement" in everything.stdout
    missing = hil("requirements", "R-12", "R-24", "R-72", "--missing").stdout
    assert [line[:4] for line in missing.splitlines() if line.startswith("R-")] == ["R-12", "R-72"]


def test_requirements_with_a_broken_test_file(hil: Hil, project: Path) -> None:
    (project / "testcases" / "test_broken.py").write_text("import no_such_module\n")
    done = hil("requirements")
    assert done.returncode == 64
    assert "no_such_module" in done.stderr
