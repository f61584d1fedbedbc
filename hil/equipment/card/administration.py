"""A card managed over HTTPS without a network: SCP81, with the lab at both of its ends.

The lab is the terminal whose channels the card opens, and the administration server behind them
(SGP.02, 2.4.4; GlobalPlatform Amendment B). Works on any card whose pre-shared key the lab holds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from hil.equipment.card.admin_answers import HOLD, PATH, Answer, no_content
from hil.equipment.card.admin_connection import AdminConnection, Post
from hil.equipment.card.channel_terminal import PROFILE, ChannelTerminal
from hil.equipment.card.errors import NoSessionError
from hil.equipment.card.forged_tls import HONEST
from hil.wire import cat, isdr_commands, sms
from hil.wire.admin_session import AdminRequest, PskIdentity, RetryPolicy
from hil.wire.bip import OpenChannel
from hil.wire.command_script import CommandScript
from hil.wire.identifiers import ISD_R_TAR
from hil.wire.scp80 import SecurityParameters

if TYPE_CHECKING:
    from hil.equipment.card.over_the_air import OverTheAirSession

QUIET: Final = bytes.fromhex("1600")
"""SPI of a request: CC, ciphered, counter higher; no proof of receipt."""

PLACE: Final = OpenChannel(bytes((192, 0, 2, 81)), 8443)
"""Where the lab's server is said to be: an address for documentation, which nobody has."""

HOST: Final = b"administration.hil.test"
ONCE: Final = RetryPolicy(0, 60)
"""No second try of the card's own. What a policy of more tries waits for, the lab lets pass."""

REQUEST: Final = AdminRequest(PLACE, retry=ONCE, host=HOST, uri=PATH.encode())
_STATUS: Final = CommandScript.of([isdr_commands.get_status()]).encode()
_SENDER: Final = sms.Address.international("15550100999")
PATIENCE_S: Final = 10.0
"""How long a card may take to open or close a channel."""


@dataclass(frozen=True, slots=True)
class AdminKey:
    """The pre-shared key of a card, and its identity in TLS."""

    identity: PskIdentity
    psk: bytes = field(repr=False)


