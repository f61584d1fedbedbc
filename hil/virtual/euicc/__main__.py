"""The virtual eUICC as a process: ``python -m hil.virtual.euicc --vpcd HOST:PORT --nvm DIR …``."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hil.errors import ConfigError
from hil.virtual.euicc.card import VirtualCard, open_card
from hil.virtual.euicc.contacts import Contacts
from hil.virtual.process import (
    HOST,
    add_process_arguments,
    announce,
    log_to_stderr,
    port_number,
    run_part,
    until_ended,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the part; return its exit code."""
    parser = argparse.ArgumentParser(prog="hil virtual euicc", description=__doc__)
    parser.add_argument("--vpcd", metavar="HOST:PORT", help="put the card into this vpcd reader")
    parser.add_argument(
        "--contacts-port",
        type=port_number,
        metavar="PORT",
        help=f"offer the contacts on {HOST}, 0 for any port",
    )
    parser.add_argument("--nvm", type=Path, required=True, metavar="DIR", help="card memory")
    parser.add_argument(
        "--factory", type=Path, required=True, metavar="FILE", help="what the maker put in (JSON)"
    )
    add_process_arguments(parser)
    arguments = parser.parse_args(argv)
    if arguments.vpcd is None and arguments.contacts_port is None:
        parser.error("give --vpcd or --contacts-port, or nobody can reach the card")
    log_to_stderr(arguments.log_level)
    return run_part("euicc", lambda: _insert_card(arguments))


def _insert_card(arguments: argparse.Namespace) -> None:
    card = open_card(arguments.nvm, _read_json(arguments.factory))
    try:
        asyncio.run(_run(card, arguments))
    finally:
        card.close()


async def _run(card: VirtualCard, arguments: argparse.Namespace) -> None:
    ended = asyncio.create_task(until_ended(arguments.lifeline))
    # The task takes the signals over at its first step, before anybody learns of this process.
    await asyncio.sleep(0)
    contacts = Contacts(card)
    addresses: dict[str, object] = {}
    try:
        if arguments.contacts_port is not None:
            host, port = contacts.serve(HOST, arguments.contacts_port)
            addresses["contacts"] = f"{host}:{port}"
        if arguments.vpcd is not None:
            await _insert(contacts, arguments.vpcd, ended)
            addresses["vpcd"] = arguments.vpcd
        if not ended.done():
            announce("euicc", atr=card.atr.hex(), **addresses)
        await ended
    finally:
        contacts.close()


async def _insert(contacts: Contacts, address: str, ended: asyncio.Task[None]) -> None:
    """Wait until the card sits in its reader, or the process is to end."""
    host, _, port = address.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise ConfigError(f"--vpcd {address!r} is not HOST:PORT")
    loop = asyncio.get_running_loop()
    seated = asyncio.Event()

    def connected() -> None:
        loop.call_soon_threadsafe(seated.set)

    contacts.insert(host, int(port), connected=connected)
    waiting = asyncio.create_task(seated.wait())
    await asyncio.wait({waiting, ended}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


def _read_json(path: Path) -> dict[str, object]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise ConfigError(f"factory file {path}: {err}") from err
    if not isinstance(read, dict):
        raise ConfigError(f"factory file {path}: must be a JSON object")
    return read


if __name__ == "__main__":
    sys.exit(main())
