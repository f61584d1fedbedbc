"""The shell script, with a Python in its place that only notes what it is asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("sh", "cksum", "cat", "mkdir", "rm", "mv", "dirname", "sleep", "id", "tail", "cp", "sed")
PYTHON = """#!/bin/sh
printf '%s|%s\\n' "$PWD" "$*" >>"$NOTES"
case "$*" in
*"-m venv "*) for target; do :; done; mkdir -p "$target/bin" && cp "$0" "$target/bin/python" ;;
*"import smartcard"*) exit "${SMARTCARD:-0}" ;;
*"pip install"*) sleep "${PIP_SECONDS:-0}"; exit "${PIP:-0}" ;;
*"-m hil "*) exit "${HIL:-0}" ;;
esac
"""


class Checkout:
    """A checkout at a path with spaces, and a search path with nothing but the barest tools."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "a checkout"
        self.root.mkdir()
        shutil.copy(ROOT / "lab", self.root)
        shutil.copy(ROOT / "pyproject.toml", self.root)
        self.notes = folder / "notes"
        self.notes.touch()
        self.path = folder / "bin"
        self.path.mkdir()
        for name in TOOLS:
            (self.path / name).symlink_to(shutil.which(name) or name)
        python = self.path / "python3.11"
        python.write_text(PYTHON)
        python.chmod(0o755)

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.root / "lab"), *arguments],
            cwd=self.path,
            env={"PATH": str(self.path), "NOTES": str(self.notes), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **variables: str) -> tuple[int, str]:
        process = self.start(*arguments, **variables)
        out, err = process.communicate(timeout=30)
        return process.returncode, out + err

    def asked(self, what: str) -> list[str]:
        return [line for line in self.notes.read_text().splitlines() if what in line]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_sets_up_once_then_passes_everything_on(checkout: Checkout) -> None:
    code, said = checkout.run("doctor", "--bench", "my bench")
    assert code == 0
    assert "lab: making .venv" in said
    assert "lab: set up" in said
    assert checkout.asked("pip install") == [
        f"{checkout.root}|-m pip install --disable-pip-version-check --no-input "
        f"--no-compile -e {checkout.root}[dev]"
    ]
    assert checkout.asked("-m hil")[-1] == f"{checkout.path}|-m hil doctor --bench my bench"
    started = time.monotonic()
    code, said = checkout.run("doctor")
    assert (code, said) == (0, "")
    assert time.monotonic() - started < 1
    assert len(checkout.asked("pip install")) == 1


@pytest.mark.parametrize(
    ("builds", "asked"), [("0", ["[pcsc,dev]"]), ("1", ["[pcsc,dev]", "[dev]"])]
)
def test_where_pyscard_can_be_built_it_takes_one_go(
    checkout: Checkout, builds: str, asked: list[str]
) -> None:
    for name in ("gcc", "swig"):
        (checkout.path / name).symlink_to(checkout.path / "cat")
    code, said = checkout.run("doctor", PIP=builds)
    assert code == int(builds), said
    assert [line.rpartition("checkout")[2] for line in checkout.asked("pip install")] == asked


def test_exit_codes_come_through(checkout: Checkout) -> None:
    assert checkout.run("run", HIL="6")[0] == 6


def test_a_changed_project_is_set_up_again(checkout: Checkout) -> None:
    checkout.run("doctor")
    with (checkout.root / "pyproject.toml").open("a") as file:
        file.write("# one more dependency\n")
    _, said = checkout.run("doctor")
    assert "lab: set up" in said
    assert len(checkout.asked("-m venv")) == 1


def test_two_at_once_set_up_once(checkout: Checkout) -> None:
    processes = [checkout.start("doctor", PIP_SECONDS="1") for _ in range(3)]
    for process in processes:
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 0, errors
    assert len(checkout.asked("pip install")) == 1
    assert len(checkout.asked("-m hil doctor")) == 3
    assert not (checkout.root / ".lab" / "lock").exists()


def test_a_lock_whose_owner_died_is_taken_over(checkout: Checkout) -> None:
    lock = checkout.root / ".lab" / "lock"
    lock.mkdir(parents=True)
    process = subprocess.Popen(["true"])
    process.wait()
    (lock / "pid").write_text(f"{process.pid}\n")
    assert checkout.run("doctor")[0] == 0


def test_a_killed_set_up_leaves_nothing_half_done(checkout: Checkout) -> None:
    process = checkout.start("doctor", PIP_SECONDS="2")
    deadline = time.monotonic() + 10
    while not checkout.asked("pip install"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, 15)
    process.communicate(timeout=20)
    assert process.returncode != 0
    code, said = checkout.run("doctor")
    assert code == 0
    assert "lab: set up" in said


def test_what_is_missing_is_said_with_the_command_that_mends_it(checkout: Checkout) -> None:
    _, said = checkout.run("doctor", SMARTCARD="1", PIP="0")
    assert "install" in said
    assert "vsmartcard-vpcd" in said or shutil.which("pcscd")
    assert "sudo apt install nodejs npm" in said


def test_packages_that_do_not_install_end_it(checkout: Checkout) -> None:
    code, said = checkout.run("doctor", PIP="1")
    assert code == 1
    assert "could not be installed" in said
    assert not (checkout.root / ".venv" / "hil-stamp").exists()


def test_an_old_python_is_told(checkout: Checkout) -> None:
    (checkout.path / "python3.11").unlink()
    code, said = checkout.run("doctor")
    assert code == 1
    assert "sudo apt install python3 python3-venv" in said
