"""Virtual parts as processes, with small scripted children of our own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hil.bench.part import Part, PartError
from hil.errors import LinkTimeoutError, ProtocolError

GOOD = """
import json, sys
print(json.dumps({"ready": "thing", "resource": "here"}), flush=True)
print("noise", file=sys.stderr, flush=True)
sys.stdin.read()
"""


def start(tmp_path: Path, script: str, **environment: str) -> Part:
    command = [sys.executable, "-c", script]
    return Part("thing", command, log=tmp_path / "log" / "thing.log", environment=environment)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def until(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the deadline passed"
        time.sleep(0.01)


def test_ready_line_then_end_by_the_lifeline(tmp_path: Path) -> None:
    part = start(tmp_path, GOOD)
    assert part.wait_ready(timeout_s=10)["resource"] == "here"
    assert part.address("resource") == "here"
    part.check_alive()
    started = time.monotonic()
    part.stop()
    part.stop()
    assert time.monotonic() - started < 1.4, "the lifeline did not end it"
    assert not alive(part.pid)
    assert part.log.read_text() == "noise\n"


def test_a_part_that_is_killed_puts_nothing_in_order(tmp_path: Path) -> None:
    left = tmp_path / "ended"
    part = start(tmp_path, GOOD + f"open({str(left)!r}, 'w').write('in order')")
    part.wait_ready(timeout_s=10)
    part.kill()
    part.kill()
    part.stop()
    assert not alive(part.pid)
    assert not left.exists()
    with pytest.raises(PartError, match="signal 9"):
        part.check_alive()


def test_environment_reaches_the_part(tmp_path: Path) -> None:
    script = 'import os, json; print(json.dumps({"ready": "thing", "x": os.environ["HIL_X"]}))'
    part = start(tmp_path, script, HIL_X="42")
    assert part.wait_ready(timeout_s=10)["x"] == "42"
    part.stop()


def test_unasked_address_is_named(tmp_path: Path) -> None:
    part = start(tmp_path, GOOD)
    part.wait_ready(timeout_s=10)
    with pytest.raises(ProtocolError, match="no 'copper'"):
        part.address("copper")
    part.stop()


def test_end_before_ready_shows_the_log(tmp_path: Path) -> None:
    part = start(tmp_path, "import sys; sys.exit('no such chip')")
    with pytest.raises(PartError, match=r"ended before it was ready \(exit code 1\)") as caught:
        part.wait_ready(timeout_s=10)
    assert "no such chip" in str(caught.value)
    assert str(part.log) in str(caught.value)
    part.stop()


def test_silence_ends_at_the_deadline(tmp_path: Path) -> None:
    part = start(tmp_path, "import sys; sys.stdin.read()")
    started = time.monotonic()
    with pytest.raises(LinkTimeoutError, match=r"not ready after 0\.3 s"):
        part.wait_ready(timeout_s=0.3)
    assert time.monotonic() - started < 2
    part.stop()


@pytest.mark.parametrize(
    "line", ["hello", '{"ready": "other"}', "[]", "\\xff\\xfe", '{"ready": "thing"'], ids=repr
)
def test_rubbish_instead_of_a_ready_line(tmp_path: Path, line: str) -> None:
    script = f"import sys; sys.stdout.write({line!r} + chr(10)); sys.stdout.flush();"
    part = start(tmp_path, script + "sys.stdin.read()")
    with pytest.raises(ProtocolError, match="announced itself"):
        part.wait_ready(timeout_s=10)
    part.stop()


def test_flood_without_a_line_is_cut_off(tmp_path: Path) -> None:
    part = start(tmp_path, "import sys; sys.stdout.write('x' * 10**6); sys.stdout.flush()")
    with pytest.raises(ProtocolError, match="flood"):
        part.wait_ready(timeout_s=10)
    part.stop()


def test_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PartError, match="cannot be started"):
        Part("thing", ["/no/such/program"], log=tmp_path / "log")


def test_a_part_that_ends_by_itself_is_noticed(tmp_path: Path) -> None:
    part = start(tmp_path, 'import os, sys\nprint(\'{"ready": "thing"}\', flush=True)\nos.abort()')
    part.wait_ready(timeout_s=10)
    until(lambda: not part.running)
    with pytest.raises(PartError, match="by itself \\(signal 6\\)"):
        part.check_alive()
    part.stop()


def test_a_stubborn_part_is_killed(tmp_path: Path) -> None:
    script = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('{"ready": "thing"}', flush=True)
while True:
    time.sleep(1)
"""
    part = start(tmp_path, script)
    part.wait_ready(timeout_s=10)
    part.stop(timeout_s=0.4)
    assert not alive(part.pid)


def test_a_killed_parent_leaves_no_part_behind(tmp_path: Path) -> None:
    parent = f"""
import sys, time
from pathlib import Path
from hil.bench.part import Part
part = Part("thing", [sys.executable, "-c", {GOOD!r}], log=Path({str(tmp_path)!r}) / "log")
part.wait_ready(timeout_s=10)
print(part.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", parent],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert alive(pid)
        process.kill()
    until(lambda: not alive(pid))
