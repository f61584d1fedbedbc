"""One virtual part of the bench as a child process on a lifeline.

The part says that it is ready with one line of JSON on its standard output, logs to a file, and
ends when its standard input closes: when this process ends, however it ends, the kernel closes
the pipe and the part goes with it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import selectors
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

from hil.errors import BenchError, LinkTimeoutError, ProtocolError

_log = logging.getLogger(__name__)
_MAX_READY_LINE: Final = 65_536
_LOG_LINES: Final = 6


class PartError(BenchError):
    """A virtual part did not start, or ended by itself; the text has the end of its log."""


class Part:
    """A running virtual part. Start it, then wait for its ready line, then use its addresses."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start the process; ``log`` gets its standard error.

        Raises PartError if the program cannot be started.
        """
        self.name = name
        self.log = log
        self._ready: dict[str, Any] | None = None
        log.parent.mkdir(parents=True, exist_ok=True)
        try:
            with log.open("ab") as errors:
                # A session of its own: Ctrl-C in the terminal must not end the parts before
                # teardown has switched things off through them.
                self._process: subprocess.Popen[bytes] = subprocess.Popen(
                    list(command),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env={**os.environ, **(environment or {})},
                    start_new_session=True,
                )
        except OSError as err:
            raise PartError(f"virtual {name} cannot be started: {err}") from err

    @property
    def pid(self) -> int:
        """Process id of the part."""
        return self._process.pid

    @property
    def lifeline(self) -> int:
        """Descriptor of the lifeline; the part lives as long as any process holds it open."""
        return _opened(self._process.stdin).fileno()

    @property
    def running(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    def wait_ready(self, *, timeout_s: float) -> dict[str, Any]:
        """Wait for the ready line and return what it says.

        Raises:
            PartError: the part ended before it was ready.
            LinkTimeoutError: it kept silent until the deadline.
            ProtocolError: its line is not the JSON object that was agreed.

        """
        if self._ready is None:
            line = self._read_line(time.monotonic() + timeout_s, timeout_s)
            self._ready = self._parse(line)
        return self._ready

    def _read_line(self, deadline: float, timeout_s: float) -> bytes:
        stdout = _opened(self._process.stdout)
        line = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise LinkTimeoutError(
                        f"virtual {self.name} was not ready after {timeout_s:g} s{self._last_log()}"
                    )
                # Byte-wise would do; what follows the line is never read, so nothing gets lost.
                chunk = os.read(stdout.fileno(), 4096)
                if not chunk:
                    raise PartError(self._ended("before it was ready"))
                line += chunk
                if len(line) > _MAX_READY_LINE:
                    raise ProtocolError(f"virtual {self.name} sent no line of JSON but a flood")
        return bytes(line.split(b"\n", 1)[0])

    def _parse(self, line: bytes) -> dict[str, Any]:
        try:
            ready = json.loads(line)
        except ValueError as err:
            raise ProtocolError(
                f"virtual {self.name} announced itself with {line[:120]!r}, which is not JSON"
            ) from err
        if not isinstance(ready, dict) or ready.get("ready") != self.name:
            raise ProtocolError(
                f"virtual {self.name} announced itself with {line[:120]!r}; "
                f'{{"ready": "{self.name}", …}} was expected'
            )
        return ready

    def address(self, key: str) -> str:
        """Return one address of the ready line; ProtocolError if it did not give that one."""
        value = (self._ready or {}).get(key)
        if not isinstance(value, str):
            raise ProtocolError(f"virtual {self.name} announced no '{key}': {self._ready}")
        return value

    def check_alive(self) -> None:
        """Raise PartError if the part has ended by itself."""
        if not self.running:
            raise PartError(self._ended("by itself"))

    def stop(self, *, timeout_s: float = 3.0) -> None:
        """End the part: close its lifeline, then SIGTERM, then SIGKILL. Idempotent."""
        process = self._process
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        share = timeout_s / 2
        for ask in (None, process.terminate, process.kill):
            if ask is not None and process.poll() is None:
                _log.warning("virtual %s did not end in time: %s", self.name, ask.__name__)
                ask()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(share)
                break
        if process.stdout is not None:
            process.stdout.close()

    def kill(self) -> None:
        """End the part at once, as a failure of its power would: it can put nothing in order."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _ended(self, when: str) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        code = self._process.returncode
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return f"virtual {self.name} ended {when} ({how}){self._last_log()}"

    def _last_log(self) -> str:
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            text = ""
        lines = [line for line in text.splitlines() if line.strip()][-_LOG_LINES:]
        return f"; log {self.log}" + "".join(f"\n    {line}" for line in lines)


def _opened(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:  # pragma: no cover - Popen was asked for a pipe
        raise PartError("the part has no standard output")
    return pipe
