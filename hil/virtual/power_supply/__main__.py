"""Start a virtual supply: ``python -m hil.virtual.power_supply --model DP832 …``."""

from __future__ import annotations

import argparse
import asyncio
import math
from collections.abc import Sequence

from hil.virtual.power_supply.control import ControlPort
from hil.virtual.power_supply.dp832 import dp832
from hil.virtual.power_supply.faults import Faults
from hil.virtual.power_supply.server import ScpiServer
from hil.virtual.power_supply.wiring import Wiring
from hil.virtual.process import (
    HOST,
    add_process_arguments,
    announce,
    duration,
    log_to_stderr,
    port_number,
    run_part,
    until_ended,
)

MODELS = {"DP832": dp832}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the part until it is ended."""
    options = _parser().parse_args(arguments)
    log_to_stderr(options.log_level)
    return run_part("power-supply", lambda: asyncio.run(_serve(options)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hil virtual power-supply", description="A virtual programmable power supply."
    )
    parser.add_argument("--model", default="DP832", choices=sorted(MODELS))
    parser.add_argument("--serial", default="DP8C000000001", help="serial number in *IDN?")
    parser.add_argument("--host", default=HOST, help="address of the SCPI socket")
    parser.add_argument(
        "--port", type=port_number, default=0, help="port of the SCPI socket (0: any)"
    )
    parser.add_argument(
        "--copper-port", type=port_number, default=0, help="port of the wires (0: any)"
    )
    parser.add_argument(
        "--control-port",
        type=port_number,
        help="port for faults and for the truth (0: any); off without",
    )
    parser.add_argument("--seed", type=int, default=1, help="draws this unit's errors and noise")
    parser.add_argument(
        "--latency-ms", type=duration, default=0.0, help="time that each message takes to be done"
    )
    parser.add_argument(
        "--speed", type=_factor, default=1.0, help="rise and fall this many times faster than real"
    )
    add_process_arguments(parser)
    return parser


def _factor(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no factor: give more than 0")
    return value


async def _serve(options: argparse.Namespace) -> None:
    ending = asyncio.create_task(until_ended(options.lifeline))
    supply = MODELS[options.model](options.serial, seed=options.seed, speed=options.speed)
    wiring = Wiring(supply)
    server = ScpiServer(supply, Faults(), latency_s=options.latency_ms / 1000)
    control = ControlPort(server, wiring.hang)
    try:
        port = await server.start(options.host, options.port)
        addresses = {
            "resource": f"TCPIP0::{options.host}::{port}::SOCKET",
            "copper": await wiring.copper.start(HOST, options.copper_port),
        }
        if options.control_port is not None:
            addresses["control"] = await control.start(HOST, options.control_port)
        announce("power-supply", **addresses)
        await ending
    finally:
        await server.close()
        await wiring.close()
        await control.close()


if __name__ == "__main__":
    raise SystemExit(main())
