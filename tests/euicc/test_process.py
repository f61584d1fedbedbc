from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.virtual.euicc.contacts import receive
from tests.euicc.terminal import factory

DEADLINE_S = 20


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    file = tmp_path / "factory.json"
    file.write_text(json.dumps(factory()))
    return [
        sys.executable,
        "-m",
        "hil.virtual.euicc",
        "--nvm",
        str(tmp_path / "nvm"),
        "--factory",
        str(file),
    ]


@pytest.fixture
def started(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*command, "--contacts-port", "0", "--lifeline"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.wait(DEADLINE_S)
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()


def ready(process: subprocess.Popen[str]) -> dict[str, str]:
    assert process.stdout is not None
    line: dict[str, str] = json.loads(process.stdout.readline())
    assert line["ready"] == "euicc"
    return line


def test_process_serves_its_contacts_and_ends_with_its_lifeline(
    started: subprocess.Popen[str],
) -> None:
    host, port = ready(started)["contacts"].split(":")
    with socket.create_connection((host, int(port)), timeout=DEADLINE_S) as peer:
        peer.sendall(bytes.fromhex("000700A4000C023F00"))
        assert receive(peer).hex() == "9000"
        assert started.stdin is not None
        started.stdin.close()
        assert started.wait(DEADLINE_S) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_cleanly(started: subprocess.Popen[str], number: signal.Signals) -> None:
    ready(started)
    started.send_signal(number)
    assert started.wait(DEADLINE_S) == 0


def test_ready_when_it_sits_in_the_reader(command: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as reader:
        port = reader.getsockname()[1]
        process = subprocess.Popen(
            [*command, "--vpcd", f"127.0.0.1:{port}"], stdout=subprocess.PIPE, text=True
        )
        try:
            reader.settimeout(DEADLINE_S)
            connection, _ = reader.accept()
            with connection:
                assert ready(process)["vpcd"] == f"127.0.0.1:{port}"
                connection.sendall(bytes.fromhex("000104"))
                assert receive(connection)[0] == 0x3B
        finally:
            process.terminate()
            assert process.wait(DEADLINE_S) == 0
            process.communicate()


def test_it_can_be_ended_while_it_waits_for_a_reader(command: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    process = subprocess.Popen(
        [*command, "--vpcd", f"127.0.0.1:{port}", "--lifeline"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.communicate(timeout=DEADLINE_S)[0] == ""
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--vpcd", "nowhere"], "HOST:PORT"),
        (["--contacts-port", "0", "--factory", "missing.json"], "missing.json"),
    ],
)
def test_mistakes_are_told(command: list[str], arguments: list[str], text: str) -> None:
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert done.returncode == 1
    assert text in done.stderr
    assert "Traceback" not in done.stderr
