"""Who takes an over-the-air packet: the eUICC's own domains, or applications of the profile."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from hil.virtual.euicc.application_store import LOCKED, Application, Kind, domain_id
from hil.virtual.euicc.secured_packets import Destination
from hil.wire.identifiers import ISD_R_AID, ISD_R_TAR, tar_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.virtual.euicc.application_store import ApplicationStore
    from hil.virtual.euicc.key_store import KeyStore, StoredKey
    from hil.virtual.euicc.registry import Registry
    from hil.virtual.euicc.remote_files import RemoteFiles
    from hil.virtual.euicc.remote_scripts import RemoteScripts


class Destinations:
    """Finds the destination of a TAR. ``store``: applications of the profile that is enabled."""

    def __init__(
        self,
        registry: Registry,
        keys: KeyStore,
        store: ApplicationStore,
        scripts: RemoteScripts,
        files: RemoteFiles,
    ) -> None:
        self._registry = registry
        self._keys = keys
        self._store = store
        self._scripts = scripts
        self._files = files

    def find(self, tar: bytes) -> list[Destination]:
        """Return who takes packets to a TAR.

        For a TAR that nobody has: whoever's keys open the packet says so.
        """
        own = self._own(tar)
        if own is not None:
            run = functools.partial(self._scripts.run, own)
            return [Destination(ISD_R_AID, None, run)]
        applications = self._applications()
        for one in applications:
            if tar in one.tars:
                return [Destination(self._keys_of(one), one.level, self._runner(one))]
        unknown = [Destination(ISD_R_AID, None, None)]
        if applications:
            unknown.append(Destination(self._keys_of(applications[0]), 0, None))
        return unknown

    def _own(self, tar: bytes) -> bytes | None:
        if tar == ISD_R_TAR:
            return ISD_R_AID
        return next((one.aid for one in self._registry.all() if tar_of(one.aid) == tar), None)

    def _applications(self) -> list[Application]:
        enabled = self._registry.enabled()
        if enabled is None or enabled.aid != self._store.owner:
            return []
        return [one for one in self._store.all() if not one.state & LOCKED]

    def _keys_of(self, one: Application) -> bytes:
        """Return the domain whose keys secure packets to an application.

        A security domain without keys of its own leaves it to the domain it belongs to.
        """
        own = domain_id(self._store.owner, one.aid)
        if one.kind is Kind.DOMAIN and self._keys.versions(own):
            return own
        return domain_id(self._store.owner, one.domain)

    def _runner(self, one: Application) -> Callable[[bytes, StoredKey | None], bytes]:
        if one.kind is Kind.DOMAIN:
            return functools.partial(self._scripts.manage, self._store.owner, one.aid)
        return lambda data, _: self._files.run(one, data)
