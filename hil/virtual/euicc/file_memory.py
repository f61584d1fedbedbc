"""Memory that files take when they are made, resized or filled, charged to their profile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hil.virtual.euicc.file_store import delete_file, save_content, save_file
from hil.virtual.euicc.refusal import RefusalError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.virtual.euicc.files import Df, Ef, FileTree
    from hil.virtual.euicc.nvm import Nvm, Transaction
    from hil.virtual.euicc.registry import Registry


class FileMemory:
    """Writes files of one profile and what they cost, together; 6A84 when memory is short."""

    def __init__(self, nvm: Nvm, registry: Registry, tree: FileTree) -> None:
        self._nvm = nvm
        self._registry = registry
        self._tree = tree

    def available(self) -> int:
        """Return the bytes that this profile may still take: what it was granted, then the rest."""
        record = self._registry.find(self._tree.owner)
        if record is None:
            return self._registry.free()
        return max(0, record.granted - record.used) + self._registry.free()

    def check_room(self, growth: int) -> None:
        """Refuse with 6A84 what the profile has no memory for."""
        room = self.available()
        if growth > room:
            raise RefusalError(0x6A84, f"{growth} bytes wanted, {room} free")

    def rewrite(self, file: Ef, content: bytes) -> None:
        """Give a file a content of another length; links to it show it too."""
        target = file.target or file
        growth = max(len(content), target.reserved) - max(len(target.content), target.reserved)
        self.check_room(growth)
        with self._nvm.transaction() as change:
            save_content(change, self._tree.owner, file, content)
            self._charge(change, growth)
        file.content[:] = content

    def resize(self, file: Ef, content: bytes, *, reserved: int, maximum: int) -> None:
        """Give a file another size, and a BER-TLV file other limits."""
        target = file.target or file
        growth = max(len(content), reserved) - max(len(target.content), target.reserved)
        self.check_room(growth)
        before = target.reserved, target.maximum
        target.reserved, target.maximum = reserved, maximum
        kept = bytes(target.content)
        target.content[:] = content
        try:
            with self._nvm.transaction() as change:
                save_file(change, self._tree.owner, target)
                self._charge(change, growth)
        except BaseException:
            target.reserved, target.maximum = before
            target.content[:] = kept
            raise
        file.reserved, file.maximum = reserved, maximum

    def add(self, file: Df | Ef, parent: Df) -> None:
        """Write a new file and put it into its DF."""
        self.check_room(file.cost)
        file.slot = self._tree.next_slot()
        parent.add(file)
        try:
            with self._nvm.transaction() as change:
                save_file(change, self._tree.owner, file)
                self._charge(change, file.cost)
        except BaseException:
            parent.remove(file)
            raise

    def remove(self, file: Df | Ef, parent: Df, below: Sequence[Df | Ef]) -> None:
        """Remove a file and all below it."""
        with self._nvm.transaction() as change:
            for one in (file, *below):
                delete_file(change, self._tree.owner, one)
            self._charge(change, -sum(one.cost for one in (file, *below)))
        parent.remove(file)
        self._tree.deletions += 1

    def _charge(self, change: Transaction, growth: int) -> None:
        record = self._registry.find(self._tree.owner)
        if record is not None and growth:
            self._registry.put(change, replace(record, used=max(0, record.used + growth)))
