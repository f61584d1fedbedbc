"""An oscilloscope on the copper: knows what every channel carried at any instant since it began.

For tests and benchmarks: what a supply's driver reports can be compared with what was there.
"""

from __future__ import annotations

import asyncio
import threading
import time
from types import TracebackType
from typing import Final, Self

from hil.virtual.copper import ChannelLaw, Copper
from hil.virtual.electrical import next_crossing, volts_at

_START_S: Final = 5.0
_POLL_S: Final = 0.002


class Probe:
    """Listens on the copper at ``HOST:PORT`` in a thread of its own; a context manager."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._laws: dict[int, list[ChannelLaw]] = {}
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="copper probe", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(_START_S)
        if self._error is not None:
            raise self._error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_START_S)

    def volts(self, channel: int, at_ns: int) -> float:
        """Return what ``channel`` carried at ``at_ns`` (monotonic nanoseconds)."""
        laws = self._laws.get(channel, [])
        current = laws[0] if laws else None
        for law in laws:
            if law.segments[0].t0_ns <= at_ns:
                current = law
        return 0.0 if current is None else volts_at(current.segments, at_ns)

    def changes(self, channel: int, after_ns: int = 0) -> list[int]:
        """Return when ``channel`` was told something new, from ``after_ns`` on."""
        begun = [law.segments[0].t0_ns for law in self._laws.get(channel, [])]
        return [at_ns for at_ns in begun if at_ns >= after_ns]

    def change(self, channel: int, after_ns: int, *, timeout_s: float = 5.0) -> int:
        """Return when ``channel`` was told something new first, from ``after_ns`` on.

        The news may still be on the wire, so it is waited for; :class:`TimeoutError` if none comes.
        """
        deadline = time.monotonic() + timeout_s
        while not (found := self.changes(channel, after_ns)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"channel {channel} was told nothing new in {timeout_s:g} s")
            time.sleep(_POLL_S)
        return found[0]

    def crossings(self, channel: int, volts: float, after_ns: int = 0) -> list[int]:
        """Return every instant from ``after_ns`` on at which ``channel`` passed ``volts``.

        What it will pass by the law that is in force counts as well.
        """
        laws = self._laws.get(channel, [])
        found: list[int] = []
        for index, law in enumerate(laws):
            at_ns = max(after_ns, law.segments[0].t0_ns)
            end_ns = laws[index + 1].segments[0].t0_ns if index + 1 < len(laws) else None
            crossing = next_crossing(law.segments, volts, at_ns)
            if crossing is not None and (end_ns is None or crossing < end_ns):
                found.append(crossing)
        return found

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._listen())
        except BaseException as err:  # noqa: BLE001 - told to whoever waits for the start
            self._error = err
        finally:
            self._ready.set()
            self._loop.close()

    async def _listen(self) -> None:
        copper = await Copper.connect(self._address)
        copper.on_law = self._note
        for law in copper.laws:
            self._note(law)
        self._ready.set()
        try:
            await self._stop.wait()
        finally:
            await copper.close()

    def _note(self, law: ChannelLaw) -> None:
        self._laws.setdefault(law.channel, []).append(law)
