"""The HiSLIP server, clause by clause of IVI-6.1, with a client of our own and with pyvisa-py."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest
import pyvisa
from pyvisa.resources import MessageBasedResource

from tests.power_supply.part import Part, start_part
from tests.virtual_power_supply import hislip_client as hs
from tests.virtual_power_supply.hislip_client import Channel, Client, Message


@pytest.fixture(scope="module")
def shared_part() -> Iterator[Part]:
    with start_part("--model", "E36312A") as part:
        yield part


@pytest.fixture
def part(shared_part: Part) -> Part:
    shared_part.control({"clear": True})
    shared_part.control({"reboot": True})
    return shared_part


def port_of(part: Part) -> int:
    return int(part.hislip.split(",")[1].split("::")[0])


Connect = Callable[[], Client]


@pytest.fixture
def connect(part: Part) -> Iterator[Connect]:
    clients: list[Client] = []

    def one() -> Client:
        clients.append(Client(port_of(part)))
        return clients[-1]

    yield one
    for client in clients:
        client.close()


@pytest.fixture
def channel(part: Part) -> Iterator[Callable[[], Channel]]:
    """Return a function that opens one bare connection."""
    channels: list[Channel] = []

    def one() -> Channel:
        channels.append(Channel(port_of(part)))
        return channels[-1]

    yield one
    for opened in channels:
        opened.socket.close()


@pytest.fixture
def client(connect: Connect) -> Client:
    return connect()


def test_both_channels_are_initialized(client: Client) -> None:
    assert (client.hello.kind, client.hello.control) == (hs.INITIALIZE_RESPONSE, 0), "synchronized"
    assert client.hello.parameter >> 16 == 0x0100, "protocol version 1.0"
    assert client.async_hello.kind == hs.ASYNC_INITIALIZE_RESPONSE
    assert client.ask(b"*IDN?").startswith(b"Keysight Technologies,E36312A,")
    assert client.ask(b"*OPC?\r\n") == b"1"


def test_the_header_is_sixteen_bytes_big_endian(channel: Callable[[], Channel]) -> None:
    line = channel()
    line.socket.sendall(
        bytes.fromhex("4853 00 00 01005858 0000000000000007".replace(" ", "")) + b"hislip0"
    )
    header = line.socket.recv(100)
    assert header[:8] == b"HS\x01\x00\x01\x00" + header[6:8]
    assert header[8:] == bytes(8)


def test_a_message_may_come_in_parts_and_a_reply_in_pieces(client: Client) -> None:
    answer = client.out_of_band(hs.MAX_SIZE, 0, 0, struct.pack("!Q", 16 + 10))
    assert answer == Message(hs.MAX_SIZE_RESPONSE, 0, 0, struct.pack("!Q", 1 << 20))
    client.sync.send(hs.DATA, 0, hs.FIRST_ID, b"*I")
    client.sync.send(hs.DATA, 0, hs.FIRST_ID + 2, b"DN")
    client.sync.send(hs.DATA_END, 0, hs.FIRST_ID + 4, b"?")
    pieces = [client.sync.receive()]
    while pieces[-1].kind == hs.DATA:
        pieces.append(client.sync.receive())
    assert {piece.parameter for piece in pieces} == {hs.FIRST_ID + 4}
    assert all(len(piece.payload) <= 10 for piece in pieces)
    assert b"".join(piece.payload for piece in pieces).startswith(b"Keysight Technologies,E36312A")


def test_an_unread_reply_is_interrupted_by_the_next_message(client: Client) -> None:
    client.write(b"VOLT?")
    assert client.sync.receive().kind == hs.DATA_END
    second = client.write(b"CURR?", taken=0)
    assert client.sync.receive() == Message(hs.INTERRUPTED, 0, second)
    assert client.asynchronous.receive() == Message(hs.ASYNC_INTERRUPTED, 0, second)
    assert client.read() == Message(hs.DATA_END, 0, second, b"+5.00000000E+00\n")
    assert client.ask(b"SYST:ERR?") == b'-410,"Query INTERRUPTED"'
    assert client.ask(b"*ESR?") == b"132", "power on, and a query error"


def test_a_reply_that_has_been_taken_is_not_interrupted(client: Client) -> None:
    for _ in range(3):
        assert client.ask(b"VOLT?") == b"+0.00000000E+00"
    assert client.ask(b"SYST:ERR?") == b'+0,"No error"'


def test_a_message_in_the_middle_of_the_work_interrupts_too(part: Part) -> None:
    with (
        start_part("--model", "E36312A", "--latency-ms", "80") as slow,
        closing(Client(port_of(slow))) as client,
    ):
        client.write(b"VOLT?")
        second = client.write(b"CURR?")
        assert client.sync.receive() == Message(hs.INTERRUPTED, 0, second)
        assert client.read().payload == b"+5.00000000E+00\n"


def test_minus_440_and_no_query_error_for_a_mere_read(client: Client) -> None:
    assert client.ask(b"*IDN?;VOLT?").startswith(b"Keysight")
    assert client.ask(b"SYST:ERR?").startswith(b"-440,")
    assert client.sync.silent(), "-420 cannot occur: no message says that a client wants to read"
    assert client.ask(b"SYST:ERR?") == b'+0,"No error"'


def test_status_byte_with_message_available(client: Client) -> None:
    assert client.status() == 0
    client.write(b"VOLT?")
    client.sync.receive()
    assert client.status() == 16, "MAV until the client says that it has the reply"
    client.taken = 1
    assert client.status() == 0
    client.write(b"NONSENSE")
    client.next_id += 2
    assert client.status() == 4, "the message before the one named has been done"


def test_service_is_asked_for_once_and_the_poll_takes_it_back(client: Client) -> None:
    client.write(b"*SRE 4")
    client.write(b"NONSENSE")
    assert client.asynchronous.receive() == Message(hs.SERVICE_REQUEST, 64 + 4)
    assert client.status() == 64 + 4, "RQS"
    assert client.status() == 4, "a poll clears RQS"
    client.write(b"NONSENSE")
    assert client.asynchronous.silent(), "the summary has not risen anew"


def test_service_is_asked_for_when_an_output_trips_by_itself(client: Client, part: Part) -> None:
    client.write(b"*SRE 8;:STAT:QUES:ENAB 8192;:STAT:QUES:INST:ISUM1:ENAB 512")
    client.write(b"VOLT:PROT 4;PROT:STAT ON;:VOLT 3;:OUTP ON")
    assert client.ask(b"*OPC?") == b"1"
    assert client.status() == 0
    part.control({"load": {"1": {"ohms": 1.0, "emf": 6.0}}})
    try:
        assert client.asynchronous.receive() == Message(hs.SERVICE_REQUEST, 64 + 8)
    finally:
        part.control({"load": {"1": None}})


def test_the_status_waits_for_the_message_before_it() -> None:
    with (
        start_part("--model", "E36312A", "--latency-ms", "150") as slow,
        closing(Client(port_of(slow))) as client,
    ):
        client.write(b"NONSENSE")
        client.next_id += 2
        assert client.status() == 4, "not what it was before the message was done"


def test_device_clear(part: Part) -> None:
    with (
        start_part("--model", "E36312A", "--latency-ms", "100") as slow,
        closing(Client(port_of(slow))) as client,
    ):
        client.write(b"VOLT 3")
        client.write(b"VOLT?")
        client.sync.send(hs.DATA, 0, client.next_id, b"VOLT ")
        answer = client.out_of_band(hs.ASYNC_CLEAR)
        assert (answer.kind, answer.control) == (hs.ASYNC_CLEAR_ACKNOWLEDGE, 0)
        client.write(b"CURR 1")
        client.sync.send(hs.CLEAR_COMPLETE)
        assert client.sync.receive().kind == hs.CLEAR_ACKNOWLEDGE
        client.next_id, client.taken = hs.FIRST_ID, 0
        assert client.ask(b"CURR?") == b"+5.00000000E+00", "thrown away while clearing"
        assert client.ask(b"SYST:ERR?") == b'+0,"No error"'


def test_device_clear_forgets_what_opc_waits_for(client: Client) -> None:
    client.write(b"*CLS;LIST:VOLT 1;:LIST:DWEL 0.3;:VOLT:MODE LIST;:TRIG:SOUR IMM;:INIT;*OPC")
    assert client.ask(b"*ESR?") == b"0"
    assert client.out_of_band(hs.ASYNC_CLEAR).kind == hs.ASYNC_CLEAR_ACKNOWLEDGE
    client.sync.send(hs.CLEAR_COMPLETE)
    assert client.sync.receive().kind == hs.CLEAR_ACKNOWLEDGE
    client.next_id, client.taken = hs.FIRST_ID, 0
    assert client.ask(b"*WAI;*ESR?") == b"0"


def test_exclusive_lock(connect: Connect) -> None:
    one, two = connect(), connect()
    assert one.lock() == 1
    assert one.lock() == 3, "held already"
    info = two.out_of_band(hs.LOCK_INFO)
    assert (info.kind, info.control, info.parameter) == (hs.LOCK_INFO_RESPONSE, 1, 1)
    assert two.lock() == 0, "refused at once"
    assert two.unlock() == 3, "nothing to give back"
    two.write(b"VOLT?")
    assert two.sync.silent(), "its messages wait"
    assert one.ask(b"VOLT 2;VOLT?") == b"+2.00000000E+00"
    assert one.unlock() == 1
    assert two.read().payload == b"+2.00000000E+00\n"
    assert two.out_of_band(hs.LOCK_INFO).control == 0


def test_a_lock_is_waited_for_and_freed_by_a_lost_client(connect: Connect) -> None:
    one, two = connect(), connect()
    assert one.lock() == 1
    begun = time.monotonic()
    assert two.lock(timeout_ms=150) == 0
    assert time.monotonic() - begun >= 0.14
    two.asynchronous.send(hs.ASYNC_LOCK, 1, 10_000)
    assert two.asynchronous.silent()
    one.close()
    assert two.asynchronous.receive() == Message(hs.ASYNC_LOCK_RESPONSE, 1)


def test_shared_locks(connect: Connect) -> None:
    one, two, three = connect(), connect(), connect()
    assert one.lock(b"line 4") == 1
    assert two.lock(b"line 4") == 1
    assert three.lock(b"other") == 0
    assert three.lock() == 0
    assert three.out_of_band(hs.LOCK_INFO).parameter == 2
    assert (one.ask(b"*OPC?"), two.ask(b"*OPC?")) == (b"1", b"1")
    three.write(b"*OPC?")
    assert three.sync.silent()
    assert one.lock() == 1, "a holder of the shared lock takes the exclusive one on top"
    assert one.unlock() == 1
    assert one.unlock() == 2, "then the shared one"
    assert two.unlock() == 2
    assert three.read().payload == b"1\n"


def test_remote_and_local(client: Client) -> None:
    assert client.ask(b"SYST:COMM:RLST?") == b"REM", "a message puts it into remote"
    for code, state in ((5, b"RWL"), (6, b"REM"), (3, b"REM"), (4, b"RWL")):
        answer = client.out_of_band(hs.REMOTE_LOCAL, code, client.next_id - 2)
        assert answer == Message(hs.REMOTE_LOCAL_RESPONSE)
        assert client.ask(b"SYST:COMM:RLST?") == state
    assert client.out_of_band(hs.REMOTE_LOCAL, 9).kind == hs.ERROR


def test_trigger(client: Client) -> None:
    client.sync.send(hs.TRIGGER, 0, client.next_id)
    client.next_id += 2
    assert client.ask(b"SYST:ERR?") == b'-211,"Trigger ignored"'
    client.write(b"VOLT:TRIG 3;:VOLT:MODE STEP;:INIT")
    client.sync.send(hs.TRIGGER, 0, client.next_id)
    client.next_id += 2
    assert client.ask(b"VOLT?") == b"+3.00000000E+00"


def test_a_message_longer_than_the_input_buffer(client: Client) -> None:
    client.write(b"V" * 5000)
    assert client.ask(b"SYST:ERR?") == b'-363,"Input buffer overrun"'
    client.sync.send(hs.DATA, 0, client.next_id, b"x" * ((1 << 20) + 1))
    answer = client.sync.receive()
    assert (answer.kind, answer.control) == (hs.ERROR, 4), "larger than the server said it takes"
    assert client.ask(b"*OPC?") == b"1", "and the connection goes on"


def test_messages_that_do_not_exist(client: Client) -> None:
    for kind, code in ((26, 1), (127, 1), (200, 3)):
        client.sync.send(kind, 0, 0, b"abc")
        answer = client.sync.receive()
        assert (answer.kind, answer.control) == (hs.ERROR, code)
        assert client.out_of_band(kind).control == code
    assert client.ask(b"*OPC?") == b"1"


def test_fatal_errors(channel: Callable[[], Channel], client: Client) -> None:
    nonsense = channel()
    nonsense.socket.sendall(b"GET / HTTP/1.1\r\n\r\n")
    fatal = nonsense.receive()
    assert (fatal.kind, fatal.control) == (hs.FATAL_ERROR, 1), "poorly formed header"
    assert nonsense.closed()

    early = channel()
    early.send(hs.INITIALIZE, 0, 0x0100_5858, b"hislip0")
    early.receive()
    early.send(hs.DATA_END, 0, hs.FIRST_ID, b"*IDN?")
    assert early.receive().control == 2, "without both channels"

    for kind, parameter, payload, code in (
        (hs.INITIALIZE, 0x0100_5858, b"hislip7", 3),
        (hs.ASYNC_INITIALIZE, 0xFFFF, b"", 3),
        (hs.DATA_END, hs.FIRST_ID, b"*IDN?", 2),
        (hs.STATUS_QUERY, 0, b"", 3),
    ):
        stranger = channel()
        stranger.send(kind, 0, parameter, payload)
        fatal = stranger.receive()
        assert (fatal.kind, fatal.control) == (hs.FATAL_ERROR, code)
        assert stranger.closed()

    client.sync.send(hs.INITIALIZE, 0, 0x0100_5858, b"hislip0")
    assert client.sync.receive().control == 3, "initialized twice"
    assert client.sync.closed()
    assert client.asynchronous.closed(), "both channels end"


def test_noise_on_either_channel_never_breaks_it(part: Part, connect: Connect) -> None:
    draw = random.Random(7)  # noqa: S311 - the same noise each time
    for _ in range(40):
        noisy = connect()
        for channel in (noisy.sync, noisy.asynchronous):
            # A fatal error hangs up in the middle of it.
            with suppress(ConnectionError):
                for _ in range(draw.randrange(4)):
                    channel.send(
                        draw.randrange(256),
                        draw.randrange(256),
                        draw.getrandbits(32),
                        draw.randbytes(draw.randrange(40)),
                    )
                channel.socket.sendall(draw.randbytes(draw.randrange(40)))
        noisy.close()
    deadline = time.monotonic() + 10
    while part.control({"state": True})["clients"]:
        assert time.monotonic() < deadline, "every session ends with its connections"
        time.sleep(0.01)
    assert connect().ask(b"*OPC?") == b"1"


def test_too_many_clients(part: Part, connect: Connect, channel: Callable[[], Channel]) -> None:
    clients = [connect() for _ in range(8)]
    ninth = channel()
    ninth.send(hs.INITIALIZE, 0, 0x0100_5858, b"hislip0")
    assert ninth.receive().control == 4
    clients[0].close()
    deadline = time.monotonic() + 5
    while part.control({"state": True})["clients"] > 7:
        assert time.monotonic() < deadline
    assert connect().ask(b"*OPC?") == b"1"


def test_losing_one_channel_ends_the_other(client: Client, part: Part) -> None:
    client.asynchronous.socket.close()
    assert client.sync.closed()
    part.control({"state": True})


@pytest.fixture
def visa(part: Part) -> Iterator[MessageBasedResource]:
    opened = pyvisa.ResourceManager("@py").open_resource(part.hislip, open_timeout=5000)
    assert isinstance(opened, MessageBasedResource)
    opened.timeout, opened.write_termination, opened.read_termination = 5000, "\n", "\n"
    yield opened
    opened.close()


def test_pyvisa_py_asks_clears_and_polls(visa: MessageBasedResource) -> None:
    assert visa.query("*IDN?").startswith("Keysight")
    visa.write("VOLT 2.5,(@2)")
    assert visa.query("VOLT? (@2)") == "+2.50000000E+00"
    visa.write("NONSENSE")
    assert visa.read_stb() == 4
    visa.clear()
    assert visa.query("SYST:ERR?").startswith("-113")
    visa.write("*IDN?")
    visa.write("*OPC?")
    assert visa.read() == "1", "not the reply to the query before"
    assert visa.query("SYST:ERR?").startswith("-410")


def test_faults_on_the_way_meet_hislip_as_well(visa: MessageBasedResource, part: Part) -> None:
    visa.timeout = 300
    part.control({"fault": "silent", "match": "VOLT", "times": 1})
    with pytest.raises(pyvisa.VisaIOError):
        visa.query("VOLT?")
    part.control({"fault": "nan", "match": "MEAS", "times": 1})
    assert float(visa.query("MEAS:VOLT?")) == 9.91e37
    part.control({"fault": "reset", "match": "CURR", "times": 1})
    with pytest.raises((pyvisa.VisaIOError, ConnectionError, RuntimeError)):
        visa.query("CURR?")
