"""The device as a process: ready line, lifeline, signals, a link to its port."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hil.equipment.device import Device
from tests.virtual_device.conftest import Workbench


def test_ready_line_link_and_lifeline(workbench: Workbench, tmp_path: Path) -> None:
    link = tmp_path / "tty-device"
    running = workbench.start_process("--link", str(link))
    assert running.ready == {"ready": "device", "port": running.port}
    assert link.resolve() == Path(running.port)
    running.device.close()
    with Device.open(str(link), timeout_s=10) as device:
        assert device.boot_count() == 1
    running.end()
    assert not link.is_symlink()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_cleanly(workbench: Workbench, number: signal.Signals) -> None:
    running = workbench.start_process()
    running.process.send_signal(number)
    assert running.process.wait(10) == 0


def test_it_ends_with_a_parent_that_is_killed(workbench: Workbench, tmp_path: Path) -> None:
    config = tmp_path / "device.json"
    config.write_text(json.dumps(workbench.config()))
    device = [sys.executable, "-m", "hil.virtual.device", "--lifeline", "--config", str(config)]
    device += ["--state", str(tmp_path / "state")]
    parent = (
        "import subprocess, sys, time\n"
        "p = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=sys.stdout)\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", parent, *device], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["ready"] == "device"
    process.kill()
    process.wait(10)
    assert process.stdout.read() == b""
    process.stdout.close()


@pytest.mark.parametrize(
    ("arguments", "config", "text"),
    [
        ((), '{"device_id": "D", "lief": 1}', "unknown key 'lief'; did you mean 'life'"),
        ((), "{", "cannot be read"),
        (("--esim", "usb"), '{"device_id": "D"}', "is none of pcsc:REGEX"),
        (("--copper", "127.0.0.1:1"), '{"device_id": "D"}', "copper 127.0.0.1:1"),
    ],
)
def test_a_wrong_start_says_why_and_ends(
    tmp_path: Path, arguments: tuple[str, ...], config: str, text: str
) -> None:
    file = tmp_path / "device.json"
    file.write_text(config)
    command = [sys.executable, "-m", "hil.virtual.device", "--config", str(file), *arguments]
    done = subprocess.run(
        [*command, "--state", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 2
    assert text in done.stderr
    assert done.stdout == ""
