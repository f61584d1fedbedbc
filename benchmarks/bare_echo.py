"""The least that a server can do: what a machine's loopback costs, to hold others against.

``python -m benchmarks.bare_echo`` prints its port, takes one client after the other and answers
whatever comes by a fixed line. It ends with its standard input.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

REPLY = b"0.000\n"


@contextmanager
def bare_echo() -> Iterator[int]:
    """Run it as a process of its own; yield its port."""
    command = [sys.executable, "-m", "benchmarks.bare_echo"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()
            process.wait(10)


def main() -> None:
    """Serve until standard input ends."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(listening.getsockname()[1], flush=True)
        while True:
            client, _ = listening.accept()
            with client:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while client.recv(4096):
                    client.sendall(REPLY)


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os._exit(0)  # the main thread waits for a client, whom nobody sends any more


if __name__ == "__main__":
    main()
