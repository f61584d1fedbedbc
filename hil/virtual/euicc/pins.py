"""The PINs of one file system: what they are, and what has been proven since the last reset.

Values, tries and attributes are read once after a reset and written through to the card's memory;
verified states are volatile. They belong to the whole card, not to a channel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.virtual.euicc.files import Df, Ef, FileTree
from hil.virtual.euicc.pin_store import (
    UNIVERSAL,
    Pin,
    Puk,
    load_pins,
    load_puks,
    load_shared,
    save_pin,
    save_puk,
)

if TYPE_CHECKING:
    from hil.virtual.euicc.nvm import Nvm

LOCAL: int = 0x80
"""Bit of a key reference: the PIN belongs to the application or DF, not to the card."""


class PinPresentations:
    """PINs of a file system and their states."""

    def __init__(self, nvm: Nvm, tree: FileTree) -> None:
        self._nvm = nvm
        self._owner = tree.owner
        self._mf = tree.mf
        self._pins = load_pins(nvm, tree.owner)
        self._puks = load_puks(nvm, tree.owner)
        self._shared = load_shared(nvm, tree.owner)
        self._places: dict[tuple[Df, int], str | None] = {}
        self._verified: set[tuple[str, int]] = set()

    def apart(self) -> PinPresentations:
        """Return the same PINs for another context, as remote management, with nothing proven."""
        other = PinPresentations.__new__(PinPresentations)
        other._nvm, other._owner, other._mf = self._nvm, self._owner, self._mf
        other._pins, other._puks, other._shared = self._pins, self._puks, self._shared
        other._places = self._places
        other._verified = set()
        return other

    def find(self, df: Df, reference: int) -> tuple[str, Pin] | None:
        """Return a PIN and the path it belongs to: that of the DF or of the nearest one above."""
        place = (df, reference)
        if place not in self._places:
            self._places[place] = self._find_path(df, reference)
        path = self._places[place]
        return None if path is None else (path, self._pins[path, reference])

    def puk(self, pin: Pin) -> Puk | None:
        """Return the PUK of a PIN."""
        return None if pin.puk is None else self._puks.get(pin.puk)

    def satisfied(self, key: int, file: Df | Ef) -> bool:
        """Whether a key reference counts as verified for a file: verified, or PIN disabled.

        A disabled PIN that the universal PIN stands in for asks for that one.
        """
        df = file if isinstance(file, Df) else file.parent or self._mf
        found = self.find(df, key)
        if found is None:
            return False
        path, pin = found
        if pin.enabled:
            return (path, key) in self._verified
        return not pin.replaced or self.satisfied(UNIVERSAL, file)

    def enabled(self, df: Df, reference: int) -> bool:
        """Whether a PIN that a DF names is enabled, for its PIN status template."""
        found = self.find(df, reference)
        return found is not None and found[1].enabled

    def stands_in(self, df: Df) -> bool:
        """Whether the universal PIN stands in for a PIN that a DF names."""
        found = (self.find(df, key) for key in df.pins)
        return any(one is not None and one[1].replaced for one in found)

    def prove(self, path: str, reference: int) -> None:
        """Note that a PIN was verified."""
        self._verified.add((path, reference))

    def forget(self, path: str, reference: int) -> None:
        """Note that a PIN no longer counts as verified."""
        self._verified.discard((path, reference))

    def forget_local(self, path: str) -> None:
        """Forget the local PINs of an application whose session ends, and of the DFs in it."""
        self._verified = {
            one for one in self._verified if not (one[1] & LOCAL and one[0].startswith(path))
        }

    def store(self, path: str, pin: Pin, puk: Puk | None = None) -> None:
        """Write a PIN, and a PUK with it, in one transaction."""
        with self._nvm.transaction() as change:
            save_pin(change, self._owner, path, pin)
            if puk is not None:
                save_puk(change, self._owner, puk)
        self._pins[path, pin.reference] = pin
        if puk is not None:
            self._puks[puk.reference] = puk

    def store_puk(self, puk: Puk) -> None:
        """Write a PUK."""
        with self._nvm.transaction() as change:
            save_puk(change, self._owner, puk)
        self._puks[puk.reference] = puk

    def _find_path(self, df: Df, reference: int) -> str | None:
        at: Df | None = df
        while at is not None:
            path = self._shared.get(at.path, at.path)
            if (path, reference) in self._pins:
                return path
            at = at.parent
        return None
