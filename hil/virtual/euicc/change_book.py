"""What the card remembers of a profile change until its SM-SR has confirmed it (SGP.02, 3.15)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cbor2

from hil.errors import CodecError
from hil.wire import isdr_commands, tlv
from hil.wire.notification import NotificationType

if TYPE_CHECKING:
    from hil.virtual.euicc.factory_options import NotificationRules
    from hil.virtual.euicc.nvm import Nvm, Transaction
    from hil.wire.sms_address import Address

_CHANGE: Final = "notification/change"
_SEQUENCE: Final = "notification/sequence"
_ADDRESSING: Final = "notification/addressing"
_DOOMED: Final = "notification/doomed/"
_LAST_SEQUENCE: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Change:
    """A change to be notified. ``previous``: the ISD-P enabled before, empty for none.

    ``sent``: how often it was sent since the card began to try.
    """

    kind: NotificationType
    previous: bytes
    sequence: int
    sent: int = 0


class ChangeBook:
    """The change that waits for its confirmation, and the profiles that POL1 deletes after it."""

    def __init__(self, nvm: Nvm, rules: NotificationRules) -> None:
        self._nvm = nvm
        self.rules = rules

    @property
    def number(self) -> Address | None:
        """The SM-SR's number: the last one given over the air, else that of the factory."""
        raw = self._nvm.get(_ADDRESSING)
        if raw is None:
            return self.rules.number
        try:
            return isdr_commands.read_addressing(raw)
        except CodecError:
            return None

    @property
    def active(self) -> bool:
        """Whether the card notifies at all."""
        return self.rules.enabled is not False and self.number is not None

    def set_addressing(self, value: bytes) -> None:
        """Store the SM-SR's number, none to take it away; :class:`CodecError` if it is no number.

        So too for parameters that bring anything else: of addresses by CAT_TP, HTTPS or DNS the
        coding is not in print, and to take them unread would lose the number.
        """
        tags = [one.tag for one in tlv.decode_all(value, limit=16)]
        if tags not in ([], [isdr_commands.SMS_ADDRESSING]):
            raise CodecError("SM-SR addressing other than by SMS (A3)")
        isdr_commands.read_addressing(value)
        with self._nvm.transaction() as change:
            change.put(_ADDRESSING, value)

    def pending(self) -> Change | None:
        """Return the change that waits for its confirmation."""
        raw = self._nvm.get(_CHANGE)
        if raw is None:
            return None
        kind, previous, sequence, sent = cbor2.loads(raw)
        return Change(NotificationType(kind), previous, sequence, sent)

    def record(self, change: Transaction, kind: NotificationType, previous: bytes = b"") -> None:
        """Begin to notify, as part of a transaction; nothing if the card does not notify."""
        if not self.active:
            return
        last = int.from_bytes(self._nvm.get(_SEQUENCE) or b"", "big")
        sequence = last % _LAST_SEQUENCE + 1
        change.put(_SEQUENCE, sequence.to_bytes(2, "big"))
        _put(change, Change(kind, previous, sequence))

    def drop(self, change: Transaction) -> None:
        """Forget the change, as part of a transaction."""
        change.delete(_CHANGE)

    def count(self, sent: int) -> None:
        """Store how often the change was sent, before it is sent again."""
        pending = self.pending()
        if pending is not None:
            with self._nvm.transaction() as change:
                _put(change, Change(pending.kind, pending.previous, pending.sequence, sent))

    def doom(self, change: Transaction, aid: bytes) -> None:
        """Note that POL1 wants this ISD-P deleted, as part of a transaction."""
        change.put(f"{_DOOMED}{aid.hex()}", b"")

    def spare(self, change: Transaction, aid: bytes) -> None:
        """Note that it is not deleted, as part of a transaction."""
        change.delete(f"{_DOOMED}{aid.hex()}")

    def doomed(self) -> list[bytes]:
        """Return the ISD-Ps that POL1 wants deleted."""
        return [bytes.fromhex(key.removeprefix(_DOOMED)) for key in self._nvm.keys(_DOOMED)]


def _put(change: Transaction, what: Change) -> None:
    change.put(_CHANGE, cbor2.dumps([int(what.kind), what.previous, what.sequence, what.sent]))
