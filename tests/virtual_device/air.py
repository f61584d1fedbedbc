"""The network's end of the radio: a test sends short messages and reads what comes back."""

from __future__ import annotations

import json
import socket
from typing import Any


class Air:
    """One base station for one device; every read has a deadline of 10 s."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(10)
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        self._connection: socket.socket | None = None
        self._pending = b""
        self._last = 0

    def attach(self) -> dict[str, Any]:
        """Wait for a device; return what it says of itself."""
        self._hang_up()
        self._connection, _ = self._server.accept()
        self._connection.settimeout(10)
        attached: dict[str, Any] = self.read()["attach"]
        return attached

    def read(self) -> dict[str, Any]:
        assert self._connection is not None
        while b"\n" not in self._pending:
            part = self._connection.recv(65536)
            if not part:
                raise EOFError
            self._pending += part
        line, _, self._pending = self._pending.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def say(self, message: object) -> None:
        assert self._connection is not None
        self._connection.sendall(json.dumps(message).encode() + b"\n")

    def deliver(self, tpdu: bytes) -> dict[str, Any]:
        """Deliver a message and return the device's report of it."""
        self._last += 1
        self.say({"deliver": tpdu.hex(), "id": self._last})
        report = self.read()
        assert report["delivered"] == self._last
        return report

    def close(self) -> None:
        self._hang_up()
        self._server.close()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
