"""What survives power loss, put together: memory, keys, ISD-Ps, and the rules to change them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from hil.errors import ConfigError
from hil.virtual.euicc.admin_store import AdminStore
from hil.virtual.euicc.authentication_limit import AuthenticationLimit
from hil.virtual.euicc.bare_files import bare_tree
from hil.virtual.euicc.change_book import ChangeBook
from hil.virtual.euicc.file_store import load_tree, save_tree
from hil.virtual.euicc.install_error import InstallError
from hil.virtual.euicc.installer import install, save_profile
from hil.virtual.euicc.key_store import KeyStore, KeyType, StoredKey
from hil.virtual.euicc.nvm import NvmError
from hil.virtual.euicc.profile_states import ProfileStates
from hil.virtual.euicc.registry import IsdP, LifeCycle, Registry
from hil.wire import isdp_keys
from hil.wire.identifiers import FIRST_ISD_P_TAR, ISD_R_AID, isd_p_aid
from hil.wire.notification import NotificationType
from hil.wire.scp03 import KeySet

if TYPE_CHECKING:
    from hil.virtual.euicc.admin_settings import Scp81
    from hil.virtual.euicc.factory import Factory
    from hil.virtual.euicc.files import FileTree
    from hil.virtual.euicc.nvm import Nvm, Transaction

log = logging.getLogger(__name__)

_EID: Final = "card/eid"


class Persistent:
    """The card's memory and what reads and writes it.

    A new memory is personalised from the factory file in one transaction. One that is in use must
    belong to the same EID; keys and counters in it win over those of the factory file.
    """

    def __init__(self, nvm: Nvm, factory: Factory) -> None:
        self.nvm = nvm
        self.factory = factory
        self.keys = KeyStore(nvm)
        self.admin = AdminStore(nvm)
        self.registry = Registry(nvm, factory.memory)
        self.limit = AuthenticationLimit(nvm, factory.authentication_attempts)
        self.changes = ChangeBook(nvm, factory.notifications)
        self.states = ProfileStates(nvm, self.registry, self.keys, factory.isd_p_base, self.changes)
        known = nvm.get(_EID)
        if known is None:
            self._personalise()
        elif known.decode() != factory.eid:
            raise ConfigError(
                f"the card memory belongs to EID {known.decode()}, the factory file to "
                f"{factory.eid}: give each card its own folder"
            )

    def tree(self) -> FileTree:
        """Return the file system to show after a reset: that of the enabled profile."""
        self.states.sweep()
        enabled = self.registry.enabled()
        tree = load_tree(self.nvm, b"" if enabled is None else enabled.aid)
        if tree is None:
            raise NvmError("the card memory lacks a file system; remove its folder")
        return tree

    def _personalise(self) -> None:
        factory = self.factory
        with self.nvm.transaction() as change:
            change.put(_EID, factory.eid.encode())
            save_tree(change, bare_tree())
            for ota in factory.scp80:
                keys = KeySet(ota.kvn, ota.kic, ota.kid, ota.dek)
                self.keys.put(change, ISD_R_AID, keys, counter=ota.counter)
            if factory.scp81 is not None:
                self._put_scp81(change, factory.scp81)
            for one in factory.scp03:
                self.keys.put(change, ISD_R_AID, one.keys, counter=one.counter)
            if factory.bootstrap_profile is not None:
                self._put_bootstrap(change, factory.bootstrap_profile)
            self.changes.record(change, NotificationType.FIRST_ATTACH)
        log.info("card %s personalised", factory.eid)

    def _put_scp81(self, change: Transaction, scp81: Scp81) -> None:
        settings = scp81.settings
        key = StoredKey(KeyType.PSK_TLS, scp81.psk)
        self.keys.put_key(change, ISD_R_AID, settings.kvn, settings.kid, key)
        self.admin.put_settings(change, settings)

    def _put_bootstrap(self, change: Transaction, package: bytes) -> None:
        """Install the provisioning profile of the maker: enabled, with the fall-back attribute."""
        aid = isd_p_aid(FIRST_ISD_P_TAR)
        try:
            profile = install(package, aid)
        except InstallError as err:
            raise ConfigError(f"factory file, bootstrap_profile: {err}") from err
        record = IsdP(aid, LifeCycle.PERSONALIZED, fallback=True)
        save_profile(change, self.registry, record, profile, LifeCycle.ENABLED)
        if self.factory.isd_p_base is not None:
            self.keys.put(change, aid, isdp_keys.derive(self.factory.isd_p_base, aid))
