"""The card's end of the application toolkit: proactive commands (ETSI TS 102 223).

A proactive command waits until the terminal fetches it; while one waits, every 9000 becomes 91xx.
Before TERMINAL PROFILE there are none: the terminal has not said that it understands them.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc.procedure import check_le
from hil.virtual.euicc.refusal import RefusalError
from hil.wire import bip, cat, terminal_profile
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.wire.cat import TerminalResponse

    Command = Callable[[int], bytes]
    Answered = Callable[[TerminalResponse | None], None]

log = logging.getLogger(__name__)

_LAST_NUMBER: Final = 0xFE
_DONE: Final = ResponseApdu(b"", OK)


class Toolkit:
    """Queue of proactive commands. Each is a function of its command number, 1 to FE.

    ``greeted`` is called after each TERMINAL PROFILE. While ``session_open``, the terminal holds
    channels for the card: a reset waits until they are done with.
    """

    def __init__(self) -> None:
        self._queue: deque[tuple[Command, Answered | None]] = deque()
        self._answered: Answered | None = None
        self._number = 0
        self._fetched = False
        self._current: bytes | None = None
        self._reset_wanted = False
        self.terminal_profile: bytes | None = None
        self.session_open = False
        self.greeted: Callable[[], None] = _nothing
        self._events: set[int] = set()

    @property
    def knows_channels(self) -> bool:
        """Whether the terminal opens TCP channels and reports their events."""
        return self._knows(terminal_profile.CHANNELS)

    @property
    def knows_timers(self) -> bool:
        """Whether the terminal runs timers for the card."""
        return self._knows(terminal_profile.TIMERS)

    @property
    def knows_imei(self) -> bool:
        """Whether the terminal tells its IMEI."""
        return self._knows(frozenset({terminal_profile.Facility.LOCAL_INFORMATION}))

    def ask(self, command: Command, answered: Answered | None = None) -> None:
        """Put a proactive command behind those that wait.

        ``answered`` gets the terminal's answer, ``None`` for one that cannot be read.
        """
        self._queue.append((command, answered))

    def listen(self, *events: int) -> None:
        """Ask the terminal to report events, beside those asked for before.

        SET UP EVENT LIST replaces the list of the terminal, so it always names them all. Events
        that the terminal does not know stay out: it would refuse the whole list.
        """
        self._events |= set(events)
        wanted = [event for event in sorted(self._events) if self._reports(event)]
        if wanted:
            self.ask(lambda number: bip.set_up_event_list(number, wanted))

    def ask_for_reset(self) -> None:
        """Ask for a reset (REFRESH) once all other commands are done: it ends the session."""
        self._reset_wanted = True

    def pending(self) -> int:
        """Return the size of the command that waits for FETCH, 0 for none."""
        if self.terminal_profile is None or self._fetched:
            return 0
        may_reset = self._reset_wanted and not self.session_open
        if self._current is None and not self._queue and may_reset:
            self._reset_wanted = False
            self._queue.append((cat.refresh, None))
        if self._current is None and self._queue:
            self._number = self._number % _LAST_NUMBER + 1
            command, self._answered = self._queue.popleft()
            self._current = command(self._number)
        return len(self._current or b"")

    def profile(self, command: CommandApdu) -> ResponseApdu:
        """Take TERMINAL PROFILE."""
        if command.p1 or command.p2:
            raise RefusalError(0x6A86)
        if not command.data:
            raise RefusalError(0x6700)
        self.terminal_profile = command.data
        self.greeted()
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
        answered, self._answered = self._answered, None
        if answered is not None:
            try:
                answer = cat.TerminalResponse.decode(command)
            except CodecError as err:
                log.warning("proactive command %d: %s", self._number, err)
                answered(None)
            else:
                answered(answer)
        return _DONE

    def _reports(self, event: int) -> bool:
        facility = terminal_profile.EVENTS.get(event)
        return facility is not None and self._knows(frozenset({facility}))

    def _knows(self, facilities: frozenset[terminal_profile.Facility]) -> bool:
        return terminal_profile.knows(self.terminal_profile or b"", facilities)


def _nothing() -> None:
    """Do nothing: nobody wants to know."""
