"""The air: JSON lines to the virtual network; attaches while the device is on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from hil.virtual.device.over_the_air import Delivery

_log = logging.getLogger(__name__)
_RETRY_S: Final = 0.5
_SUBMIT_S: Final = 30.0
_MAX_LINE: Final = 65_536
Deliver = Callable[[bytes], Awaitable[Delivery]]


class Radio:
    """One subscriber of the network; connects again for ever while it runs."""

    def __init__(self, address: str, *, msisdn: str, imei: str, deliver: Deliver) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port) if port.isdecimal() else 0
        self._attach = {"attach": {"msisdn": msisdn, "imei": imei}}
        self._deliver = deliver
        self._writer: asyncio.StreamWriter | None = None
        self._submissions: dict[int, asyncio.Future[bool]] = {}
        self._last_id = 0

    async def run(self) -> None:
        """Stay attached until cancelled."""
        while True:
            try:
                reader, writer = await asyncio.open_connection(
                    self._host, self._port, limit=_MAX_LINE
                )
            except OSError as err:
                _log.info("no network at %s:%d: %s", self._host, self._port, err)
            else:
                await self._attached(reader, writer)
            await asyncio.sleep(_RETRY_S)

    async def submit(self, tpdu: bytes) -> bool:
        """Send an SMS-SUBMIT; return whether the network took it."""
        if self._writer is None:
            return False
        self._last_id += 1
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._submissions[self._last_id] = answer
        number = self._last_id
        try:
            self._send({"submit": tpdu.hex(), "id": number})
            async with asyncio.timeout(_SUBMIT_S):
                return await answer
        except TimeoutError:
            return False
        finally:
            del self._submissions[number]

    async def _attached(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        incoming: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
        worker = asyncio.create_task(self._take(incoming))
        try:
            self._send(self._attach)
            while line := await reader.readline():
                self._hear(line, incoming)
        except (OSError, ValueError) as err:
            _log.info("network lost: %s", err)
        finally:
            self._writer = None
            for answer in self._submissions.values():
                if not answer.done():
                    answer.set_result(False)
            worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await worker
            writer.close()

    def _hear(self, line: bytes, incoming: asyncio.Queue[tuple[int, bytes]]) -> None:
        try:
            message = json.loads(line)
            if "deliver" in message:
                incoming.put_nowait((int(message["id"]), bytes.fromhex(message["deliver"])))
            elif "submitted" in message:
                answer = self._submissions.get(int(message["submitted"]))
                if answer is not None and not answer.done():
                    answer.set_result(message.get("ok") is True)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as err:
            _log.warning("network sent what is no message: %s", err)

    async def _take(self, incoming: asyncio.Queue[tuple[int, bytes]]) -> None:
        """Deliver one message after another, in the order of arrival."""
        while True:
            number, tpdu = await incoming.get()
            delivery = await self._deliver(tpdu)
            self._send({"delivered": number, "report": delivery.report.hex(), "ok": delivery.ok})

    def _send(self, message: object) -> None:
        if self._writer is not None:
            self._writer.write(json.dumps(message).encode() + b"\n")
