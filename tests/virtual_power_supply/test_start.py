"""The command line of a virtual supply, and what it announces."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

REFUSALS = [
    ("--model NONSENSE", 2, "invalid choice"),
    ("--model DP832 --way hislip", 1, "a DP832 is reached by socket"),
    ("--model DP832 --older-firmware", 1, "is for a KA3005P"),
    ("--model DP832 --cable 4=1", 1, "a DP832 has no output 4"),
    ("--cable 1", 2, "is not like 1=0.25"),
    ("--cable 1=-1", 2, "-1 is no time"),
    ("--manner clamp", 2, "is not like clamp=on"),
    ("--manner clamp=perhaps", 1, "'perhaps' is no value for the manner clamp"),
    ("--manner no-such=on", 1, "there are root-after-semicolon, prefixes"),
    ("--model KA3005P --baud 7", 2, "7 is no baud rate"),
]


@pytest.mark.parametrize(("options", "code", "says"), REFUSALS, ids=[r[0] for r in REFUSALS])
def test_what_cannot_be_is_said_in_one_line(options: str, code: int, says: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "hil.virtual.power_supply", *options.split()],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == code
    assert says in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "keys", "resource"),
    [
        ("", {"resource", "socket", "copper"}, "::SOCKET"),
        ("--model E36312A", {"resource", "socket", "hislip", "copper"}, "::SOCKET"),
        ("--model E36312A --way hislip", {"resource", "socket", "hislip", "copper"}, "::INSTR"),
        ("--model KA3005P --control-port 0", {"resource", "serial", "copper", "control"}, "ASRL"),
        ("--manner clamp=on --cable 1=0.5 --cable 2=1", {"resource", "socket", "copper"}, "TCPIP"),
    ],
)
def test_it_announces_every_way(options: str, keys: set[str], resource: str) -> None:
    command = [sys.executable, "-m", "hil.virtual.power_supply", "--lifeline", *options.split()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        process.stdin.close()
        assert process.wait(10) == 0
    assert set(ready) == keys | {"ready"}
    assert resource in ready["resource"]
    if "hislip" in ready:
        assert ready["hislip"].startswith("TCPIP0::127.0.0.1::hislip0,")
