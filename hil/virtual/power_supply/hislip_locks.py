"""Locks of HiSLIP clients on one device (IVI-6.1, 6.5; the rules are those of VISA, VPP-4.3 3.6).

An exclusive lock keeps everybody else out; a shared lock lets in who names the same key. A holder
of the shared lock may take the exclusive one on top. Who is kept out waits, and so do its messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import IntEnum
from typing import Protocol


class Granted(IntEnum):
    """Control code of the answer to a request or release."""

    FAILURE = 0
    EXCLUSIVE = 1
    SHARED = 2
    ERROR = 3


class Client(Protocol):
    """Somebody who can hold a lock."""

    def lock_changed(self) -> None:
        """Learn that it may be kept out now, or let in again."""


class _Waiting:
    """A request that could not be granted at once."""

    def __init__(self, client: Client, key: str, answer: Callable[[Granted], None]) -> None:
        self.client, self.key, self.answer = client, key, answer
        self.timer: asyncio.TimerHandle | None = None


class Locks:
    """Who holds what. ``clients`` are told of every change."""

    def __init__(self) -> None:
        self.clients: set[Client] = set()
        self._exclusive: Client | None = None
        self._key = ""
        self._sharing: set[Client] = set()
        self._queue: list[_Waiting] = []

    @property
    def exclusively_locked(self) -> bool:
        """Whether somebody holds the exclusive lock."""
        return self._exclusive is not None

    @property
    def holders(self) -> int:
        """How many clients hold a lock of either kind."""
        exclusive = set() if self._exclusive is None else {self._exclusive}
        return len(self._sharing | exclusive)

    def admits(self, client: Client) -> bool:
        """Tell whether a client's messages are to be done now."""
        if self._exclusive is not None:
            return self._exclusive is client
        return not self._sharing or client in self._sharing

    def request(
        self, client: Client, key: str, timeout_s: float, answer: Callable[[Granted], None]
    ) -> None:
        """Ask for the exclusive lock (no ``key``) or the shared one; ``answer`` comes in time."""
        if self._holds(client, key):
            answer(Granted.ERROR)
            return
        waiting = _Waiting(client, key, answer)
        if self._grant(waiting):
            return
        if timeout_s <= 0:
            answer(Granted.FAILURE)
            return
        waiting.timer = asyncio.get_running_loop().call_later(timeout_s, self._give_up, waiting)
        self._queue.append(waiting)

    def release(self, client: Client) -> Granted:
        """Give back the lock taken last; ERROR if there is none."""
        if self._exclusive is client:
            self._exclusive, released = None, Granted.EXCLUSIVE
        elif client in self._sharing:
            self._sharing.discard(client)
            released = Granted.SHARED
        else:
            return Granted.ERROR
        self._changed()
        return released

    def forget(self, client: Client) -> None:
        """Take everything from a client that has gone."""
        self.clients.discard(client)
        for waiting in [waiting for waiting in self._queue if waiting.client is client]:
            self._drop(waiting)
        if self._exclusive is client:
            self._exclusive = None
        self._sharing.discard(client)
        self._changed()

    def _holds(self, client: Client, key: str) -> bool:
        # The exclusive lock is the innermost: nothing is granted on top of it.
        return self._exclusive is client or (bool(key) and client in self._sharing)

    def _grant(self, waiting: _Waiting) -> bool:
        client, key = waiting.client, waiting.key
        if self._exclusive is not None:
            return False
        if not key:
            if self._sharing and client not in self._sharing:
                return False
            self._exclusive = client
            granted = Granted.EXCLUSIVE
        else:
            if self._sharing and key != self._key:
                return False
            self._sharing.add(client)
            self._key = key
            # Code 1 says success for either kind of request; 2 is for releases alone.
            granted = Granted.EXCLUSIVE
        waiting.answer(granted)
        for other in tuple(self.clients):
            other.lock_changed()
        return True

    def _changed(self) -> None:
        for waiting in tuple(self._queue):
            if self._grant(waiting):
                self._drop(waiting)
        for client in tuple(self.clients):
            client.lock_changed()

    def _give_up(self, waiting: _Waiting) -> None:
        self._drop(waiting)
        waiting.answer(Granted.FAILURE)

    def _drop(self, waiting: _Waiting) -> None:
        if waiting.timer is not None:
            waiting.timer.cancel()
        self._queue.remove(waiting)
