"""What every virtual part does alike as a process: say that it is ready, and end when it must.

A part prints one line of JSON on standard output when it is ready, and logs on standard error. With
``--lifeline`` it ends when its standard input reaches its end: the launcher holds the other end of
that pipe, so a part also ends when its launcher is killed without a word.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import math
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final

from hil.errors import HilError

if TYPE_CHECKING:
    from collections.abc import Callable

_LAST_PORT: Final = 65_535
HOST = "127.0.0.1"
"""Virtual parts listen here and nowhere else, unless told otherwise."""


def add_process_arguments(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` the options that every part has: ``--lifeline`` and ``--log-level``."""
    parser.add_argument(
        "--lifeline", action="store_true", help="end cleanly when standard input reaches its end"
    )
    parser.add_argument(
        "--log-level",
        default="WARNING",
        choices=["DEBUG", "INFO", "WARNING", "ERROR"],
        help="what to log on standard error",
    )


def port_number(text: str) -> int:
    """Read a port of the command line, 0 for any."""
    port = int(text)
    if not 0 <= port <= _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is no port: 0 for any, or 1 to {_LAST_PORT}")
    return port


def duration(text: str) -> float:
    """Read a time of the command line, 0 or more."""
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no time: give 0 or more")
    return value


def run_part(part: str, work: Callable[[], object]) -> int:
    """Run a part and return its exit code: 0, or 1 after one line that says why it cannot run."""
    try:
        work()
    except (HilError, OSError) as err:
        sys.stderr.write(f"hil virtual {part}: {err}\n")
        return 1
    except KeyboardInterrupt:
        # Ctrl-C while the part was starting; later until_ended has the signal.
        return 0
    return 0


def log_to_stderr(level: str) -> None:
    """Send the logs of this process to standard error, from ``level`` upwards."""
    logging.basicConfig(
        stream=sys.stderr, level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )


def announce(part: str, **addresses: object) -> None:
    """Print the one ready line, ``{"ready": part, …addresses…}``, and flush it."""
    sys.stdout.write(json.dumps({"ready": part, **addresses}) + "\n")
    sys.stdout.flush()


async def until_ended(lifeline: bool) -> None:
    """Wait for SIGTERM, SIGINT or, with ``lifeline``, for the end of standard input.

    The signals are taken over before the first wait, so call it (or create its task) before
    :func:`announce`. From then on either signal ends the part cleanly, however often it comes.
    """
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if lifeline:
        # A thread, because standard input may be a file, which no selector can wait for.
        threading.Thread(
            target=_watch_stdin, args=(loop, ended), name="lifeline", daemon=True
        ).start()
    await ended.wait()


def _watch_stdin(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    descriptor = 0
    try:
        while os.read(descriptor, 4096):
            continue
    except OSError:
        logging.getLogger(__name__).debug("standard input is not readable: taken as its end")
    with contextlib.suppress(RuntimeError):  # the loop has ended before its lifeline
        loop.call_soon_threadsafe(ended.set)
