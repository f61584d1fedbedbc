"""What a bench needs, and whether it is there: one check a line, each with what mends it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import importlib.util
import os
import re
import subprocess
import sys
import termios
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from hil.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from hil.bench.lab import Lab
    from hil.metrology import Calibration

State = Literal["found", "missing", "busy", "no permission", "wrong"]
_VISA_PACKAGES: Final = (("pyvisa", "pyvisa"), ("pyvisa_py", "pyvisa-py"))


@dataclass(frozen=True, slots=True)
class Check:
    """One thing a bench needs. ``needed`` false: good to have, the run goes on without it."""

    name: str
    state: State
    detail: str
    mend: str = ""
    needed: bool = True

    @property
    def ok(self) -> bool:
        """Whether the bench can run as far as this thing goes."""
        return self.state == "found" or not self.needed

    def __str__(self) -> str:
        """Return the line for a person."""
        line = f"{self.state:<14}{self.name:<16}{self.detail}"
        return f"{line}; mend it with: {self.mend}" if self.mend else line


def examine(name: str, *, profile: str | None = None) -> list[Check]:
    """Check everything that the bench ``name`` needs. Outputs and cards are left as they are."""
    checks = [_python()]
    try:
        lab = _load(name, profile)
    except ConfigError as err:
        text = " ".join(str(err).split())
        return [*checks, Check("bench file", "wrong", text, "mend the lines named"), *_tools()]
    checks.append(Check("bench file", "found", str(lab.path)))
    checks += _keys(lab)
    checks += _holders(lab)
    checks += _power_supply(lab)
    checks += _multimeter(lab)
    checks += _card(lab)
    checks += _device(lab)
    checks += _profiles(lab)
    return [*checks, *_tools()]


def _load(name: str, profile: str | None) -> Lab:
    from hil.bench.lab import load_lab  # noqa: PLC0415

    return load_lab(name, profile=profile)


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("python", "found", f"{version} {sys.executable}")


def _keys(lab: Lab) -> Iterator[Check]:
    for role in ("euicc", "device", "servers"):
        reference = getattr(lab.file.key_sets, role)
        if reference is None:
            continue
        where = reference.file or f"${reference.env}"
        keys = {"euicc": lab.euicc_keys, "device": lab.device_keys, "servers": lab.server_keys}
        loaded = keys[role]
        test = " (test keys)" if loaded is not None and loaded.test_only else ""
        yield Check(f"keys {role}", "found", f"{where}{test}")


def _packages(packages: tuple[tuple[str, str], ...], name: str) -> Check | None:
    lacking = [pip for module, pip in packages if importlib.util.find_spec(module) is None]
    if not lacking:
        return None
    return Check(name, "missing", f"Python packages {lacking}", f"pip install {' '.join(lacking)}")


def _holders(lab: Lab) -> Iterator[Check]:
    from hil.bench.hold import holders  # noqa: PLC0415

    for name, owner in holders(lab).items():
        mend = "wait for that run, or end it"
        yield Check("bench", "busy", f"{name} is in use by {owner}", mend)


def _power_supply(lab: Lab) -> Iterator[Check]:
    section = lab.file.power_supply
    if section is None:
        return
    lacking = _packages(_VISA_PACKAGES, "power supply")
    if lacking:
        yield lacking
        return
    from hil.bench.supply_check import supply_checks  # noqa: PLC0415

    yield from supply_checks(lab, section)


def _multimeter(lab: Lab) -> Iterator[Check]:
    section = lab.file.multimeter
    if section is None:
        return
    from hil.bench.discovery import discover_instrument  # noqa: PLC0415
    from hil.lease import holder_of  # noqa: PLC0415

    owner = holder_of(section.visa)
    if owner:
        # Asking for its identity would come between the owner's queries and their answers.
        mend = "wait for that run, or end it"
        yield Check("multimeter", "busy", f"{section.visa} is in use by {owner}", mend)
        return
    answer = discover_instrument(section.visa, timeout_s=section.timeout)
    where = f"{section.visa}: "
    if not answer.identity:
        mend = f"switch it on, check the address with: hil discover --visa {section.visa}"
        yield Check("multimeter", "missing", where + answer.problem, mend)
    elif re.search(section.identity, answer.identity) is None:
        mend = "connect the right instrument, or mend multimeter.identity"
        yield Check("multimeter", "wrong", f"{where}'{answer.identity}'", mend)
    else:
        yield Check("multimeter", "found", f"{section.visa} {answer.identity}")
    yield calibration_check(lab.multimeter_calibration, "multimeter: ")


def calibration_check(given: Calibration, of: str = "") -> Check:
    """Check whether a calibration holds today; ``of`` begins the line."""
    from hil.bench.banner import calibration  # noqa: PLC0415

    state = calibration(given)
    if "OVERDUE" in state:
        mend = "have it calibrated, then write the new date"
        return Check("calibration", "wrong", of + state, mend)
    return Check("calibration", "found", of + (state or "none stated"), needed=False)


def _card(lab: Lab) -> Iterator[Check]:
    card = lab.file.card
    if card is None or card.at is not None:
        return
    if card.virtual is not None:
        if card.virtual.behind == "in-process":
            yield Check("card", "found", "virtual, in-process")
            return
        from hil.bench.pcscd import exposure_note, missing  # noqa: PLC0415

        lacking = missing()
        yield from (Check("card", "missing", one.what, one.command) for one in lacking)
        if not lacking:
            yield Check("card", "found", "virtual, behind a private pcscd")
            note = exposure_note()
            if note:
                yield Check("card", "wrong", note, needed=False)
        return
    yield from _reader(card.pcsc.reader if card.pcsc else "")


def _reader(pattern: str) -> Iterator[Check]:
    from hil.bench.discovery import discover_readers  # noqa: PLC0415

    problems: list[str] = []
    readers = discover_readers(problems)
    for problem in problems:
        detail, _, mend = problem.partition("; mend it with: ")
        yield Check("reader", "missing", detail, mend)
    if problems:
        return
    matching = [reader for reader in readers if re.search(pattern, reader.name)]
    names = ", ".join(repr(reader.name) for reader in readers) or "none"
    if not matching:
        yield Check(
            "reader",
            "missing",
            f"no reader matches {pattern!r}; there are: {names}",
            "plug it in, or write one of these names into card.pcsc.reader",
        )
    elif len(matching) > 1:
        yield Check(
            "reader",
            "wrong",
            f"{len(matching)} readers match {pattern!r}: {names}",
            "make card.pcsc.reader match exactly one",
        )
    elif not matching[0].atr:
        yield Check("reader", "found", matching[0].name)
        yield Check("card", "missing", f"no card in {matching[0].name}", "insert the eUICC")
    else:
        yield Check("reader", "found", matching[0].name)
        yield Check("card", "found", f"ATR {matching[0].atr}")


def _device(lab: Lab) -> Iterator[Check]:
    device = lab.file.device
    if device is None:
        return
    lacking = _packages((("serial", "pyserial"),), "device")
    if lacking:
        yield lacking
    elif device.serial is None:
        yield Check("device", "found", "virtual, on a pty")
    else:
        yield _serial_port(Path(device.serial.port))


def _serial_port(path: Path) -> Check:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as err:
        return _not_opened(path, err)
    try:
        termios.tcgetattr(descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except termios.error:
        return Check("device", "wrong", f"{path} is no serial port", "correct device.serial.port")
    except BlockingIOError:
        return _busy(path)
    finally:
        os.close(descriptor)
    return Check("device", "found", str(path))


def _not_opened(path: Path, err: OSError) -> Check:
    if err.errno == errno.EBUSY:
        return _busy(path)
    if isinstance(err, FileNotFoundError):
        mend = "plug the device in and look with: hil discover"
        return Check("device", "missing", f"there is no {path}", mend)
    if isinstance(err, PermissionError):
        mend = "sudo usermod -aG dialout $USER, then log in again"
        return Check("device", "no permission", f"{path} may not be opened", mend)
    mend = "look at the cable and with: hil discover"
    return Check("device", "wrong", f"{path}: {err.strerror}", mend)


def _busy(path: Path) -> Check:
    return Check(
        "device", "busy", f"{path} is open in another program", f"sudo fuser -v {path}, and end it"
    )


def _profiles(lab: Lab) -> Iterator[Check]:
    if lab.profiles:
        names = ", ".join(path.name for path in lab.profiles)
        yield Check("profiles", "found", names)
        return
    yield Check(
        "profiles",
        "missing",
        "no GSMA TS.48 package named; a generated one of the same structure serves",
        "hil run --profile FILE.der, or HIL_TS48_DIR",
        needed=False,
    )


def _tools() -> Iterator[Check]:
    from hil.bench.project import project_root  # noqa: PLC0415
    from hil.report.allure import MENDS, find_allure  # noqa: PLC0415

    root = None
    with contextlib.suppress(UsageError):
        root = project_root()
    allure = find_allure(root)
    if allure is None:
        yield Check("allure", "missing", "no HTML report without it", MENDS, needed=False)
        return
    version = ""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            [allure, "--version"], capture_output=True, text=True, timeout=30, check=False
        )
        version = done.stdout.strip()
    yield Check("allure", "found", f"{version} {allure}".strip(), needed=False)


def report(checks: list[Check]) -> dict[str, Any]:
    """Return the checks as data for ``--json``."""
    return {
        "ok": all(check.ok for check in checks),
        "checks": [
            {
                "name": check.name,
                "state": check.state,
                "detail": check.detail,
                "mend": check.mend,
                "needed": check.needed,
            }
            for check in checks
        ],
    }
