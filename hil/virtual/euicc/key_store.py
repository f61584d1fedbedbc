"""Keys of the security domains in non-volatile memory, and the counters of their key sets.

Nothing outside the secure channels may ask for a key, and no command reads one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Final

import cbor2

from hil.wire.scp03 import KeySet
from hil.wire.scp03_keys import SGP02_OPTION

if TYPE_CHECKING:
    from hil.virtual.euicc.nvm import Nvm, Transaction

ENC, MAC, DEK = 0x01, 0x02, 0x03
"""Key identifiers of a set; SCP80 calls them KIc, KID and DEK."""


class KeyType(IntEnum):
    """Coding of key types (GlobalPlatform Card Specification, 11.1.8)."""

    DES = 0x80
    TDES_CBC = 0x82
    PSK_TLS = 0x85
    AES = 0x88


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One key. ``kind``: its type, also one that :class:`KeyType` does not name.

    ``mac_length``: bytes of its checksums; ``usage``, ``access``: qualifiers of GlobalPlatform,
    11.1.9 and 11.1.10, ``usage`` empty when nothing was said.
    """

    kind: int
    value: bytes = field(repr=False)
    mac_length: int = 8
    usage: bytes = b""
    access: bytes = b"\x00"


_SET: Final = (ENC, MAC, DEK)


class KeyStore:
    """Keys by security domain, key version number and key identifier; a counter for each version.

    The counter is the last value used.
    """

    def __init__(self, nvm: Nvm) -> None:
        self._nvm = nvm

    def versions(self, aid: bytes) -> list[int]:
        """Return the key version numbers of a domain, in order."""
        prefix = _domain(aid)
        return sorted({int(key.removeprefix(prefix)[:2], 16) for key in self._nvm.keys(prefix)})

    def identifiers(self, aid: bytes, kvn: int) -> list[int]:
        """Return the key identifiers of a version, in order."""
        return [int(key[-2:], 16) for key in self._nvm.keys(_version(aid, kvn))]

    def key(self, aid: bytes, kvn: int, identifier: int) -> StoredKey | None:
        """Return one key, ``None`` if there is none."""
        raw = self._nvm.get(_key(aid, kvn, identifier))
        return None if raw is None else StoredKey(*cbor2.loads(raw))

    def find(self, aid: bytes, kvn: int) -> KeySet | None:
        """Return an AES key set, ``None`` if the domain has no whole one with this number."""
        keys = [self.key(aid, kvn, identifier) for identifier in _SET]
        values = [one.value for one in keys if one is not None and one.kind == KeyType.AES]
        if len(values) != len(_SET):
            return None
        enc, mac, dek = values
        return KeySet(kvn, enc, mac, dek, self.option(aid, kvn))

    def option(self, aid: bytes, kvn: int) -> int:
        """Return the SCP03 parameter *i* of a key set: that of SGP.02 unless put otherwise."""
        raw = self._nvm.get(_option(aid, kvn))
        return SGP02_OPTION if raw is None else raw[0]

    def counter(self, aid: bytes, kvn: int) -> int:
        """Return the last counter value used with a key set, 0 for none."""
        return int.from_bytes(self._nvm.get(_counter(aid, kvn)) or b"", "big")

    def set_counter(self, aid: bytes, kvn: int, value: int) -> None:
        """Store the counter at once, before what it guards is done."""
        with self._nvm.transaction() as change:
            self.put_counter(change, aid, kvn, value)

    def put_counter(self, change: Transaction, aid: bytes, kvn: int, value: int) -> None:
        """Store the counter as part of a transaction."""
        write_counter(change, aid, kvn, value)

    def put(self, change: Transaction, aid: bytes, keys: KeySet, *, counter: int = 0) -> None:
        """Add or replace an AES key set as part of a transaction."""
        for identifier, value in zip(_SET, (keys.enc, keys.mac, keys.dek), strict=True):
            self.put_key(change, aid, keys.kvn, identifier, StoredKey(KeyType.AES, value))
        self.put_counter(change, aid, keys.kvn, counter)
        change.put(_option(aid, keys.kvn), bytes((keys.option,)))

    def put_key(
        self, change: Transaction, aid: bytes, kvn: int, identifier: int, key: StoredKey
    ) -> None:
        """Add or replace one key as part of a transaction; the counter stays."""
        write_key(change, aid, kvn, identifier, key)

    def delete_key(self, change: Transaction, aid: bytes, kvn: int, identifier: int) -> None:
        """Remove one key as part of a transaction; the counter goes with the last one."""
        change.delete(_key(aid, kvn, identifier))
        if self.identifiers(aid, kvn) in ([], [identifier]):
            self._forget(change, aid, kvn)

    def delete_version(self, change: Transaction, aid: bytes, kvn: int) -> None:
        """Remove all keys of a version and their counter as part of a transaction."""
        change.delete_all(_version(aid, kvn))
        self._forget(change, aid, kvn)

    def delete_all(self, change: Transaction, aid: bytes) -> None:
        """Remove all keys of a domain as part of a transaction."""
        change.delete_all(_domain(aid))
        change.delete_all(f"counter/{aid.hex()}/")
        change.delete_all(f"option/{aid.hex()}/")

    def _forget(self, change: Transaction, aid: bytes, kvn: int) -> None:
        change.delete(_counter(aid, kvn))
        change.delete(_option(aid, kvn))


def write_key(change: Transaction, aid: bytes, kvn: int, identifier: int, key: StoredKey) -> None:
    """Write one key as part of a transaction."""
    row = [int(key.kind), key.value, key.mac_length, key.usage, key.access]
    change.put(_key(aid, kvn, identifier), cbor2.dumps(row))


def write_counter(change: Transaction, aid: bytes, kvn: int, value: int) -> None:
    """Write the counter of a key set as part of a transaction."""
    change.put(_counter(aid, kvn), value.to_bytes(5, "big"))


def delete_below(change: Transaction, owner: bytes) -> None:
    """Remove the keys of all domains whose name begins with ``owner`` and goes on behind it."""
    for digit in "0123456789abcdef":
        for kind in ("keys", "counter"):
            change.delete_all(f"{kind}/{owner.hex()}{digit}")


def _domain(aid: bytes) -> str:
    return f"keys/{aid.hex()}/"


def _version(aid: bytes, kvn: int) -> str:
    return f"{_domain(aid)}{kvn:02x}/"


def _key(aid: bytes, kvn: int, identifier: int) -> str:
    return f"{_version(aid, kvn)}{identifier:02x}"


def _counter(aid: bytes, kvn: int) -> str:
    return f"counter/{aid.hex()}/{kvn:02x}"


def _option(aid: bytes, kvn: int) -> str:
    return f"option/{aid.hex()}/{kvn:02x}"
