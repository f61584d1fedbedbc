"""The security domains of the profile whose files the card shows, as they can be reached now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.virtual.euicc.application_store import LOCKED, ApplicationStore
from hil.virtual.euicc.domain_contents import DomainContents
from hil.virtual.euicc.profile_domain import ProfileDomain
from hil.virtual.euicc.scp02_session import DomainChannels
from hil.wire import tlv
from hil.wire.scp02 import OPTION_PSEUDO_RANDOM, OPTION_RANDOM

if TYPE_CHECKING:
    from hil.virtual.euicc.application_store import Application
    from hil.virtual.euicc.persistent import Persistent

_SCP02: Final = 0x02


class ProfileDomains:
    """Finds the domains of one profile; ``owner`` is the AID of its ISD-P, empty for no profile."""

    def __init__(self, persistent: Persistent, owner: bytes) -> None:
        self._persistent = persistent
        self._owner = owner
        self.store = ApplicationStore(persistent.nvm, owner)
        self._contents = DomainContents(
            persistent.nvm,
            persistent.registry,
            persistent.keys,
            self.store,
            persistent.factory.es6,
        )
        self._made: dict[bytes, ProfileDomain] = {}

    def all(self) -> list[ProfileDomain]:
        """Return the domains that can be selected: of the enabled profile, and not locked."""
        enabled = self._persistent.registry.enabled()
        if not self._owner or enabled is None or enabled.aid != self._owner:
            return []
        found = [one for one in self.store.domains() if not one.state & LOCKED]
        for one in found:
            if one.aid not in self._made:
                self._made[one.aid] = self._make(one)
        return [self._made[one.aid] for one in found]

    def issuer(self) -> ProfileDomain | None:
        """Return the operator's domain, the first of the profile, if it can be selected."""
        aid = next((one.aid for one in self.store.domains()), None)
        return next((one for one in self.all() if one.aid == aid), None)

    def _make(self, one: Application) -> ProfileDomain:
        keys, moves = self._persistent.keys, self._persistent.factory.counter_moves
        option = _scp02_option(one.parameters)
        channels = DomainChannels(keys, moves, self._owner, option, limit=self._persistent.limit)
        return ProfileDomain(one.aid, channels, self._contents)


def _scp02_option(parameters: bytes) -> int:
    """Return the option i of SCP02 that install parameters name, by default 55."""
    for item in tlv.decode_all(parameters):
        pairs = item.value if item.tag == 0x81 else b""
        for protocol, option in zip(pairs[::2], pairs[1::2], strict=False):
            if protocol == _SCP02 and option in (OPTION_RANDOM, OPTION_PSEUDO_RANDOM):
                return option
    return OPTION_PSEUDO_RANDOM
