"""The control port: how a test breaks the supply, and sees what is really on its terminals.

TCP on the loopback, one JSON object a line each way; requests are those of
:mod:`hil.virtual.power_supply.requests`. Answers ``{"ok":true,…}`` or ``{"ok":false,"why":…}``.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

from hil.errors import CodecError
from hil.virtual.electrical import Load
from hil.virtual.power_supply.requests import REQUESTS, Desk
from hil.virtual.power_supply.scpi_errors import ScpiError
from hil.virtual.power_supply.station import Station


class ControlPort:
    """Listens for requests and has them carried out on the station and its supply."""

    def __init__(self, station: Station, hang: Callable[[int, Load], None]) -> None:
        self._desk = Desk(station, hang)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self, host: str, port: int) -> str:
        """Listen, and return the address as ``HOST:PORT``."""
        self._server = await asyncio.start_server(self._serve, host, port)
        name = self._server.sockets[0].getsockname()
        return f"{name[0]}:{name[1]}"

    async def close(self) -> None:
        """Stop listening and hang up."""
        if self._server is not None:
            self._server.close()
            for writer in tuple(self._writers):
                writer.transport.abort()
            await self._server.wait_closed()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                writer.write(json.dumps(self.answer(line)).encode() + b"\n")
        except (OSError, ValueError):  # a client that breaks off or never ends its line
            writer.transport.abort()
        finally:
            self._writers.discard(writer)
            writer.close()

    def answer(self, line: bytes) -> dict[str, Any]:
        """Carry one request out and return the answer to it."""
        try:
            request = json.loads(line)
            if not isinstance(request, dict) or not request:
                raise CodecError("a request is a JSON object")
            kind = next(iter(request))
            if kind not in REQUESTS:
                raise CodecError(f"no request {kind!r}; there are {', '.join(REQUESTS)}")
            return {"ok": True, **(REQUESTS[kind](self._desk, request) or {})}
        except (ValueError, KeyError, TypeError, RecursionError, re.error, ScpiError) as err:
            return {"ok": False, "why": f"{type(err).__name__}: {err}"}
