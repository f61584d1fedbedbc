"""The eSIM as the firmware uses it: asynchronous, one burst at a time, T=0 rules applied.

All blocking calls run on one thread of their own, which dies with the process even while a card
hangs. PC/SC needs that thread: its calls have no timeout.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from hil.virtual.device.esim_slot import EsimError, EsimSlot
from hil.wire.apdu import CommandApdu, ResponseApdu

_Result = TypeVar("_Result")
_MAX_CONTINUATIONS: Final = 300
_CASE_4: Final = 4


class _Worker:
    """Runs calls one after another on a daemon thread."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="esim", daemon=True).start()

    async def run(self, call: Callable[[], _Result], *, timeout_s: float) -> _Result:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Result] = loop.create_future()

        def deliver(result: _Result | None, error: BaseException | None) -> None:
            if future.cancelled():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]

        def job() -> None:
            try:
                result = call()
            except BaseException as err:  # noqa: BLE001 - handed to the caller
                if not loop.is_closed():
                    loop.call_soon_threadsafe(deliver, None, err)
            else:
                if not loop.is_closed():
                    loop.call_soon_threadsafe(deliver, result, None)

        self._jobs.put(job)
        try:
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError as err:
            raise EsimError(f"the eSIM has not answered within {timeout_s:g} s") from err

    def _work(self) -> None:
        while True:
            self._jobs.get()()


class Esim:
    """One eSIM with its power. ``last`` is its last answer, ``resets`` counts lost card states.

    ``greeting`` is sent again when somebody else has reset the card: it must know its terminal.
    """

    def __init__(self, slot: EsimSlot, *, timeout_s: float) -> None:
        self._slot = slot
        self._timeout_s = timeout_s
        self._worker = _Worker()
        self._lock = asyncio.Lock()
        self._t0 = True
        self.powered = False
        self.resets = 0
        self.greeting: CommandApdu | None = None
        self.last = ResponseApdu(b"", 0x9000)
        self.on_reset: Callable[[], None] = lambda: None
        self._brief = False

    @property
    def busy(self) -> bool:
        """Whether a burst runs that is not over in a moment."""
        return self._lock.locked() and not self._brief

    async def power_on(self) -> bytes:
        """Power the eSIM; return its ATR."""
        atr = await self._call(self._slot.power_on, patience=2.0)
        self._t0 = _first_protocol(atr) == 0
        self.powered = True
        return atr

    async def power_off(self) -> None:
        """Take the power away."""
        self.powered = False
        self._slot.interrupt()
        await self._call(self._slot.power_off, patience=2.0)

    async def reset(self) -> None:
        """Reset the eSIM, as REFRESH asks for."""
        await self._call(self._slot.reset)
        self._was_reset()

    def _was_reset(self) -> None:
        self.resets += 1
        self.on_reset()

    @asynccontextmanager
    async def burst(self, *, brief: bool = False) -> AsyncIterator[None]:
        """Hold the eSIM for several APDUs; whoever comes meanwhile waits for a ``brief`` one."""
        async with self._lock:
            self._brief = brief
            kept = await self._call(self._slot.begin, patience=3.0)
            try:
                if not kept:
                    self._was_reset()
                    if self.greeting is not None:
                        await self.exchange(self.greeting)
                yield
            finally:
                await asyncio.shield(self._call(self._slot.end))

    async def raw(self, command: bytes) -> bytes:
        """Send an APDU just as it is, within a burst."""
        if not self.powered:
            raise EsimError("the eSIM is not powered")
        return await self._call(lambda: self._slot.transmit(command))

    async def exchange(self, command: CommandApdu) -> ResponseApdu:
        """Send an APDU within a burst; fetch what 61xx announces, repeat what 6Cxx corrects."""
        raw = command.encode()
        if self._t0 and command.case == _CASE_4 and len(command.data) <= 0xFF:
            raw = raw[:-1]
        response = ResponseApdu.decode(await self.raw(raw))
        data = bytearray(response.data)
        get_response = CommandApdu(0, 0xC0, 0, 0).on_channel(command.channel)
        for _ in range(_MAX_CONTINUATIONS):
            if response.sw1 == 0x6C:
                response = ResponseApdu.decode(await self.raw(raw[:4] + bytes((response.sw2,))))
                data = bytearray(response.data)
            elif response.sw1 == 0x61:
                ask = get_response.header + bytes((response.sw2,))
                response = ResponseApdu.decode(await self.raw(ask))
                data += response.data
            else:
                self.last = ResponseApdu(bytes(data), response.sw)
                return self.last
        raise EsimError("the eSIM announces more and more data without an end")

    async def _call(self, call: Callable[[], _Result], *, patience: float = 1.0) -> _Result:
        return await self._worker.run(call, timeout_s=self._timeout_s * patience)


def _first_protocol(atr: bytes) -> int:
    """Return T of the first TD byte of an ATR (ISO 7816-3 subclause 8.2.3), 0 without one."""
    if len(atr) < 2 or not atr[1] & 0x80:
        return 0
    place = 2 + bin(atr[1] >> 4 & 0x07).count("1")
    return atr[place] & 0x0F if place < len(atr) else 0
