"""Every fault of the line and of the instrument, as a client meets it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from hil.virtual.power_supply.faults import KINDS
from tests.power_supply.part import Part, start_part


@pytest.fixture(scope="module")
def shared_part() -> Iterator[Part]:
    with start_part() as part:
        yield part


@pytest.fixture
def part(shared_part: Part) -> Part:
    shared_part.well()
    shared_part.control({"cable": {"1": {"ohms": 0}}})
    shared_part.control({"readback": 1})
    return shared_part


@pytest.fixture
def line(part: Part) -> Iterator[socket.socket]:
    with connect(part) as opened:
        yield opened


def connect(part: Part, timeout_s: float = 5.0) -> socket.socket:
    return socket.create_connection(("127.0.0.1", part.port), timeout=timeout_s)


def connect_again(part: Part) -> socket.socket:
    """Connect to a supply that is on its way back."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return connect(part)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def receive(line: socket.socket, seconds: float = 0.3) -> bytes:
    """Return what comes within a while, or until the other end hangs up."""
    data, deadline = b"", time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        line.settimeout(left)
        try:
            chunk = line.recv(65536)
        except TimeoutError:
            break
        except ConnectionError:
            return data + b"<reset>"
        if not chunk:
            return data + b"<end>"
        data += chunk
    return data


def ask(line: socket.socket, message: bytes) -> bytes:
    line.sendall(message + b"\n")
    line.settimeout(5)
    data = b""
    while not data.endswith(b"\n"):
        data += line.recv(4096) or b"<end>\n"
    return data.rstrip(b"\n")


ON_REPLY = {
    "silent": b"",
    "drop": b"1.<end>",
    "half-close": b"1.<end>",
    "reset": b"<reset>",
    "truncate": b"1.\n",
    "pieces": b"1.000\n",
    "no-terminator": b"1.000",
    "extra-terminator": b"1.000\n\n",
    "garbage": b"\x00\xff\x9e~~\x80\n",
    "echo": b"VOLT?\n1.000\n",
    "text": b"hello\n",
    "nan": b"9.91E37\n",
    "stale": b"1\n1.000\n",
}


@pytest.mark.parametrize("kind", ON_REPLY)
def test_replies_go_wrong(part: Part, line: socket.socket, kind: str) -> None:
    line.sendall(b"VOLT 1\n")
    assert ask(line, b"*OPC?") == b"1"
    part.control({"fault": kind, "match": "VOLT", "times": 1, "text": "hello", "delay_s": 0.01})
    line.sendall(b"VOLT?\n")
    assert receive(line) == ON_REPLY[kind]
    with connect(part) as other:
        assert ask(other, b"VOLT?") == b"1.000", "once"


def test_nan_in_every_field(part: Part, line: socket.socket) -> None:
    part.control({"fault": "nan", "match": "MEAS"})
    assert ask(line, b"MEAS:ALL?") == b"9.91E37,9.91E37,9.91E37"
    assert ask(line, b"VOLT?") == b"0.000"


def test_two_replies_in_one(part: Part, line: socket.socket) -> None:
    part.control({"fault": "merge", "match": "VOLT", "times": 1})
    line.sendall(b"VOLT?\n")
    assert receive(line, 0.1) == b""
    line.sendall(b"CURR?\n")
    assert receive(line) == b"0.000\n3.000\n"


def test_a_reply_one_and_a_half_timeouts_late_comes_in_front_of_the_next(
    part: Part, line: socket.socket
) -> None:
    part.control({"fault": "late", "match": "VOLT", "times": 1, "delay_s": 0.3})
    line.sendall(b"VOLT?\n")
    assert receive(line, 0.2) == b""
    line.sendall(b"CURR?\n")
    assert receive(line, 0.4) == b"3.000\n0.000\n"


def test_a_flood(part: Part, line: socket.socket) -> None:
    part.control({"fault": "flood", "times": 1})
    line.sendall(b"VOLT?\n")
    assert receive(line) == b"7" * 200_000


