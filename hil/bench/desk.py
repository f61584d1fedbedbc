"""The operator's desk: a client of every provisioning server of the bench, opened when used."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self, TypeVar

from hil.provisioning.http.clients import EumClient, MnoClient, SmDpClient
from hil.provisioning.http.sm_sr_client import SmSrClient
from hil.provisioning.http.support_client import SupportServerClient

if TYPE_CHECKING:
    from hil.bench.servers import Servers
    from hil.bench.servers_section import ActorKind
    from hil.provisioning.http.client import PeerClient

_Client = TypeVar("_Client", bound="PeerClient")


class Desk:
    """Clients by kind; without an id, of the first server of that kind in the bench file."""

    def __init__(self, servers: Servers) -> None:
        self.servers = servers
        self._clients: dict[tuple[str, str, str], PeerClient] = {}
        self._held = ExitStack()

    def __enter__(self) -> Self:
        """Return the desk."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every client."""
        self.close()

    def close(self) -> None:
        """Close every client; may be called again."""
        self._held.close()
        self._clients.clear()

    def mno(self, actor: str = "") -> MnoClient:
        """Return the operator's client of an MNO."""
        return self._of("mno", MnoClient, actor)

    def eum(self, actor: str = "") -> EumClient:
        """Return the operator's client of an eUICC maker."""
        return self._of("eum", EumClient, actor)

    def sm_dp(self, actor: str = "") -> SmDpClient:
        """Return the operator's client of an SM-DP."""
        return self._of("sm-dp", SmDpClient, actor)

    def sm_sr(self, actor: str = "") -> SmSrClient:
        """Return the operator's client of an SM-SR."""
        return self._of("sm-sr", SmSrClient, actor)

    def support(self, actor: str = "") -> SupportServerClient:
        """Return the operator's client of the support server, wherever it lives."""
        return self._opened(SupportServerClient, actor or self.servers.support_server, "")

    def station(self, actor: str = "") -> SupportServerClient:
        """Return the line station's client of the support server."""
        me = self.servers.section.line_station
        return self._opened(SupportServerClient, actor or self.servers.support_server, me)

    def _of(self, kind: ActorKind, client: type[_Client], actor: str) -> _Client:
        return self._opened(client, actor or self.servers.of_kind(kind)[0], "")

    def _opened(self, client: type[_Client], actor: str, me: str) -> _Client:
        key = (client.__name__, actor, me)
        if key not in self._clients:
            opened = self._held.enter_context(self.servers.client(client, actor, me=me))
            self._clients[key] = opened
        found = self._clients[key]
        assert isinstance(found, client)  # noqa: S101 - the key names the type
        return found
