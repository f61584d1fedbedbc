"""Work on all cores: same results whoever does it, bounded, and ended with its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.errors import BenchError
from hil.provisioning.cores import FEW_JOBS, JOBS_AHEAD, Cores

DEADLINE_S = 30.0


def square(number: int) -> int:
    return number * number


def slow_first(number: int) -> int:
    if number == 0:
        time.sleep(0.2)
    return number


def stumble(number: int) -> int:
    if number == 5:
        raise ValueError("five")
    return number


def die(number: int) -> int:
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def whose(_number: int) -> int:
    return os.getpid()


def meet_another(folder: Path) -> int:
    """Wait until two processes have been here: one that is quick must not do the work of both."""
    (folder / str(os.getpid())).touch()
    end = time.monotonic() + 60
    while len(list(folder.iterdir())) < 2:
        assert time.monotonic() < end, "no second process took a job within 60 s"
        time.sleep(0.01)
    return os.getpid()


@pytest.fixture(scope="module")
def two() -> Iterator[Cores]:
    cores = Cores(2)
    yield cores
    cores.close()


def test_results_come_in_the_order_of_the_jobs(two: Cores) -> None:
    assert list(two.map(square, range(40))) == [n * n for n in range(40)]
    assert list(two.map(slow_first, range(20))) == list(range(20))
    assert list(Cores(1).map(square, range(40))) == [n * n for n in range(40)]


def test_many_jobs_are_done_elsewhere_and_few_are_not(two: Cores, tmp_path: Path) -> None:
    done_by = set(two.map(meet_another, [tmp_path] * FEW_JOBS))
    assert os.getpid() not in done_by
    assert len(done_by) == 2
    assert set(two.map(whose, range(FEW_JOBS - 1))) == {os.getpid()}
    assert set(Cores(1).map(whose, range(40))) == {os.getpid()}


def test_jobs_are_taken_a_few_ahead_only(two: Cores) -> None:
    taken: list[int] = []

    def jobs() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    results = two.map(square, jobs())
    for expected in range(30):
        assert next(results) == expected * expected
        assert len(taken) <= expected + 1 + JOBS_AHEAD * 2
    results.close()  # type: ignore[attr-defined]


def test_an_error_comes_in_its_turn(two: Cores) -> None:
    results = two.map(stumble, range(40))
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="five"):
        next(results)
    assert list(two.map(square, range(20))) == [n * n for n in range(20)]


def test_a_killed_worker_is_an_error_and_the_next_work_goes_well() -> None:
    cores = Cores(2)
    with pytest.raises(BenchError, match="worker process died"):
        list(cores.map(die, range(40)))
    assert list(cores.map(square, range(20))) == [n * n for n in range(20)]
    cores.close()
    with pytest.raises(BenchError, match="closing"):
        list(cores.map(square, range(20)))


SCRIPT = """
import sys, time
from tests.provisioning.test_cores import whose
from hil.provisioning.cores import Cores
if __name__ == "__main__":
    cores = Cores(2)
    print(*set(cores.map(whose, range(40))), flush=True)
    time.sleep(60)
"""


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_the_workers_end_when_their_parent_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        workers = [int(pid) for pid in parent.stdout.readline().split()]
        assert workers
        assert all(_runs(pid) for pid in workers)
        parent.kill()
        parent.wait(10)
    deadline = time.monotonic() + DEADLINE_S
    while any(_runs(pid) for pid in workers):
        assert time.monotonic() < deadline, "workers live on without their parent"
        time.sleep(0.02)
