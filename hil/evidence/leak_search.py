"""Looks for known secrets in every file of a folder, in all forms that they are written down in.

To be run with secrets that were planted: keys of test cards, subscribers and servers. It proves
nothing about secrets that it is not given, and opens no encrypted file.
"""

from __future__ import annotations

import gzip
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from hil.errors import UsageError
from hil.evidence.secret_forms import SEPARATORS, SHORTEST, Forms

_PART: Final = 4 * 1024 * 1024
_SPACE: Final = b" \t\r\n"
_SEPARATORS: Final = re.compile(SEPARATORS.encode(), re.IGNORECASE)
_COMPRESSED: Final = (".gz", ".svgz")


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Leak:
    """Where a secret was found: the file, relative to the folder, the secret's name, the form."""

    file: str
    secret: str
    form: str


@dataclass(frozen=True, slots=True)
class Search:
    """What was found, and how many files were looked through."""

    leaks: tuple[Leak, ...]
    searched: int


def find_leaks(folder: Path, secrets: Mapping[str, bytes]) -> Search:
    """Look for ``secrets`` (by name) in every file below ``folder``.

    Forms: bytes, ASCII text given as bytes, hex in both cases with and without separators,
    nibble-swapped, base64 (also of hex, at any place in what was encoded), Python's and JSON's
    escapes, decimal numbers; in files as they are, unpacked from gzip and from zip archives, and
    in their names.

    Raises UsageError for a secret of less than :data:`SHORTEST` bytes.
    """
    for name, secret in secrets.items():
        if len(secret) < SHORTEST:
            raise UsageError(f"secret {name!r}: shorter than {SHORTEST} bytes, found by chance")
    forms = {name: Forms.of(secret) for name, secret in secrets.items()}
    leaks: list[Leak] = []
    searched = 0
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        searched += 1
        found = set(_in_file(path, forms))
        found.update(_in_text(name.encode("utf-8", "surrogateescape"), forms))
        leaks += [Leak(name, secret, form) for secret, form in sorted(found)]
    return Search(tuple(leaks), searched)


def _in_file(path: Path, forms: Mapping[str, Forms]) -> Iterator[tuple[str, str]]:
    with path.open("rb") as file:
        yield from _in_stream(file, forms)
    if path.suffix in _COMPRESSED:
        try:
            with gzip.open(path) as unpacked:
                yield from _in_stream(unpacked, forms)
        except (OSError, EOFError, zlib.error):
            return  # torn or no gzip at all: searched as it is
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if not member.flag_bits & 1:
                    with archive.open(member) as inner:
                        yield from _in_stream(inner, forms)


def _in_stream(file: _Readable, forms: Mapping[str, Forms]) -> Iterator[tuple[str, str]]:
    # Separators between digits make a form up to six times as long in the file.
    overlap = 6 * max((one.longest for one in forms.values()), default=0)
    before = b""
    while part := file.read(_PART):
        yield from _in_text(before + part, forms)
        before = (before + part)[-overlap:]


def _in_text(part: bytes, forms: Mapping[str, Forms]) -> Iterator[tuple[str, str]]:
    squeezed = part.translate(None, _SPACE)
    bare = _SEPARATORS.sub(b"", part).lower()
    for name, one in forms.items():
        yield from ((name, form) for form in one.found_in(part, squeezed, bare))
