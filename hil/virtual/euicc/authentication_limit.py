"""Failed authentications: counted for each key set, and held up when they come in a row.

A card has no clock to wait by, so it waits by number: after ``attempts`` failures in a row with one
key set it refuses 1 further attempt, after one more failure 2, then 4, and so on up to 64, before
it lets one through. A success clears the count. The count survives power loss, and a failure is
written before its outcome is known: cutting the power saves nobody an attempt.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import cbor2

from hil.virtual.euicc.refusal import RefusalError

if TYPE_CHECKING:
    from hil.virtual.euicc.nvm import Nvm

log = logging.getLogger(__name__)

MOST_REFUSALS: Final = 64


class AuthenticationLimit:
    """Counts failures by security domain and key version; ``attempts`` 0 counts none."""

    def __init__(self, nvm: Nvm, attempts: int) -> None:
        self._nvm = nvm
        self._attempts = attempts

    def admit(self, aid: bytes, kvn: int) -> None:
        """Let an attempt begin, or refuse it: 6983."""
        failures, refusals = self._read(aid, kvn)
        if refusals:
            self._write(aid, kvn, failures, refusals - 1)
            raise RefusalError(0x6983, f"key set {kvn:02X}: {failures} failures in a row")

    def begin(self, aid: bytes, kvn: int) -> None:
        """Count a failure: the proof of the other end is about to be looked at."""
        if not self._attempts:
            return
        failures = self._read(aid, kvn)[0] + 1
        over = failures - self._attempts
        # 2 to the 6th is the most, whatever the count.
        refusals = min(1 << min(over, 6), MOST_REFUSALS) if over >= 0 else 0
        self._write(aid, kvn, failures, refusals)

    def succeeded(self, aid: bytes, kvn: int) -> None:
        """Clear the count."""
        if self._nvm.get(_key(aid, kvn)) is not None:
            with self._nvm.transaction() as change:
                change.delete(_key(aid, kvn))

    def _read(self, aid: bytes, kvn: int) -> tuple[int, int]:
        raw = self._nvm.get(_key(aid, kvn))
        if raw is None:
            return 0, 0
        failures, refusals = cbor2.loads(raw)
        return failures, refusals

    def _write(self, aid: bytes, kvn: int, failures: int, refusals: int) -> None:
        with self._nvm.transaction() as change:
            change.put(_key(aid, kvn), cbor2.dumps([failures, refusals]))


def _key(aid: bytes, kvn: int) -> str:
    return f"failures/{aid.hex()}/{kvn:02x}"
