"""A package that arrives in pieces: each element leaves as soon as its last byte is there.

The pieces may be cut anywhere, as the bodies of SCP03t segments are. No more is held than the
element that is being received and one piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from hil.errors import CodecError
from hil.wire import tlv
from hil.wire.profile_package.package import (
    EMPTY,
    MAX_ELEMENTS,
    MAX_PACKAGE,
    Element,
    make_element,
)
from hil.wire.profile_package.structure import read_der_header

_LONGEST_HEAD: Final = 9
"""Bytes of the longest tag with the longest length."""


class ElementStream:
    """Cuts a package that comes piece by piece into its elements; CodecError as for ``split``."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._offset = 0
        self._count = 0

    def feed(self, piece: bytes) -> list[Element]:
        """Take the next bytes; return the elements that they complete."""
        self._waiting += piece
        # Checked before anything is cut off, so that a bad length holds no memory either.
        if self._offset + len(self._waiting) > MAX_PACKAGE:
            raise CodecError(f"profile package is longer than {MAX_PACKAGE} bytes")
        found: list[Element] = []
        at = 0
        while (end := self._end(at)) is not None:
            whole = bytes(self._waiting[at:end])
            tag, start, _ = read_der_header(whole, 0, "profile package")
            self._count += 1
            if self._count > MAX_ELEMENTS:
                raise CodecError(f"profile package: more than {MAX_ELEMENTS} members")
            found.append(make_element(tag, whole[start:], self._offset + at))
            at = end
        del self._waiting[:at]
        self._offset += at
        return found

    def finish(self) -> None:
        """Say that nothing follows; CodecError when an element is cut off or none has come."""
        if self._waiting:
            raise CodecError(
                f"profile package ends within the element at byte {self._offset}: "
                f"{len(self._waiting)} bytes of it are there"
            )
        if not self._count:
            raise CodecError(EMPTY)

    def _end(self, at: int) -> int | None:
        """Return where the element at ``at`` ends, or None while it is not there whole."""
        size = tlv.whole_size(bytes(self._waiting[at : at + _LONGEST_HEAD]))
        if size is None:
            return None
        if self._offset + at + size > MAX_PACKAGE:
            raise CodecError(f"profile package is longer than {MAX_PACKAGE} bytes")
        return at + size if at + size <= len(self._waiting) else None


def split_stream(pieces: Iterable[bytes]) -> Iterator[Element]:
    """Yield the elements of a package whose bytes come in ``pieces``."""
    stream = ElementStream()
    for piece in pieces:
        yield from stream.feed(piece)
    stream.finish()
