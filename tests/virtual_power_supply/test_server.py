"""The supply as a process and on the wire, with our own hands."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator

import pytest

from tests.power_supply.part import Part, start_part


@pytest.fixture(scope="module")
def shared_part() -> Iterator[Part]:
    with start_part() as part:
        yield part


@pytest.fixture
def part(shared_part: Part) -> Part:
    shared_part.control({"reboot": True})
    return shared_part


def connect(part: Part) -> socket.socket:
    return socket.create_connection(("127.0.0.1", part.port), timeout=5)


def ask(line: socket.socket, message: bytes) -> bytes:
    line.sendall(message + b"\n")
    reply = b""
    while not reply.endswith(b"\n"):
        chunk = line.recv(4096)
        assert chunk, "hung up"
        reply += chunk
    return reply.rstrip(b"\n")


def test_several_clients_one_instrument(part: Part) -> None:
    with connect(part) as one, connect(part) as two:
        one.sendall(b"VOLT 4\n")
        assert ask(one, b"*OPC?") == b"1"
        assert ask(two, b"VOLT?") == b"4.000"
        one.close()
        assert ask(two, b"*IDN?").startswith(b"RIGOL")


def test_lines_in_pieces_and_in_heaps(part: Part) -> None:
    with connect(part) as line:
        for byte in b"*OPC?\r\n":
            line.sendall(bytes([byte]))
        assert line.recv(100) == b"1\n"
        line.sendall(b"*OPC?\n" * 500)
        received = b""
        while len(received) < 1000:
            received += line.recv(4096)
        assert received == b"1\n" * 500


def test_a_line_without_end_is_thrown_away(part: Part) -> None:
    with connect(part) as line:
        line.sendall(b"V" * 100_000 + b"\n")
        assert ask(line, b"SYST:ERR?") == b'-363,"Input buffer overrun"'
        line.sendall(b"VOLT?" + b" " * 5000 + b"\n")
        assert ask(line, b"SYST:ERR?") == b'-363,"Input buffer overrun"'
        assert ask(line, b"SYST:ERR?") == b'0,"No error"'


def test_thousands_of_random_lines_do_not_break_it(part: Part) -> None:
    draw = random.Random(7)  # noqa: S311 - the same noise each time
    words = [
        b"VOLT",
        b"?",
        b" 3.3",
        b";",
        b":",
        b"OUTP",
        b" CH1,ON",
        b"MEAS:ALL?",
        b"\xff",
        b"\x00",
    ]
    with connect(part) as line:
        for _ in range(50):
            heap = b"".join(
                b"".join(draw.choices(words, k=draw.randrange(8)))
                + draw.randbytes(draw.randrange(6)).replace(b"\n", b"")
                + b"\n"
                for _ in range(100)
            )
            line.sendall(heap)
            line.settimeout(0.005)
            try:
                while line.recv(65536):
                    continue
            except TimeoutError:
                line.settimeout(5)
    with connect(part) as line:
        assert ask(line, b"*IDN?").startswith(b"RIGOL")


def test_a_client_that_never_reads_does_not_stop_the_others(part: Part) -> None:
    with connect(part) as deaf, connect(part) as other:
        deaf.setblocking(False)
        try:
            for _ in range(2000):
                deaf.send(b"*IDN?\n" * 1000)
        except BlockingIOError:
            pass
        assert ask(other, b"*OPC?") == b"1"


def test_too_many_clients_are_turned_away(part: Part) -> None:
    lines = [connect(part) for _ in range(8)]
    try:
        assert ask(lines[-1], b"*OPC?") == b"1"
        with connect(part) as ninth:
            try:
                ninth.sendall(b"*OPC?\n")
                assert ninth.recv(10) == b""
            except ConnectionError:
                pass
    finally:
        for line in lines:
            line.close()


def test_control_port_refuses_what_it_does_not_know(part: Part) -> None:
    for request in (
        b"[]",
        b"{}",
        b"\xff",
        b"nonsense",
        b'{"fault":"no-such"}',
        b'{"fault":"silent","match":"("}',
        b'{"stuck":9,"value":true}',
        b'{"error":-999}',
        b'{"trip":1,"protection":"xyz"}',
        b'{"load":{"9":{"ohms":1}}}',
        b'{"cable":{"1":{"ohms":-1}}}',
        b'{"cable":{"1":{"sense_leads":"gone"}}}',
        b'{"cable":{"9":{}}}',
        b'{"manner":"clamp","value":"perhaps"}',
        b'{"manner":"no-such","value":"on"}',
        b'{"panel":{"9":{"volts":1}}}',
        b'{"panel":[1]}',
        b'{"readback":1,"gain":"much"}',
        b'{"untrip":true}',
        b'{"identity":"\\u00e4"}',
    ):
        answer = part.raw_control(request)
        assert answer["ok"] is False, request
        assert answer["why"]


def test_it_ends_cleanly_with_its_lifeline_while_clients_are_there() -> None:
    with start_part() as part, connect(part) as line:
        assert ask(line, b"*OPC?") == b"1"
        assert part.process.stdin is not None
        part.process.stdin.close()
        assert part.process.wait(10) == 0


def test_latency_delays_and_keeps_the_order() -> None:
    with start_part("--latency-ms", "20") as part, connect(part) as line:
        line.sendall(b"VOLT 1\nVOLT?\nVOLT 2\nVOLT?\n")
        received = b""
        while received.count(b"\n") < 2:
            received += line.recv(100)
        assert received == b"1.000\n2.000\n"
