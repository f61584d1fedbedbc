"""The air: JSON lines to the virtual network; attaches while the device is on.

A network that authenticates its subscribers says so after the attach; then the device may register.
The lines stand in :mod:`hil.virtual.network.radio`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from hil.errors import CodecError, LinkError
from hil.virtual.device.over_the_air import Delivery

_log = logging.getLogger(__name__)
_RETRY_S: Final = 0.5
_SUBMIT_S: Final = 30.0
_MAX_LINE: Final = 65_536
_REGISTER_S: Final = 30.0
_DIALOGUE: Final = frozenset({"challenge", "registered", "rejected"})
Deliver = Callable[[bytes], Awaitable[Delivery]]
Answer = Callable[[bytes, bytes], Awaitable[dict[str, object]]]
"""Called with RAND and AUTN; returns what is said to the network."""


class NetworkLostError(LinkError):
    """The network went away, or keeps silent, while the device registered."""


def _nothing() -> None:
    """Nobody wants to know."""


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
        self._dialogue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self.plmn = ""
        self.on_network: Callable[[], None] = _nothing
        self.on_lost: Callable[[], None] = _nothing

    @property
    def authenticates(self) -> bool:
        """Whether there is a network now that lets devices register."""
        return self._writer is not None and bool(self.plmn)

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

    async def register(self, imsi: str, answer: Answer) -> dict[str, Any]:
        """Register; return ``{"registered": …}`` or ``{"rejected": cause}``.

        Raises NetworkLostError without an outcome, CodecError for one that cannot be understood,
        and what ``answer`` raises.
        """
        while not self._dialogue.empty():
            self._dialogue.get_nowait()
        self._send({"register": {"imsi": imsi}})
        while self.authenticates:
            try:
                async with asyncio.timeout(_REGISTER_S):
                    message = await self._dialogue.get()
            except TimeoutError:
                raise NetworkLostError("the network does not answer") from None
            if message is None:
                break
            if "challenge" not in message:
                return _outcome(message)
            self._send(await answer(*_challenge(message["challenge"])))
        raise NetworkLostError("the network is gone")

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
            self.plmn = ""
            self._dialogue.put_nowait(None)
            self.on_lost()
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
            elif "network" in message:
                self.plmn = str(message["network"]["plmn"])
                self.on_network()
            elif _DIALOGUE & message.keys():
                self._dialogue.put_nowait(message)
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


def _challenge(given: object) -> tuple[bytes, bytes]:
    """Return RAND and AUTN."""
    try:
        rand, autn = (bytes.fromhex(given[name]) for name in ("rand", "autn"))  # type: ignore[index]
    except (ValueError, TypeError, KeyError) as err:
        raise CodecError(f"the network's challenge cannot be read: {err}") from None
    if len(rand) != 16 or len(autn) != 16:
        raise CodecError("RAND and AUTN of a challenge have 16 bytes each")
    return rand, autn


def _outcome(message: dict[str, Any]) -> dict[str, Any]:
    if "registered" in message:
        return {"registered": True}
    given = message["rejected"]
    cause = given.get("cause") if isinstance(given, dict) else None
    if isinstance(cause, bool) or not isinstance(cause, int):
        raise CodecError("the network rejects without a cause")
    return {"rejected": cause}
