"""A HiSLIP client of the tests' own, byte for byte by IVI-6.1, which can also misbehave."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

INITIALIZE, INITIALIZE_RESPONSE, FATAL_ERROR, ERROR = 0, 1, 2, 3
ASYNC_LOCK, ASYNC_LOCK_RESPONSE, DATA, DATA_END = 4, 5, 6, 7
CLEAR_COMPLETE, CLEAR_ACKNOWLEDGE, REMOTE_LOCAL, REMOTE_LOCAL_RESPONSE = 8, 9, 10, 11
TRIGGER, INTERRUPTED, ASYNC_INTERRUPTED, MAX_SIZE = 12, 13, 14, 15
MAX_SIZE_RESPONSE, ASYNC_INITIALIZE, ASYNC_INITIALIZE_RESPONSE, ASYNC_CLEAR = 16, 17, 18, 19
SERVICE_REQUEST, STATUS_QUERY, STATUS_RESPONSE, ASYNC_CLEAR_ACKNOWLEDGE = 20, 21, 22, 23
LOCK_INFO, LOCK_INFO_RESPONSE = 24, 25
FIRST_ID = 0xFFFF_FF00


@dataclass(frozen=True)
class Message:
    kind: int
    control: int = 0
    parameter: int = 0
    payload: bytes = b""


class Channel:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, kind: int, control: int = 0, parameter: int = 0, payload: bytes = b"") -> None:
        header = b"HS" + struct.pack("!BBIQ", kind, control, parameter, len(payload))
        self.socket.sendall(header + payload)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            chunk = self.socket.recv(count - len(data))
            if not chunk:
                raise ConnectionError("hung up")
            data += chunk
        return data

    def receive(self) -> Message:
        header = self._exactly(16)
        assert header[:2] == b"HS"
        kind, control, parameter, length = struct.unpack("!BBIQ", header[2:])
        return Message(kind, control, parameter, self._exactly(length))

    def silent(self, timeout_s: float = 0.1) -> bool:
        self.socket.settimeout(timeout_s)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return True
        else:
            return False
        finally:
            self.socket.settimeout(5)

    def closed(self) -> bool:
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True


class Client:
    """Two channels, message ids, and whether the last reply has been taken."""

    def __init__(self, port: int, sub_address: bytes = b"hislip0") -> None:
        self.sync = Channel(port)
        self.sync.send(INITIALIZE, 0, 0x0100_5858, sub_address)
        self.hello = self.sync.receive()
        self.session = self.hello.parameter & 0xFFFF
        self.asynchronous = Channel(port)
        self.asynchronous.send(ASYNC_INITIALIZE, 0, self.session)
        self.async_hello = self.asynchronous.receive()
        self.next_id = FIRST_ID
        self.taken = 0

    def write(self, text: bytes, *, taken: int | None = None) -> int:
        number = self.next_id
        self.sync.send(DATA_END, self.taken if taken is None else taken, number, text)
        self.taken = 0
        self.next_id = (number + 2) & 0xFFFF_FFFF
        return number

    def read(self) -> Message:
        message = self.sync.receive()
        self.taken = 1 if message.kind == DATA_END else self.taken
        return message

    def ask(self, text: bytes) -> bytes:
        number = self.write(text)
        message = self.read()
        assert (message.kind, message.parameter) == (DATA_END, number)
        return message.payload.removesuffix(b"\n")

    def out_of_band(
        self, kind: int, control: int = 0, parameter: int = 0, payload: bytes = b""
    ) -> Message:
        self.asynchronous.send(kind, control, parameter, payload)
        return self.asynchronous.receive()

    def status(self) -> int:
        taken, self.taken = self.taken, 0
        answer = self.out_of_band(STATUS_QUERY, taken, self.next_id - 2)
        assert answer.kind == STATUS_RESPONSE
        return answer.control

    def lock(self, key: bytes = b"", timeout_ms: int = 0) -> int:
        return self.out_of_band(ASYNC_LOCK, 1, timeout_ms, key).control

    def unlock(self) -> int:
        return self.out_of_band(ASYNC_LOCK, 0, self.next_id - 2).control

    def close(self) -> None:
        self.sync.socket.close()
        self.asynchronous.socket.close()
