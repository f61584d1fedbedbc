"""Serve any set of actors: ``python -m hil.provisioning.serve --config FILE``.

Prints one line of JSON when all of them answer::

    {"ready": "servers", "urls": {"sm-dp": …}, "actors": {"sm-dp-1": …},
     "links": {"support-1/dedicated": …}}

``urls`` has the first actor of each kind; an SM-SR with the functions of a support server is also
the ``support-server`` where there is none of its own. Ends cleanly on SIGTERM, SIGINT and, with
``--lifeline``, at the end of standard input.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from hil.errors import HilError

log = logging.getLogger(__name__)


def _end_at_eof(over: threading.Event) -> None:
    try:
        while os.read(0, 4096):
            continue
    except OSError as err:
        log.debug("standard input: %s", err)
    over.set()


def main(argv: list[str] | None = None) -> int:
    """Serve until ended; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m hil.provisioning.serve")
    parser.add_argument("--config", type=Path, required=True, help="JSON, see docs/servers.md")
    parser.add_argument("--lifeline", action="store_true", help="end at the end of standard input")
    parser.add_argument("--log-level", default="WARNING")
    arguments = parser.parse_args(argv)
    logging.basicConfig(
        stream=sys.stderr,
        level=arguments.log_level,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    # Their lines hold URLs and bodies of requests: only what goes wrong is of interest.
    for name in ("httpx2", "httpcore2", "uvicorn"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # What is made while so much is loaded is no garbage: to look for it was a tenth of a start.
    gc.disable()
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    from hil.provisioning.serve_config import read_config  # noqa: PLC0415 - what takes the time
    from hil.provisioning.servers import Servers  # noqa: PLC0415

    try:
        with Servers(read_config(arguments.config)) as servers:
            if arguments.lifeline:
                threading.Thread(target=_end_at_eof, args=(over,), daemon=True).start()
            gc.freeze()
            gc.enable()
            sys.stdout.write(servers.ready_line() + "\n")
            sys.stdout.flush()
            over.wait()
        # What the servers were made of is given back by the end of the process, at once; to look
        # for garbage in it takes a second or more.
        gc.freeze()
    except HilError as err:
        sys.stderr.write(f"servers: {err}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
