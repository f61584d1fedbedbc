from __future__ import annotations

import asyncio
import json
import time

import pytest

from hil.errors import CodecError, LinkError
from hil.virtual.copper import ChannelLaw, Copper, CopperServer, decode_loads
from hil.virtual.electrical import Law, Load, Segment


async def eventually(condition: object, timeout_s: float = 3.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "not within the deadline"
        await asyncio.sleep(0.002)


def test_law_survives_the_wire() -> None:
    law = ChannelLaw(
        2,
        (
            Segment(5, Law.RAMP, 0.0, target=3.3, rate_v_s=500.0),
            Segment(9, Law.EXP, 3.3, target=-2.0, tau_s=0.01),
        ),
        0.5,
    )
    assert ChannelLaw.decode(json.loads(law.encode())) == law


@pytest.mark.parametrize(
    "message",
    [
        {"channel": 1},
        {"channel": 1, "segments": []},
        {"channel": 1, "segments": [{"t0_ns": 0, "law": "jump", "v0": 0}]},
        {"channel": 1, "segments": [{"t0_ns": 0, "law": "exp", "v0": 0}]},
        {"channel": "1", "segments": [{"t0_ns": 0, "law": "hold", "v0": 0}]},
        {"channel": 1, "segments": [{"t0_ns": 0, "law": "hold", "v0": float("nan")}]},
    ],
)
def test_broken_laws_are_refused(message: dict[str, object]) -> None:
    with pytest.raises(CodecError):
        ChannelLaw.decode(message)


@pytest.mark.parametrize("load", [{"1": {"ohms": 0}}, {"one": {"ohms": 1}}, {"1": 5}, [1], None])
def test_broken_loads_are_refused(load: object) -> None:
    with pytest.raises(CodecError):
        decode_loads({"load": load})


def test_open_is_said_in_two_ways() -> None:
    assert decode_loads({"load": {"1": None, "2": {"ohms": None}}}) == {1: Load(), 2: Load()}


def test_device_sees_the_law_and_the_supply_sees_both_loads() -> None:
    async def scenario() -> None:
        loads: dict[int, Load] = {}
        server = CopperServer((1, 2), loads.__setitem__)
        address = await server.start()
        changed: list[int] = []
        one = await Copper.connect(address, on_change=changed.append)
        two = await Copper.connect(address)
        assert one.channels == (1, 2)
        assert one.volts(1) == 0.0

        t0 = time.monotonic_ns()
        server.push(ChannelLaw(1, (Segment(t0, Law.RAMP, 0.0, target=3.0, rate_v_s=100.0),), 0.5))
        await eventually(lambda: changed == [1])
        assert one.volts(1, t0 + 10_000_000) == pytest.approx(1.0)
        assert one.volts(1, t0 + 10**9) == 3.0
        assert one.next_crossing(1, 2.0, t0) == t0 + 20_000_000

        one.set_load(1, 30.0)
        two.set_load(1, 60.0)
        await eventually(lambda: loads.get(1, Load()).ohms == pytest.approx(20.0))
        assert one.amps(1, t0 + 10**9) == pytest.approx(0.1)
        await two.close()
        await eventually(lambda: loads[1].ohms == pytest.approx(30.0))

        told: list[float] = []

        def tell(channel: int) -> None:
            changed.append(channel)
            told.append(one.volts(1))

        one.on_change = tell
        assert one.volts(1, t0 + 10**9) == 3.0
        await server.close()
        await eventually(lambda: one.lost)
        assert set(told) == {0.0}, "whoever is told of the cut reads 0 V already"
        assert one.volts(1, t0 + 10**9) == 0.0
        assert one.amps(1) == 0.0
        assert set(changed[-2:]) == {1, 2}
        await one.close()
        await one.close()

    asyncio.run(scenario())


def test_near_past_is_remembered() -> None:
    async def scenario() -> None:
        server = CopperServer((1,))
        copper = await Copper.connect(await server.start())
        t0 = time.monotonic_ns()
        server.push(ChannelLaw(1, (Segment(t0, Law.HOLD, 5.0),)))
        server.push(ChannelLaw(1, (Segment(t0 + 1000, Law.HOLD, 1.0),)))
        await eventually(lambda: copper.volts(1, t0 + 1000) == 1.0)
        assert copper.volts(1, t0 + 999) == 5.0
        await copper.close()
        await server.close()

    asyncio.run(scenario())


def test_a_device_that_talks_nonsense_is_cut_and_its_load_with_it() -> None:
    async def scenario() -> None:
        loads: dict[int, Load] = {}
        server = CopperServer((1,), loads.__setitem__)
        host, _, port = (await server.start()).rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b'{"load":{"1":{"ohms":5}}}\n')
        await eventually(lambda: loads.get(1) == Load(5.0))
        writer.write(b"\xff\x00nonsense\n")
        await asyncio.wait_for(reader.read(), 3)
        assert loads[1] == Load()
        writer.close()
        await server.close()

    asyncio.run(scenario())


def test_nobody_there_is_a_link_error() -> None:
    async def scenario() -> None:
        server = CopperServer((1,))
        address = await server.start()
        await server.close()
        with pytest.raises(LinkError, match=address):
            await Copper.connect(address)
        with pytest.raises(LinkError, match="HOST:PORT"):
            await Copper.connect("nonsense")

    asyncio.run(scenario())


def test_another_server_is_no_copper() -> None:
    async def scenario() -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 mail ready\r\n")
            await reader.read()
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(LinkError, match="not a virtual supply"):
            await Copper.connect(f"127.0.0.1:{port}")
        server.close()

    asyncio.run(scenario())
