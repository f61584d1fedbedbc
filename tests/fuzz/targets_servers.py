"""What servers and their clients read: HTTP on the line, JSON of every message, CBOR, files."""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import re
import socket
import threading
from functools import cache
from typing import Final

from pydantic import ValidationError

from hil.errors import CodecError, ConfigError, LinkError, ProtocolError
from hil.provisioning.eis import SignedEis
from hil.provisioning.errors import Refusal
from hil.provisioning.http.client import PeerClient
from hil.provisioning.http.description import example_of
from hil.provisioning.http.messages import Message
from hil.provisioning.http.receiver_face import read_batch, write_batch
from hil.provisioning.serve_config import ServeConfig, parse_config
from hil.provisioning.servers import Servers
from hil.provisioning.sm_sr.eis_rows import EisProfileRow
from hil.provisioning.sm_sr.handover_rows import HandedEis
from hil.provisioning.sm_sr.send_data import check_for_isd_r, parse_data
from hil.provisioning.trust import PeerKeySet, unwrap_key, wrap_key
from hil.wire import dgi, tlv
from hil.wire.apdu import CommandApdu
from hil.wire.command_script import C_APDU
from hil.wire.identifiers import isd_p_aid
from hil.wire.isdr_commands import install_for_personalization
from tests.fuzz.engine import Target
from tests.provisioning.serving import Bench

_KEYS: Final = PeerKeySet(1, bytes(range(16)), bytes(range(16)), bytes(range(16)))
_LINE_S: Final = 10.0
_ANSWER: Final = re.compile(rb"HTTP/1\.1 [1-4][0-9]{2} ")
EID: Final = "89049032123451234512345678901235"


