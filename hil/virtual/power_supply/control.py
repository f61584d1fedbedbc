"""The control port: how a test breaks the supply, and sees what is really on its terminals.

TCP on the loopback, one JSON object a line each way. Requests:

* ``{"fault":KIND,"match":REGEX,"times":N,"delay_s":S,"text":T}``: a fault of the line (all but the
  first optional); ``{"clear":true}`` takes the line's faults back;
* ``{"identity":TEXT}``: another reply to ``*IDN?``; ``{"error":CODE}``: queue an instrument error;
* ``{"stuck":CHANNEL,"value":BOOL}``: the output stage stays as it is, whatever is acknowledged;
* ``{"trip":CHANNEL,"protection":"ovp"|"ocp"}``; ``{"reboot":true}``: power-up state, lines cut;
* ``{"load":{"1":{"ohms":…,"emf":…}}}``: hang something on the terminals besides the copper;
* ``{"state":true}``: answers with settings and true volts and amps of every channel.

Answers ``{"ok":true,…}`` or ``{"ok":false,"why":…}``.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from hil.errors import CodecError
from hil.virtual.copper import decode_loads
from hil.virtual.electrical import Load
from hil.virtual.power_supply.faults import Fault
from hil.virtual.power_supply.output import Output
from hil.virtual.power_supply.scpi_errors import TEXTS
from hil.virtual.power_supply.server import ScpiServer
from hil.virtual.power_supply.status import POWER_ON

Request = Mapping[str, Any]


class ControlPort:
    """Listens for requests and carries them out on the server and its instrument."""

    def __init__(self, server: ScpiServer, hang: Callable[[int, Load], None]) -> None:
        self._scpi = server
        self._supply = server.supply
        self._hang = hang
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
            if kind not in self._KINDS:
                raise CodecError(f"no request {kind!r}; there are {', '.join(self._KINDS)}")
            return {"ok": True, **(self._KINDS[kind](self, request) or {})}
        except (ValueError, KeyError, TypeError, RecursionError, re.error) as err:
            return {"ok": False, "why": f"{type(err).__name__}: {err}"}

    def _output(self, number: int) -> Output:
        return self._supply.outputs[number]

    def _fault(self, request: Request) -> None:
        times = request.get("times")
        self._scpi.faults.add(
            Fault(
                str(request["fault"]),
                re.compile(str(request.get("match", ""))),
                None if times is None else int(times),
                float(request.get("delay_s", 0.0)),
                str(request.get("text", "")),
            )
        )

    def _clear(self, _: Request) -> None:
        self._scpi.faults.clear()

    def _identity(self, request: Request) -> None:
        identity = str(request["identity"])
        if not identity.isascii():
            raise CodecError("an identity is ASCII")
        self._supply.identity = identity

    def _error(self, request: Request) -> None:
        if request["error"] not in TEXTS:
            raise CodecError(f"no SCPI error {request['error']!r}")
        self._supply.status.error(request["error"])

    def _stuck(self, request: Request) -> None:
        self._output(request["stuck"]).stick(self._supply.clock(), bool(request["value"]))

    def _trip(self, request: Request) -> None:
        output = self._output(request["trip"])
        protection = {"ovp": output.ovp, "ocp": output.ocp}[request["protection"]]
        protection.tripped = True
        output.switch(self._supply.clock(), False)

    def _reboot(self, _: Request) -> None:
        self._supply.reset()
        self._supply.status.clear()
        self._supply.status.standard_event = POWER_ON
        self._scpi.drop_all()

    def _load(self, request: Request) -> None:
        for number, load in decode_loads(request).items():
            self._output(number)
            self._hang(number, load)

    def _state(self, _: Request) -> dict[str, Any]:
        now = self._supply.clock()
        channels = {}
        for number, output in self._supply.outputs.items():
            output.advance(now)
            channels[str(number)] = {
                "on": output.on,
                "set_volts": output.volts,
                "set_amps": output.amps,
                "volts": output.true_volts(now),
                "amps": output.true_amps(now),
                "mode": output.mode(now),
                "ovp_tripped": output.ovp.tripped,
                "ocp_tripped": output.ocp.tripped,
            }
        return {"channels": channels, "clients": len(self._scpi.connections)}

    _KINDS: dict[str, Callable[[ControlPort, Request], dict[str, Any] | None]] = {  # noqa: RUF012
        "fault": _fault,
        "clear": _clear,
        "identity": _identity,
        "error": _error,
        "stuck": _stuck,
        "trip": _trip,
        "reboot": _reboot,
        "load": _load,
        "state": _state,
    }
