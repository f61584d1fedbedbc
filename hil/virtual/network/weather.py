"""The weather face: whoever tries a server here says what air and centre do to its messages.

Lines of JSON over TCP, each answered with ``{"ok": true}``, or with ``{"error": …}`` where nothing
has changed:

| line | from then on |
|---|---|
| ``{"air": {"loss": 1}}`` | the air is as the fields of :class:`Conditions` say, else as at first |
| ``{"coverage": false}`` | there is no coverage, until ``true`` |
| ``{"refuse": {"number": …, "count": 2, "status": 88}}`` | the centre answers so many to it so |
| ``{"hang_up": system id}`` | the centre has cut the connections of a client, who may come again |

The weather is that of one connection: at its end all is as it was at the start.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
from dataclasses import replace
from typing import Any, Final

from hil.virtual.network.link_model import Air
from hil.virtual.network.smsc import SmsCentre
from hil.virtual.network.subscribers import Subscribers

log = logging.getLogger(__name__)

MAX_LINE: Final = 4096
_NO_COVERAGE: Final = ((0.0, math.inf),)
_MOST_REFUSED: Final = 1000
_REFUSAL: Final = {"number", "count", "status"}


class WeatherFace:
    """The server's end; one client at a time is heard, for two would undo each other's weather."""

    def __init__(self, air: Air, subscribers: Subscribers, centre: SmsCentre) -> None:
        self._air = air
        self._subscribers = subscribers
        self._centre = centre
        self._fair = air.conditions
        self._client: asyncio.Task[object] | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client until it leaves."""
        try:
            if self._client is not None:
                await _say(writer, {"error": "somebody else makes the weather"})
                return
            self._client = asyncio.current_task()
            try:
                await self._listen(reader, writer)
            finally:
                self._client = None
                self._clear()
        except asyncio.CancelledError:
            # Only close() cancels. Handed on, asyncio would log it as a fault of this handler.
            log.debug("weather: connection ended with the network")
        except ConnectionError:
            log.info("weather: connection lost")
        finally:
            writer.close()

    async def close(self) -> None:
        """End the connection."""
        if self._client is not None:
            self._client.cancel()
            await asyncio.gather(self._client, return_exceptions=True)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                line = await reader.readline()
            except ValueError:
                await _say(writer, {"error": f"a line has at most {MAX_LINE} bytes"})
                return
            if not line:
                return
            try:
                self._take(json.loads(line))
            except (ValueError, TypeError, RecursionError) as err:
                await _say(writer, {"error": str(err)})
            else:
                await _say(writer, {"ok": True})

    def _take(self, row: Any) -> None:  # noqa: ANN401 - JSON
        if not isinstance(row, dict) or len(row) != 1:
            raise ValueError("a line is an object of one of: air, coverage, refuse, hang_up")
        ((name, value),) = row.items()
        if name == "air" and isinstance(value, dict) and "gaps" not in value:
            gaps = self._air.conditions.gaps
            self._air.conditions = replace(self._fair, **value, gaps=gaps)
        elif name == "coverage" and isinstance(value, bool):
            gaps = self._fair.gaps if value else _NO_COVERAGE
            self._air.conditions = replace(self._air.conditions, gaps=gaps)
            self._subscribers.look_again()
        elif name == "refuse" and isinstance(value, dict) and set(value) == _REFUSAL:
            if not isinstance(value["number"], str):
                raise ValueError("a number is a text of digits")
            count, status = _number(value["count"], _MOST_REFUSED), _number(value["status"])
            self._centre.refuse(value["number"], count, status)
        elif name == "hang_up" and isinstance(value, str):
            if not self._centre.hang_up(value):
                raise ValueError(f"no client is bound as {value!r}")
        else:
            raise ValueError(f"{name!r} is no line of the weather face, or has another value")

    def _clear(self) -> None:
        self._air.conditions = self._fair
        self._centre.refuse_nothing()
        self._subscribers.look_again()


def _number(value: object, most: int = 0xFFFFFFFF) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError(f"{value!r} is no number from 0 to {most}")
    return value


async def _say(writer: asyncio.StreamWriter, row: dict[str, object]) -> None:
    with contextlib.suppress(ConnectionError):
        writer.write(json.dumps(row).encode() + b"\n")
        await writer.drain()
