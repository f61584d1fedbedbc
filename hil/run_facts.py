"""What a run is made of, for the first records of its journal: software, machine, bench, people."""

from __future__ import annotations

import datetime
import getpass
import hashlib
import os
import platform
import socket
import subprocess
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hil import __version__
from hil.bench import papers
from hil.bench.inventory import inventory
from hil.bench.project import project_root
from hil.documents.document import display_name
from hil.evidence.journal import FORMAT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hil.bench.banner import Item
    from hil.bench.bench import Bench
    from hil.bench.lab import Lab
    from hil.metrology import Calibration
    from hil.pytest_run import Run

RUN_ENV: Final = "HIL_RUN"
"""Environment variable with the id of the run, for the processes that belong to it."""
PACKAGES: Final = (
    "allure-pytest",
    "cbor2",
    "cryptography",
    "cwt",
    "pyscard",
    "pyserial",
    "pytest",
    "pytest-xdist",
    "pyvisa",
    "pyvisa-py",
)
"""Packages whose version may decide a verdict."""
_JUDGES: Final = ("hil", "testcases", "fixtures", "conftest.py")
"""What a verdict comes from: a file there that no commit knows makes the suite another one."""
_GIT_S: Final = 10.0


def facts(
    lab: Lab | None,
    process: str,
    *,
    strict: bool,
    operator: str,
    arguments: Sequence[str],
    run: str,
) -> dict[str, object]:
    """Return the body of a ``run-begin``; ``run`` is the id of the run."""
    body: dict[str, object] = {
        "format": FORMAT,
        "run": run,
        "process": process,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "user": _user(),
        "hil": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": dict(_packages()),
        "time_zone": time.strftime("%z"),
        "strict": strict,
        "arguments": list(arguments),
    }
    if operator:
        body["operator"] = operator
    # A worker runs what its controller has asked of already.
    git = _git(project_root()) if process in ("launcher", "main") else {}
    if git:
        body["git"] = git
    if lab is not None:
        path = lab.path
        body |= {
            "bench": lab.name,
            "lab_config": {"path": display_name(path), "sha256": _sha256(path)},
            "decision_rule": lab.file.decision_rule,
            "virtual": lab.is_virtual,
        }
        body |= papers.facts(lab)
    return body


def run_begin(run: Run) -> dict[str, object]:
    """Return the body of the ``run-begin`` of a pytest process."""
    from hil import plugin  # noqa: PLC0415 - the plugin is what calls this

    folder = run.folder_of_workers()
    body = facts(
        run.load(),
        run.worker,
        strict=plugin.is_strict(run.config),
        operator=plugin.setting(run.config, "operator"),
        arguments=run.config.invocation_params.args,
        run=os.environ.get(RUN_ENV) or folder.name,
    )
    # Those of the command line take the place of the bench's.
    return body | papers.facts_of_waivers(run.waivers())


def equipment(run: Run) -> Iterator[dict[str, object]]:
    """Go through what stands on the open bench of a pytest process; none if it opened none."""
    if run.opened is not None:
        yield from equipment_of(run.opened, open_all=False)


def equipment_of(bench: Bench, *, open_all: bool) -> Iterator[dict[str, object]]:
    """Go through the bodies of ``equipment`` records; BenchError if an item does not answer."""
    for item in inventory(bench, open_all=open_all):
        yield _equipment(bench, item)


def _equipment(bench: Bench, item: Item) -> dict[str, object]:
    body: dict[str, Any] = {
        "name": item.name,
        "kind": item.name,
        "transport": item.transport,
        "identity": item.identity,
        "virtual": item.virtual,
    }
    if item.remark:
        body["remark"] = item.remark
    if item.name == "power supply":
        body["calibration"] = _calibration(bench.lab.calibration)
        if bench.opened("power_supply"):
            who = bench.power_supply.identity
            body |= {"maker": who.maker, "model": who.model}
            body |= {"serial": who.serial, "firmware": who.firmware}
    elif item.name == "multimeter":
        body["calibration"] = _calibration(bench.lab.multimeter_calibration)
    elif item.name == "device" and bench.opened("device"):
        who_device = bench.device.known
        if who_device is not None:
            body |= {"maker": who_device.manufacturer, "model": who_device.model}
            body |= {"serial": who_device.device_id, "firmware": who_device.firmware}
    return body


def _calibration(given: Calibration) -> dict[str, object]:
    today = datetime.datetime.now(tz=datetime.UTC).date()
    return {
        "certificate": given.certificate,
        "due": str(given.due) if given.due else "",
        "state": str(given.state(today)),
        "describe": given.describe(today),
    }


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in many containers
        return str(os.getuid())


def _packages() -> Iterator[tuple[str, str]]:
    for name in PACKAGES:
        try:
            yield name, metadata.version(name)
        except metadata.PackageNotFoundError:
            continue


def _git(root: Path) -> dict[str, object]:
    """Return commit and whether there are changes; empty where git or a repository is missing."""
    said = [_said(root, "rev-parse", "HEAD"), _said(root, "status", "--porcelain", "--", *_JUDGES)]
    if said[0] is None or said[1] is None:
        return {}
    return {"commit": said[0], "dirty": bool(said[1])}


def _said(root: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words],
            capture_output=True,
            text=True,
            timeout=_GIT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as err:
        return f"unreadable: {err.strerror}"
