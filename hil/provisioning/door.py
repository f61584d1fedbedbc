"""The door of a server: peers authenticate here, mutually, before anything else is answered."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.trust import (
    NONCE_LENGTH,
    Peer,
    PeerExchange,
    PeerKeySet,
    Principal,
    Role,
    Side,
    fresh_nonce,
)

SESSION_SECONDS: Final = 900.0
MAX_SESSIONS: Final = 10_000


@dataclass(frozen=True, slots=True)
class DoorChallenge:
    """The responder's answer: the session's name, its nonce, and its proof of itself."""

    session: str = field(repr=False)
    nonce: bytes
    proof: bytes


@dataclass(slots=True)
class _Session:
    peer: Peer
    exchange: PeerExchange
    until: float
    proved: bool = False


class AnyDoor(Protocol):
    """A door of this process, or the client's view of a door behind HTTP."""

    @property
    def owner(self) -> str:
        """Id of the server that stands behind the door."""

    def challenge(self, initiator: str, nonce: bytes) -> DoorChallenge:
        """Ask the server to prove itself."""

    def prove(self, session: str, proof: bytes) -> None:
        """Prove oneself to the server."""


class PeerDoor:
    """Keeps the peers of one server and their sessions.

    Sessions live in memory only: after a restart every peer authenticates again, which is the safe
    side. ``subjects`` has the whole subject (RFC 4514) of the certificates of peers that do not
    have their id and role in it.
    """

    def __init__(
        self,
        owner: str,
        peers: Iterable[Peer],
        *,
        subjects: Mapping[str, str] | None = None,
        session_s: float = SESSION_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.owner = owner
        self._peers = {peer.id: peer for peer in peers}
        self.subjects: Mapping[str, str] = dict(subjects or {})
        self._session_s = session_s
        self._clock = clock
        self._sessions: dict[str, _Session] = {}
        self._lock = threading.Lock()

    def challenge(self, initiator: str, nonce: bytes) -> DoorChallenge:
        """Open a session for ``initiator`` and prove this server to it."""
        peer = self._peers.get(initiator)
        if peer is None:
            raise Refusal(
                RefusalCode.UNKNOWN_PEER,
                f"{self.owner} shares no key set with {initiator!r}: add it to its peers",
            )
        if len(nonce) != NONCE_LENGTH:
            raise Refusal(RefusalCode.INVALID, f"nonce has {len(nonce)} bytes, not {NONCE_LENGTH}")
        exchange = PeerExchange(initiator, self.owner, nonce, fresh_nonce())
        name = secrets.token_hex(16)
        with self._lock:
            self._forget_expired()
            if len(self._sessions) >= MAX_SESSIONS:
                raise Refusal(RefusalCode.NOT_ALLOWED, f"{self.owner} has too many open sessions")
            self._sessions[name] = _Session(peer, exchange, self._clock() + self._session_s)
        proof = exchange.proof(peer.keys, Side.RESPONDER)
        return DoorChallenge(name, exchange.responder_nonce, proof)

    def prove(self, session: str, proof: bytes) -> None:
        """Check the initiator's proof; a wrong one ends the session, so each nonce has one try."""
        with self._lock:
            known = self._find(session)
            if known.proved:
                raise Refusal(RefusalCode.NOT_AUTHENTICATED, "session was proved before: replay")
            if not known.exchange.proves(proof, known.peer.keys, Side.INITIATOR):
                del self._sessions[session]
                raise Refusal(
                    RefusalCode.NOT_AUTHENTICATED,
                    f"proof of {known.peer.id} does not fit the key set shared with {self.owner}",
                )
            known.proved = True

    def principal(self, session: str) -> Principal:
        """Return who holds ``session``; refuse one that is unknown, expired or not yet proved."""
        peer = self.peer(session)
        return Principal(peer.id, peer.role)

    def peer(self, session: str) -> Peer:
        """Return the peer behind a proved session."""
        with self._lock:
            known = self._find(session)
            if not known.proved:
                raise Refusal(
                    RefusalCode.NOT_AUTHENTICATED,
                    f"{known.peer.id} has not proved itself to {self.owner} yet",
                )
            return known.peer

    @property
    def peers(self) -> Mapping[str, Peer]:
        """All peers by id."""
        return self._peers

    def holder(self, session: str) -> str | None:
        """Return the id of the peer for whom ``session`` was opened, None for an unknown one."""
        with self._lock:
            known = self._sessions.get(session)
        return None if known is None else known.peer.id

    def keys_of(self, peer_id: str) -> PeerKeySet:
        """Return the key set shared with ``peer_id``."""
        if peer_id not in self._peers:
            raise Refusal(
                RefusalCode.UNKNOWN_PEER, f"{self.owner} shares no key set with {peer_id!r}"
            )
        return self._peers[peer_id].keys

    def _find(self, session: str) -> _Session:
        known = self._sessions.get(session)
        if known is None or known.until < self._clock():
            raise Refusal(
                RefusalCode.NOT_AUTHENTICATED,
                f"no such session at {self.owner}, or it has expired: authenticate again",
            )
        return known

    def _forget_expired(self) -> None:
        now = self._clock()
        for name in [name for name, known in self._sessions.items() if known.until < now]:
            del self._sessions[name]


def enter(door: AnyDoor, initiator: str, keys: PeerKeySet) -> str:
    """Authenticate ``initiator`` and the server behind ``door`` mutually; return the session.

    Raises :class:`Refusal` before anything but a nonce has left, when the server cannot prove
    itself.
    """
    nonce = fresh_nonce()
    challenge = door.challenge(initiator, nonce)
    if len(challenge.nonce) != NONCE_LENGTH:
        raise Refusal(
            RefusalCode.NOT_AUTHENTICATED, f"{door.owner} answered with a nonce of wrong length"
        )
    exchange = PeerExchange(initiator, door.owner, nonce, challenge.nonce)
    if not exchange.proves(challenge.proof, keys, Side.RESPONDER):
        raise Refusal(
            RefusalCode.NOT_AUTHENTICATED,
            f"{door.owner} could not prove itself to {initiator}: it is the wrong server, or it "
            "holds another key set; nothing was sent",
        )
    door.prove(challenge.session, exchange.proof(keys, Side.INITIATOR))
    return challenge.session


def require_role(caller: Principal, *roles: Role) -> None:
    """Refuse a caller whose role is none of ``roles``."""
    if caller.role not in roles:
        raise Refusal(
            RefusalCode.NOT_ALLOWED,
            f"{caller.id} is {caller.role.value}; this needs "
            + " or ".join(role.value for role in roles),
        )
