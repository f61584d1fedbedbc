"""``hil discover``: what is connected, and a bench file to start from."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from hil.cli.choice import seconds
from hil.errors import UsageError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--write", metavar="FILE", help="write a bench file to start from")
    parser.add_argument("--force", action="store_true", help="overwrite FILE")
    parser.add_argument(
        "--visa",
        metavar="RESOURCE",
        action="append",
        default=[],
        help="ask this resource too, such as TCPIP0::192.0.2.10::5555::SOCKET",
    )
    parser.add_argument("--timeout", metavar="S", type=seconds, default=2.0, help="for each answer")
    parser.add_argument("--json", action="store_true", help="as JSON")


def main(arguments: argparse.Namespace, _rest: list[str]) -> int:
    """Print what was found; write the file if asked."""
    from hil.bench.discovery import bench_file, discover  # noqa: PLC0415
    from hil.bench.lab import load_lab  # noqa: PLC0415

    path = Path(arguments.write).expanduser() if arguments.write else None
    if path is not None and path.exists() and not arguments.force:
        raise UsageError(f"{path} exists; give --force to overwrite it")
    found = discover(visa=arguments.visa, timeout_s=arguments.timeout)
    if arguments.json:
        print(json.dumps(asdict(found), indent=1))
    else:
        for one in found.instruments:
            print(f"visa    {one.resource}  {one.identity or one.problem}")
        for reader in found.readers:
            print(f"reader  {reader.name}  {'ATR ' + reader.atr if reader.atr else 'no card'}")
        for line in found.ports:
            print(f"serial  {line.stable or line.port}  {line.description}")
        for problem in found.problems:
            print(f"note    {problem}")
        if not (found.instruments or found.readers or found.ports):
            print("nothing is connected that could be seen; TCP instruments need --visa RESOURCE")
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(bench_file(found), encoding="utf-8")
        load_lab(str(path if path.is_absolute() else f"./{path}"))
        if not arguments.json:
            print(f"wrote   {path}; check it, then: hil doctor --bench {path}")
    return 0
