"""Start a virtual supply: ``python -m hil.virtual.power_supply --model DP832 …``."""

from __future__ import annotations

import argparse
import asyncio
import math
from collections.abc import Sequence
from contextlib import AsyncExitStack

from hil.errors import CodecError, ConfigError
from hil.virtual.power_supply.cable import Cable
from hil.virtual.power_supply.control import ControlPort
from hil.virtual.power_supply.faults import Faults
from hil.virtual.power_supply.hislip_server import HislipServer
from hil.virtual.power_supply.instrument import Instrument
from hil.virtual.power_supply.ka3005p import Korad
from hil.virtual.power_supply.models import MODELS, Model, Way
from hil.virtual.power_supply.serial_line import SerialLine
from hil.virtual.power_supply.server import ScpiServer
from hil.virtual.power_supply.station import Station
from hil.virtual.power_supply.supply import Supply
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the part until it is ended."""
    options = _parser().parse_args(arguments)
    log_to_stderr(options.log_level)
    return run_part("power-supply", lambda: asyncio.run(_serve(options)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hil virtual power-supply", description="A virtual programmable power supply."
    )
    add = parser.add_argument
    add("--model", default="DP832", choices=sorted(MODELS))
    add("--serial", help="serial number in *IDN? (default: one of the model's form)")
    add("--way", choices=list(Way), help="the line announced as 'resource' (default: its own)")
    add("--host", default=HOST, help="address of the SCPI and HiSLIP sockets")
    add("--port", type=port_number, default=0, help="port of the SCPI socket (0: any)")
    add("--hislip-port", type=port_number, default=0, help="port of HiSLIP (0: any)")
    add("--copper-port", type=port_number, default=0, help="port of the wires (0: any)")
    add(
        "--control-port",
        type=port_number,
        help="port for faults and for the truth (0: any); off without",
    )
    add("--seed", type=int, default=1, help="draws this unit's errors, noise and drift")
    add("--latency-ms", type=duration, help="time that each message takes (default: the model's)")
    add("--baud", type=_baud, help="let bytes on a serial line take their time at this rate")
    add("--older-firmware", action="store_true", help="the stray bytes of an older KA3005P")
    add(
        "--cable",
        type=_cable,
        action="append",
        default=[],
        metavar="CHANNEL=OHMS",
        help="resistance of both leads between an output and the device; may be repeated",
    )
    add(
        "--manner",
        type=_manner,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a lenient or strict switch, such as clamp=on; may be repeated",
    )
    add("--speed", type=_factor, default=1.0, help="rise and fall this many times faster than real")
    add_process_arguments(parser)
    return parser


def _factor(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no factor: give more than 0")
    return value


def _baud(text: str) -> int:
    value = int(text)
    if not 50 <= value <= 4_000_000:
        raise argparse.ArgumentTypeError(f"{text} is no baud rate: give 50 to 4000000")
    return value


def _cable(text: str) -> tuple[int, float]:
    channel, _, ohms = text.partition("=")
    if not channel.isdecimal() or not ohms:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 1=0.25")
    return int(channel), duration(ohms)


def _manner(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not value:
        raise argparse.ArgumentTypeError(f"{text!r} is not like clamp=on")
    return name, value


def _build(options: argparse.Namespace) -> tuple[Model, Supply]:
    """Return the model and a supply of it, with its manners and cables."""
    model = MODELS[options.model]
    manners = model.manners
    for name, value in options.manner:
        manners = manners.changed(name, value)
    serial = model.serial if options.serial is None else options.serial
    supply = model.build(serial, seed=options.seed, speed=options.speed, manners=manners)
    if options.older_firmware:
        if not isinstance(supply, Korad):
            raise ConfigError(f"--older-firmware is for a KA3005P, not for a {options.model}")
        supply.older_firmware = True
    for channel, ohms in options.cable:
        if channel not in supply.outputs:
            raise ConfigError(f"--cable {channel}=…: a {options.model} has no output {channel}")
        supply.outputs[channel].wire(supply.clock(), Cable(ohms))
    return model, supply


async def _open_ways(
    options: argparse.Namespace, model: Model, station: Station, ending: AsyncExitStack
) -> dict[str, str]:
    """Open every line of the model; return the VISA resource of each."""
    resources: dict[str, str] = {}
    if Way.SOCKET in model.ways:
        socket = ScpiServer(station)
        ending.push_async_callback(socket.close)
        port = await socket.start(options.host, options.port)
        resources[Way.SOCKET] = f"TCPIP0::{options.host}::{port}::SOCKET"
    if Way.HISLIP in model.ways and isinstance(station.supply, Instrument):
        hislip = HislipServer(station, station.supply)
        ending.push_async_callback(hislip.close)
        port = await hislip.start(options.host, options.hislip_port)
        resources[Way.HISLIP] = f"TCPIP0::{options.host}::hislip0,{port}::INSTR"
        station.watchers.append(hislip.look_for_service)
    if Way.SERIAL in model.ways:
        line = SerialLine(station, baud=options.baud)
        ending.callback(line.close)
        resources[Way.SERIAL] = line.resource
    return resources


async def _serve(options: argparse.Namespace) -> None:
    end = asyncio.create_task(until_ended(options.lifeline))
    try:
        model, supply = _build(options)
        way = Way(options.way or model.ways[0])
        if way not in model.ways:
            ways = ", ".join(model.ways)
            raise ConfigError(f"--way {way}: a {options.model} is reached by {ways}")
    except CodecError as err:
        raise ConfigError(f"--manner: {err}") from err
    latency_ms = options.latency_ms
    latency_s = model.latency_s if latency_ms is None else latency_ms / 1000
    async with AsyncExitStack() as ending:
        wiring = Wiring(supply)
        ending.push_async_callback(wiring.close)
        station = Station(supply, Faults(model.terminator), latency_s=latency_s)
        wiring.after_event = station.noticed
        resources = await _open_ways(options, model, station, ending)
        addresses = {
            "resource": resources[way],
            **resources,
            "copper": await wiring.copper.start(HOST, options.copper_port),
        }
        if options.control_port is not None:
            control = ControlPort(station, wiring.hang)
            ending.push_async_callback(control.close)
            addresses["control"] = await control.start(HOST, options.control_port)
        announce("power-supply", **addresses)
        await end


if __name__ == "__main__":
    raise SystemExit(main())
