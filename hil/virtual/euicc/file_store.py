"""File systems in non-volatile memory: one value for a file's attributes, one for its content.

So an UPDATE writes its file's content only, and a whole profile comes and goes in one transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cbor2

from hil.virtual.euicc.files import Df, Ef, FileTree, Structure
from hil.virtual.euicc.key_store import delete_below

if TYPE_CHECKING:
    from hil.virtual.euicc.nvm import Nvm, Transaction


def save_tree(change: Transaction, tree: FileTree) -> None:
    """Write a whole file system as part of a transaction."""
    owner = tree.owner
    for number, file in enumerate(tree.mf.walk()):
        file.slot = number
        save_file(change, owner, file)


def save_file(change: Transaction, owner: bytes, file: Df | Ef) -> None:
    """Write one file, which has its slot, as part of a transaction."""
    save_head(change, owner, file)
    if isinstance(file, Ef) and not file.link:
        change.put(_content(owner, file), bytes(file.content))


def save_head(change: Transaction, owner: bytes, file: Df | Ef) -> None:
    """Write the attributes of one file as part of a transaction."""
    change.put(_slot(owner, file), cbor2.dumps(_row(file)))


def delete_file(change: Transaction, owner: bytes, file: Df | Ef) -> None:
    """Remove one file as part of a transaction; those below it are others."""
    change.delete(_slot(owner, file))
    if isinstance(file, Ef):
        change.delete(_content(owner, file))


def save_content(change: Transaction, owner: bytes, file: Ef, content: bytes) -> None:
    """Write the content of one file as part of a transaction."""
    change.put(_content(owner, file.target or file), content)


def load_tree(nvm: Nvm, owner: bytes) -> FileTree | None:
    """Read a whole file system, ``None`` if there is none for this owner."""
    by_path: dict[str, Df] = {}
    for key in nvm.keys(_head(owner)):
        parent, kind, fields = cbor2.loads(nvm.get(key) or b"")
        file: Df | Ef
        if kind == "df":
            file = Df(*fields)
        else:
            fid, structure, *others = fields
            file = Ef(fid, Structure(structure), bytearray(), *others)
        file.slot = int(key.removeprefix(_head(owner)))
        if parent is not None:
            by_path[parent].add(file)
        if isinstance(file, Df):
            by_path[file.path] = file
        else:
            file.content[:] = nvm.get(_content(owner, file)) or b""
    mf = by_path.get("")
    if mf is None:
        return None
    tree = FileTree(mf, owner=owner)
    tree.tie_links()
    return tree


def delete_tree(change: Transaction, owner: bytes) -> None:
    """Remove a whole file system and what belongs to its profile as part of a transaction."""
    change.delete_all(_head(owner))
    change.delete_all(f"content/{owner.hex()}/")
    change.delete_all(f"profile/{owner.hex()}/")
    delete_below(change, owner)


def _row(file: Df | Ef) -> list[object]:
    parent = None if file.parent is None else file.parent.path
    if isinstance(file, Df):
        fields: list[object] = [file.fid, file.name, file.security, file.pins, file.pin_states]
        return [parent, "df", [*fields, file.life_cycle, file.link]]
    return [
        parent,
        "ef",
        [
            file.fid,
            int(file.structure),
            file.record_length,
            file.sfi,
            file.security,
            file.life_cycle,
            file.special,
            file.link,
            file.reserved,
            file.maximum,
        ],
    ]


def _head(owner: bytes) -> str:
    return f"file/{owner.hex()}/"


def _slot(owner: bytes, file: Df | Ef) -> str:
    return f"{_head(owner)}{file.slot:04d}"


def _content(owner: bytes, file: Ef) -> str:
    return f"content/{owner.hex()}/{file.path}"
