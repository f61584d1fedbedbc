"""One connection over which lines of JSON go, as the virtual network speaks on its faces."""

from __future__ import annotations

import json
import socket
import time
from typing import Any, Final

from hil.errors import LinkError, LinkTimeoutError, ProtocolError

TIMEOUT_S: Final = 10.0
_LONGEST: Final = 65_536


class JsonLine:
    """A connection to ``address`` (host:port), open at once; ``name`` is for errors.

    Raises LinkError where nobody listens.
    """

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address
        host, _, port = address.rpartition(":")
        self._waiting = bytearray()
        try:
            self._socket = socket.create_connection((host, int(port)), timeout=TIMEOUT_S)
        except (OSError, ValueError) as err:
            raise LinkError(f"{name} at {address} cannot be reached: {err}") from err
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, row: dict[str, Any]) -> None:
        """Send one line; LinkError where the connection is gone."""
        try:
            self._socket.settimeout(TIMEOUT_S)
            self._socket.sendall(json.dumps(row).encode() + b"\n")
        except OSError as err:
            raise LinkError(f"{self.name} at {self.address} is gone: {err}") from err

    def hear(self, *, timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
        """Return the next line.

        Raises LinkTimeoutError when none comes in time, LinkError when the other end is gone,
        ProtocolError for what is no JSON object.
        """
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._waiting:
            self._read(deadline, timeout_s)
        line, _, rest = bytes(self._waiting).partition(b"\n")
        self._waiting[:] = rest
        try:
            row = json.loads(line)
        except ValueError as err:
            raise ProtocolError(f"{self.name} said what is no JSON: {line[:80]!r}") from err
        if not isinstance(row, dict):
            raise ProtocolError(f"{self.name} said what is no JSON object: {line[:80]!r}")
        return row

    def close(self) -> None:
        """End the connection; may be called again."""
        self._socket.close()

    def _read(self, deadline: float, timeout_s: float) -> None:
        left = deadline - time.monotonic()
        try:
            # Zero would mean not to wait at all, which raises another error.
            self._socket.settimeout(max(left, 0.001))
            data = self._socket.recv(_LONGEST)
        except TimeoutError:
            raise LinkTimeoutError(f"{self.name} said nothing for {timeout_s:g} s") from None
        except OSError as err:
            raise LinkError(f"{self.name} at {self.address} is gone: {err}") from err
        if not data:
            raise LinkError(f"{self.name} at {self.address} closed the connection")
        self._waiting += data
        if len(self._waiting) > _LONGEST:
            raise ProtocolError(f"{self.name} said a line without an end")
