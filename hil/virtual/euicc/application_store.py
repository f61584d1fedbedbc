"""Applications of a profile in non-volatile memory: security domains, remote file management.

They stand with the profile and go with it. The keys of a domain are in the key store under
:func:`domain_id`, since every operator may name its domain alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import cbor2

if TYPE_CHECKING:
    from hil.virtual.euicc.nvm import Nvm, Transaction

LOCKED: Final = 0x80
"""b8 of a life cycle: the application is locked."""

HEADER_COST: Final = 64
"""Bytes an application costs besides its data: a round figure."""


class Kind(StrEnum):
    """What an application is."""

    DOMAIN = "sd"
    FILES = "rfm"


@dataclass(frozen=True, slots=True)
class Application:
    """One application of a profile.

    * ``place``: number of its element, the first domain is the operator's (MNO-SD).
    * ``state``: GlobalPlatform life cycle; ``domain``: AID of the security domain it belongs to.
    * ``tars``: 3 bytes each; ``level``: least SPI octet 1; ``parameters``: content of C9.
    * ``access``, ``adf``, ``adf_access``: of remote file management (TS 102 226 access domains);
      ``admin_access``, ``adf_admin_access``: those for making, deleting and resizing files.
    """

    aid: bytes
    kind: Kind
    place: int
    state: int
    privileges: bytes
    load_file: bytes
    module: bytes
    domain: bytes
    tars: tuple[bytes, ...] = ()
    level: int = 0
    parameters: bytes = b""
    access: bytes = b""
    adf: bytes = b""
    adf_access: bytes = b""
    admin_access: bytes = b""
    adf_admin_access: bytes = b""

    @property
    def cost(self) -> int:
        """Bytes of non-volatile memory that it is charged with, without keys and data."""
        return HEADER_COST + len(self.parameters) + 3 * len(self.tars)


def domain_id(owner: bytes, aid: bytes) -> bytes:
    """Return the name under which the keys of a profile's domain are kept."""
    return owner + aid


class ApplicationStore:
    """Reads and writes the applications of one profile; ``owner`` is the AID of its ISD-P."""

    def __init__(self, nvm: Nvm, owner: bytes) -> None:
        self._nvm = nvm
        self.owner = owner

    def all(self) -> list[Application]:
        """Return all applications in the order of their elements."""
        rows = [self._nvm.get(key) or b"" for key in self._nvm.keys(_prefix(self.owner))]
        return sorted(map(_decode, rows), key=lambda one: one.place)

    def domains(self) -> list[Application]:
        """Return the security domains, that of the operator first."""
        return [one for one in self.all() if one.kind is Kind.DOMAIN]

    def find(self, aid: bytes) -> Application | None:
        """Return one application, ``None`` if there is none."""
        raw = self._nvm.get(_prefix(self.owner) + aid.hex())
        return None if raw is None else _decode(raw)

    def set_state(self, aid: bytes, state: int) -> None:
        """Store a new life cycle state at once."""
        found = self.find(aid)
        if found is not None:
            with self._nvm.transaction() as change:
                save_application(change, self.owner, replace(found, state=state))

    def data_size(self, aid: bytes) -> int:
        """Return the bytes of all data objects of a domain."""
        prefix = f"profile/{self.owner.hex()}/data/{aid.hex()}/"
        return sum(len(self._nvm.get(key) or b"") for key in self._nvm.keys(prefix))

    def delete(self, change: Transaction, aid: bytes) -> None:
        """Remove an application and its data as part of a transaction; its keys stay."""
        change.delete(_prefix(self.owner) + aid.hex())
        change.delete_all(f"profile/{self.owner.hex()}/data/{aid.hex()}/")

    def data(self, aid: bytes, tag: int) -> bytes | None:
        """Return a data object of a domain with its tag, ``None`` if it has none."""
        return self._nvm.get(_data(self.owner, aid, tag))


def save_application(change: Transaction, owner: bytes, one: Application) -> None:
    """Write one application as part of a transaction."""
    row = [getattr(one, name) for name in Application.__slots__]
    change.put(_prefix(owner) + one.aid.hex(), cbor2.dumps([*row[:1], str(one.kind), *row[2:]]))


def save_data(change: Transaction, owner: bytes, aid: bytes, tag: int, value: bytes) -> None:
    """Write a data object of a domain, with its tag, as part of a transaction."""
    change.put(_data(owner, aid, tag), value)


def _decode(raw: bytes) -> Application:
    # A memory written before there were administrative domains has shorter rows: closed then.
    row = dict(zip(Application.__slots__, cbor2.loads(raw), strict=False))
    return Application(**{**row, "kind": Kind(row["kind"]), "tars": tuple(row["tars"])})


def _prefix(owner: bytes) -> str:
    return f"profile/{owner.hex()}/application/"


def _data(owner: bytes, aid: bytes, tag: int) -> str:
    return f"profile/{owner.hex()}/data/{aid.hex()}/{tag:04x}"
