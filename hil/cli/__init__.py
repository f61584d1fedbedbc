"""The ``hil`` tool: one module a subcommand, each imported only when it is called.

Exit codes: 0 all is well; 1 a test failed, or a check did; 2 inconclusive; 3 incomplete, or nothing
was run; 4 the bench failed, or the evidence is not valid; 7 the report could not be made; 64 wrong
usage or a wrong file; 70 internal error; 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Final, NoReturn, Protocol

from hil import __version__
from hil.errors import BenchError, HilError

OK: Final = 0
FAILED: Final = 1
NOTHING_RUN: Final = 3
BENCH: Final = 4
REPORT: Final = 7
USAGE: Final = 64
"""As EX_USAGE of sysexits.h, clear of the verdicts; so are the next two."""
INTERNAL: Final = 70
INTERRUPTED: Final = 128 + signal.SIGINT

COMMANDS: Final = {
    "run": "run the suite on a bench and leave a report",
    "report": "make views of a run from its journal: Allure, plain page, test report, matrix",
    "doctor": "say what a bench has, what is missing or wrong, and what mends it",
    "discover": "list VISA instruments, PC/SC readers and serial ports; write a bench file",
    "card": "say what card is in a reader or on a bench, as far as it shows without keys",
    "power": "identify, measure, set, watch or switch off the power supply of a bench",
    "bench-info": "print the banner of a bench, after opening it",
    "virtual": "run one virtual part by itself, for any other tool to talk to",
    "requirements": "requirement, its tests, the last verdict",
    "conformance": "list the conformance set: cases, steps, last verdicts",
    "history": "what earlier runs tell: tests that flake, values that drift, capability",
    "gate": "judge a recorded run: one exit code, with the reasons",
    "recover": "close a run that was broken off, honestly",
    "seal": "sign a run, so that any later change of it shows",
    "verify": "say whether a sealed run still is as it was sealed, or name the first broken link",
    "diff": "say what changed from one run to another",
    "schema": "print the JSON Schema of a lab-config file",
    "openapi": "print the OpenAPI description of a provisioning server",
}


class Parser(argparse.ArgumentParser):
    """A parser whose exit code for wrong usage cannot be taken for a verdict."""

    def error(self, message: str) -> NoReturn:
        """Print how it is used, and what is wrong; exit."""
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: error: {message}\n")


class Command(Protocol):
    """What the module of a subcommand offers."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the subcommand's arguments."""

    def main(self, arguments: argparse.Namespace, rest: list[str]) -> int:
        """Do it; return the exit code. ``rest`` are arguments that are not ours."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the tool; return its exit code. Errors are one message, never a traceback."""
    try:
        return _main(argv)
    except KeyboardInterrupt:
        # Here, so that it holds for a command that is still being loaded too.
        sys.stderr.write("hil: interrupted\n")
        return INTERRUPTED


def _main(argv: Sequence[str] | None) -> int:
    given = list(sys.argv[1:] if argv is None else argv)
    parser = Parser(
        prog="hil",
        description="Hardware-in-the-loop tests for embedded-SIM provisioning.",
        epilog=(__doc__ or "").partition("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"hil {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    chosen = next((word for word in given if not word.startswith("-")), "")
    module: Command | None = None
    used = parser
    for name, text in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=text,
            description=text[:1].upper() + text[1:] + ".",
            allow_abbrev=False,
        )
        if name == chosen:
            module = importlib.import_module(f"hil.cli.{name.replace('-', '_')}")
            assert module is not None  # noqa: S101 - import_module raises instead
            module.configure(command)
            used = command
    arguments, rest = parser.parse_known_args(given)
    if rest and not getattr(arguments, "passes_on", False):
        used.error(f"unknown argument: {' '.join(rest)}")
    if module is None:  # pragma: no cover - argparse has refused it
        return USAGE
    return _run(module, arguments, rest)


def _run(module: Command, arguments: argparse.Namespace, rest: list[str]) -> int:
    try:
        return module.main(arguments, rest)
    except BenchError as err:
        sys.stderr.write(f"hil: bench: {err}\n")
        return BENCH
    except HilError as err:
        sys.stderr.write(f"hil: {err}\n")
        return USAGE
    except BrokenPipeError:
        # Whoever read our output has gone (a pager, head): say nothing more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except Exception as err:  # noqa: BLE001 - Python's own exit code, 1, would read as a failed test
        return _broken(err)
    finally:
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _broken(err: Exception) -> int:
    """Word an error that nobody foresaw: a file that the system refuses is no defect of ours."""
    if isinstance(err, OSError) and err.filename is not None:
        where, why = err.filename, err.strerror
        sys.stderr.write(f"hil: {where}: {why}; name another place, or mend its permission\n")
        return USAGE
    sys.stderr.write(f"hil: internal error, a defect of this tool:\n{traceback.format_exc()}")
    return INTERNAL
