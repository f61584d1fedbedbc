"""Work side by side on the cores of the machine: results in the order of the jobs.

The processes hold nothing between jobs and open nothing, so that it makes no difference to a result
how many there are. They end with the process that made them, even where that one is killed.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from multiprocessing.connection import wait
from typing import Final, TypeVar

from hil.errors import BenchError

JOBS_AHEAD: Final = 4
"""Jobs that wait at each core: enough to keep it busy, few enough to hold little memory."""

FEW_JOBS: Final = 8
"""Fewer jobs than this are done sooner by the caller than by processes that must begin first."""

_Job = TypeVar("_Job")
_Result = TypeVar("_Result")


class Cores:
    """A pool of ``count`` processes (by default one a core), begun when it is first needed.

    With one core all work is done by the caller, and no process is begun.
    """

    def __init__(self, count: int | None = None) -> None:
        self.count = max(1, count if count is not None else len(os.sched_getaffinity(0)))
        self._pool: ProcessPoolExecutor | None = None
        self._lock = threading.Lock()
        self._closed = False

    def map(self, work: Callable[[_Job], _Result], jobs: Iterable[_Job]) -> Iterator[_Result]:
        """Yield ``work(job)`` for each job, in their order; ``work`` is a function of a module.

        What a job raises is raised when its turn comes. Only a few jobs are taken ahead.
        Raises :class:`BenchError` when a process dies.
        """
        jobs = iter(jobs)
        few = list(islice(jobs, 1 if self.count == 1 else FEW_JOBS))
        if self.count == 1 or len(few) < FEW_JOBS:
            yield from map(work, chain(few, jobs))
            return
        jobs = chain(few, jobs)
        ahead: deque[Future[_Result]] = deque()
        try:
            for job in jobs:
                ahead.append(self._begun().submit(work, job))
                if len(ahead) >= JOBS_AHEAD * self.count:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        except BrokenProcessPool as err:
            self._forget()
            raise BenchError(
                "a worker process died (killed, or out of memory?): what it worked on was not "
                "stored; do it again"
            ) from err
        finally:
            for future in ahead:
                future.cancel()

    def close(self) -> None:
        """End the processes; may be called again."""
        self._closed = True
        self._forget()

    def _begun(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._closed:
                raise BenchError("the worker processes have ended: their server is closing")
            if self._pool is None:
                # The servers have threads, so a fork could copy a lock that is held.
                self._pool = ProcessPoolExecutor(
                    self.count, multiprocessing.get_context("spawn"), _end_with_parent
                )
            return self._pool

    def _forget(self) -> None:
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)


def _end_with_parent() -> None:
    """Watch the parent from a thread; end at once when it is gone."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
