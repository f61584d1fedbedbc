"""Writes contents of files to the card's memory, then shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.virtual.euicc.file_store import save_content

if TYPE_CHECKING:
    from hil.virtual.euicc.files import Ef, FileTree
    from hil.virtual.euicc.nvm import Nvm


class FileWriter:
    """Changes the content of files in one transaction each."""

    def __init__(self, nvm: Nvm, tree: FileTree) -> None:
        self._nvm = nvm
        self._tree = tree

    def write(self, file: Ef, content: bytes | bytearray) -> None:
        """Give a file, and all links to it, a new content of the same length."""
        with self._nvm.transaction() as change:
            save_content(change, self._tree.owner, file, bytes(content))
        file.content[:] = content
