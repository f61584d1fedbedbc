"""How messages of several lines share one supply."""

from __future__ import annotations

import asyncio

from hil.virtual.power_supply.dp832 import dp832
from hil.virtual.power_supply.e36312a import e36312a
from hil.virtual.power_supply.faults import Fault, Faults
from hil.virtual.power_supply.station import Inbox, Station


class Replies:
    """A line that keeps what it is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.cut = False

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def hang_up(self) -> None:
        self.cut = True

    def half_close(self) -> None:
        self.cut = True

    def abort(self) -> None:
        self.cut = True

    def hold(self, seconds: float | None) -> None:
        self.cut = seconds is None


def station(*, latency_s: float = 0.0) -> Station:
    return Station(dp832("X", seed=1), Faults(), latency_s=latency_s)


def test_a_heap_of_messages_leaves_the_others_their_turn() -> None:
    async def scenario() -> None:
        supply = station()
        many, few = Replies(), Replies()
        greedy, modest = Inbox(supply), Inbox(supply)
        for _ in range(10_000):
            greedy.put(b"*OPC?", many)
        assert 0 < len(many.sent) < 1_000, "not all in one go"
        modest.put(b"*OPC?", few)
        assert few.sent == [b"1\n"]
        while greedy.busy:
            await asyncio.sleep(0)
        assert many.sent == [b"1\n"] * 10_000

    asyncio.run(scenario())


LIST = b"LIST:VOLT 1,2;:LIST:DWEL 0.05;:VOLT:MODE LIST;:TRIG:SOUR IMM;:INIT;"


def test_a_message_that_waits_in_its_middle_holds_up_its_own_line_alone() -> None:
    async def scenario() -> None:
        supply = Station(e36312a("X", seed=1), Faults())
        line, other, idle = Replies(), Replies(), []
        inbox = Inbox(supply, on_idle=lambda: idle.append(True))
        inbox.put(LIST + b"*OPC?", line)
        inbox.put(b"VOLT:MODE?", line)
        Inbox(supply).put(b"VOLT?", other)
        assert (line.sent, idle, inbox.busy) == ([], [], True)
        assert other.sent == [b"+1.00000000E+00\n"]
        async with asyncio.timeout(10):
            while inbox.busy:
                await asyncio.sleep(0.005)
        assert supply.supply.outputs[1].playing is None
        assert (line.sent, idle) == ([b"1\n", b"LIST\n"], [True])

    asyncio.run(scenario())


def test_a_message_that_is_cleared_while_it_waits_goes_no_further() -> None:
    async def scenario() -> None:
        supply = Station(e36312a("X", seed=1), Faults())
        line = Replies()
        inbox = Inbox(supply)
        inbox.put(LIST + b"*WAI;:CURR 1", line)
        before = inbox.busy
        inbox.clear()
        assert (before, inbox.busy) == (True, False)
        inbox.put(b"*OPC?", line)
        async with asyncio.timeout(10):
            while inbox.busy:
                await asyncio.sleep(0.005)
        assert line.sent == [b"1\n"]
        assert supply.supply.outputs[1].amps != 1.0

    asyncio.run(scenario())


def test_cleared_messages_are_neither_done_nor_answered() -> None:
    async def scenario() -> None:
        supply = station(latency_s=0.01)
        line, idle = Replies(), []
        inbox = Inbox(supply, on_idle=lambda: idle.append(True))
        inbox.put(b"VOLT 5", line)
        inbox.put(b"VOLT?", line)
        before = inbox.busy
        inbox.clear()
        assert (before, inbox.busy) == (True, False)
        await asyncio.sleep(0.03)
        assert line.sent == []
        assert supply.supply.outputs[1].volts == 0.0
        inbox.put(b"VOLT?", line)
        await asyncio.sleep(0.03)
        assert line.sent == [b"0.000\n"]
        assert idle == [True]

    asyncio.run(scenario())


def test_a_paused_line_waits_and_goes_on() -> None:
    async def scenario() -> None:
        supply, line = station(), Replies()
        inbox = Inbox(supply)
        inbox.pause()
        inbox.put(b"*OPC?", line)
        assert line.sent == []
        inbox.resume()
        assert line.sent == [b"1\n"]

    asyncio.run(scenario())


def test_a_stall_holds_every_line_up() -> None:
    async def scenario() -> None:
        supply, one, two = station(), Replies(), Replies()
        supply.faults.add(Fault("stall", times=1, delay_s=0.05))
        Inbox(supply).put(b"*OPC?", one)
        assert one.sent == [b"1\n"]
        later = Inbox(supply)
        later.put(b"*OPC?", two)
        assert two.sent == []
        await asyncio.sleep(0.1)
        assert two.sent == [b"1\n"]

    asyncio.run(scenario())
