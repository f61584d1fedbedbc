"""Subscribers of the network: a queue for each number, emptied while its device is attached."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from hil.virtual.network.link_model import Air

log = logging.getLogger(__name__)

QUEUE_LIMIT: Final = 10_000
REPORT_SECONDS: Final = 30.0
DELIVERY_ATTEMPTS: Final = 4
RETRY_SECONDS: Final = 0.5

Send = Callable[[dict[str, object]], Awaitable[None]]


class Fate(Enum):
    """What became of a message, as far as the centre can tell."""

    TAKEN = "taken"
    REFUSED = "refused"
    EXPIRED = "expired"


@dataclass(slots=True)
class Delivery:
    """One message for a device; ``done`` is called with its fate, never for one that is lost.

    ``reported``: called with the user data of its delivery report, where there is some.
    ``life_s``: so long it is worth delivering; None for ever.
    """

    tpdu: bytes
    done: Callable[[Fate], None]
    reported: Callable[[bytes], None] | None = None
    life_s: float | None = None
    attempts: int = 0
    expired: bool = False
    timer: asyncio.TimerHandle | None = None

    def settle(self, fate: Fate) -> None:
        """Tell the fate, and let the message expire no more."""
        if self.timer is not None:
            self.timer.cancel()
        self.done(fate)


@dataclass(frozen=True, slots=True)
class Report:
    """What a device answers to a message: taken or not, and the user data of the report."""

    ok: bool
    user_data: bytes = b""


_SILENCE: Final = Report(ok=False)


@dataclass(slots=True)
class Subscriber:
    """One number with what waits for it."""

    msisdn: str
    waiting: deque[Delivery] = field(default_factory=deque)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    send: Send | None = None
    reports: dict[int, asyncio.Future[Report]] = field(default_factory=dict)


class Subscribers:
    """All numbers; messages wait for their device, even for one that never attached before."""

    def __init__(self, air: Air, *, report_s: float = REPORT_SECONDS) -> None:
        self._air = air
        self._report_s = report_s
        self._numbers: dict[str, Subscriber] = {}
        self._ids = itertools.count(1)
        self._start = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()

    def offer(self, msisdn: str, delivery: Delivery) -> bool:
        """Queue a message; False when the queue of this number is full."""
        subscriber = self._of(msisdn)
        if len(subscriber.waiting) >= QUEUE_LIMIT:
            return False
        subscriber.waiting.append(delivery)
        subscriber.news.set()
        if delivery.life_s is not None:
            loop = asyncio.get_running_loop()
            delivery.timer = loop.call_later(delivery.life_s, _expire, subscriber, delivery)
        return True

    def _of(self, msisdn: str) -> Subscriber:
        if msisdn not in self._numbers:
            subscriber = Subscriber(msisdn)
            self._numbers[msisdn] = subscriber
            self._start_task(self._serve(subscriber))
        return self._numbers[msisdn]

    def attach(self, msisdn: str, send: Send) -> None:
        """Give a number to a device; an earlier device of that number is forgotten."""
        subscriber = self._of(msisdn)
        self._fail_reports(subscriber)
        subscriber.send = send
        subscriber.news.set()
        log.info("%s attached, %d messages wait", msisdn, len(subscriber.waiting))

    def detach(self, msisdn: str, send: Send) -> None:
        """Take the number from its device; what was not confirmed is delivered again later."""
        subscriber = self._of(msisdn)
        # Equal, not the same: each look at a method of a connection makes another object of it.
        if subscriber.send == send:
            subscriber.send = None
            self._fail_reports(subscriber)

    def delivered(self, msisdn: str, number: int, report: Report) -> None:
        """Note that the device has a message, or could not take it."""
        waiting = self._of(msisdn).reports.pop(number, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(report)

    @property
    def covered(self) -> bool:
        """Whether there is coverage now."""
        return self._air.covered(time.monotonic() - self._start)

    def look_again(self) -> None:
        """Take it that coverage has changed."""
        for subscriber in self._numbers.values():
            subscriber.news.set()

    async def close(self) -> None:
        """End all deliveries."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start_task(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _fail_reports(self, subscriber: Subscriber) -> None:
        for waiting in subscriber.reports.values():
            if not waiting.done():
                waiting.set_result(_SILENCE)
        subscriber.reports.clear()

    async def _serve(self, subscriber: Subscriber) -> None:
        """Take messages off one queue for good, in order; the air may still let them overtake."""
        while True:
            if not subscriber.waiting or subscriber.send is None:
                subscriber.news.clear()
                await subscriber.news.wait()
                continue
            gap = self._air.seconds_to_coverage(time.monotonic() - self._start)
            if gap > 0:
                self._air.down.out_of_coverage += 1
                subscriber.news.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(subscriber.news.wait(), gap)
                continue
            delivery = subscriber.waiting.popleft()
            copies = self._air.fate(self._air.down)
            if not copies:
                # Nobody knows of it, so nobody is told: a receipt would be a lie.
                continue
            for number, delay in enumerate(copies):
                copy = delivery if number == 0 else Delivery(delivery.tpdu, _unheard)
                if delay > 0:
                    self._start_task(self._later(subscriber, copy, delay))
                else:
                    await self._hand_over(subscriber, copy)

    async def _later(self, subscriber: Subscriber, delivery: Delivery, delay: float) -> None:
        await asyncio.sleep(delay)
        await self._hand_over(subscriber, delivery)

    async def _hand_over(self, subscriber: Subscriber, delivery: Delivery) -> None:
        send = subscriber.send
        if send is None:
            _put_back(subscriber, delivery)
            return
        number = next(self._ids)
        report: asyncio.Future[Report] = asyncio.get_running_loop().create_future()
        subscriber.reports[number] = report
        heard = _SILENCE
        try:
            await send({"deliver": delivery.tpdu.hex(), "id": number})
            heard = await asyncio.wait_for(report, self._report_s)
        except (ConnectionError, TimeoutError):
            log.info("message %d to %s was not confirmed", number, subscriber.msisdn)
        finally:
            subscriber.reports.pop(number, None)
        if heard.ok:
            delivery.settle(Fate.TAKEN)
            if heard.user_data and delivery.reported is not None:
                delivery.reported(heard.user_data)
            return
        delivery.attempts += 1
        if delivery.attempts >= DELIVERY_ATTEMPTS:
            delivery.settle(Fate.REFUSED)
            return
        if subscriber.send is send:
            await asyncio.sleep(RETRY_SECONDS)
        _put_back(subscriber, delivery)
        subscriber.news.set()


def _put_back(subscriber: Subscriber, delivery: Delivery) -> None:
    """Let a message wait for another attempt, if it is still worth one."""
    if delivery.expired:
        delivery.settle(Fate.EXPIRED)
    else:
        subscriber.waiting.appendleft(delivery)


def _expire(subscriber: Subscriber, delivery: Delivery) -> None:
    """Give up a message; one that is on its way has this attempt left."""
    delivery.expired = True
    # By identity: two messages may be alike.
    for index, waiting in enumerate(subscriber.waiting):
        if waiting is delivery:
            del subscriber.waiting[index]
            delivery.settle(Fate.EXPIRED)
            return


def _unheard(_fate: Fate) -> None:
    """Nobody asked for the fate of a doubled message."""
