"""The ISD-Ps on the card, in non-volatile memory (SGP.02, 2.2.1.3 and 3.1 to 3.6)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING, Final

import cbor2

from hil.virtual.euicc.refusal import RefusalError

if TYPE_CHECKING:
    from hil.virtual.euicc.nvm import Nvm, Transaction

_AREA: Final = "isdp"
_PREFIX: Final = f"{_AREA}/"


class LifeCycle(IntEnum):
    """Life cycle of an ISD-P (GlobalPlatform coding, names of SGP.02)."""

    SELECTABLE = 0x07
    PERSONALIZED = 0x0F
    DISABLED = 0x1F
    ENABLED = 0x3F


class Policy(IntFlag):
    """POL1 of a profile; the bits are recollected, not sourced."""

    DISABLE_NOT_ALLOWED = 0x01
    DELETE_NOT_ALLOWED = 0x02
    DELETE_ON_DISABLE = 0x04


NO_POLICY: Final = Policy(0)


@dataclass(frozen=True, slots=True)
class IsdP:
    """One ISD-P. ``granted`` bytes were promised at its creation, ``used`` its profile takes.

    ``test``: its profile is a test profile, by its content. ``emergency``: it has the emergency
    profile attribute.
    """

    aid: bytes
    state: LifeCycle
    fallback: bool = False
    policy: Policy = NO_POLICY
    granted: int = 0
    used: int = 0
    iccid: bytes = b""
    test: bool = False
    emergency: bool = False

    @property
    def charged(self) -> int:
        """Bytes of the card's memory that are gone for this ISD-P."""
        return max(self.granted, self.used)

    def personalized(self) -> IsdP:
        """Return the record of this ISD-P with keys of its own."""
        return replace(self, state=LifeCycle.PERSONALIZED)

    @property
    def installed(self) -> bool:
        """Whether it holds a whole profile."""
        return self.state in (LifeCycle.DISABLED, LifeCycle.ENABLED)


class Registry:
    """Reads and writes ISD-P records; the rules of change are in ``profile_states``."""

    def __init__(self, nvm: Nvm, memory: int) -> None:
        self._nvm = nvm
        self._memory = memory
        self._revision = -1
        self._known: dict[bytes, IsdP] = {}

    def all(self) -> list[IsdP]:
        """Return all ISD-Ps by AID."""
        return list(self._records().values())

    @property
    def revision(self) -> int:
        """How often an ISD-P was changed: while it stays, so do all answers of this registry."""
        return self._nvm.revision(_AREA)

    def _records(self) -> dict[bytes, IsdP]:
        # Every SELECT asks for all of them; they are decoded once after each change.
        if self._revision != self.revision:
            rows = (_decode(self._nvm.get(key) or b"") for key in self._nvm.keys(_PREFIX))
            self._known = {one.aid: one for one in rows}
            self._revision = self.revision
        return self._known

    def find(self, aid: bytes) -> IsdP | None:
        """Return one ISD-P, ``None`` if it does not exist."""
        return self._records().get(aid)

    def require(self, aid: bytes) -> IsdP:
        """Return one ISD-P; 6A88 if it does not exist."""
        found = self.find(aid)
        if found is None:
            raise RefusalError(0x6A88, f"no ISD-P {aid.hex()}")
        return found

    def pending(self, change: Transaction, aid: bytes) -> IsdP:
        """Return one ISD-P as a running transaction leaves it; 6A88 if it does not exist."""
        raw = change.changes.get(_key(aid))
        return self.require(aid) if raw is None else _decode(raw)

    def enabled(self) -> IsdP | None:
        """Return the ISD-P that is ENABLED; there is at most one."""
        return next(
            (one for one in self._records().values() if one.state is LifeCycle.ENABLED), None
        )

    def fallback(self) -> IsdP | None:
        """Return the ISD-P with the fall-back attribute."""
        return next((one for one in self._records().values() if one.fallback), None)

    def emergency(self) -> IsdP | None:
        """Return the ISD-P with the emergency profile attribute."""
        return next((one for one in self.all() if one.emergency), None)

    def free(self) -> int:
        """Return the bytes left for profiles."""
        return max(0, self._memory - sum(one.charged for one in self._records().values()))

    def put(self, change: Transaction, record: IsdP) -> None:
        """Write a record as part of a transaction."""
        row = [
            record.aid,
            int(record.state),
            record.fallback,
            int(record.policy),
            record.granted,
            record.used,
            record.iccid,
            record.test,
            record.emergency,
        ]
        change.put(_key(record.aid), cbor2.dumps(row))

    def delete(self, change: Transaction, aid: bytes) -> None:
        """Remove a record as part of a transaction."""
        change.delete(_key(aid))


def _key(aid: bytes) -> str:
    return f"{_PREFIX}{aid.hex()}"


def _decode(raw: bytes) -> IsdP:
    aid, state, fallback, policy, *rest = cbor2.loads(raw)
    return IsdP(aid, LifeCycle(state), fallback, Policy(policy), *rest)
