"""PINs and PUKs of a profile in non-volatile memory. No command reads a value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import cbor2

from hil.virtual.euicc.files import Df

if TYPE_CHECKING:
    from hil.virtual.euicc.nvm import Nvm, Transaction
    from hil.wire.profile_package.pins import PinConfiguration, PukConfiguration

ENABLED: Final = 0x01


@dataclass(frozen=True, slots=True)
class Pin:
    """One PIN: ``attributes`` b1 enabled; ``puk`` is the reference of its PUK."""

    reference: int
    value: bytes = field(repr=False)
    puk: int | None
    attributes: int
    most_tries: int
    tries: int

    @property
    def enabled(self) -> bool:
        """Whether it must be verified."""
        return bool(self.attributes & ENABLED)


class PinSet:
    """All PINs of a package, by the path of the DF that they belong to."""

    def __init__(self) -> None:
        self.puks: tuple[PukConfiguration, ...] = ()
        self._contexts: dict[str, dict[int, Pin]] = {}
        self._shared: dict[str, str] = {}

    def put(self, path: str, pins: tuple[PinConfiguration, ...]) -> None:
        """Give a DF its PINs."""
        self._contexts[path] = {
            one.reference: Pin(
                one.reference,
                one.value,
                one.puk,
                one.attributes,
                one.tries >> 4,
                one.tries & 0x0F,
            )
            for one in pins
        }

    def share(self, path: str, other: str) -> None:
        """Let a DF use the PINs of another."""
        self._shared[path] = other

    def known(self, path: str) -> bool:
        """Whether a DF has PINs, own ones or those of another."""
        return path in self._contexts or path in self._shared

    def count(self) -> int:
        """Return the number of PINs and PUKs."""
        return len(self.puks) + sum(map(len, self._contexts.values()))

    def enabled(self, df: Df, reference: int) -> bool:
        """Whether a PIN of a DF, or of the nearest DF above that has it, is enabled."""
        at: Df | None = df
        while at is not None:
            path = self._shared.get(at.path, at.path)
            pin = self._contexts.get(path, {}).get(reference)
            if pin is not None:
                return pin.enabled
            at = at.parent
        return False

    def save(self, change: Transaction, owner: bytes) -> None:
        """Write everything as part of a transaction."""
        for path, pins in self._contexts.items():
            for pin in pins.values():
                save_pin(change, owner, path, pin)
        for path, other in self._shared.items():
            change.put(f"{_prefix(owner)}share/{path}", other.encode())
        for puk in self.puks:
            row = [puk.value, puk.tries >> 4, puk.tries & 0x0F]
            change.put(f"{_prefix(owner)}puk/{puk.reference:02x}", cbor2.dumps(row))


def find_pin(nvm: Nvm, owner: bytes, df: Df, reference: int) -> tuple[str, Pin] | None:
    """Return a PIN and the path it belongs to: that of the DF or of the nearest one above."""
    at: Df | None = df
    while at is not None:
        shared = nvm.get(f"{_prefix(owner)}share/{at.path}")
        path = at.path if shared is None else shared.decode()
        raw = nvm.get(_pin(owner, path, reference))
        if raw is not None:
            return path, Pin(reference, *cbor2.loads(raw))
        at = at.parent
    return None


def save_pin(change: Transaction, owner: bytes, path: str, pin: Pin) -> None:
    """Write one PIN as part of a transaction."""
    row = [pin.value, pin.puk, pin.attributes, pin.most_tries, pin.tries]
    change.put(_pin(owner, path, pin.reference), cbor2.dumps(row))


def with_tries(pin: Pin, tries: int) -> Pin:
    """Return the PIN with another number of tries left."""
    return replace(pin, tries=tries)


def _prefix(owner: bytes) -> str:
    return f"profile/{owner.hex()}/"


def _pin(owner: bytes, path: str, reference: int) -> str:
    return f"{_prefix(owner)}pin/{path}/{reference:02x}"
