"""PINs and PUKs of a profile in non-volatile memory. No command reads a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import cbor2

from hil.virtual.euicc.files import Df

if TYPE_CHECKING:
    from hil.virtual.euicc.nvm import Nvm, Transaction
    from hil.wire.profile_package.pins import PinConfiguration, PukConfiguration

ENABLED: Final = 0x01
CHANGEABLE: Final = 0x02
MAY_BE_DISABLED: Final = 0x04
UNIVERSAL: Final = 0x11
"""Key reference of the universal PIN (ETSI TS 102 221, 9.5.1)."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One PIN: ``puk`` is the reference of its PUK.

    ``attributes``: b1 enabled, b2 may be changed, b3 may be disabled. ``replaced``: while it is
    disabled the universal PIN stands in for it.
    """

    reference: int
    value: bytes = field(repr=False)
    puk: int | None
    attributes: int
    most_tries: int
    tries: int
    replaced: bool = False

    @property
    def enabled(self) -> bool:
        """Whether it must be verified."""
        return bool(self.attributes & ENABLED)


@dataclass(frozen=True, slots=True)
class Puk:
    """One PUK, by the reference that PINs name."""

    reference: int
    value: bytes = field(repr=False)
    most_tries: int
    tries: int


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
        pin = self._find(df, reference)
        return pin is not None and pin.enabled

    def defined(self, df: Df, reference: int) -> bool:
        """Whether a DF or one above it has a PIN."""
        return self._find(df, reference) is not None

    def _find(self, df: Df, reference: int) -> Pin | None:
        at: Df | None = df
        while at is not None:
            path = self._shared.get(at.path, at.path)
            pin = self._contexts.get(path, {}).get(reference)
            if pin is not None:
                return pin
            at = at.parent
        return None

    def save(self, change: Transaction, owner: bytes) -> None:
        """Write everything as part of a transaction."""
        for path, pins in self._contexts.items():
            for pin in pins.values():
                save_pin(change, owner, path, pin)
        for path, other in self._shared.items():
            change.put(f"{_prefix(owner)}share/{path}", other.encode())
        for puk in self.puks:
            stored = Puk(puk.reference, puk.value, puk.tries >> 4, puk.tries & 0x0F)
            save_puk(change, owner, stored)


def load_pins(nvm: Nvm, owner: bytes) -> dict[tuple[str, int], Pin]:
    """Return all PINs of a file system, by the path of their DF and their reference."""
    found = {}
    prefix = f"{_prefix(owner)}pin/"
    for key in nvm.keys(prefix):
        path, _, reference = key.removeprefix(prefix).rpartition("/")
        number = int(reference, 16)
        found[path, number] = Pin(number, *cbor2.loads(nvm.get(key) or b""))
    return found


def load_shared(nvm: Nvm, owner: bytes) -> dict[str, str]:
    """Return the paths of DFs that use the PINs of another, and whose."""
    prefix = f"{_prefix(owner)}share/"
    return {key.removeprefix(prefix): (nvm.get(key) or b"").decode() for key in nvm.keys(prefix)}


def load_puks(nvm: Nvm, owner: bytes) -> dict[int, Puk]:
    """Return all PUKs of a file system by reference."""
    prefix = f"{_prefix(owner)}puk/"
    found = {}
    for key in nvm.keys(prefix):
        number = int(key.removeprefix(prefix), 16)
        found[number] = Puk(number, *cbor2.loads(nvm.get(key) or b""))
    return found


def save_pin(change: Transaction, owner: bytes, path: str, pin: Pin) -> None:
    """Write one PIN as part of a transaction."""
    row = [pin.value, pin.puk, pin.attributes, pin.most_tries, pin.tries, pin.replaced]
    change.put(f"{_prefix(owner)}pin/{path}/{pin.reference:02x}", cbor2.dumps(row))


def save_puk(change: Transaction, owner: bytes, puk: Puk) -> None:
    """Write one PUK as part of a transaction."""
    row = [puk.value, puk.most_tries, puk.tries]
    change.put(f"{_prefix(owner)}puk/{puk.reference:02x}", cbor2.dumps(row))


def _prefix(owner: bytes) -> str:
    return f"profile/{owner.hex()}/"
