"""A strict reader of HTTP/1.1 responses that come piece by piece (RFC 9110, RFC 9112).

Refused, since two readers might understand them differently: bare line feeds, folded lines, blanks
before a colon, both lengths at once, several lengths, bodies that end with the connection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from hil.errors import CodecError

MAX_HEAD: Final = 8192
MAX_FIELDS: Final = 64
MAX_BODY: Final = 1 << 20
_MAX_CHUNK_LINE: Final = 256
_STATUS: Final = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?")
_FIELD: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?")
_SINGLE: Final = re.compile(r"content-.*|transfer-encoding|x-admin-.*")
_NO_BODY: Final = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """Status, header fields by lower-case name, and body."""

    status: int
    fields: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def get(self, name: str) -> str | None:
        """Return a field by its name in any case."""
        return self.fields.get(name.lower())


class HttpResponseReader:
    """Collects bytes and gives whole responses; interim ones (1xx) are passed over."""

    def __init__(self, *, max_body: int = MAX_BODY) -> None:
        self._max_body = max_body
        self._data = bytearray()
        self._head: HttpResponse | None = None
        self._left = 0
        self._chunked = False
        self._state: Literal["size", "data", "end of data", "trailer"] = "size"
        self._trailers = 0
        self._body = bytearray()

    @property
    def inside(self) -> bool:
        """Whether a response has begun and is not whole yet."""
        return bool(self._data) or self._head is not None

    def feed(self, data: bytes) -> None:
        """Take bytes from the stream."""
        self._data += data

    def next(self) -> HttpResponse | None:
        """Return the next whole response; :class:`CodecError` for what is none."""
        while True:
            if self._head is None and not self._read_head():
                return None
            if not (self._read_chunks() if self._chunked else self._read_counted()):
                return None
            head, self._head = self._head, None
            body = bytes(self._body)
            self._body.clear()
            if head is not None and head.status >= 200:
                return HttpResponse(head.status, head.fields, body)

    def _read_head(self) -> bool:
        end = self._data.find(b"\r\n\r\n")
        if end < 0 or end > MAX_HEAD:
            if len(self._data) > MAX_HEAD:
                raise CodecError(f"the head of an HTTP response is longer than {MAX_HEAD} bytes")
            return False
        lines = bytes(self._data[:end]).split(b"\r\n")
        del self._data[: end + 4]
        match = _STATUS.fullmatch(lines[0])
        if match is None:
            raise CodecError("an HTTP response begins with no status line of HTTP/1.1")
        fields = _fields(lines[1:])
        self._head = HttpResponse(int(match[1]), fields)
        self._frame(self._head)
        return True

    def _frame(self, head: HttpResponse) -> None:
        """Find out how the body ends (RFC 9112, 6.3)."""
        coding, length = head.get("Transfer-Encoding"), head.get("Content-Length")
        self._chunked, self._left, self._trailers, self._state = False, 0, 0, "size"
        if head.status < 200 or head.status in _NO_BODY:
            return
        if coding is not None:
            if length is not None or coding.lower() != "chunked":
                raise CodecError("an HTTP response has a transfer coding that is not just chunked")
            self._chunked = True
        elif length is None:
            raise CodecError("an HTTP response does not say how long its body is")
        elif not (length.isascii() and length.isdigit()) or int(length) > self._max_body:
            raise CodecError(f"an HTTP response has a body of {length[:20]!r} bytes")
        else:
            self._left = int(length)

    def _read_counted(self) -> bool:
        piece = self._data[: self._left]
        self._body += piece
        del self._data[: len(piece)]
        self._left -= len(piece)
        return not self._left

    def _read_chunks(self) -> bool:
        while True:
            if self._state == "data":
                if not self._read_counted():
                    return False
                self._state = "end of data"
            line = self._line()
            if line is None:
                return False
            if self._state == "size":
                self._begin_chunk(line)
            elif self._state == "end of data":
                if line:
                    raise CodecError("a chunk of an HTTP response is longer than it says")
                self._state = "size"
            elif not line:
                return True
            else:
                self._trailers += 1
                if self._trailers > MAX_FIELDS or _FIELD.fullmatch(line) is None:
                    raise CodecError("the trailer of an HTTP response is broken or too long")

    def _begin_chunk(self, line: bytes) -> None:
        match = _CHUNK.fullmatch(line)
        if match is None:
            raise CodecError("a chunk of an HTTP response begins with no size")
        self._left = int(match[1], 16)
        if len(self._body) + self._left > self._max_body:
            raise CodecError(f"an HTTP response has a body of more than {self._max_body} bytes")
        self._state = "data" if self._left else "trailer"

    def _line(self) -> bytes | None:
        end = self._data.find(b"\r\n")
        if end < 0 or end > _MAX_CHUNK_LINE:
            if len(self._data) > _MAX_CHUNK_LINE:
                raise CodecError("a chunk line of an HTTP response never ends")
            return None
        line = bytes(self._data[:end])
        del self._data[: end + 2]
        return line


def _fields(lines: list[bytes]) -> dict[str, str]:
    if len(lines) > MAX_FIELDS:
        raise CodecError(f"an HTTP response has more than {MAX_FIELDS} header fields")
    found: dict[str, str] = {}
    for line in lines:
        match = _FIELD.fullmatch(line)
        if match is None:
            raise CodecError("a header field of an HTTP response is broken")
        name = match[1].decode("ascii").lower()
        value = match[2].decode("latin-1").rstrip(" \t")
        if name in found and _SINGLE.fullmatch(name):
            raise CodecError(f"an HTTP response has the header field {name} twice")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
