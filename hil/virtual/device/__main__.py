"""``python -m hil.virtual.device``: one virtual device as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from hil.errors import HilError
from hil.virtual.device.assembly import Surroundings, running_device
from hil.virtual.device.config import load_config
from hil.virtual.process import (
    add_process_arguments,
    announce,
    log_to_stderr,
    port_number,
    until_ended,
)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m hil.virtual.device", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder of the secure area")
    parser.add_argument("--config", type=Path, required=True, help="JSON, see docs/device-link.md")
    parser.add_argument("--esim", default="none", help="pcsc:REGEX, socket:HOST:PORT or none")
    parser.add_argument("--copper", default="none", help="HOST:PORT of a virtual supply, or none")
    parser.add_argument("--jig-channel", type=int, default=1, help="supply channel of the jig pin")
    parser.add_argument(
        "--neighbour-channel",
        type=int,
        default=0,
        help="supply channel of the pin beside the jig pin",
    )
    parser.add_argument("--rail-channel", type=int, default=2, help="supply channel of the rail")
    parser.add_argument("--radio", default="none", help="HOST:PORT of a virtual network, or none")
    parser.add_argument("--link", type=Path, help="symbolic link to make to the serial port")
    parser.add_argument(
        "--wireless-port", type=port_number, help="TCP port of a wireless link to the same line"
    )
    add_process_arguments(parser)
    return parser.parse_args(argv)


async def _serve(arguments: argparse.Namespace) -> None:
    config = load_config(arguments.config)
    surroundings = Surroundings(
        state=arguments.state,
        esim=arguments.esim,
        copper=arguments.copper,
        jig_channel=arguments.jig_channel,
        rail_channel=arguments.rail_channel,
        neighbour_channel=arguments.neighbour_channel,
        radio=arguments.radio,
        link=arguments.link,
        wireless_port=arguments.wireless_port,
    )
    ended = asyncio.create_task(until_ended(arguments.lifeline))
    async with running_device(config, surroundings) as device:
        second = {"wireless": device.wireless} if device.wireless else {}
        announce("device", port=device.port, **second)
        done, _pending = await asyncio.wait(
            (ended, device.task), return_when=asyncio.FIRST_COMPLETED
        )
        if device.task in done:
            device.task.result()


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
