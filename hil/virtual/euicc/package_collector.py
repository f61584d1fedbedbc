"""Collects a profile package from pieces that are cut anywhere; knows when it is whole."""

from __future__ import annotations

from typing import Final

from hil.virtual.euicc.install_error import InstallError, Status

_END: Final = 0xAA
_LONGEST_TAG: Final = 3
_LONGEST_LENGTH: Final = 3


class PackageCollector:
    """Counts elements by tag and length until the ``end`` element is complete.

    ``room``: most bytes taken. :class:`InstallError` as soon as the bytes can be no package.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._data = bytearray()
        self._at = 0

    def feed(self, piece: bytes) -> bytes | None:
        """Take a piece; return the package when it is whole, ``None`` before."""
        if len(self._data) + len(piece) > self._room:
            raise InstallError(Status.NOT_ENOUGH_MEMORY, "package larger than the memory")
        self._data += piece
        while True:
            header = self._header()
            if header is None:
                return None
            tag, end = header
            if end > len(self._data):
                if end > self._room:
                    raise InstallError(
                        Status.NOT_ENOUGH_MEMORY, f"element of {end - self._at} bytes"
                    )
                return None
            if tag == _END:
                if end != len(self._data):
                    raise InstallError(
                        Status.INVALID_REQUEST_FORMAT, "bytes behind the end element"
                    )
                return bytes(self._data)
            self._at = end

    def _header(self) -> tuple[int, int] | None:
        """Return tag and end of the element at the present place, ``None`` if not there yet."""
        data, at = self._data, self._at
        if at >= len(data):
            return None
        first = data[at]
        if first & 0xE0 != 0xA0:
            raise InstallError(
                Status.INVALID_REQUEST_FORMAT, f"{first:02X} begins no profile element"
            )
        at += 1
        if first & 0x1F == 0x1F:
            while at < len(data) and data[at] & 0x80:
                at += 1
                if at - self._at >= _LONGEST_TAG:
                    raise InstallError(Status.INVALID_REQUEST_FORMAT, "tag too long")
            at += 1
        if at >= len(data):
            return None
        length = data[at]
        at += 1
        if length & 0x80:
            size = length & 0x7F
            if not 1 <= size <= _LONGEST_LENGTH:
                raise InstallError(Status.INVALID_REQUEST_FORMAT, "length of an element")
            if at + size > len(data):
                return None
            length = int.from_bytes(data[at : at + size], "big")
            at += size
        return first, at + length
