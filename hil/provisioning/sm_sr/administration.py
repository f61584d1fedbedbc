"""HTTPS administration sessions as one part of an SM-SR: keys, choice, server (SCP81)."""

from __future__ import annotations

from dataclasses import dataclass, field

from hil.provisioning.sm_sr.admin_dialogue import AdminDialogue
from hil.provisioning.sm_sr.admin_keys import AdminKeys
from hil.provisioning.sm_sr.admin_server import AdminServer
from hil.provisioning.sm_sr.admin_way import AdminLimits, AdminPlace, AdminWay
from hil.provisioning.sm_sr.ota_queue import OtaQueue
from hil.provisioning.store import Store


@dataclass(frozen=True, slots=True)
class AdministrationSettings:
    """Where to listen, and where cards are told to come; port 0: any that is free.

    ``public_address`` and ``public_port`` differ from the others behind a port forwarding.
    """

    address: str = "127.0.0.1"
    port: int = 0
    public_address: str | None = None
    public_port: int | None = None
    host: str = ""
    uri: str = "/admin"
    idle_s: float = 30.0
    limits: AdminLimits = field(default_factory=AdminLimits)


class Administration:
    """Listens from its construction; answers from :meth:`serve` on, until :meth:`close`."""

    def __init__(self, settings: AdministrationSettings, store: Store) -> None:
        keys = AdminKeys(store)
        self._uri = settings.uri
        self._server = AdminServer(
            settings.address, settings.port, keys.find, idle_s=settings.idle_s
        )
        self.port = self._server.port
        place = AdminPlace(
            settings.public_address or settings.address,
            settings.public_port or self.port,
            settings.uri,
            settings.host,
        )
        self.way = AdminWay(place, keys, settings.limits)

    def serve(self, queue: OtaQueue) -> None:
        """Begin to answer cards from a queue."""
        self._server.start(lambda eid: AdminDialogue(queue, eid, self._uri))

    def close(self) -> None:
        """End all sessions; may be called again."""
        self._server.close()
