from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

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