class Administration:
    """Sessions with one card, one after the other. Begin with :meth:`start`.

    ``manner``: how the server speaks TLS from the next connection on; ``reachable``: whether the
    terminal reaches it at all; ``other_keys``: keys of identities that the card should not claim.
    ``connections``: those since the last :meth:`start` or
    :meth:`serve`.
    """

    def __init__(
        self, over_the_air: OverTheAirSession, key: AdminKey, *, patience_s: float = PATIENCE_S
    ) -> None:
        self.key = key
        self.manner = HONEST
        self.reachable = True
        self.other_keys: dict[bytes, bytes] = {}
        self.connections: list[AdminConnection] = []
        self.terminal = ChannelTerminal(over_the_air.card, self._connect)
        self._over_the_air = over_the_air
        self._patience_s = patience_s
        self._answers: deque[Answer] = deque()
        self._holding = False
        self._served = 0
        self._reference = 0

    @property
    def connection(self) -> AdminConnection:
        """The last connection."""
        if not self.connections:
            raise NoSessionError(f"{self.terminal.card.name} has opened no channel")
        return self.connections[-1]

    @property
    def posts(self) -> list[Post]:
        """The posts of all connections, in order."""
        return [post for one in self.connections for post in one.posts]

    def start(self, profile: bytes = PROFILE) -> None:
        """Reset the card and begin as a terminal with channels does."""
        # Also tells the counter of the key set, which no later request can be refused for.
        self._over_the_air.run(_STATUS)
        self._begin()
        self.terminal.start(profile)

    def push(self, request: AdminRequest | bytes = REQUEST, *, spi: bytes = QUIET) -> int:
        """Ask the card for a session by short message; return the status word of the ENVELOPE.

        What the card does at once is served.
        """
        self._over_the_air.counter += 1
        data = request.encode() if isinstance(request, AdminRequest) else request
        parameters = SecurityParameters(spi, ISD_R_TAR)
        packet = self._over_the_air.secured(data, self._over_the_air.counter, parameters)
        return self.deliver(packet)

    def deliver(self, packet: bytes) -> int:
        """Send a packet that is secured already; return the status word of the last ENVELOPE."""
        self._reference = self._reference % 0xFF + 1
        sw = 0
        for part in sms.split(packet, reference=self._reference):
            tpdu = sms.SmsDeliver(_SENDER, part).encode()
            sw = self.terminal.send(cat.envelope_sms_pp(tpdu)).sw
        return sw

    def serve(
        self,
        *answers: Answer,
        request: AdminRequest | bytes = REQUEST,
        spi: bytes = QUIET,
        posts: int | None = None,
    ) -> list[Post]:
        """Ask for a session and answer its posts in turn, then 204; return the posts.

        Comes back when the channel is closed, or an answer is held back. :class:`NoSessionError`
        where there was no session, or not as many posts as are expected.
        """
        self._begin()
        self._answers = deque(answers)
        self.push(request, spi=spi)
        self._settle(1)
        return self._counted(0, posts)

    def say(self, *answers: Answer, posts: int | None = None) -> list[Post]:
        """Give answers, the first to the post that waits for it; return the posts since."""
        seen, first = len(self.posts), answers[0]
        self._answers = deque(answers[1:])
        self._holding = first is HOLD
        self.connection.answer(first)
        self.terminal.stir()
        self._settle(len(self.terminal.opened))
        return self._counted(seen, posts)

    def wait_for_retry(self, *answers: Answer, posts: int | None = None) -> list[Post]:
        """Let the card's timers end, and answer what it posts then; return these posts."""
        self._answers = deque(answers)
        seen, tries = len(self.posts), len(self.terminal.opened)
        self.terminal.expire()
        self._settle(tries + 1)
        return self._counted(seen, posts)

    def quiet(self) -> bool:
        """Poll the card, and let its timers end; return whether it has asked for no channel.

        Those of :meth:`serve`, :meth:`say` and :meth:`wait_for_retry` do not count.
        """
        for _ in range(3):
            self.terminal.expire()
            self.terminal.poll()
        return len(self.terminal.opened) == self._served

    def leave_nothing(self) -> None:
        """End what a test has left open, so that the card does not come back by itself."""
        self.manner, self.reachable = HONEST, True
        self.other_keys.clear()
        self.terminal.refuse = frozenset()
        over = self.connections and self.connection.posts and self.connection.closed_by_card
        if self.terminal.channel_open or not over:
            self.start()
            self.serve()
        self.terminal.card.reset()

    def _counted(self, seen: int, expected: int | None) -> list[Post]:
        since = self.posts[seen:]
        if expected not in (None, len(since)):
            raise NoSessionError(
                f"{self.terminal.card.name} has posted {len(since)} times, not {expected}"
            )
        return since

    def _begin(self) -> None:
        self.terminal.forget()
        self.connections.clear()
        self._answers.clear()
        self._holding = False
        self._served = 0

    def _settle(self, channels: int) -> None:
        def settled() -> bool:
            done = self._holding or not self.terminal.channel_open
            return done and len(self.terminal.opened) >= channels

        if not self.terminal.run(settled, timeout_s=self._patience_s):
            raise NoSessionError(
                f"{self.terminal.card.name}: {len(self.terminal.opened)} of {channels} channels "
                f"asked for, {'one open' if self.terminal.channel_open else 'none open'}, after "
                f"{self._patience_s:g} s"
            )
        self._served = len(self.terminal.opened)

    def _connect(self) -> AdminConnection | None:
        if not self.reachable:
            return None
        keys = self.other_keys | {self.key.identity.encode(): self.key.psk}
        self.connections.append(AdminConnection(keys.get, self.manner, self._next_answer))
        return self.connections[-1]

    def _next_answer(self, _post: Post) -> Answer:
        answer = self._answers.popleft() if self._answers else no_content()
        self._holding = answer is HOLD
        return answer


def asking(**changes: object) -> AdminRequest:
    """Return the lab's request for a session with other values."""
    return replace(REQUEST, **changes)  # type: ignore[arg-type]
