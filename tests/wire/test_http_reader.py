"""The card's reader of HTTP responses: a foreign writer, any cut of the stream, and bad servers."""

from __future__ import annotations

from itertools import pairwise

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import CodecError
from hil.wire.http_reader import HttpResponse, HttpResponseReader

FIELDS = [("X-Admin-Next-URI", "/2"), ("Content-Type", "a/b;version=1.0")]


def written(body: list[bytes], *, chunked: bool, status: int = 200) -> bytes:
    """Return a response as h11 writes it."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
    connection.next_event()
    connection.next_event()
    length = [] if chunked else [("Content-Length", str(sum(map(len, body))))]
    head = h11.Response(status_code=status, headers=[*FIELDS, *length])
    raw = connection.send(head) or b""
    for piece in body:
        raw += connection.send(h11.Data(data=piece)) or b""
    return raw + (connection.send(h11.EndOfMessage()) or b"")


def read(raw: bytes, *cuts: int) -> list[HttpResponse]:
    reader = HttpResponseReader()
    found = []
    places = sorted({0, len(raw), *(cut % (len(raw) + 1) for cut in cuts)})
    for start, end in pairwise(places):
        reader.feed(raw[start:end])
        while (response := reader.next()) is not None:
            found.append(response)
    assert not reader.inside
    return found


@given(
    st.lists(st.lists(st.binary(max_size=700), max_size=4), min_size=1, max_size=3),
    st.booleans(),
    st.lists(st.integers(0, 10_000), max_size=12),
)
def test_what_a_foreign_writer_writes_is_read_however_it_is_cut(
    bodies: list[list[bytes]], chunked: bool, cuts: list[int]
) -> None:
    found = read(b"".join(written(body, chunked=chunked) for body in bodies), *cuts)
    assert [one.body for one in found] == [b"".join(body) for body in bodies]
    assert all(one.get("x-admin-next-uri") == "/2" for one in found)


def test_interim_answers_are_passed_over_and_204_has_no_body() -> None:
    raw = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nServer: x\r\n\r\n"
    (one,) = read(raw)
    assert (one.status, one.body, one.get("Server")) == (204, b"", "x")


def test_chunk_extensions_and_trailers_are_passed_over() -> None:
    raw = b"HTTP/1.1 200\r\ntransfer-encoding: Chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX-T: 1\r\n\r\n"
    assert read(raw)[0].body == b"abc"


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"200 OK\r\n\r\n",
        HEAD + b"\r\n",
        HEAD + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        HEAD + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Content-Length: +1\r\n\r\nx",
        HEAD + b"Content-Length: 9999999\r\n\r\n",
        HEAD + b"Content-Length : 0\r\n\r\n",
        HEAD + b"X: 1\r\n folded\r\nContent-Length: 0\r\n\r\n",
        HEAD + b"X: a\nContent-Length: 0\r\n\r\n",
        HEAD + b"X-Admin-Next-URI: /1\r\nX-Admin-Next-URI: /2\r\nContent-Length: 0\r\n\r\n",
        HEAD + b"X: 1\r\n" * 70 + b"Content-Length: 0\r\n\r\n",
        HEAD + b"X: " + b"a" * 9000,
        CHUNKED + b"x\r\n",
        CHUNKED + b"1\r\nab\r\n",
        CHUNKED + b"-1\r\n",
        CHUNKED + b"fffffff\r\n",
        CHUNKED + b"1" * 300,
        CHUNKED + b"0\r\nbroken\r\n\r\n",
        CHUNKED + b"0\r\n" + b"X: 1\r\n" * 70,
    ],
)  # fmt: skip
def test_bad_servers_are_refused(raw: bytes) -> None:
    reader = HttpResponseReader()
    reader.feed(raw)
    with pytest.raises(CodecError):
        list(iter(reader.next, None))


@given(st.binary(max_size=300) | st.binary(max_size=100).map(lambda tail: CHUNKED + tail))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    reader = HttpResponseReader()
    reader.feed(raw)
    try:
        while reader.next() is not None:
            continue
    except CodecError:
        return
