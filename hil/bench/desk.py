"""The operator's desk: a client of every provisioning server of the bench, opened when used."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self, TypeVar

from hil.known_secrets import announce
from hil.provisioning.http.clients import EumClient, MnoClient, SmDpClient
from hil.provisioning.http.function_caller import FunctionCaller
from hil.provisioning.http.sm_sr_client import SmSrClient
from hil.provisioning.http.support_client import SupportServerClient
from hil.provisioning.trust import PeerKeySet
from hil.wire.identifiers import eid_check_digits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hil.bench.servers import Servers
    from hil.bench.servers_section import ActorKind
    from hil.provisioning.http.client import PeerClient
    from hil.wire.scp80 import OtaKeySet

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

    def renew(self, servers: Servers) -> None:
        """Forget every client, for the servers were started anew."""
        self.close()
        self.servers = servers

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

    def caller(self, me: str, actor: str) -> FunctionCaller:
        """Return the party ``me`` of the bench as a caller of the functions of an actor."""
        return self._opened(FunctionCaller, actor, me)

    def stranger(self, client: type[_Client], actor: str, *, me: str) -> _Client:
        """Return a client that calls itself ``me``, but holds a key set of its own making."""
        keys = PeerKeySet(1, *(secrets.token_bytes(16) for _ in range(3)))
        announce(f"the stranger {me}", keys)
        opened = self.servers.client(client, actor, me=me, keys=keys)
        self._held.callback(opened.close)
        return opened

    def new_eid(self) -> str:
        """Return an EID that no eUICC has."""
        body = f"89049032{secrets.randbelow(10**22):022d}"
        return body + eid_check_digits(body)

    def new_euicc(self, *, eid: str = "", sm_sr: str = "") -> str:
        """Have the eUICC maker make one more eUICC, and bring its EIS to an SM-SR; return its EID.

        No card of that EID is on the bench: it is good for orders, not for installation.
        """
        eid = self.make_euicc(eid=eid)
        self.eum().deliver_eis(eid, sm_sr or self.servers.of_kind("sm-sr")[0])
        return eid

    def make_euicc(
        self,
        *,
        eid: str = "",
        msisdn: str | None = None,
        ecasd: Mapping[str, object] | None = None,
        scp80: OtaKeySet | None = None,
    ) -> str:
        """Have the eUICC maker make an eUICC that no SM-SR knows yet; return its EID.

        ``eid``: a new one by default. ``msisdn``: the number that its EIS names. ``ecasd``: keys
        and certificate, as :func:`hil.provisioning.certificates.personalise_ecasd` makes them. No
        card of that EID is on the bench. ``scp80``: the key set, with its DEK, by which it is to be
        managed; one that nobody knows by default.
        """
        eid = eid or self.new_eid()

        def keys(kvn: int, *names: str) -> dict[str, int | str]:
            made = {name: secrets.token_bytes(16) for name in names}
            announce(f"eUICC {eid}", made)
            return {"kvn": kvn, "counter": 0} | {name: one.hex() for name, one in made.items()}

        scp03 = ("enc", "mac", "dek")
        base = keys(0x30, *scp03)
        del base["counter"]
        managed = keys(1, "kic", "kid", "dek")
        if scp80 is not None:
            announce(f"eUICC {eid}", scp80)
            managed = {"kvn": scp80.kvn, "kic": scp80.kic.hex(), "kid": scp80.kid.hex()}
            managed |= {"dek": (scp80.dek or b"").hex(), "counter": 0}
        factory = {
            "eid": eid,
            "isd_r": {
                "scp80": [managed],
                "scp03": [keys(0x30, *scp03), keys(0x31, *scp03)],
            },
            "isd_p_base": base,
            "memory": 500_000,
            "bootstrap_profile": None,
            **({} if ecasd is None else {"ecasd": ecasd}),
        }
        self.eum().produce(factory, msisdn=msisdn)
        return eid

    def _of(self, kind: ActorKind, client: type[_Client], actor: str) -> _Client:
        return self._opened(client, actor or self.servers.of_kind(kind)[0], "")

    def _opened(self, client: type[_Client], actor: str, me: str) -> _Client:
        key = (client.__name__, actor, me)
        found = self._clients.get(key)
        if not isinstance(found, client):
            found = self.servers.client(client, actor, me=me)
            self._held.callback(found.close)
            self._clients[key] = found
        return found
