"""Puts one device together from where its wires, eSIM and network are, and runs it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from hil.virtual.copper import Copper
from hil.virtual.device.board import Board
from hil.virtual.device.config import DeviceConfig
from hil.virtual.device.esim import Esim
from hil.virtual.device.esim_slot import open_slot
from hil.virtual.device.port import Port
from hil.virtual.device.power import CopperWires, OwnBattery, Wires
from hil.virtual.process import HOST

NOWHERE = "none"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a device is connected to; ``none`` where there is nothing.

    ``wireless_port``: TCP port of the wireless link, 0 for a free one, None for no such link.
    """

    state: Path
    esim: str = NOWHERE
    copper: str = NOWHERE
    jig_channel: int = 1
    rail_channel: int = 2
    neighbour_channel: int = 0
    radio: str = NOWHERE
    link: Path | None = None
    wireless_port: int | None = None


@dataclass(frozen=True, slots=True)
class RunningDevice:
    """A device that runs: name of its serial port, its board, the task that ends if it crashes.

    ``wireless``: URL of its wireless link, empty without one.
    """

    port: str
    board: Board
    task: asyncio.Task[None]
    wireless: str = ""


@asynccontextmanager
async def running_device(
    config: DeviceConfig, surroundings: Surroundings
) -> AsyncIterator[RunningDevice]:
    """Run a device until the context is left; then it is off, and so is its eSIM.

    Raises:
        LinkError: nobody listens at the copper's address, or ``esim`` is none of its forms.

    """
    slot = open_slot(surroundings.esim, timeout_s=config.apdu_timeout_s)
    async with _wires(config, surroundings) as wires:
        port = Port(surroundings.link)
        board = Board(
            config,
            surroundings.state,
            port=port,
            esim=Esim(slot, timeout_s=config.apdu_timeout_s),
            wires=wires,
            radio=surroundings.radio,
        )
        wireless = ""
        if surroundings.wireless_port is not None:
            wireless = await port.open_bridge(HOST, surroundings.wireless_port)
        task = asyncio.create_task(board.run())
        try:
            yield RunningDevice(port.name, board, task, wireless)
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            port.close()


@asynccontextmanager
async def _wires(config: DeviceConfig, surroundings: Surroundings) -> AsyncIterator[Wires]:
    if surroundings.copper == NOWHERE:
        yield OwnBattery(config.rail.power_good_v)
        return
    copper = await Copper.connect(surroundings.copper)
    try:
        yield CopperWires(
            copper,
            rail_channel=surroundings.rail_channel,
            jig_channel=surroundings.jig_channel,
            rail_ohms=config.rail.load_ohms,
            jig_ohms=config.jig.input_ohms,
            battery_volts=config.rail.power_good_v,
            neighbour_channel=surroundings.neighbour_channel,
            test_load_ohms=config.jig.test_load_ohms,
        )
    finally:
        await copper.close()
