"""Rules by which ISD-Ps are created, enabled, disabled and deleted (SGP.02, 3.1 to 3.6, 4.1.1).

Every change is one transaction. An enabled profile shows its files after the next reset.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from hil.virtual.euicc.file_store import delete_tree
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.registry import IsdP, LifeCycle, Policy, Registry
from hil.wire import isdp_keys
from hil.wire.identifiers import is_isd_p_aid

if TYPE_CHECKING:
    from hil.virtual.euicc.key_store import KeyStore
    from hil.virtual.euicc.nvm import Nvm
    from hil.wire.scp03 import KeySet

log = logging.getLogger(__name__)


class ProfileStates:
    """Changes the life cycle of ISD-Ps; each method raises :class:`RefusalError` or succeeds."""

    def __init__(
        self, nvm: Nvm, registry: Registry, keys: KeyStore, base_keys: KeySet | None
    ) -> None:
        self._nvm = nvm
        self._registry = registry
        self._keys = keys
        self._base_keys = base_keys

    def create(self, aid: bytes, granted: int) -> None:
        """Make an ISD-P.

        With pre-shared base keys it owns its key set from the start: PERSONALIZED. Without, it is
        SELECTABLE until keys are established. 6A80 for an AID outside the range, 6985 for one in
        use, 6A84 without memory.
        """
        if not is_isd_p_aid(aid):
            raise RefusalError(0x6A80, f"{aid.hex()} is not an ISD-P AID")
        if self._registry.find(aid) is not None:
            raise RefusalError(0x6985, f"ISD-P {aid.hex()} exists")
        if granted > self._registry.free():
            raise RefusalError(0x6A84, f"{granted} bytes wanted, {self._registry.free()} free")
        state = LifeCycle.SELECTABLE if self._base_keys is None else LifeCycle.PERSONALIZED
        with self._nvm.transaction() as change:
            self._registry.put(change, IsdP(aid, state, granted=granted))
            if self._base_keys is not None:
                self._keys.put(change, aid, isdp_keys.derive(self._base_keys, aid))
        log.info("ISD-P %s created, %s", aid.hex(), state.name)

    def enable(self, aid: bytes) -> None:
        """Enable a DISABLED profile and disable the one enabled before.

        6985 in another state, 69E1 when POL1 of the present profile forbids its disabling.
        """
        target = self._registry.require(aid)
        if target.state is not LifeCycle.DISABLED:
            raise RefusalError(0x6985, f"ISD-P {aid.hex()} is {target.state.name}")
        present = self._registry.enabled()
        if present is not None:
            _check_policy(present, Policy.DISABLE_NOT_ALLOWED)
        self._switch(present, target)

    def disable(self, aid: bytes) -> None:
        """Disable the ENABLED profile: the one with the fall-back attribute takes its place.

        6985 in another state or for the fall-back profile itself, 69E1 after POL1. A card whose
        maker put no fall-back profile in has none enabled afterwards.
        """
        target = self._registry.require(aid)
        if target.state is not LifeCycle.ENABLED:
            raise RefusalError(0x6985, f"ISD-P {aid.hex()} is {target.state.name}")
        if target.fallback:
            raise RefusalError(0x6985, "the fall-back profile has nothing to fall back to")
        _check_policy(target, Policy.DISABLE_NOT_ALLOWED)
        self._switch(target, self._registry.fallback())

    def delete(self, aid: bytes) -> None:
        """Delete an ISD-P with its profile and keys.

        6985 for an enabled or the fall-back profile, 69E1 after POL1.
        """
        target = self._registry.require(aid)
        if target.state is LifeCycle.ENABLED or target.fallback:
            raise RefusalError(0x6985, f"ISD-P {aid.hex()} is enabled or the fall-back profile")
        _check_policy(target, Policy.DELETE_NOT_ALLOWED)
        with self._nvm.transaction() as change:
            self._registry.delete(change, aid)
            self._keys.delete_all(change, aid)
            delete_tree(change, aid)
        log.info("ISD-P %s deleted", aid.hex())

    def set_fallback(self, aid: bytes) -> None:
        """Move the fall-back attribute.

        6985 for an ISD-P without a profile, 69E1 while POL1 pins the profile that has it.
        """
        target = self._registry.require(aid)
        if not target.installed:
            raise RefusalError(0x6985, f"ISD-P {aid.hex()} is {target.state.name}")
        holder = self._registry.fallback()
        if holder is not None:
            _check_policy(holder, Policy.DISABLE_NOT_ALLOWED)
        with self._nvm.transaction() as change:
            if holder is not None:
                self._registry.put(change, replace(holder, fallback=False))
            self._registry.put(change, replace(target, fallback=True))

    def _switch(self, old: IsdP | None, new: IsdP | None) -> None:
        with self._nvm.transaction() as change:
            if old is not None:
                self._registry.put(change, replace(old, state=LifeCycle.DISABLED))
            if new is not None:
                self._registry.put(change, replace(new, state=LifeCycle.ENABLED))
        log.info(
            "enabled profile: %s, before: %s",
            new.aid.hex() if new else "none",
            old.aid.hex() if old else "none",
        )


def _check_policy(record: IsdP, rule: Policy) -> None:
    if record.policy & rule:
        raise RefusalError(0x69E1, f"POL1 of {record.aid.hex()}: {rule.name}")
