"""``python -m hil.virtual.device``: one virtual device as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from pathlib import Path

from hil.errors import HilError
from hil.virtual.copper import Copper
from hil.virtual.device.board import Board
from hil.virtual.device.config import DeviceConfig, load_config
from hil.virtual.device.esim import Esim
from hil.virtual.device.esim_slot import open_slot
from hil.virtual.device.port import Port
from hil.virtual.device.power import CopperWires, OwnBattery, Wires
from hil.virtual.process import add_process_arguments, announce, log_to_stderr, until_ended


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hil.virtual.device", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder of the secure area")
    parser.add_argument("--config", type=Path, required=True, help="JSON, see docs/device-link.md")
    parser.add_argument("--esim", default="none", help="pcsc:REGEX, socket:HOST:PORT or none")
    parser.add_argument("--copper", default="none", help="HOST:PORT of a virtual supply, or none")
    parser.add_argument("--jig-channel", type=int, default=1, help="supply channel of the jig pin")
    parser.add_argument("--rail-channel", type=int, default=2, help="supply channel of the rail")
    parser.add_argument("--radio", default="none", help="HOST:PORT of a virtual network, or none")
    parser.add_argument("--link", type=Path, help="symbolic link to make to the serial port")
    add_process_arguments(parser)
    return parser.parse_args(argv)


async def _wires(arguments: argparse.Namespace, config: DeviceConfig) -> Wires:
    if arguments.copper == "none":
        return OwnBattery(config.rail.power_good_v)
    copper = await Copper.connect(arguments.copper)
    return CopperWires(
        copper,
        rail_channel=arguments.rail_channel,
        jig_channel=arguments.jig_channel,
        rail_ohms=config.rail.load_ohms,
        jig_ohms=config.jig.input_ohms,
        battery_volts=config.rail.power_good_v,
    )


async def _serve(arguments: argparse.Namespace) -> None:
    config = load_config(arguments.config)
    slot = open_slot(arguments.esim, timeout_s=config.apdu_timeout_s)
    wires = await _wires(arguments, config)
    port = Port(arguments.link)
    esim = Esim(slot, timeout_s=config.apdu_timeout_s)
    board = Board(config, arguments.state, port=port, esim=esim, wires=wires, radio=arguments.radio)
    ended = asyncio.create_task(until_ended(arguments.lifeline))
    running = asyncio.create_task(board.run())
    announce("device", port=port.name)
    try:
        done, _pending = await asyncio.wait((ended, running), return_when=asyncio.FIRST_COMPLETED)
        if running in done:
            running.result()
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        port.close()


def main(argv: list[str] | None = None) -> int:
    """Run until ended; return the exit code."""
    arguments = _arguments(argv)
    log_to_stderr(arguments.log_level)
    try:
        asyncio.run(_serve(arguments))
    except HilError as err:
        sys.stderr.write(f"device: {err}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
