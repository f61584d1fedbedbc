"""OpenSSL's command line as the foreign end of a TLS connection."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

DEADLINE_S = 60.0


def require() -> str:
    found = shutil.which("openssl")
    if found is None:
        pytest.skip("no openssl command on this machine")
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@dataclass
class OpensslProcess:
    """One openssl command; ``output`` collects what it prints."""

    process: subprocess.Popen[bytes]
    output: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self._collector = threading.Thread(target=self._collect, daemon=True)
        self._collector.start()

    def close(self) -> None:
        """End it; what it prints is read to its end before its streams are closed."""
        self.process.kill()
        self.process.wait(DEADLINE_S)
        self._collector.join(DEADLINE_S)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _collect(self) -> None:
        assert self.process.stdout is not None
        while data := self.process.stdout.read1(65_536):  # type: ignore[attr-defined]
            self.output += data

    def say(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def wait_for(self, text: bytes) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while text not in self.output:
            assert time.monotonic() < deadline, bytes(self.output[-2000:])
            time.sleep(0.005)


@contextlib.contextmanager
def running(*arguments: str, cwd: Path | None = None) -> Iterator[OpensslProcess]:
    process = subprocess.Popen(
        [require(), *arguments],
        cwd=cwd,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    started = OpensslProcess(process)
    try:
        yield started
    finally:
        started.close()


@contextlib.contextmanager
def server(
    psk: bytes, *options: str, identity: str = "", cwd: Path | None = None
) -> Iterator[tuple[int, OpensslProcess]]:
    """Run ``openssl s_server``; give its port."""
    port = free_port()
    who = ["-psk_identity", identity] if identity else []
    with running(
        "s_server", "-accept", f"127.0.0.1:{port}", "-nocert", "-tls1_2", "-psk", psk.hex(),
        *who, *options, cwd=cwd,
    ) as process:  # fmt: skip
        process.wait_for(b"ACCEPT")
        yield port, process
