"""``manifest.json``: what a sealed run consists of, a line for each file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hil.seal.files import EXCLUDED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hil.evidence.gate import Gate
    from hil.evidence.run_record import RunRecord

FORMAT: Final = 1
"""Version of the format; a reader refuses another one."""
MOST_BYTES: Final = 256 * 1024 * 1024
"""Largest manifest that is read; a million files come to less."""
CONFIGURATION: Final = ("lab_config", "ics", "waivers")
"""Files whose path and digest the journal states."""


class ManifestError(ValueError):
    """Bytes that are no manifest; the text says why."""


@dataclass(frozen=True, slots=True)
class SealedFile:
    """One file of evidence: SHA-256 (hex) and size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class SealedJournal:
    """One journal: its number of lines and the digest of the last one (hex)."""

    lines: int
    head: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest as read back; ``files`` and ``journals`` by path in the run's folder."""

    run: str
    excluded: tuple[str, ...]
    files: Mapping[str, SealedFile]
    journals: Mapping[str, SealedJournal]
    verdicts: Mapping[str, int]


def encode(run: RunRecord, gate: Gate, files: Mapping[str, SealedFile]) -> bytes:
    """Return the manifest of a run: JSON with a line for each file, for tools that read lines."""
    begin = run.begin
    head: dict[str, object] = {
        "format": FORMAT,
        "run": run.run,
        "framework": {"name": "hil", "version": begin.get("hil"), "git": begin.get("git")},
        "bench": begin.get("bench"),
        "virtual": run.is_virtual,
        "recovered": run.recovered,
        **{name: begin.get(name) for name in CONFIGURATION},
        "verdicts": dict(sorted(gate.counts.items())),
        "exit_code": gate.code,
        "excluded": list(EXCLUDED),
    }
    journals = [
        {"path": f"journal/{one.path.name}", "lines": one.lines, "head": one.head}
        for one in run.files
    ]
    rows = [{"path": name, "sha256": one.sha256, "size": one.size} for name, one in files.items()]
    parts = [f"{_json(name)}: {_json(value)}" for name, value in head.items()]
    parts += [f'"journals": {_lines(journals)}', f'"files": {_lines(rows)}']
    text = "{\n" + ",\n".join(parts) + "\n}\n"
    return text.encode("utf-8", "backslashreplace")


def decode(data: bytes) -> Manifest:
    """Read a manifest. Raises ManifestError."""
    if len(data) > MOST_BYTES:
        raise ManifestError("it is too large for a manifest")
    try:
        record = json.loads(data)
    except (ValueError, RecursionError) as err:
        raise ManifestError(f"it is no JSON ({type(err).__name__})") from err
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise ManifestError(f"it is no manifest of format {FORMAT}")
    try:
        return Manifest(
            run=_text(record["run"]),
            excluded=tuple(_text(one) for one in record["excluded"]),
            files={
                _text(one["path"]): SealedFile(_text(one["sha256"]), _count(one["size"]))
                for one in record["files"]
            },
            journals={
                _text(one["path"]): SealedJournal(_count(one["lines"]), _text(one["head"]))
                for one in record["journals"]
            },
            verdicts={name: _count(count) for name, count in record["verdicts"].items()},
        )
    except (KeyError, TypeError, AttributeError) as err:
        raise ManifestError(f"a field is missing or of the wrong kind ({err})") from err


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _lines(rows: list[dict[str, Any]]) -> str:
    return "[\n" + ",\n".join(f" {_json(row)}" for row in rows) + "\n]"


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("no whole number")
    return value
