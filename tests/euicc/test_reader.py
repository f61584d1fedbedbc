"""The card behind a real PC/SC service, met by programs that nobody here wrote."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from hil.bench.pcscd import PrivatePcscd, missing
from tests.euicc.terminal import EID, factory

ATR = "3B 9E 96 80 3F 87 82 80 31 E0 73 FE 21 1B 66 56 45 55 49 43 43 3D"
DEADLINE_S = 20


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A private PC/SC service with the virtual card in its reader."""
    lacking = missing()
    if lacking:
        pytest.skip(str(lacking[0]))
    folder = tmp_path_factory.mktemp("reader")
    file = folder / "factory.json"
    file.write_text(json.dumps(factory()))
    with PrivatePcscd.start(readers=1, timeout_s=DEADLINE_S) as service:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "hil.virtual.euicc",
                "--vpcd",
                f"127.0.0.1:{service.vpcd_port}",
                "--nvm",
                str(folder / "nvm"),
                "--factory",
                str(file),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["ready"] == "euicc"
            environment = {**os.environ, **service.environment}
            _wait_for_card(environment)
            yield environment
        finally:
            process.terminate()
            process.communicate(timeout=DEADLINE_S)


def _run(environment: dict[str, str], *command: str, text: str | None = None) -> str:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(
        command,
        env=environment,
        input=text,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    return done.stdout


def _wait_for_card(environment: dict[str, str]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while "Yes" not in _run(environment, "opensc-tool", "-l"):
        assert time.monotonic() < deadline, "no card appeared in the virtual reader"
        time.sleep(0.05)


def test_opensc_reads_the_atr(environment: dict[str, str]) -> None:
    assert ATR.lower().replace(" ", ":") in _run(environment, "opensc-tool", "-a")


def test_opensc_probes_and_reads_the_eid(environment: dict[str, str]) -> None:
    output = _run(
        environment,
        "opensc-tool",
        "-s",
        "00A4040010A0000005591010FFFFFFFF8900000200",
        "-s",
        "00CA005A00",
    )
    shown = "5A 10 " + " ".join(EID[at : at + 2] for at in range(0, 28, 2))
    assert shown in output
    assert output.count("SW1=0x90, SW2=0x00") == 2


def test_pcsc_scan_lists_the_reader(environment: dict[str, str]) -> None:
    assert "virtual reader" in _run(environment, "pcsc_scan", "-r")


def test_scriptor_speaks_t0(environment: dict[str, str]) -> None:
    script = "\n".join(
        [
            "reset",
            "00 A4 00 04 02 2F E2",
            "00 C0 00 00 19",
            "00 B0 00 00 0B",
            "00 B0 00 00 0A",
            "exit\n",
        ]
    )
    output = _run(environment, "scriptor", text=script)
    assert "Using T=0 protocol" in output
    assert f"< OK: {ATR}" in output
    answers = [line for line in output.splitlines() if line.startswith("<")]
    assert [one[2:7] for one in answers[1:]] == ["61 19", "62 17", "6C 0A", "FF FF"]


def test_what_explorers_of_sims_send_first(environment: dict[str, str]) -> None:
    """Class A0 is for 2G SIMs, which no profile package makes; SELECT may ask for no data."""
    script = "\n".join(
        [
            "reset",
            "A0 A4 00 00 02 3F 00",
            "A0 C0 00 00 16",
            "00 A4 00 0C 02 3F 00",
            "00 A4 00 0C 02 2F E2",
            "80 F2 00 00 00",
            "00 A4 04 0C 07 A0 00 00 00 87 10 02",
            "80 10 00 00 01 FF",
            "exit\n",
        ]
    )
    answers = [
        line for line in _run(environment, "scriptor", text=script).splitlines() if line[:1] == "<"
    ]
    assert [one[2:7] for one in answers[1:5]] == ["6E 00", "6E 00", "90 00", "90 00"]
    assert answers[5][2:4] in ("6C", "62")
    assert [one[2:7] for one in answers[6:]] == ["6A 82", "90 00"]
