"""The card's end of the application toolkit: proactive commands (ETSI TS 102 223).

A proactive command waits until the terminal fetches it; while one waits, every 9000 becomes 91xx.
Before TERMINAL PROFILE there are none: the terminal has not said that it understands them.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Final

from hil.virtual.euicc.procedure import check_le
from hil.virtual.euicc.refusal import RefusalError
from hil.wire import cat
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

_LAST_NUMBER: Final = 0xFE
_DONE: Final = ResponseApdu(b"", OK)


class Toolkit:
    """Queue of proactive commands. Each is a function of its command number, 1 to FE."""

    def __init__(self) -> None:
        self._queue: deque[Callable[[int], bytes]] = deque()
        self._number = 0
        self._fetched = False
        self._current: bytes | None = None
        self._reset_wanted = False
        self.terminal_profile: bytes | None = None

    def ask(self, command: Callable[[int], bytes]) -> None:
        """Put a proactive command behind those that wait."""
        self._queue.append(command)

    def ask_for_reset(self) -> None:
        """Ask for a reset (REFRESH) once all other commands are done: it ends the session."""
        self._reset_wanted = True

    def pending(self) -> int:
        """Return the size of the command that waits for FETCH, 0 for none."""
        if self.terminal_profile is None or self._fetched:
            return 0
        if self._current is None and not self._queue and self._reset_wanted:
            self._reset_wanted = False
            self._queue.append(cat.refresh)
        if self._current is None and self._queue:
            self._number = self._number % _LAST_NUMBER + 1
            self._current = self._queue.popleft()(self._number)
        return len(self._current or b"")

    def profile(self, command: CommandApdu) -> ResponseApdu:
        """Take TERMINAL PROFILE."""
        if command.p1 or command.p2:
            raise RefusalError(0x6A86)
        if not command.data:
            raise RefusalError(0x6700)
        self.terminal_profile = command.data
        return _DONE

    def fetch(self, command: CommandApdu) -> ResponseApdu:
        """Hand out the command that waits; 6985 if none does."""
        if command.p1 or command.p2:
            raise RefusalError(0x6A86)
        size = self.pending()
        if not size or self._current is None:
            raise RefusalError(0x6985, "no proactive command waits")
        check_le(command, size)
        self._fetched = True
        return ResponseApdu(self._current, OK)

    def response(self, command: CommandApdu) -> ResponseApdu:
        """Take TERMINAL RESPONSE; 6985 if no command was fetched.

        The terminal's result is logged; a command is not repeated after a refusal.
        """
        if command.p1 or command.p2:
            raise RefusalError(0x6A86)
        if len(command.data) < 5:
            raise RefusalError(0x6700)
        if not self._fetched:
            raise RefusalError(0x6985, "no proactive command was fetched")
        log.info("proactive command %d answered: %s", self._number, command.data[5:].hex())
        self._current, self._fetched = None, False
        return _DONE
