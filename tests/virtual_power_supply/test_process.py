from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from hil.virtual.process import run_part
from tests.euicc.terminal import factory

PART = """
import asyncio, sys
from hil.virtual.process import announce, until_ended
async def main():
    ending = asyncio.create_task(until_ended("--lifeline" in sys.argv))
    await asyncio.sleep(0)
    announce("part", port=7)
    await ending
    print("ended", file=sys.stderr)
asyncio.run(main())
"""


def start(*arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PART, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline()) == {"ready": "part", "port": 7}
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_a_part_cleanly(number: signal.Signals) -> None:
    with start() as process:
        process.send_signal(number)
        _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "ended\n")


def test_the_end_of_the_lifeline_ends_a_part() -> None:
    with start("--lifeline") as process:
        assert process.stdin is not None
        process.stdin.write("still here\n")
        process.stdin.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.2)
        _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "ended\n")


def test_without_lifeline_the_end_of_input_means_nothing() -> None:
    with start() as process:
        assert process.stdin is not None
        process.stdin.close()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


REFUSALS = [
    ("power_supply", "--port TAKEN", 1, "address already in use"),
    ("power_supply", "--copper-port TAKEN", 1, "address already in use"),
    ("power_supply", "--control-port TAKEN", 1, "address already in use"),
    ("power_supply", "--port 65536", 2, "65536 is no port"),
    ("power_supply", "--port -1", 2, "-1 is no port"),
    ("power_supply", "--speed 0", 2, "0 is no factor"),
    ("power_supply", "--speed nan", 2, "nan is no factor"),
    ("power_supply", "--latency-ms -5", 2, "-5 is no time"),
    ("power_supply", "--nonsense", 2, "--nonsense"),
    ("network", "--smpp-port TAKEN", 1, "address already in use"),
    ("network", "--radio-port TAKEN", 1, "address already in use"),
    ("network", "--smpp-port 65536", 2, "65536 is no port"),
    ("network", "--loss 1.1", 2, "1.1 is no probability"),
    ("network", "--jitter-ms inf", 2, "inf is no time"),
    ("network", "--no-coverage a-b", 2, "'a-b' is not like 2.5-4"),
    ("network", "--accounts LIST", 1, "must be an object"),
    ("network", "--accounts LONG", 1, "at most 8 characters"),
    ("network", "--accounts MISSING", 1, "No such file"),
    ("euicc", "--contacts-port TAKEN", 1, "already in use"),
    ("euicc", "--contacts-port 65536", 2, "65536 is no port"),
    ("euicc", "--vpcd 127.0.0.1:65536", 1, "is not HOST:PORT"),
    ("euicc", "--contacts-port 0 --nvm FILE", 1, "File exists"),
    ("euicc", "--contacts-port 0 --factory LIST", 1, "must be a JSON object"),
]


@pytest.mark.parametrize(("part", "options", "code", "says"), REFUSALS)
def test_a_part_that_cannot_run_says_why_in_one_line(
    part: str, options: str, code: int, says: str, tmp_path: Path
) -> None:
    contents = {"FILE": "", "LIST": "[1]", "LONG": '{"a": "123456789"}', "MISSING": None}
    for name, content in contents.items():
        if content is not None:
            (tmp_path / name).write_text(content)
    (tmp_path / "factory.json").write_text(json.dumps(factory()))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = {name: str(tmp_path / name) for name in contents}
        words["TAKEN"] = str(taken.getsockname()[1])
        given = [words.get(word, word) for word in options.split()]
        if part == "euicc":
            needed = ["--nvm", str(tmp_path / "nvm"), "--factory", str(tmp_path / "factory.json")]
            given = needed + given
        ended = subprocess.run(
            [sys.executable, "-m", f"hil.virtual.{part}", *given, "--lifeline"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert (ended.returncode, ended.stdout) == (code, "")
    last = ended.stderr.splitlines()[-1]
    assert last.startswith(f"hil virtual {part.replace('_', '-')}: ")
    assert says in last
    assert code == 2 or ended.stderr.count("\n") == 1


def test_an_interrupt_while_a_part_is_starting_ends_it() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    assert run_part("part", interrupted) == 0
