"""What has been proven about PINs since the last reset, and VERIFY (ETSI TS 102 221, 11.1.9)."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from hil.virtual.euicc.files import Df, Ef, FileTree
from hil.virtual.euicc.pin_store import find_pin, save_pin, with_tries
from hil.virtual.euicc.refusal import RefusalError
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from hil.virtual.euicc.channel import Channel
    from hil.virtual.euicc.nvm import Nvm

INS_VERIFY: Final = 0x20


class PinPresentations:
    """PIN states of the whole card, not of a channel; counters are in the card's memory."""

    def __init__(self, nvm: Nvm, tree: FileTree) -> None:
        self._nvm = nvm
        self._owner = tree.owner
        self._mf = tree.mf
        self._verified: set[tuple[str, int]] = set()

    def satisfied(self, key: int, file: Df | Ef) -> bool:
        """Whether a key reference counts as verified for a file: verified, or PIN disabled."""
        df = file if isinstance(file, Df) else file.parent or self._mf
        found = find_pin(self._nvm, self._owner, df, key)
        if found is None:
            return False
        path, pin = found
        return not pin.enabled or (path, key) in self._verified

    def verify(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        """Compare a PIN, or tell the tries left when no data comes.

        6A88 for an unknown reference, 6983 blocked, 6984 disabled, 63Cx wrong.
        """
        if command.p1:
            raise RefusalError(0x6A86)
        found = find_pin(self._nvm, self._owner, channel.df, command.p2)
        if found is None:
            raise RefusalError(0x6A88, f"no PIN {command.p2:02X} here")
        path, pin = found
        if len(command.data) not in (0, 8):
            raise RefusalError(0x6700)
        if not pin.tries:
            raise RefusalError(0x6983)
        if not pin.enabled:
            raise RefusalError(0x6984)
        proof = (path, pin.reference)
        if not command.data:
            return ResponseApdu(b"", OK if proof in self._verified else 0x63C0 | pin.tries)
        # The try is spent before the comparison, so that cutting the power wins nothing.
        self._store_tries(path, pin.reference, channel, pin.tries - 1)
        if not hmac.compare_digest(pin.value, command.data):
            self._verified.discard(proof)
            raise RefusalError(0x63C0 | pin.tries - 1, f"PIN {pin.reference:02X}")
        self._store_tries(path, pin.reference, channel, pin.most_tries)
        self._verified.add(proof)
        return ResponseApdu(b"", OK)

    def _store_tries(self, path: str, reference: int, channel: Channel, tries: int) -> None:
        found = find_pin(self._nvm, self._owner, channel.df, reference)
        if found is not None:
            with self._nvm.transaction() as change:
                save_pin(change, self._owner, path, with_tries(found[1], tries))
