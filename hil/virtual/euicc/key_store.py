"""Key sets of the security domains in non-volatile memory, with their counters.

Nothing outside the secure channels may ask for a key, and no command reads one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cbor2

from hil.wire.scp03 import KeySet

if TYPE_CHECKING:
    from hil.virtual.euicc.nvm import Nvm, Transaction


class KeyStore:
    """Three keys for each key version number of each security domain, and a counter for each set.

    The counter is the last value used. SCP80 sets hold KIc, KID and DEK in the places of ENC, MAC
    and DEK.
    """

    def __init__(self, nvm: Nvm) -> None:
        self._nvm = nvm

    def versions(self, aid: bytes) -> list[int]:
        """Return the key version numbers of a domain, in order."""
        return [int(key[-2:], 16) for key in self._nvm.keys(f"keys/{aid.hex()}/")]

    def find(self, aid: bytes, kvn: int) -> KeySet | None:
        """Return a key set, ``None`` if the domain has none with this number."""
        raw = self._nvm.get(_keys(aid, kvn))
        return None if raw is None else KeySet(kvn, *cbor2.loads(raw))

    def counter(self, aid: bytes, kvn: int) -> int:
        """Return the last counter value used with a key set, 0 for none."""
        return int.from_bytes(self._nvm.get(_counter(aid, kvn)) or b"", "big")

    def set_counter(self, aid: bytes, kvn: int, value: int) -> None:
        """Store the counter at once, before what it guards is done."""
        with self._nvm.transaction() as change:
            change.put(_counter(aid, kvn), value.to_bytes(5, "big"))

    def put(self, change: Transaction, aid: bytes, keys: KeySet, *, counter: int = 0) -> None:
        """Add or replace a key set as part of a transaction."""
        change.put(_keys(aid, keys.kvn), cbor2.dumps([keys.enc, keys.mac, keys.dek]))
        change.put(_counter(aid, keys.kvn), counter.to_bytes(5, "big"))

    def delete_all(self, change: Transaction, aid: bytes) -> None:
        """Remove all keys of a domain as part of a transaction."""
        change.delete_all(f"keys/{aid.hex()}/")
        change.delete_all(f"counter/{aid.hex()}/")


def _keys(aid: bytes, kvn: int) -> str:
    return f"keys/{aid.hex()}/{kvn:02x}"


def _counter(aid: bytes, kvn: int) -> str:
    return f"counter/{aid.hex()}/{kvn:02x}"
