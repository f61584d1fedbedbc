"""A VXI-11 core channel (VXI-11 rev. 1.0, B.6, over ONC RPC, RFC 5531) for a scripted instrument.

Four procedures are enough for a client: create_link, device_write, device_read, destroy_link.
"""

from __future__ import annotations

import socket
import struct
import threading

from tests.power_supply.conversations.scripted import Scripted

CORE_PROGRAM = 0x0607AF
CREATE_LINK, DEVICE_WRITE, DEVICE_READ, DESTROY_LINK = 10, 11, 12, 23
IO_TIMEOUT, END = 15, 4
LAST_FRAGMENT = 0x80000000


class Vxi11Line:
    """One instrument at ``resource``; it serves one client at a time."""

    def __init__(self, instrument: Scripted) -> None:
        self.instrument = instrument
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.resource = f"TCPIP0::127.0.0.1,{port}::inst0::INSTR"
        self._replies = b""
        self._peer: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if self._peer is not None:
            self._peer.close()
        self._thread.join(5)
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        while True:
            try:
                self._peer, _ = self._listener.accept()
            except OSError:
                return
            with self._peer, self._peer.makefile("rb") as stream:
                while len(head := stream.read(4)) == 4:
                    (mark,) = struct.unpack(">I", head)
                    call = stream.read(mark & ~LAST_FRAGMENT)
                    body = self._answer(call)
                    self._peer.sendall(struct.pack(">I", LAST_FRAGMENT | len(body)) + body)

    def _answer(self, call: bytes) -> bytes:
        xid, kind, version, program, _, procedure = struct.unpack_from(">6I", call)
        assert (kind, version, program) == (0, 2, CORE_PROGRAM)
        offset = 24
        for _ in range(2):  # credentials, verifier
            (length,) = struct.unpack_from(">I", call, offset + 4)
            offset += 8 + length
        result = self._do(procedure, call[offset:])
        return struct.pack(">6I", xid, 1, 0, 0, 0, 0) + result

    def _do(self, procedure: int, arguments: bytes) -> bytes:
        if procedure == CREATE_LINK:
            self._replies = b""
            return struct.pack(">4I", 0, 1, 0, 65_536)
        if procedure == DEVICE_WRITE:
            (length,) = struct.unpack_from(">I", arguments, 16)
            message = arguments[20 : 20 + length]
            assert message.endswith(b"\n")
            self._replies += self.instrument.serve_message(message[:-1].decode("ascii"))
            return struct.pack(">2I", 0, length)
        if procedure == DEVICE_READ:
            reply, self._replies = self._replies, b""
            if not reply:
                return struct.pack(">3I", IO_TIMEOUT, 0, 0)
            return struct.pack(">3I", 0, END, len(reply)) + reply + b"\0" * (-len(reply) % 4)
        assert procedure == DESTROY_LINK
        return struct.pack(">I", 0)
