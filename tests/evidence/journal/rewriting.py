"""Journals changed after they were written, with a chain that holds: what a stranger could make."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hil.evidence.journal.chain import GENESIS, digest_of


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Let ``change`` loose on each record of ``main.jsonl``; NaN and any number may be put in."""
    path = folder / "journal" / "main.jsonl"
    previous, lines = GENESIS, []
    for line in path.read_bytes().splitlines():
        record = json.loads(line)
        change(record)
        record["prev"] = previous
        lines.append(json.dumps(record).encode())
        previous = digest_of(lines[-1])
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path