class _Faults(logging.Handler):
    """Notes what a server could not make an answer of: it says so in its log alone."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(self.format(record))


_FAULTS: Final = _Faults()


@cache
def _server() -> tuple[str, int]:
    logging.getLogger("uvicorn.error").addHandler(_FAULTS)
    servers = Servers(parse_config(Bench(None).text(), "fuzz"))
    servers.start()
    atexit.register(servers.close)
    host, port = servers.addresses["sm-sr-1"].removeprefix("http://").split(":")
    return host, int(port)


def _request(raw: bytes) -> object:
    """A server answers whatever comes with a status of its own, or closes the connection."""
    answer = b""
    line = socket.create_connection(_server(), _LINE_S)
    with line, contextlib.suppress(ConnectionError):
        line.sendall(raw)
        line.shutdown(socket.SHUT_WR)
        while chunk := line.recv(65_536):
            answer += chunk
    assert not answer or _ANSWER.match(answer), answer[:200]
    assert not _FAULTS.seen, _FAULTS.seen.pop()
    return answer


def _requests() -> list[bytes]:
    _server()  # its start is not the first input's
    body = b'{"initiator": "mno-1", "nonce": "000102030405060708090a0b0c0d0e0f"}'
    strange = b'{"initiator": ["mno-1"], "nonce": 7}'
    head = b"Host: 127.0.0.1\r\nContent-Type: application/json\r\n"
    counted = head + b"Content-Length: %d\r\n" % len(body)
    chunked = head + b"Transfer-Encoding: chunked\r\n"
    return [
        b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"POST /sessions HTTP/1.1\r\n" + counted + b"\r\n" + body,
        b"POST /sessions HTTP/1.1\r\n%b\r\n%X\r\n%b\r\n0\r\n\r\n" % (chunked, len(body), body),
        b"POST /sessions HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b"
        % (head, len(strange), strange),
        b"POST /es3/GetEIS HTTP/1.1\r\n" + counted + b"Authorization: Bearer ab\r\n\r\n" + body,
    ]


class _Noise:
    """A server that answers every request with the same bytes."""

    def __init__(self) -> None:
        self.said = b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()
        atexit.register(self._listener.close)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                with line, contextlib.suppress(OSError):
                    line.settimeout(_LINE_S)
                    line.recv(65_536)
                    line.sendall(self.said)


@cache
def _noise() -> _Noise:
    return _Noise()


def _answered(raw: bytes) -> object:
    """A client takes nothing but the answer it asked for."""
    noise = _noise()
    noise.said = raw
    url = f"http://127.0.0.1:{noise.port}"
    with PeerClient(url, "sm-sr-1", "mno-1", _KEYS, timeout_s=_LINE_S) as client:
        return client.health()


def _answers() -> list[bytes]:
    body = json.dumps({"kind": "sm-sr", "id": "sm-sr-1"}).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    return [
        head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body),
        head + b"Transfer-Encoding: chunked\r\n\r\n%X\r\n%b\r\n0\r\n\r\n" % (len(body), body),
    ]


def _below(kind: type[Message]) -> list[type[Message]]:
    return [one for below in kind.__subclasses__() for one in (below, *_below(below))]


@cache
def _models() -> dict[str, type[Message]]:
    _server()  # all faces, and with them all messages, are there
    return {one.__name__: one for one in _below(Message)}


def _message(raw: bytes) -> object:
    """Read the JSON of the message whose name stands in the first line."""
    name, _, body = raw.partition(b"\n")
    kind = _models().get(name.decode("latin-1"))
    if kind is None:
        raise CodecError("no message is called so")
    return kind.model_validate_json(body)


def _written(value: Message) -> bytes:
    return f"{type(value).__name__}\n{value.model_dump_json(by_alias=True)}".encode()


@cache
def _messages() -> list[bytes]:
    found: list[bytes] = []
    for name, kind in sorted(_models().items()):
        schema = kind.model_json_schema()
        example = json.dumps(example_of(schema, schema.get("$defs", {})))
        # What an example cannot show, such as two fields that exclude each other.
        with contextlib.suppress(ValidationError):
            kind.model_validate_json(example)
            found.append(f"{name}\n{example}".encode())
    assert len(found) > 60
    return found


def _handed() -> list[bytes]:
    profile = EisProfileRow(
        EID, isd_p_aid(0x10), "8900100000000000017", "mno-1", "sm-dp-1", "enabled", True, 0
    )
    signed = SignedEis(b"payload", b"signature")
    handed = HandedEis(EID, signed, "12345678", (1, 2), (profile,), ((0x40, 1),), {"imei": "1"})
    return [handed.encode().encode()]


def _handed_eis(raw: bytes) -> object:
    return HandedEis.decode(raw.decode("utf-8", "replace"))


def _send_data(raw: bytes) -> object:
    items = parse_data(raw)
    return items, check_for_isd_r(items)


def _sent() -> list[bytes]:
    install = install_for_personalization(isd_p_aid(0x10))
    store = CommandApdu(0x80, 0xE2, 0x89, 0x00, dgi.encode(0x3A01, bytes(20)), 256)
    rows = ((install, store), (store,))
    return [b"".join(tlv.encode(C_APDU, one.encode()) for one in row) for row in rows]


def _unwrapped(raw: bytes) -> object:
    return unwrap_key(_KEYS, raw)


def _config(raw: bytes) -> ServeConfig:
    return parse_config(raw, "fuzz")


TARGETS: dict[str, Target] = {
    "http-request": Target(_request, _requests, errors=(), refuses=False, mutations=80),
    "http-answer": Target(
        _answered, _answers, errors=(LinkError, ProtocolError, Refusal), mutations=80
    ),
    "json-message": Target(
        _message, _messages, errors=(CodecError, ValidationError), again=_written, mutations=1000
    ),
    "packet-batch": Target(
        read_batch, lambda: [write_batch([b"one", b"", b"two"])], again=write_batch
    ),
    "wrapped-key": Target(_unwrapped, lambda: [wrap_key(_KEYS, bytes(16))]),
    "handed-eis": Target(_handed_eis, _handed),
    "send-data": Target(_send_data, _sent, errors=(Refusal,)),
    "server-config": Target(
        _config, lambda: [Bench(None).text().encode()], errors=(ConfigError,), mutations=100
    ),
}
