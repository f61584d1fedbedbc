"""PIN commands with answers that can be compared (ETSI TS 102 221, 11.1.9 to 11.1.13)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from hil.equipment.card import commands
from hil.equipment.card.errors import StatusWordError
from hil.wire.status_words import is_success

if TYPE_CHECKING:
    from hil.equipment.card.card import Card
    from hil.wire.apdu import CommandApdu

_TRIES: Final = 0x63C0
_BLOCKED: Final = 0x6983
_DISABLED: Final = 0x6984
_NO_TRIES: Final = 0x63C0


class PinOutcome(Enum):
    """What a card says about a PIN."""

    ACCEPTED = "accepted"
    WRONG = "wrong, or not verified yet"
    BLOCKED = "blocked"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class PinAnswer:
    """One answer; ``tries_left`` is known while the PIN is neither accepted nor disabled."""

    outcome: PinOutcome
    tries_left: int | None = None

    @property
    def accepted(self) -> bool:
        """Whether the card took the value, or had taken it before."""
        return self.outcome is PinOutcome.ACCEPTED


def pin_state(card: Card, reference: int) -> PinAnswer:
    """Ask for the tries left of a PIN; none is spent.

    Other cards than a UICC tell by it too that a PIN is verified, or disabled (ISO/IEC 7816-4).
    """
    return _ask(card, commands.pin_state(reference))


def puk_state(card: Card, reference: int) -> PinAnswer:
    """Ask for the tries left of the PUK of a PIN; none is spent."""
    return _ask(card, commands.puk_state(reference))


def verify(card: Card, reference: int, pin: bytes) -> PinAnswer:
    """Present a PIN; a wrong one costs a try."""
    return _ask(card, commands.verify_pin(reference, pin))


def change(card: Card, reference: int, old: bytes, new: bytes) -> PinAnswer:
    """Change a PIN that is enabled."""
    return _ask(card, commands.change_pin(reference, old, new))


def disable(card: Card, reference: int, pin: bytes, *, universal: bool = False) -> PinAnswer:
    """Disable a PIN; with ``universal`` the universal PIN stands in for it."""
    return _ask(card, commands.disable_pin(reference, pin, universal=universal))


def enable(card: Card, reference: int, pin: bytes) -> PinAnswer:
    """Enable a PIN that is disabled."""
    return _ask(card, commands.enable_pin(reference, pin))


def unblock(card: Card, reference: int, puk: bytes, new: bytes) -> PinAnswer:
    """Give a PIN a new value with its PUK; a wrong PUK costs one of the PUK's tries."""
    return _ask(card, commands.unblock_pin(reference, puk, new))


def _ask(card: Card, command: CommandApdu) -> PinAnswer:
    """Send a command; :class:`StatusWordError` for what says nothing about the PIN."""
    sw = card.send(command).sw
    if is_success(sw):
        return PinAnswer(PinOutcome.ACCEPTED)
    if sw == _DISABLED:
        return PinAnswer(PinOutcome.DISABLED)
    if sw in (_BLOCKED, _NO_TRIES):
        return PinAnswer(PinOutcome.BLOCKED, 0)
    if sw & 0xFFF0 == _TRIES:
        return PinAnswer(PinOutcome.WRONG, sw & 0x0F)
    raise StatusWordError(sw, command.header.hex().upper(), card.name)