def test_a_fault_may_let_some_pass(part: Part, line: socket.socket) -> None:
    part.control({"fault": "text", "text": "x", "skip": 2, "times": 1})
    assert [ask(line, b"*OPC?") for _ in range(4)] == [b"1", b"1", b"x", b"1"]


def test_commands_go_wrong(part: Part, line: socket.socket) -> None:
    part.control({"fault": "lost-command", "match": "VOLT 5", "times": 1})
    line.sendall(b"VOLT 5\n")
    assert ask(line, b"VOLT?;:SYST:ERR?") == b'0.000;0,"No error"', "a setter silently ignored"
    ask(line, b":SOUR2:VOLT 7;:SOUR2:VOLT?")
    part.control({"fault": "wrong-channel", "match": "SOUR", "times": 1})
    assert ask(line, b":SOUR1:VOLT?") == b"7.000"
    part.control({"fault": "stall", "match": "CURR", "times": 1, "delay_s": 0.2})
    begun = time.monotonic()
    ask(line, b"CURR?")
    ask(line, b"CURR?")
    assert time.monotonic() - begun >= 0.2


def test_connections_go_wrong(part: Part) -> None:
    part.control({"fault": "refuse", "times": 1})
    with connect(part) as line:
        assert receive(line) == b"<end>", "accepted, then closed"
    part.control({"fault": "banner", "times": 1, "text": "220 mail ready\r\n"})
    with connect(part) as line:
        assert receive(line, 0.2) == b"220 mail ready\r\n"
    part.control({"fault": "deaf", "times": 1})
    with connect(part) as line, connect(part) as other:
        line.sendall(b"*OPC?\n")
        assert receive(line, 0.2) == b""
        assert ask(other, b"*OPC?") == b"1"
    part.control({"fault": "late-accept", "times": 1, "delay_s": 0.2})
    with connect(part) as line:
        line.sendall(b"*OPC?\n")
        assert receive(line, 0.1) == b""
        assert receive(line, 1.0).startswith(b"1\n")


def test_a_dead_port(part: Part) -> None:
    part.control({"listening": False})
    with pytest.raises(ConnectionRefusedError):
        connect(part)
    part.control({"listening": True})
    with connect_again(part) as line:
        assert ask(line, b"*OPC?") == b"1"


def test_it_reboots_in_the_middle_and_forgets(part: Part, line: socket.socket) -> None:
    line.sendall(b"*ESE 60;VOLT 5;:OUTP ON\n")
    ask(line, b"*OPC?")
    part.control({"fault": "reboot", "match": "MEAS", "skip": 1, "times": 1, "delay_s": 0.3})
    assert ask(line, b"MEAS:VOLT?")
    line.sendall(b"MEAS:VOLT?\n")
    assert receive(line) == b"<reset>"
    with pytest.raises(ConnectionRefusedError):
        connect(part)
    with connect_again(part) as again:
        assert ask(again, b"*ESR?;*ESE?;:VOLT?;:OUTP?") == b"128;0;0.000;OFF"


def test_the_panel(part: Part, line: socket.socket) -> None:
    answer = part.control({"panel": {"1": {"volts": 4.5, "on": True}}})
    assert answer["heeded"]
    assert ask(line, b"VOLT?;:OUTP?") == b"4.500;ON"
    ask(line, b"SYST:RWL;*OPC?")
    assert part.control({"state": True})["access"] == "locked"
    assert not part.control({"panel": {"1": {"volts": 9}}})["heeded"]
    assert ask(line, b"SYST:LOC;:VOLT?") == b"4.500"
    part.control({"held": True})
    line.sendall(b"VOLT 1\n")
    assert ask(line, b"VOLT?;:SYST:ERR?") == b'4.500;-201,"Invalid while in local"'


def test_identities(part: Part, line: socket.socket) -> None:
    for identity in ("RIGOL TECHNOLOGIES,DP832", "A,B,C,D,E", "SOMEBODY,ELSE,0,0"):
        part.control({"identity": identity})
        assert ask(line, b"*IDN?") == identity.encode()
    part.control({"identity": ""})
    assert ask(line, b"*IDN?").startswith(b"RIGOL TECHNOLOGIES,DP832,DP8C")


