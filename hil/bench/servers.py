"""The provisioning servers of a bench, as a test sees them: where each one is, and how to enter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from hil.documents.loader import did_you_mean
from hil.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hil.bench.key_files import ServerKeyFile
    from hil.bench.servers_section import ActorKind, ServersSection
    from hil.observer import Observer
    from hil.provisioning.http.client import PeerClient
    from hil.provisioning.trust import PeerKeySet

_Client = TypeVar("_Client", bound="PeerClient")


@dataclass(frozen=True, slots=True)
class Servers:
    """Base URLs by kind (``urls``), by id (``actors``) and of dedicated links, and the way in.

    The key sets stay here: a client gets the one it needs. ``certificates`` is the folder with the
    certificates of all parties, None where the servers speak plain HTTP.
    """

    urls: Mapping[str, str]
    actors: Mapping[str, str]
    links: Mapping[str, str]
    section: ServersSection
    keys: ServerKeyFile = field(repr=False)
    observer: Observer = field(repr=False)
    certificates: Path | None = None

    def of_kind(self, kind: ActorKind) -> list[str]:
        """Return the ids of the actors of one kind, in the order of the bench file."""
        return [name for name in self.section.of_kind(kind) if name in self.actors]

    @property
    def support_server(self) -> str:
        """Id under which the first support server is reached: its own, or that of its SM-SR."""
        name = self.section.of_kind("support-server")[0]
        return name if name in self.actors else str(self.section.actors[name].sm_sr)

    @property
    def home_of_support(self) -> str:
        """Id of the server whose store holds what the support server takes: its own or an SM-SR."""
        name = self.section.of_kind("support-server")[0]
        return name if self.section.layout == "separate" else str(self.section.actors[name].sm_sr)

    def key_set(self, one: str, other: str) -> PeerKeySet:
        """Return the key set that two parties share, by their ids."""
        from hil.provisioning.trust import PeerKeySet  # noqa: PLC0415

        return PeerKeySet(*self.keys.link(one, other))

    def client(
        self,
        kind: type[_Client],
        actor: str,
        *,
        me: str = "",
        link: str = "",
        keys: PeerKeySet | None = None,
        timeout_s: float = 30,
    ) -> _Client:
        """Return a client of the actor with id ``actor``; close it after use.

        ``me`` is the id of the caller, the operator of the bench by default; ``link`` names a
        dedicated link of the actor; ``keys`` stand in place of the key set that the two share.
        Raises UsageError for an id that is not here.
        """
        name = f"{actor}/{link}" if link else actor
        known = self.links if link else self.actors
        if name not in known:
            raise UsageError(f"the bench runs no '{name}'{did_you_mean(name, known)}")
        caller = me or self.section.operator
        tls = None
        if self.certificates is not None:
            from hil.provisioning.http.tls import client_context  # noqa: PLC0415

            tls = client_context(self.certificates, caller)
        return kind(
            known[name],
            actor,
            caller,
            keys or self.key_set(actor, caller),
            timeout_s=timeout_s,
            observer=self.observer,
            tls=tls,
            server_name=actor if tls is not None else None,
        )
