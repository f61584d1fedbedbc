"""Inputs kept in the repository: what once broke a parser, by target, one file an input."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "corpus"


def kept(name: str) -> list[bytes]:
    """Return the inputs kept for a target, in a fixed order."""
    return [path.read_bytes() for path in sorted((FOLDER / name).glob("*.bin"))]


def keep(name: str, data: bytes) -> Path:
    """Keep an input for ever; return its file."""
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(data).hexdigest()[:16]}.bin"
    path.write_bytes(data)
    return path
