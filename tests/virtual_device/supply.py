"""A supply that a test sets directly: the far end of the copper, without SCPI."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import Future

from hil.virtual.copper import ChannelLaw, CopperServer
from hil.virtual.electrical import Law, Load, Segment

JIG, RAIL = 1, 2


class Supply:
    """Two channels that step from one voltage to another; ``loads`` is what hangs on them."""

    def __init__(self) -> None:
        self.loads: dict[int, Load] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = CopperServer((JIG, RAIL), self.loads.__setitem__)
        self.address = self._do(self._server.start())

    def set(self, channel: int, volts: float) -> None:
        """Step a channel to a voltage, now."""
        self.play(channel, [(0.0, volts)])

    def play(self, channel: int, steps: list[tuple[float, float]]) -> None:
        """Step a channel by (seconds from now, volts); exact whatever the load of this machine."""
        now = time.monotonic_ns()
        segments = tuple(Segment(now + round(s * 1e9), Law.HOLD, volts) for s, volts in steps)
        self._call(lambda: self._server.push(ChannelLaw(channel, segments, 1.0)))

    def ramp(self, channel: int, start: float, end: float, seconds: float) -> None:
        """Ramp a channel from now."""
        now = time.monotonic_ns()
        law = Segment(now, Law.RAMP, start, end, (end - start) / seconds)
        self._call(lambda: self._server.push(ChannelLaw(channel, (law,), 1.0)))

    def close(self) -> None:
        if self._loop.is_closed():
            return
        self._do(self._server.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _call(self, action: object) -> None:
        async def run() -> None:
            assert callable(action)
            action()

        self._do(run())

    def _do(self, work: object) -> str:
        assert asyncio.iscoroutine(work)
        future: Future[str] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(5)