def test_errors_and_a_full_queue(part: Part, line: socket.socket) -> None:
    part.control({"error": -310})
    assert ask(line, b"SYST:ERR?") == b'-310,"System error"'
    part.control({"overflow": True})
    entries = [ask(line, b"SYST:ERR?") for _ in range(17)]
    assert entries[15:] == [b'-350,"Queue overflow"', b'0,"No error"']


def test_manners_change_in_mid_run(part: Part, line: socket.socket) -> None:
    part.control({"manner": "clamp", "value": "on"})
    assert ask(line, b"VOLT 99;:VOLT?") == b"32.000"
    part.control({"manner": "clamp", "value": "off"})
    part.control({"manner": "unknown", "value": "hang-up"})
    line.sendall(b"NONSENSE\n")
    try:
        assert receive(line) == b"<reset>"
    finally:
        part.control({"manner": "unknown", "value": "error"})


def test_what_comes_too_soon_is_lost(part: Part, line: socket.socket) -> None:
    part.control({"manner": "pacing-s", "value": "0.2"})
    try:
        line.sendall(b"VOLT 1\nVOLT 2\n")
        time.sleep(0.45)
        assert ask(line, b"VOLT?") == b"1.000"
    finally:
        part.control({"manner": "pacing-s", "value": "0"})


def settled(part: Part, low: float, high: float, key: str = "volts") -> dict[str, float]:
    deadline = time.monotonic() + 5
    while not low <= (state := part.channel(1))[key] <= high:
        assert time.monotonic() < deadline, state
        time.sleep(0.005)
    return state


def test_the_output_goes_wrong(part: Part, line: socket.socket) -> None:
    ask(line, b"APPL CH1,4,2;:OUTP ON;*OPC?")
    part.control({"load": {"1": {"ohms": 100.0}}})
    settled(part, 3.9, 4.1)
    part.control({"dead": 1, "value": True})
    settled(part, 0.0, 0.1)
    assert ask(line, b"OUTP?") == b"ON", "stuck off"
    part.control({"dead": 1, "value": False})
    settled(part, 3.9, 4.1)
    part.control({"stuck": 1, "value": True})
    assert ask(line, b"OUTP OFF;:OUTP?") == b"OFF"
    time.sleep(0.1)
    settled(part, 3.9, 4.1)
    part.control({"stuck": 1, "value": False})
    settled(part, 0.0, 0.1)
    ask(line, b"OUTP ON;*OPC?")
    part.control({"trip": 1, "protection": "ovp"})
    assert ask(line, b"OUTP?;:OUTP:OVP:QUES?") == b"OFF;YES"
    part.control({"untrip": 1})
    assert ask(line, b"OUTP?;:OUTP:OVP:QUES?") == b"ON;NO", "a trip cleared by itself"


def test_the_meter_goes_wrong(part: Part, line: socket.socket) -> None:
    ask(line, b"APPL CH1,4,2;:OUTP ON;*OPC?")
    settled(part, 3.9, 4.1)
    right = float(ask(line, b"MEAS:VOLT?"))
    part.control({"readback": 1, "gain": 0.1})
    assert float(ask(line, b"MEAS:VOLT?")) == pytest.approx(1.1 * right, abs=0.01)
    part.control({"readback": 1, "offset": 0.5})
    assert float(ask(line, b"MEAS:VOLT?")) == pytest.approx(right + 0.5, abs=0.01)
    part.control({"readback": 1, "noise": 0.3})
    readings = [float(ask(line, b"MEAS:VOLT?")) for _ in range(30)]
    assert max(readings) - min(readings) > 0.3
    part.control({"readback": 1})
    assert float(ask(line, b"MEAS:VOLT?")) == pytest.approx(right, abs=0.01)


def test_every_kind_of_fault_stands_in_a_test_above() -> None:
    elsewhere = {
        "merge", "late", "flood", "lost-command", "wrong-channel", "stall", "reboot",
        "refuse", "banner", "deaf", "late-accept",
    }  # fmt: skip
    assert set(KINDS) == elsewhere | set(ON_REPLY)
