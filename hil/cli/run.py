"""``hil run``: the suite on a bench, with banner, verdicts and an Allure report."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hil.bench.papers import facts_of_waivers
from hil.bench.project import project_root, runs_folder
from hil.bench.supply_guard import ends_of
from hil.cli import BENCH, FAILED, INTERRUPTED, OK, REPORT, USAGE
from hil.cli.choice import add_bench_arguments, choose_bench
from hil.cli.pytest_command import pytest_command
from hil.errors import UsageError
from hil.evidence.journal import EvidenceError, Journal
from hil.evidence.recovery import await_writers, recover
from hil.evidence.waivers import Waivers, read_waivers
from hil.pytest_counting import SWITCHED_ON
from hil.run_end import Ended, finish, keep_config
from hil.run_facts import RUN_ENV, equipment_of, facts

if TYPE_CHECKING:
    from hil.bench.lab import Lab

END_S: Final = 30.0
_PYTEST_USAGE: Final = 4
WORKERS: Final = 3
"""Benches side by side when the whole suite runs on virtual parts; a real bench has one owner.

One more than processors: tests of the jig wait more than they compute."""
_SERIAL: Final = frozenset(
    (
        "-n",
        "--numprocesses",
        "--dist",
        "--pdb",
        "--trace",
        "-s",
        "--capture",
        "--co",
        "--collect-only",
        "-p",
    )
)
"""Options with which the user decides about processes, or wants to be in the only one."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments; what is not ours goes to pytest."""
    parser.set_defaults(passes_on=True)
    add_bench_arguments(parser)
    parser.add_argument("--strict", action="store_true", help="what the bench lacks is a failure")
    parser.add_argument(
        "--waivers", metavar="FILE", help="known issues, in place of those of the bench"
    )
    parser.add_argument(
        "--output", metavar="DIR", help="folder of this run (default: runs/<date and time>)"
    )
    parser.add_argument("--no-report", action="store_true", help="results only, no HTML")
    parser.epilog = "Every other argument goes to pytest: -k, -m, -n 2, paths, node ids."


def main(arguments: argparse.Namespace, rest: list[str]) -> int:
    """Run the suite; see the exit codes of :mod:`hil.cli`."""
    from hil.bench.lab import load_lab  # noqa: PLC0415

    name = choose_bench(arguments.bench)
    lab = load_lab(name, profile=arguments.profile)
    root = project_root()
    folder = _folder(arguments.output)
    waivers = _waivers(arguments, lab)
    begin = facts(
        lab,
        "launcher",
        strict=arguments.strict,
        operator=os.environ.get("HIL_OPERATOR", ""),
        arguments=sys.argv[1:],
        run=folder.name,
    )
    journal = Journal(folder, "launcher", begin | facts_of_waivers(waivers))
    keep_config(lab, folder, waivers)
    try:
        banner = _look_at(lab, folder, journal)
    except BaseException as err:
        journal.write(
            "note", {"text": f"the bench could not be opened: {err or type(err).__name__}"}
        )
        journal.close("broken off")
        raise
    print("\n".join(banner), flush=True)
    (folder / "bench.txt").write_text("\n".join(banner) + "\n", encoding="utf-8")
    results = folder / "allure-results"
    command = pytest_command(child_of=os.getpid())
    targets = _targets(rest, root)
    command += [*targets, *rest]
    if targets and lab.is_virtual and not _SERIAL.intersection(_options(rest)):
        # A virtual bench for each worker; files stay whole, because tests of one share a state.
        command += ["-n", str(min(WORKERS, 1 + (os.cpu_count() or 1))), "--dist", "loadfile"]
    command += ["--hil-bench", str(lab.path), "--hil-run-dir", str(folder)]
    command += [*SWITCHED_ON]
    command += ["-p", "no:randomly", "--tb=short", f"--junitxml={folder / 'junit.xml'}"]
    command += [f"--alluredir={results}", "--allure-no-capture"]
    if arguments.profile:
        command += ["--hil-profile", str(Path(arguments.profile).expanduser().absolute())]
    if arguments.waivers:
        command += ["--hil-waivers", str(Path(arguments.waivers).expanduser().absolute())]
    if arguments.strict:
        command.append("--hil-strict")
    code = _pytest(
        command, {"HIL_RUNS": str(runs_folder()), "HIL_BANNER": "shown", RUN_ENV: folder.name}
    )
    unsafe = _watchdogs(folder)
    for line in unsafe:
        journal.write("unsafe", {"text": line})
    journal.close(str(code))
    # Workers whose controller is gone switch their outputs off before they end.
    await_writers(folder, timeout_s=END_S)
    try:
        for line in recover(folder, by="hil run", why=f"pytest ended with {code}"):
            print(f"evidence  {line}", flush=True)
    except EvidenceError as err:
        sys.stderr.write(f"hil: evidence: {err}\n")
    _environment(results, lab.name, banner, unsafe)
    ended = finish(folder, reports=not arguments.no_report)
    _tell(ended)
    return _exit_code(ended, code)


