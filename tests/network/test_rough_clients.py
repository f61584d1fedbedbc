"""Clients that stall, shout or leave: the network goes on, and ends without a sound."""

from __future__ import annotations

import json
import signal
import socket
import struct
import subprocess
import sys
import time

import pytest

from hil.virtual.network import smpp_session
from hil.wire.smpp import Bind, Command, Pdu, Status
from tests.network.running import RadioLine, RunningNetwork, SmppLine


def test_a_client_that_never_finishes_its_bind_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smpp_session, "BIND_SECONDS", 0.5)
    with RunningNetwork() as network, socket.create_connection(network.smpp, timeout=5) as slow:
        slow.settimeout(0.1)
        slow.sendall(struct.pack(">I", 60))
        begun = time.monotonic()
        while time.monotonic() - begun < 5:
            try:
                assert slow.recv(100) == b""
                break
            except ConnectionResetError:
                break
            except TimeoutError:
                slow.sendall(b"\0")
        else:
            pytest.fail("a byte now and then keeps a connection that never binds")


def test_a_line_of_json_nested_deeply_is_refused() -> None:
    with RunningNetwork() as network:
        line = RadioLine(network.radio)
        line.raw(b"[" * 4000 + b"\n")
        answer = line.hear()
        line.close()
    assert answer is not None
    assert "error" in answer


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_without_a_word_while_clients_are_connected(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "hil.virtual.network"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        host, _, port = ready["smpp"].partition(":")
        client = SmppLine((host, int(port)))
        assert client.send(Pdu(Command.BIND_TRANSCEIVER, 1, Bind("sm-sr", "hil-test"))).status == 0
        phone = RadioLine((host, int(ready["radio"].partition(":")[2])))
        phone.say({"attach": {"msisdn": "882100000001"}})
        process.send_signal(number)
        _, errors = process.communicate(timeout=10)
        client.close()
        phone.close()
    assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize(
    ("operation", "status"),
    [(0x03, 0x67), (0x07, 0x13), (0x08, 0x11), (0x21, 0x45)],
    ids=["query_sm", "replace_sm", "cancel_sm", "submit_multi"],
)
def test_an_operation_not_offered_gets_its_own_response(operation: int, status: int) -> None:
    with RunningNetwork() as network:
        line = SmppLine(network.smpp)
        line.raw(struct.pack(">IIII", 21, operation, 0, 6) + b"1\0\0\0\0")
        not_bound = struct.pack(">IIII", 16, 0x80000000 | operation, Status.INVALID_BIND_STATUS, 6)
        assert line.exactly(16) == not_bound
        assert line.send(Pdu(Command.BIND_TRANSCEIVER, 1, Bind("sm-sr", "hil-test"))).status == 0
        line.raw(struct.pack(">IIII", 21, operation, 0, 7) + b"1\0\0\0\0")
        assert line.exactly(16) == struct.pack(">IIII", 16, 0x80000000 | operation, status, 7)
        assert line.send(Pdu(Command.ENQUIRE_LINK, 8)).status == 0
        line.close()
