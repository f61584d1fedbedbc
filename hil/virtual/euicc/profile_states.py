"""Rules by which ISD-Ps are created, enabled, disabled and deleted (SGP.02, 3.1 to 3.6, 4.1.1).

Every change is one transaction. An enabled profile shows its files after the next reset.
"""

from __future__ import annotations

import hmac
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hil.virtual.euicc.file_store import delete_tree
from hil.virtual.euicc.key_store import KeyType
from hil.virtual.euicc.refusal import RefusalError
from hil.virtual.euicc.registry import IsdP, LifeCycle, Policy, Registry
from hil.wire import isdp_keys, isdr_commands
from hil.wire.identifiers import is_isd_p_aid
from hil.wire.notification import NotificationType

if TYPE_CHECKING:
    from hil.virtual.euicc.change_book import ChangeBook
    from hil.virtual.euicc.key_store import KeyStore
    from hil.virtual.euicc.nvm import Nvm, Transaction
    from hil.wire.scp03 import KeySet

log = logging.getLogger(__name__)

TOKEN_KVN: Final = 0x70
_TOKEN_KEY: Final = 0x01
_LOCAL: Final = "local/before"


class ProfileStates:
    """Changes the life cycle of ISD-Ps; each method raises :class:`RefusalError` or succeeds."""

    def __init__(
        self,
        nvm: Nvm,
        registry: Registry,
        keys: KeyStore,
        base_keys: KeySet | None,
        changes: ChangeBook,
    ) -> None:
        self._nvm = nvm
        self._registry = registry
        self._keys = keys
        self._base_keys = base_keys
        self._changes = changes

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
        self._switch(present, target, NotificationType.CHANGED)

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
        self._switch(target, self._registry.fallback(), NotificationType.CHANGED)

    def delete(self, aid: bytes) -> None:
        """Delete an ISD-P with its profile and keys.

        6985 for an enabled or the fall-back profile, 69E1 after POL1.
        """
        target = self._registry.require(aid)
        if target.state is LifeCycle.ENABLED or target.fallback:
            raise RefusalError(0x6985, f"ISD-P {aid.hex()} is enabled or the fall-back profile")
        _check_policy(target, Policy.DELETE_NOT_ALLOWED)
        self._erase(aid)

    def master_delete(self, aid: bytes, body: bytes, token: bytes) -> None:
        """Delete an ISD-P whatever POL1 says, if its own token key made ``token`` over ``body``.

        6985 for a profile that is not DISABLED or that has the fall-back attribute, 6A88 for an
        ISD-P without a token key (KVN 70), 6982 for a wrong token.
        """
        target = self._registry.require(aid)
        if target.state is not LifeCycle.DISABLED or target.fallback:
            raise RefusalError(0x6985, f"ISD-P {aid.hex()} is not disabled, or for falling back")
        key = self._keys.key(aid, TOKEN_KVN, _TOKEN_KEY)
        if key is None or key.kind != KeyType.AES:
            raise RefusalError(0x6A88, f"ISD-P {aid.hex()} has no token key")
        expected = isdr_commands.delete_token(body, key.value)
        if not hmac.compare_digest(token, expected):
            raise RefusalError(0x6982, "delete token")
        self._erase(aid)

    def set_fallback(self, aid: bytes) -> None:
        """Move the fall-back attribute.

        6985 for an ISD-P without a profile or for the emergency profile, 69E1 while POL1 pins the
        profile that has it.
        """
        target = self._registry.require(aid)
        if not target.installed or target.emergency:
            raise RefusalError(0x6985, f"ISD-P {aid.hex()} cannot be the fall-back profile")
        holder = self._registry.fallback()
        if holder is not None:
            _check_policy(holder, Policy.DISABLE_NOT_ALLOWED)
        with self._nvm.transaction() as change:
            if holder is not None:
                self._registry.put(change, replace(holder, fallback=False))
            self._registry.put(change, replace(target, fallback=True))

    def set_emergency(self, aid: bytes) -> None:
        """Move the emergency profile attribute; 6985 where there is no profile or fall-back."""
        target = self._registry.require(aid)
        if not target.installed or target.fallback:
            raise RefusalError(0x6985, f"ISD-P {aid.hex()} cannot be the emergency profile")
        holder = self._registry.emergency()
        with self._nvm.transaction() as change:
            if holder is not None:
                self._registry.put(change, replace(holder, emergency=False))
            self._registry.put(change, replace(target, emergency=True))

    # Local functions (ESx): POL1 is not asked, nothing rolls back, nobody is notified.

    @property
    def local(self) -> bool:
        """Whether a test or emergency profile was enabled locally."""
        return self._nvm.get(_LOCAL) is not None

    def enable_locally(self, target: IsdP | None) -> None:
        """Enable the test or emergency profile; 6A88 for none, 6985 if it is enabled already.

        While one of the two is enabled, only the emergency profile may follow.
        """
        if target is None:
            raise RefusalError(0x6A88, "there is no such profile")
        if target.state is not LifeCycle.DISABLED or (self.local and not target.emergency):
            raise RefusalError(0x6985, f"ISD-P {target.aid.hex()} cannot be enabled locally")
        present = self._registry.enabled()
        before = self._nvm.get(_LOCAL)
        if before is None:
            before = b"" if present is None else present.aid
        with self._nvm.transaction() as change:
            self._exchange(change, present, target)
            change.put(_LOCAL, before)

    def disable_locally(self, *, emergency: bool) -> None:
        """Go back to the profile enabled before; 6985 if none was enabled in this way."""
        present = self._registry.enabled()
        before = self._nvm.get(_LOCAL)
        if before is None or present is None or present.emergency is not emergency:
            raise RefusalError(0x6985, "no such profile was enabled locally")
        target = self._registry.find(before) or self._registry.fallback()
        with self._nvm.transaction() as change:
            self._exchange(change, present, target)
            change.delete(_LOCAL)

    def test_profile(self, aid: bytes | None) -> IsdP | None:
        """Return the test profile, the only one or that with this AID."""
        found = [one for one in self._registry.all() if one.test and aid in (None, one.aid)]
        return found[0] if len(found) == 1 else None

    # What happens without an order.

    def fall_back(self) -> bool:
        """Enable the fall-back profile: the network is lost. Return whether that changed anything.

        Not while a test or emergency profile is enabled locally. POL1 is not asked, and nothing is
        deleted afterwards.
        """
        target, present = self._registry.fallback(), self._registry.enabled()
        if target is None or target.state is LifeCycle.ENABLED or self.local:
            return False
        self._switch(present, target, NotificationType.FALLEN_BACK)
        return True

    def recover(self) -> bool:
        """Undo a change that nobody confirmed; return whether another profile is enabled now.

        Back to the profile before; if that is not confirmed either, to the fall-back profile.
        """
        pending = self._changes.pending()
        if pending is None:
            return False
        if pending.kind is NotificationType.CHANGED:
            before = self._registry.find(pending.previous)
            if before is not None and before.state is LifeCycle.DISABLED:
                self._switch(self._registry.enabled(), before, NotificationType.ROLLED_BACK)
                return True
        if pending.kind in (NotificationType.CHANGED, NotificationType.ROLLED_BACK):
            return self.fall_back()
        return False

    def confirm(self, sequence: int) -> tuple[bytes, ...]:
        """Take the SM-SR's confirmation; delete what POL1 wants gone and return it.

        6985 if nothing waits for one, 6A80 for another sequence number.
        """
        pending = self._changes.pending()
        if pending is None:
            raise RefusalError(0x6985, "no notification waits for its confirmation")
        if pending.sequence != sequence:
            raise RefusalError(0x6A80, f"sequence {sequence}, {pending.sequence} is expected")
        with self._nvm.transaction() as change:
            self._changes.drop(change)
            return self._sweep(change)

    def sweep(self) -> None:
        """Delete what POL1 wants gone on a card that notifies nobody: at its next start."""
        if not self._changes.active and self._changes.doomed():
            with self._nvm.transaction() as change:
                self._sweep(change)

    def _sweep(self, change: Transaction) -> tuple[bytes, ...]:
        gone = []
        for aid in self._changes.doomed():
            self._changes.spare(change, aid)
            record = self._registry.find(aid)
            if record is not None and record.state is LifeCycle.DISABLED and not record.fallback:
                self._put_erasure(change, aid)
                gone.append(aid)
        return tuple(gone)

    def _erase(self, aid: bytes) -> None:
        with self._nvm.transaction() as change:
            self._put_erasure(change, aid)
        log.info("ISD-P %s deleted", aid.hex())

    def _put_erasure(self, change: Transaction, aid: bytes) -> None:
        self._registry.delete(change, aid)
        self._keys.delete_all(change, aid)
        self._changes.spare(change, aid)
        delete_tree(change, aid)

    def _switch(self, old: IsdP | None, new: IsdP | None, kind: NotificationType) -> None:
        with self._nvm.transaction() as change:
            self._exchange(change, old, new)
            change.delete(_LOCAL)
            self._changes.record(change, kind, b"" if old is None else old.aid)
            if old is not None and kind is NotificationType.CHANGED and _deleted_on_disable(old):
                self._changes.doom(change, old.aid)

    def _exchange(self, change: Transaction, old: IsdP | None, new: IsdP | None) -> None:
        if old is not None:
            self._registry.put(change, replace(old, state=LifeCycle.DISABLED))
        if new is not None:
            self._registry.put(change, replace(new, state=LifeCycle.ENABLED))
            self._changes.spare(change, new.aid)
        log.info(
            "enabled profile: %s, before: %s",
            new.aid.hex() if new else "none",
            old.aid.hex() if old else "none",
        )


def _deleted_on_disable(record: IsdP) -> bool:
    wanted = record.policy & Policy.DELETE_ON_DISABLE
    return bool(wanted) and not record.policy & Policy.DELETE_NOT_ALLOWED and not record.fallback


def _check_policy(record: IsdP, rule: Policy) -> None:
    if record.policy & rule:
        raise RefusalError(0x69E1, f"POL1 of {record.aid.hex()}: {rule.name}")
