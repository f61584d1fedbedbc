"""Between the lines and the supply: faults, the time a message takes, reboots, who is connected."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Protocol

from hil.virtual.electrical import NS
from hil.virtual.power_supply.faults import Faults, Line, Reply
from hil.virtual.power_supply.supply import HangUp, Run, Supply

_LOG = logging.getLogger(__name__)
_TURN = 100
"""Messages of one line done in a row before the other lines have their turn."""


class Transport(Protocol):
    """A way to the supply: a listening socket, a serial line."""

    @property
    def clients(self) -> int:
        """How many are connected."""

    def drop_all(self) -> None:
        """Cut every connection at once."""

    def refuse(self) -> None:
        """Take nobody in, and cut every connection."""

    async def accept(self) -> None:
        """Take clients in again."""


class Station:
    """One supply with all its transports. ``latency_s`` is what each message takes to be done."""

    def __init__(self, supply: Supply, faults: Faults, *, latency_s: float = 0.0) -> None:
        self.supply = supply
        self.faults = faults
        self.latency_s = latency_s
        self.transports: list[Transport] = []
        self.watchers: list[Callable[[], None]] = []
        self.stalled_until = 0.0
        self._last_ns: int | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        faults.reboot = self.reboot
        faults.stall = self.stall

    @property
    def clients(self) -> int:
        """How many clients are connected, by all transports."""
        return sum(transport.clients for transport in self.transports)

    def begin(self, message: bytes, line: Line, *, talker: bool = False) -> Work | None:
        """Begin one message of ``line``, as the faults in force have it; None if it is lost."""
        if self._too_soon():
            _LOG.info("%r came too soon after the message before: lost", message)
            return None
        command = self.faults.command(message, line)
        if command is None:
            return None
        return Work(self, message, line, self.supply.begin(command, talker=talker))

    def noticed(self) -> None:
        """Let lines tell their clients that something has happened by itself."""
        for watcher in self.watchers:
            watcher()

    def drop_all(self) -> None:
        """Cut every connection."""
        for transport in self.transports:
            transport.drop_all()

    def reboot(self, down_s: float = 0.0) -> None:
        """Lose the mains for ``down_s``: outputs off, everything forgotten, lines cut."""
        self.supply.power_up()
        if down_s > 0:
            self.listen(False)
            asyncio.get_running_loop().call_later(down_s, self.listen, True)
        else:
            self.drop_all()

    def listen(self, listening: bool) -> None:
        """Take clients in, or refuse them."""
        for transport in self.transports:
            if listening:
                self._begin(transport.accept())
            else:
                transport.refuse()

    def stall(self, seconds: float) -> None:
        """Do nothing for a while; what comes in waits."""
        self.stalled_until = asyncio.get_running_loop().time() + seconds

    def _begin(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _too_soon(self) -> bool:
        pacing_s = self.supply.manners.pacing_s
        if not pacing_s:
            return False
        now, before = self.supply.clock(), self._last_ns
        self._last_ns = now
        return before is not None and now - before < pacing_s * NS


class Work:
    """One message that is being done."""

    def __init__(self, station: Station, message: bytes, line: Line, run: Run) -> None:
        self._station, self._message, self._line, self._run = station, message, line, run

    def go_on(self) -> float:
        """Go on; send the reply at the end. Return how many seconds it has to wait, or 0."""
        try:
            wait_s = self._run.advance()
        except HangUp:
            self._line.abort()
            return 0.0
        if wait_s > 0:
            return wait_s
        data = self._run.data
        _LOG.debug("%r -> %r", self._message, data)
        if data:
            self._station.faults.reply(Reply(self._message, data), self._line)
        return 0.0


class Inbox:
    """The messages of one line, done one after the other in the supply's own time.

    ``on_idle`` is called when a message has been done and none waits.
    """

    def __init__(
        self,
        station: Station,
        *,
        talker: bool = False,
        on_idle: Callable[[], None] | None = None,
    ) -> None:
        self._station = station
        self._talker = talker
        self._on_idle = on_idle
        self._waiting: deque[tuple[bytes, Line]] = deque()
        self._busy: asyncio.Handle | None = None
        self._paused = False
        self._turn = _TURN

    @property
    def busy(self) -> bool:
        """Whether something waits or is being done."""
        return bool(self._waiting) or self._busy is not None

    def begin_turn(self) -> None:
        """Begin another turn of the loop: so many messages may be done in a row again."""
        self._turn = _TURN

    def put(self, message: bytes, line: Line) -> None:
        """Take a message in; its answer goes to ``line``."""
        self._waiting.append((message, line))
        self._work()

    def pause(self) -> None:
        """Begin nothing more."""
        self._paused = True

    def resume(self) -> None:
        """Go on."""
        self._paused = False
        self._work()

    def clear(self) -> None:
        """Forget what waits; what is being done is not answered either."""
        self._waiting.clear()
        if self._busy is not None:
            self._busy.cancel()
            self._busy = None

    def _work(self) -> None:
        while self._waiting and self._busy is None and not self._paused:
            wait_s = self._station.latency_s
            if self._station.stalled_until:
                now = asyncio.get_running_loop().time()
                wait_s = max(wait_s, self._station.stalled_until - now)
            if wait_s > 0:
                loop = asyncio.get_running_loop()
                self._busy = loop.call_later(wait_s, self._finish_one)
            elif self._turn == 0:
                self._busy = asyncio.get_running_loop().call_soon(self._go_on)
            else:
                self._turn -= 1
                self._run()

    def _go_on(self) -> None:
        self._busy = None
        self._turn = _TURN
        self._work()

    def _finish_one(self) -> None:
        self._busy = None
        if self._waiting:
            self._run()
        self._work()

    def _run(self) -> None:
        message, line = self._waiting.popleft()
        self._do(self._station.begin(message, line, talker=self._talker))

    def _do(self, work: Work | None) -> None:
        self._busy = None
        wait_s = 0.0 if work is None else work.go_on()
        if wait_s > 0:
            self._busy = asyncio.get_running_loop().call_later(wait_s, self._do_on, work)
        elif self._on_idle is not None and not self._waiting:
            self._on_idle()

    def _do_on(self, work: Work | None) -> None:
        self._do(work)
        self._work()
