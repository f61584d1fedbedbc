"""A card that plays one prepared installation, for tests of the device alone."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Sequence

from hil.wire.apdu import CommandApdu
from hil.wire.image import Image
from hil.wire.packets import Packet
from hil.wire.script_step import ScriptStep

ATR_T1 = bytes.fromhex("3B9E9681B1FE453F87828031E073FE211B6656455549434336")


class ScriptedCard:
    """Listens as card contacts. Answers what the image expects; everything else ``6A82``.

    ``broken`` maps an APDU's instruction to the answer it gets instead.
    """

    def __init__(self, eid: str) -> None:
        self.eid = eid
        self.received: list[bytes] = []
        self.answers: dict[bytes, list[bytes]] = {}
        self.packets: dict[bytes, bytes] = {}
        self.broken: dict[int, bytes] = {}
        self.powered = False
        self.resets = 0
        self._collected = b""
        self._server = socket.create_server(("127.0.0.1", 0))
        self._connections: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def esim(self) -> str:
        return f"socket:127.0.0.1:{self._server.getsockname()[1]}"

    def expect(self, image: Image) -> None:
        for step in (*image.steps_before, *image.steps_after):
            self._expect_step(step)
        for packet in image.packets:
            self._expect_packet(packet)

    def _expect_step(self, step: ScriptStep) -> None:
        answer = (step.expected or b"") + b"\x90\x00"
        self.answers.setdefault(step.command, []).append(answer)

    def _expect_packet(self, packet: Packet) -> None:
        self.packets[packet.command] = (packet.expected or b"") + b"\x90\x00"

    def instructions(self) -> Sequence[int]:
        return [apdu[1] for apdu in self.received]

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for connection in tuple(self._connections):
            connection.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._connections.add(connection)
            with connection:
                self._hold(connection)
            self._connections.discard(connection)

    def _hold(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        try:
            while header := stream.read(2):
                payload = stream.read(struct.unpack(">H", header)[0])
                answer = self._take(payload)
                if answer is not None:
                    connection.sendall(struct.pack(">H", len(answer)) + answer)
        except OSError:
            return
        finally:
            stream.close()

    def _take(self, payload: bytes) -> bytes | None:
        if payload == b"\x00":
            self.powered = False
        elif payload in (b"\x01", b"\x02"):
            self.powered = True
            self.resets += 1
            self._collected = b""
        elif payload == b"\x04":
            return ATR_T1
        elif payload == b"\x05":
            return self.resets.to_bytes(4, "big")
        else:
            return self._apdu(payload)
        return None

    def _apdu(self, raw: bytes) -> bytes:
        self.received.append(raw)
        command = CommandApdu.decode(raw)
        if command.ins in self.broken:
            return self.broken[command.ins]
        if raw in self.answers:
            answers = self.answers[raw]
            return answers.pop(0) if len(answers) > 1 else answers[0]
        if command.ins == 0xCA and command.p2 == 0x5A:
            return bytes.fromhex("5A10" + self.eid) + b"\x90\x00"
        if command.ins == 0xE2 and command.p1 in (0x11, 0x91):
            return self._store_data(command)
        return bytes.fromhex("9000" if command.ins in (0xA4, 0x10) else "6D00")

    def _store_data(self, command: CommandApdu) -> bytes:
        self._collected = b"" if command.p2 == 0 else self._collected
        self._collected += command.data
        if command.p1 == 0x11:
            return bytes.fromhex("9000")
        return self.packets.get(self._collected, bytes.fromhex("6A80"))
