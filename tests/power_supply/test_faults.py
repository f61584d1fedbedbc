"""Whatever goes wrong on the line ends as an error of the bench, and never as a value."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from hil.equipment.power_supply import (
    IdentityError,
    LinkError,
    LinkTimeoutError,
    PowerSupply,
)
from hil.equipment.power_supply.link import VisaLink
from hil.equipment.power_supply.models import dialect_of
from hil.errors import BenchError, ConfigError, ProtocolError
from hil.observer import NullObserver
from tests.power_supply.conftest import Notes, Open
from tests.power_supply.part import SERIAL, Part

SOON_S: Final = 5.0
"""Far above what is seen, far below an endless wait: a busy machine is no fault of the link."""

LINE_FAULTS = [
    ("silent", LinkTimeoutError, "no reply"),
    ("no-terminator", LinkTimeoutError, "has no end"),
    ("drop", LinkError, "closed by the instrument"),
    ("reset", LinkError, "lost|closed"),
    ("stale", ProtocolError, "more than one reply"),
    ("garbage", ProtocolError, "garbled"),
    ("truncate", ProtocolError, "fields|number"),
    ("flood", ProtocolError, "without an end"),
]


@pytest.mark.parametrize(("kind", "error", "says"), LINE_FAULTS, ids=[f[0] for f in LINE_FAULTS])
def test_a_fault_costs_one_reading_and_no_more(
    open_supply: Open, part: Part, kind: str, error: type[BenchError], says: str
) -> None:
    supply = open_supply(timeout_s=0.3)
    channel = supply.channel(1)
    part.control({"fault": kind, "match": "MEAS", "times": 1})
    begun = time.monotonic()
    with pytest.raises(error, match=says) as caught:
        channel.measure()
    assert time.monotonic() - begun < SOON_S
    assert part.resource in str(caught.value)
    assert channel.measure().volts == pytest.approx(0, abs=0.02), "made anew"
    assert supply.identity.serial == SERIAL


@pytest.mark.parametrize(
    "text",
    ["9.91E37,0.0000,0.000", "", "3.3", "3.30,0.1,0.3", "nan,0.0000,0.000", "inf", "ON", " , , ",
     "3.3000,0.0000", "3.3000,0.0000,0.000,1", "1e3,0.0000,0.000", "٣.3000,0.0000,0.000"],
)  # fmt: skip
def test_what_is_no_measurement_is_no_reading(supply: PowerSupply, part: Part, text: str) -> None:
    part.control({"fault": "text", "match": "MEAS", "text": text.encode().decode("latin-1")})
    with pytest.raises(ProtocolError):
        supply.channel(1).measure()


@pytest.mark.parametrize("text", ["ON?", "3", "MAYBE", "", "ONOFF"])
def test_what_is_no_state_is_no_proof(supply: PowerSupply, part: Part, text: str) -> None:
    part.control({"fault": "text", "match": r"^:OUTP\? CH1", "text": text})
    with pytest.raises(ProtocolError):
        supply.channel(1).status()
    assert not supply.safe_state(decay_timeout_s=0.1).proven


@pytest.mark.parametrize("cut", range(1, 6))
def test_a_number_cut_off_is_never_a_number(supply: PowerSupply, part: Part, cut: int) -> None:
    whole = "5.0114,0.0000,0.000"
    part.control({"fault": "text", "match": "MEAS", "text": whole[:-cut]})
    with pytest.raises(ProtocolError):
        supply.channel(1).measure()
    part.control({"clear": True})
    part.control({"fault": "text", "match": "SOUR1:VOLT", "text": "12.345"[:-cut]})
    with pytest.raises(ProtocolError):
        supply.channel(1).status()


def test_a_late_reply_is_never_another_ones(open_supply: Open, part: Part) -> None:
    supply = open_supply(timeout_s=0.6)
    part.control({"fault": "late", "match": "IDN", "times": 1, "delay_s": 0.8})
    with pytest.raises(LinkTimeoutError):
        supply._link.query("*IDN?")
    deadline = time.monotonic() + 0.6
    while time.monotonic() < deadline:
        assert supply.channel(1).measure().volts < 0.1


def test_words_that_nobody_asked_for_are_noticed_before_the_next_query(
    supply: PowerSupply, part: Part, notes: Notes
) -> None:
    supply._link.write("*IDN?")
    deadline = time.monotonic() + 2

    def write_until_noticed() -> None:
        while time.monotonic() < deadline:
            supply._link.write("*CLS")

    with pytest.raises(ProtocolError, match="unasked"):
        write_until_noticed()
    assert supply.channel(1).measure().volts < 0.1
    assert any("connection dropped" in note.note for note in notes.exchanges)


def test_an_interrupt_in_the_middle_leaves_no_reply_behind(supply: PowerSupply, part: Part) -> None:
    part.control({"fault": "late", "match": "IDN", "times": 1, "delay_s": 0.3})

    class Interrupter:
        def exchange(self, exchange: object) -> None:
            if getattr(exchange, "direction", "") == "in":
                raise KeyboardInterrupt

    link = supply._link
    link._observer, before = Interrupter(), link._observer
    with pytest.raises(KeyboardInterrupt):
        link.query("*OPC?")
    link._observer = before
    assert supply.channel(1).measure().volts < 0.1


@pytest.mark.parametrize(
    ("identity", "says"),
    [
        (f"RIGOL TECHNOLOGIES,DP832,{SERIAL[:-1]}0,00.01.14", "serial"),
        (f"RIGOL TECHNOLOGIES,DP831,{SERIAL},00.01.14", "not a DP832"),
        (f"Keysight Technologies,E36312A,{SERIAL},1.0", "not a DP832"),
        (f"RIGOL TECHNOLOGIES,DP832,{SERIAL}", "not a DP832"),
        (f"RIGOL TECHNOLOGIES,DP832,{SERIAL},1,2,3", "not a DP832"),
    ],
)
def test_another_instrument_is_refused(
    open_supply: Open, part: Part, identity: str, says: str
) -> None:
    part.control({"identity": identity})
    with pytest.raises(IdentityError, match=says):
        open_supply()


def test_an_instrument_swapped_in_mid_run_is_refused(supply: PowerSupply, part: Part) -> None:
    part.control({"identity": f"RIGOL TECHNOLOGIES,DP832,{SERIAL},00.02.00"})
    part.control({"fault": "drop", "match": "MEAS", "times": 1})
    with pytest.raises(LinkError):
        supply.channel(1).measure()
    with pytest.raises(IdentityError, match="after reconnecting"):
        supply.channel(1).measure()


def test_a_dead_port_is_a_link_error_at_once() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        begun = time.monotonic()
        with pytest.raises(LinkError, match="refused"):
            open_link(port)
        assert time.monotonic() - begun < SOON_S


@pytest.mark.parametrize(
    ("resource", "error"),
    [
        ("nonsense", ConfigError),
        ("TCPIP0::127.0.0.1::SOCKET", ConfigError),
        ("TCPIP0::no-such-host.invalid::5555::SOCKET", LinkError),
        ("ASRL/dev/no-such-port::INSTR", LinkError),
    ],
)
def test_resources_that_do_not_exist(resource: str, error: type[BenchError]) -> None:
    with pytest.raises(error) as caught:
        PowerSupply.open(resource, model="DP832", limits={}, timeout_s=0.5)
    assert resource in str(caught.value)


@contextmanager
def peer(answer_identity: bool = True) -> Iterator[tuple[int, list[socket.socket]]]:
    """A listener that says who it is and then does nothing; its connections are in the list."""
    listener = socket.create_server(("127.0.0.1", 0))
    accepted: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            accepted.append(line)
            if answer_identity:
                line.recv(100)
                line.sendall(f"RIGOL TECHNOLOGIES,DP832,{SERIAL},00.01.14\n".encode())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], accepted
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
        for line in accepted:
            line.close()


def open_link(port: int, timeout_s: float = 0.5) -> VisaLink:
    return VisaLink.open(
        f"TCPIP0::127.0.0.1::{port}::SOCKET",
        dialect_of("DP832"),
        observer=NullObserver(),
        timeout_s=timeout_s,
    )


def test_a_listener_that_never_speaks() -> None:
    with peer(answer_identity=False) as (port, _):
        begun = time.monotonic()
        with pytest.raises(LinkTimeoutError, match="no reply"):
            open_link(port)
        assert time.monotonic() - begun < SOON_S


def flood(link: VisaLink) -> None:
    for _ in range(10_000):
        link.write("V" * 4000)


def test_a_peer_that_does_not_read_does_not_block_for_ever() -> None:
    with peer() as (port, _):
        link = open_link(port)
        try:
            begun = time.monotonic()
            with pytest.raises(LinkTimeoutError, match="does not take"):
                flood(link)
            assert time.monotonic() - begun < 20
        finally:
            link.close()


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_a_peer_that_closes_is_noticed_at_once_and_without_burning_the_core(how: str) -> None:
    with peer() as (port, accepted):
        link = open_link(port, timeout_s=10)
        try:
            if how == "rst":
                accepted[0].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            threading.Timer(0.3, accepted[0].close).start()
            begun, cpu = time.monotonic(), time.process_time()
            with pytest.raises(LinkError, match=r"closed|lost"):
                link.query("*OPC?")
            assert time.monotonic() - begun < SOON_S
            assert time.process_time() - cpu < 0.2
        finally:
            link.close()


def test_a_silent_wait_does_not_burn_the_core() -> None:
    with peer() as (port, _):
        link = open_link(port)
        try:
            cpu = time.process_time()
            with pytest.raises(LinkTimeoutError):
                link.query("*OPC?", timeout_s=1.0)
            assert time.process_time() - cpu < 0.2
        finally:
            link.close()


def test_two_threads_never_get_each_others_replies(supply: PowerSupply) -> None:
    wrong: list[str] = []

    def ask(query: str, expected: str) -> None:
        for _ in range(500):
            reply = supply._link.query(query)
            if reply != expected:
                wrong.append(f"{query}: {reply}")

    threads = [
        threading.Thread(target=ask, args=arguments)
        for arguments in (("*OPC?", "1"), ("*ESE?", "0"), ("SYST:VERS?", "1999.0"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []


def test_nagle_is_off_and_no_write_waits_for_an_acknowledgement(supply: PowerSupply) -> None:
    link = supply._link
    took = []
    for _ in range(100):
        begun = time.perf_counter()
        link.write("*CLS")
        link.write("*CLS")
        link.query("*OPC?")
        took.append(time.perf_counter() - begun)
    assert sorted(took)[50] < 0.02, "44 ms with Nagle's algorithm"


def test_descriptors_are_not_lost_over_many_faults(open_supply: Open, part: Part) -> None:
    supply = open_supply(timeout_s=0.05)
    part.control({"fault": "garbage", "match": "MEAS"})
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        with pytest.raises(ProtocolError):
            supply.channel(1).measure()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1
