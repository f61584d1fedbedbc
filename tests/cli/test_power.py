"""``hil power`` as a user calls it: on a virtual bench, and on a supply that runs by itself."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Hil
from tests.power_supply.part import SERIAL, Part, start_part
from tests.thorough import thorough

REAL = """
schema: 1
power_supply:
  visa: {resource}
  serial: {serial}
  channels:
    jig: {{channel: 1, max_voltage: 5.5 V, max_current: 100 mA, ovp: 6 V, ocp: 150 mA}}
    neighbour: {{channel: 3, max_voltage: 3 V, max_current: 100 mA, ovp: 4 V, ocp: 150 mA}}
"""


@pytest.fixture(scope="module")
def part() -> Iterator[Part]:
    with start_part() as part:
        yield part


@pytest.fixture
def real(part: Part, project: Path) -> Part:
    """A supply that is on at 3.3 V, and the bench ``real`` that has it."""
    part.well()
    with socket.create_connection(("127.0.0.1", part.port), timeout=5) as line:
        line.sendall(b":SOUR1:VOLT 3.3;:SOUR1:CURR 0.1;:OUTP CH1,ON;*OPC?\n")
        assert line.recv(16).strip() == b"1"
    text = REAL.format(resource=part.resource, serial=SERIAL)
    (project / "lab-config" / "real.yaml").write_text(text)
    return part


def test_identify(hil: Hil) -> None:
    done = hil("power", "identify", "--bench", "small")
    assert done.returncode == 0, done.stderr
    assert "DP8C000000007" in done.stdout
    assert "5.3 V, 3.2 A" in done.stdout
    facts = json.loads(hil("power", "identify", "--bench", "small", "--json").stdout)
    assert (facts["speaks"], facts["channels"]["1"]) == ("DP832", "32 V, 3.2 A, jig")


def test_measuring_leaves_the_output_as_it_is(hil: Hil, real: Part) -> None:
    done = hil("power", "measure", "--bench", "real", "--channel", "jig")
    assert done.returncode == 0, done.stderr
    assert "on (voltage)" in done.stdout
    assert "± 0.01" in done.stdout
    assert "neighbour" not in done.stdout
    found = json.loads(hil("power", "measure", "--bench", "real", "--json").stdout)
    jig, neighbour = found["channels"]
    assert jig["V"]["value"] == pytest.approx(3.3, abs=0.035)
    assert jig["V"]["U"] == pytest.approx(0.0135, abs=0.002), "the DP832 at 3.3 V"
    assert (neighbour["channel"], neighbour["on"]) == (3, False)
    assert real.channel(1)["on"]


def test_watching_leaves_it_too_and_ends_by_itself(hil: Hil, real: Part) -> None:
    begun = time.monotonic()
    done = hil("power", "watch", "--bench", "real", "--channel", "1", "--seconds", "1.5")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - begun > 1.5
    lines = done.stdout.splitlines()
    assert len(lines) == 2, "one a second"
    assert all("jig" in line and "CV" in line and "3.3" in line for line in lines)
    assert real.channel(1)["on"]


def test_off_is_proven(hil: Hil, real: Part) -> None:
    done = hil("power", "off", "--bench", "real")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("off, 0.0") == 3
    assert not real.channel(1)["on"]


def test_off_that_is_not_proven_says_so(hil: Hil, real: Part) -> None:
    real.control({"stuck": 1, "value": True})
    done = hil("power", "off", "--bench", "real")
    assert done.returncode == 4
    assert "NOT PROVEN OFF" in done.stderr
    assert "cut the mains" in done.stderr


def test_set_protects_first_and_switches_off_at_the_end(hil: Hil, real: Part) -> None:
    done = hil("power", "set", "1.8V", "20 mA", "--bench", "real", "--channel", "jig")
    assert done.returncode == 0, done.stderr
    assert "OVP 6 V, OCP 0.15 A" in done.stdout
    assert not real.channel(1)["on"]
    done = hil(
        *("power", "set", "1.8V", "20mA", "--bench", "real", "--channel", "jig"),
        *("--on", "--seconds", "0.5"),
    )
    assert done.returncode == 0, done.stderr
    assert "CV     1.80" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("CH1 off, 0.0")
    assert not real.channel(1)["on"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("7V", "20mA", "--channel", "jig"), 4, "7 V is not within 0..5.5 V of its cable"),
        pytest.param(("1.8V", "1A", "--channel", "jig"), 4, "1 A is not within", marks=thorough),
        (("1.8", "20mA", "--channel", "jig"), 64, "'1.8' has no unit"),
        (("1.8V", "20mA"), 64, "say which channel with --channel: jig, neighbour"),
        pytest.param(
            ("1.8V", "20mA", "--channel", "2"),
            64,
            "no cable hangs on a channel '2'",
            marks=thorough,
        ),
    ],
)
def test_what_set_refuses(
    hil: Hil, real: Part, words: tuple[str, ...], code: int, says: str
) -> None:
    done = hil("power", "set", *words, "--bench", "real")
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr
    assert real.channel(1)["set_volts"] == pytest.approx(3.3)


def test_wrong_seconds_and_no_supply(hil: Hil) -> None:
    assert "number of seconds" in hil("power", "watch", "--seconds", "0").stderr
    done = hil("power", "off", "--bench", "bare")
    assert (done.returncode, "has no power_supply" in done.stderr) == (64, True)


def test_the_live_view_redraws_a_terminal_until_ctrl_c(
    project: Path, environment: dict[str, str], real: Part
) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "hil", "power", "watch", "--bench", "real"]
    shown = b""
    try:
        with subprocess.Popen(
            command, cwd=project, env=environment, stdout=theirs, stderr=subprocess.PIPE
        ) as process:
            os.close(theirs)
            try:
                deadline = time.monotonic() + 60
                while shown.count(b"\x1b[3F\x1b[J") < 3:
                    assert time.monotonic() < deadline, shown
                    if select.select([ours], [], [], 1)[0]:
                        shown += os.read(ours, 4096)
                process.send_signal(signal.SIGINT)
                assert process.wait(20) == 0, process.stderr and process.stderr.read()
            finally:
                process.kill()
    finally:
        os.close(ours)
    assert b"Ctrl-C ends" in shown
    assert b"neighbour CH3  off" in shown
    assert real.channel(1)["on"]


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=thorough)])
def test_what_was_switched_on_goes_off_when_it_is_interrupted(
    project: Path, environment: dict[str, str], real: Part, number: signal.Signals
) -> None:
    command = [
        *(sys.executable, "-m", "hil", "power", "set", "1.8V", "20mA", "--on"),
        *("--bench", "real", "--channel", "jig"),
    ]
    with subprocess.Popen(
        command, cwd=project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        while b"CV" not in process.stdout.readline():
            assert process.poll() is None
        assert real.channel(1)["on"]
        process.send_signal(number)
        process.wait(20)
    assert not real.channel(1)["on"]
