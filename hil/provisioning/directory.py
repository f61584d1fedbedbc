"""Who is who in one configuration: roles, shared keys, and the clients by which actors meet."""

from __future__ import annotations

import ssl
from typing import TypeVar

from hil.errors import ConfigError
from hil.provisioning.door import PeerDoor
from hil.provisioning.http.client import PeerClient
from hil.provisioning.http.revocations import RevocationWatch
from hil.provisioning.http.tls import client_context
from hil.provisioning.serve_config import ServeConfig
from hil.provisioning.trust import Peer, PeerKeySet, Role

_Client = TypeVar("_Client", bound=PeerClient)


class Directory:
    """Roles, keys and URLs of all parties; it makes doors and clients, and closes the clients."""

    def __init__(self, config: ServeConfig, urls: dict[str, str]) -> None:
        self._config = config
        self._urls = urls | {peer.id: peer.url for peer in config.peers if peer.url is not None}
        self._roles = {actor.id: Role(actor.kind) for actor in config.actors}
        self._roles |= {peer.id: peer.role for peer in config.peers}
        self._keys: dict[frozenset[str], PeerKeySet] = {}
        for row in config.keys:
            if len(set(row.between)) != 2:
                raise ConfigError(f"keys between {row.between[0]} and itself make no sense")
            self._keys[frozenset(row.between)] = PeerKeySet(row.kvn, row.auth, row.mac, row.wrap)
        self._subjects = {
            peer.id: peer.subject for peer in config.peers if peer.subject is not None
        }
        self._foreign = {peer.id: peer.server_name for peer in config.peers}
        folder = config.certificates
        self.watch = None if folder is None else RevocationWatch(folder)
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._clients: list[PeerClient] = []

    def door(self, owner: str) -> PeerDoor:
        """Return the door of an actor, with every party it shares keys with."""
        peers = [
            Peer(other, role, self._keys[frozenset((owner, other))])
            for other, role in self._roles.items()
            if other != owner and frozenset((owner, other)) in self._keys
        ]
        return PeerDoor(owner, peers, subjects=self._subjects)

    def keys_of(self, owner: str) -> dict[str, PeerKeySet]:
        """Return the key sets of an actor by the other party's id."""
        return {
            next(iter(pair - {owner})): keys for pair, keys in self._keys.items() if owner in pair
        }

    def clients(
        self, me: str, role: Role, kind: type[_Client], links: dict[str, str] | None = None
    ) -> dict[str, _Client]:
        """Return a client for every party of a role that ``me`` shares keys with, by id.

        ``links`` names for a party the link to use instead of its main one.
        """
        found: dict[str, _Client] = {}
        for other, keys in self.keys_of(me).items():
            if self._roles.get(other) is not role:
                continue
            link = (links or {}).get(other, "main")
            name = other if link == "main" else f"{other}/{link}"
            if name not in self._urls:
                if link != "main":
                    raise ConfigError(f"{other} has no link {link!r} for {me}")
                continue
            client = kind(
                self._urls[name],
                other,
                me,
                keys,
                timeout_s=self._config.timeout_s,
                tls=self._context(me),
                # A server of ours is known by its id; a foreign one by its host, or as configured.
                server_name=self._foreign.get(other, other),
            )
            self._clients.append(client)
            found[other] = client
        return found

    def _context(self, me: str) -> ssl.SSLContext | None:
        folder = self._config.certificates
        if folder is None:
            return None
        if me not in self._contexts:
            context = client_context(folder, me)
            self._contexts[me] = context if self.watch is None else self.watch.add(context)
        return self._contexts[me]

    def close(self) -> None:
        """Close all clients."""
        for client in self._clients:
            client.close()
