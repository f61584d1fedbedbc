"""The virtual network as a process: ``python -m hil.virtual.network``."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from pathlib import Path

from hil.errors import ConfigError
from hil.virtual.network.authentication_centre import load_centre
from hil.virtual.network.link_model import Air, Conditions
from hil.virtual.network.radio import MAX_LINE, RadioFace
from hil.virtual.network.smsc import SmsCentre
from hil.virtual.network.subscribers import Subscribers
from hil.virtual.network.weather import MAX_LINE as MAX_WEATHER_LINE
from hil.virtual.network.weather import WeatherFace
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

log = logging.getLogger(__name__)

_LONGEST_PASSWORD = 8
DEFAULT_ACCOUNT = {"sm-sr": "hil-test"}
"""System id and password (at most 8 characters) of the account that is there by default."""


def _gap(text: str) -> tuple[float, float]:
    start, _, end = text.partition("-")
    try:
        gap = float(start), float(end)
    except ValueError:
        gap = (0.0, 0.0)
    if not gap[0] < gap[1]:
        raise argparse.ArgumentTypeError(f"{text!r} is not like 2.5-4 (seconds since the start)")
    return gap


def _probability(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no probability: give 0 to 1")
    return value


def _accounts(path: Path | None) -> dict[str, str]:
    if path is None:
        return DEFAULT_ACCOUNT
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise ConfigError(f"accounts file {path}: {err}") from err
    if not isinstance(read, dict) or not all(
        isinstance(word, str) and len(word) <= _LONGEST_PASSWORD for word in read.values()
    ):
        raise ConfigError(
            f"accounts file {path}: must be an object of system id and password, "
            f"a password of at most {_LONGEST_PASSWORD} characters (SMPP 3.4, 5.2.2)"
        )
    return read


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(
        prog="hil virtual network", description="SMS centre (SMPP 3.4) and air, modelled"
    )
    made.add_argument("--smpp-port", type=port_number, default=0)
    made.add_argument("--radio-port", type=port_number, default=0)
    made.add_argument("--weather-port", type=port_number, default=0)
    made.add_argument("--seed", type=int, default=1, help="seed of the link model")
    made.add_argument("--latency-ms", type=duration, default=0.0)
    made.add_argument("--jitter-ms", type=duration, default=0.0)
    made.add_argument("--loss", type=_probability, default=0.0, help="probability from 0 to 1")
    made.add_argument(
        "--duplication", type=_probability, default=0.0, help="probability from 0 to 1"
    )
    made.add_argument(
        "--reordering", type=_probability, default=0.0, help="probability from 0 to 1"
    )
    made.add_argument("--reorder-ms", type=duration, default=200.0)
    made.add_argument(
        "--no-coverage",
        type=_gap,
        action="append",
        default=[],
        metavar="FROM-TO",
        help="seconds since the start without coverage; may be repeated",
    )
    made.add_argument(
        "--accounts", type=Path, help="JSON file: system id → password (at most 8 characters)"
    )
    made.add_argument(
        "--subscribers",
        type=Path,
        help="JSON file of who subscribes here, with keys: devices then register by AKA",
    )
    add_process_arguments(made)
    return made


async def run(arguments: argparse.Namespace) -> None:
    """Serve until ended."""
    conditions = Conditions(
        latency_s=arguments.latency_ms / 1000,
        jitter_s=arguments.jitter_ms / 1000,
        loss=arguments.loss,
        duplication=arguments.duplication,
        reordering=arguments.reordering,
        reorder_s=arguments.reorder_ms / 1000,
        gaps=tuple(arguments.no_coverage),
    )
    air = Air(conditions, arguments.seed)
    subscribers = Subscribers(air)
    centre = SmsCentre(_accounts(arguments.accounts), subscribers)
    registers = None if arguments.subscribers is None else load_centre(arguments.subscribers)
    radio = RadioFace(subscribers, air, centre.submitted, registers)
    smpp_server = await asyncio.start_server(centre.serve, HOST, arguments.smpp_port)
    radio_server = await asyncio.start_server(
        radio.serve, HOST, arguments.radio_port, limit=MAX_LINE
    )
    weather = WeatherFace(air, subscribers, centre)
    weather_server = await asyncio.start_server(
        weather.serve, HOST, arguments.weather_port, limit=MAX_WEATHER_LINE
    )
    ended = asyncio.create_task(until_ended(arguments.lifeline))
    # One turn, so that signals are taken over before anybody is told that this part is ready.
    await asyncio.sleep(0)
    announce(
        "network",
        smpp=_address(smpp_server),
        radio=_address(radio_server),
        weather=_address(weather_server),
        modelled=conditions != Conditions(),
    )
    await ended
    for server in (smpp_server, radio_server, weather_server):
        server.close()
    await weather.close()
    await radio.close()
    await subscribers.close()
    await centre.close()
    log.info("air (modelled), down: %s, up: %s", air.down, air.up)


def _address(server: asyncio.Server) -> str:
    host, port = server.sockets[0].getsockname()[:2]
    return f"{host}:{port}"


def main(argv: list[str] | None = None) -> int:
    """Run the virtual network; return the exit code."""
    arguments = parser().parse_args(argv)
    log_to_stderr(arguments.log_level)
    return run_part("network", lambda: asyncio.run(run(arguments)))


if __name__ == "__main__":
    sys.exit(main())
