"""Other people's programs drive the virtual supplies and agree with our own reading."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.equipment.power_supply import CableLimits, PowerSupply
from tests.power_supply.part import Part, start_part

SIGROK = shutil.which("sigrok-cli")
LXI = shutil.which("lxi")
READBACK_VOLTS = 0.0005 * 5 + 0.010
"""The data sheet's limit of readback at the voltages of these tests."""

needs_sigrok = pytest.mark.skipif(SIGROK is None, reason="sigrok-cli is not installed")
needs_lxi = pytest.mark.skipif(LXI is None, reason="lxi-tools is not installed")


@pytest.fixture(scope="module")
def shared_part() -> Iterator[Part]:
    with start_part() as part:
        yield part


@pytest.fixture
def part(shared_part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Part:
    monkeypatch.setenv("HIL_LOCK_DIR", str(tmp_path / "locks"))
    shared_part.well()
    return shared_part


def run(*command: str) -> str:
    return subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=60
    ).stdout.strip()


def sigrok(part: Part, *options: str) -> str:
    return run("sigrok-cli", "-d", f"scpi-pps:conn=tcp-raw/127.0.0.1/{part.port}", *options)


def sigrok_samples(part: Part) -> dict[str, float]:
    """Return one sample of every sigrok channel, by its name."""
    lines = sigrok(part, "--samples", "1").splitlines()
    shown = dict(line.split(": ", 1) for line in lines if ": " in line)
    scale = {"V": 1.0, "mV": 1e-3, "µV": 1e-6, "A": 1.0, "mA": 1e-3, "µA": 1e-6}
    return {
        name: float(value.split()[0]) * scale.get(value.split()[1], 1.0)
        for name, value in shown.items()
    }


def lxi(part: Part, message: str) -> str:
    return run("lxi", "scpi", "--raw", "-a", "127.0.0.1", "-p", str(part.port), message)


def settled(part: Part, volts: float) -> dict[str, float]:
    """Return the state of output 1 once it carries ``volts``, as near as it is set."""
    deadline = time.monotonic() + 10
    while abs((state := part.channel(1))["volts"] - volts) > 0.05:
        assert time.monotonic() < deadline, state
        time.sleep(0.01)
    return state


@needs_sigrok
def test_sigrok_sets_and_reads(part: Part) -> None:
    settings = "voltage_target=3.3:current_limit=0.5:enabled=on"
    sigrok(part, "-g", "1", "-c", settings, "--set")
    state = settled(part, 3.3)
    assert (state["on"], state["set_volts"], state["set_amps"]) == (True, 3.3, 0.5)
    assert sigrok_samples(part)["V1"] == pytest.approx(state["volts"], abs=2 * READBACK_VOLTS)


@needs_sigrok
def test_sigrok_shows_what_it_found(part: Part) -> None:
    shown = sigrok(part, "--show")
    assert "Rigol" in shown
    assert "DP832" in shown


@needs_lxi
def test_lxi_asks(part: Part) -> None:
    assert lxi(part, "*IDN?").startswith("RIGOL TECHNOLOGIES,DP832,")
    lxi(part, ":APPL CH2,2.5,0.25")
    assert lxi(part, ":APPL? CH2") == "CH2:30V/3A,2.500,0.250"


@needs_lxi
def test_lxi_benchmark_gets_all_its_answers(part: Part) -> None:
    told = run(*("lxi", "benchmark", "--raw", "-a", "127.0.0.1", "-p", str(part.port), "-c", "200"))
    assert "requests/second" in told


@needs_sigrok
@needs_lxi
def test_everybody_reads_the_same_voltage(part: Part) -> None:
    limits = {1: CableLimits(max_volts=5.5, max_amps=0.5, ovp_volts=6.0, ocp_amps=0.6)}
    part.control({"load": {"1": {"ohms": 10.0}}})
    with PowerSupply.open(part.resource, model="DP832", limits=limits) as supply:
        channel = supply.channel(1)
        channel.protect()
        channel.apply(3.3, 0.5)
        channel.on()
        ours = channel.measure()
        truth = part.channel(1)
        samples = sigrok_samples(part)
        theirs = (samples["V1"], float(lxi(part, ":MEAS:VOLT? CH1")))
    for volts in (ours.volts, *theirs):
        assert volts == pytest.approx(truth["volts"], abs=READBACK_VOLTS + 0.002)
    assert samples["I1"] == pytest.approx(ours.amps, abs=0.002)
    assert ours.amps == pytest.approx(truth["amps"], abs=0.0015 * 0.33 + 0.005 + 0.002)