def _look_at(lab: Lab, folder: Path, journal: Journal) -> list[str]:
    """Open all of the bench once, and write down who is on it; return its banner."""
    from hil.bench.bench import Bench  # noqa: PLC0415

    with Bench(lab, folder / "before") as bench:
        for body in equipment_of(bench, open_all=True):
            journal.write("equipment", body)
        journal.sync()
        return bench.banner(open_all=True)


def _waivers(arguments: argparse.Namespace, lab: Lab) -> Waivers | None:
    """Return the known issues of this run: those of the command line, else the bench's."""
    named = arguments.waivers or os.environ.get("HIL_WAIVERS")
    return read_waivers(Path(named).expanduser()) if named else lab.waivers


def _tell(ended: Ended) -> None:
    for name, text in ended.lines:
        print(f"{name:<9} {text}")
    for line in ended.failed:
        sys.stderr.write(f"hil: {line}\n")
    for reason in ended.gate.reasons:
        print(f"reason    {reason}")
    print(f"gate      {ended.gate.code}", flush=True)


def _exit_code(ended: Ended, code: int) -> int:
    """Return the gate's word, unless something stands against it that no journal can know.

    ``code`` is pytest's: 4 is wrong usage; 1 is explained by verdicts that are waived; any other
    that is not 0 where the gate finds nothing is the test system's fault.
    """
    if code == _PYTEST_USAGE and not ended.run.tests:
        return USAGE
    if code == INTERRUPTED and ended.gate.code == OK:
        return INTERRUPTED
    explained = code == OK or (code == FAILED and ended.gate.waived)
    if ended.gate.code == OK and not explained:
        return BENCH
    return ended.gate.code or (REPORT if ended.failed else OK)


def _watchdogs(folder: Path) -> list[str]:
    """Say what the watchdogs of the run had to do, or failed to do; it belongs to the evidence."""
    lines = ends_of(folder)
    for line in lines:
        print(f"safety    {line}", flush=True)
    if lines:
        with (folder / "bench.txt").open("a", encoding="utf-8") as file:
            file.writelines(f"safety: {line}\n" for line in lines)
    return lines


def _folder(given: str | None) -> Path:
    """Make the folder of the run; two runs in one second get two folders."""
    if given:
        path = Path(given).expanduser().absolute()
        path.mkdir(parents=True, exist_ok=True)
        return path
    base = runs_folder() / time.strftime("%Y-%m-%d_%H-%M-%S")
    for number in range(1, 1000):
        path = base if number == 1 else base.with_name(f"{base.name}_{number}")
        with contextlib.suppress(FileExistsError):
            path.mkdir(parents=True)
            return path
    raise UsageError(f"{base}: there are 1000 runs of this second; name a folder with --output")


def _targets(rest: list[str], root: Path) -> list[str]:
    named = [word for word in rest if not word.startswith("-") and _is_target(word)]
    return [] if named else [str(root / "testcases")]


def _options(rest: list[str]) -> set[str]:
    """Return the names of the options given, also of ``-n2`` and ``--name=value``."""
    options = (word.partition("=")[0] for word in rest if word.startswith("-"))
    return {word if word.startswith("--") else word[:2] for word in options}


def _is_target(word: str) -> bool:
    return Path(word.partition("::")[0]).exists()


def _pytest(command: list[str], environment: dict[str, str]) -> int:
    """Run pytest in a process of its own, so that its PC/SC library starts afresh."""
    process = subprocess.Popen(command, env={**os.environ, **environment})
    with _passing_on(process):
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                # The terminal has sent it to pytest as well, which is switching the outputs off.
                for end in (process.terminate, process.kill, process.poll):
                    # Whoever interrupts once more does not want to wait for what comes next.
                    with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
                        process.wait(END_S)
                        break
                    end()
                return INTERRUPTED


@contextlib.contextmanager
def _passing_on(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Pass SIGTERM and SIGHUP on to pytest, which then tears its tests down."""

    def pass_on(number: int, _frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _environment(results: Path, bench: str, banner: list[str], unsafe: list[str]) -> None:
    """Write what Allure shows as the environment of the run."""
    if not results.is_dir():
        return
    lines = [f"bench = {bench}"]
    for line in banner[1:]:
        name, _, rest = line.strip().partition("  ")
        lines.append(f"{name.strip().replace(' ', '.')} = {' '.join(rest.split())}")
    lines += [f"safety.{number} = {line}" for number, line in enumerate(unsafe, 1)]
    text = "\n".join(lines).encode("ascii", "backslashreplace").decode()
    (results / "environment.properties").write_text(text + "\n", encoding="ascii")
