"""The watchdog of one supply: a process of its own, with a connection of its own.

It is told on standard input what to watch (:class:`Orders`, one line), identifies the supply, says
``ready``, and then expects ``beat DEADLINE`` several times a second (a :func:`time.monotonic` time,
0 for none). It acts when its input ends or the owner's process does,
when the beats fail, when a deadline passes, and when it is told to end itself. It does not act
after ``released``. Whatever becomes of it stands in its report file and on standard error.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from hil.equipment.power_supply.emergency import RETRY_S, attempt_off
from hil.equipment.power_supply.link import VisaLink
from hil.equipment.power_supply.models import dialect_of
from hil.equipment.power_supply.readings import OffReport
from hil.equipment.power_supply.watch_orders import BEAT_S, GRACE_S, Orders, WatchReport
from hil.errors import HilError
from hil.lease import Lease, OwnedError, SucceededError
from hil.observer import NullObserver

_FIRST_BEAT_S: Final = 5.0
_LOOKS: Final = 5
"""So many looks in a row must show a silent process idle, or with a processor of its own."""
_TICK_S: Final = 0.02
_MAX_LINE: Final = 65_536
_TELL_EVERY_S: Final = 5.0
_LOG = logging.getLogger(__name__)


class Input:
    """What the owner says, and signs of its end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._buffer = b""
        self._pid = os.getppid()
        self._process = _opened(self._pid)
        self._signals, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # the terminal's, meant for the owner
        for number in (signal.SIGTERM, signal.SIGQUIT):
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(wake)

    def wait(self, timeout_s: float) -> tuple[list[bytes], str]:
        """Return the lines that have come in time, and a reason to act, "" if there is none."""
        watched = [fd for fd in (self._descriptor, self._process, self._signals) if fd >= 0]
        ready, _, _ = select.select(watched, [], [], max(0.0, timeout_s))
        reason = ""
        if self._signals in ready:
            number = os.read(self._signals, 1)[0]
            reason = f"the watchdog itself was told to end ({signal.Signals(number).name})"
        if self._process in ready:
            reason = "the process that drove it has ended"
        if self._descriptor in ready:
            data = os.read(self._descriptor, _MAX_LINE)
            self._buffer += data
            if not data:
                reason = "the process that drove it has ended or let go without proof"
        *lines, self._buffer = self._buffer.split(b"\n")
        return lines, reason

    def stopped(self) -> bool:
        """Whether the owner's process is stopped (proc(5), state T), and not merely slow."""
        try:
            text = Path(f"/proc/{self._pid}/stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            return False
        return text.rpartition(")")[2].split()[0] in ("T", "t")

    def cpu_s(self) -> float:
        """Return the seconds of processor that the owner has had so far; 0 if nobody knows."""
        try:
            text = Path(f"/proc/{self._pid}/stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            return 0.0
        user, system = text.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def starved(self, cpu_before_s: float, silent_s: float) -> bool:
        """Whether the owner wants to run and has had less than half a processor meanwhile."""
        if self.cpu_s() - cpu_before_s >= silent_s / 2:
            return False
        for thread in Path(f"/proc/{self._pid}/task").glob("*/stat"):
            with contextlib.suppress(OSError):  # it has just ended
                text = thread.read_text(encoding="ascii", errors="replace")
                if text.rpartition(")")[2].split()[0] == "R":
                    return True
        return False

    def gone(self) -> bool:
        """Whether the owner's process has ended."""
        return self._process >= 0 and bool(select.select([self._process], [], [], 0)[0])


class Vigil:
    """Waits for a reason to act."""

    def __init__(self, source: Input, silence_s: float) -> None:
        self._source = source
        self._silence_s = silence_s
        self._beat_at = time.monotonic()
        self._deadline = 0.0
        self._kept_waiting_s = self._longest_s = _FIRST_BEAT_S
        self._cpu_s = source.cpu_s()
        self._not_starved = 0

    def reason(self) -> str:
        """Wait, and return why to act; "" if the owner has proven all off and let go."""
        while True:
            begun = time.monotonic()
            asked_s = min(BEAT_S, max(_TICK_S, self._due() - begun))
            lines, reason = self._source.wait(asked_s)
            now = time.monotonic()
            # Where we are kept waiting (a busy or suspended machine), so is the owner.
            self._kept_waiting_s += max(0.0, now - begun - asked_s)
            for line in lines:
                if line == b"released":
                    return ""
                self._note(line, now)
            reason = reason or self._silent(now - self._beat_at)
            if reason:
                return reason
            if self._deadline and now >= self._deadline + GRACE_S:
                return "a test ran beyond its time, and could not be interrupted"

    def _silent(self, silent_s: float) -> str:
        if silent_s < self._silence_s:
            return ""
        if self._source.stopped():
            return f"its process has been stopped for {silent_s:.1f} s"
        # A busy machine keeps it from its processor: then it is slow, and not hung.
        starved = self._source.starved(self._cpu_s, silent_s)
        self._not_starved = 0 if starved else self._not_starved + 1
        kept_s = self._kept_waiting_s if self._not_starved >= _LOOKS else self._longest_s
        if silent_s >= self._silence_s + min(kept_s, self._longest_s):
            return f"its process gave no sign of life for {silent_s:.1f} s"
        return ""

    def _due(self) -> float:
        silent = self._beat_at + self._silence_s
        return min(silent, self._deadline + GRACE_S) if self._deadline else silent

    def _note(self, line: bytes, now: float) -> None:
        with contextlib.suppress(ValueError):
            word, _, deadline = line.partition(b" ")
            if word == b"beat":
                self._deadline = float(deadline)
                self._beat_at = now
                self._kept_waiting_s = 0.0
                self._cpu_s = self._source.cpu_s()
                self._not_starved = 0
                self._longest_s = 2 * self._silence_s


class Acting:
    """Switches the supply off, whatever it takes."""

    def __init__(self, orders: Orders, source: Input, report: WatchReport) -> None:
        self._orders = orders
        self._source = source
        self._report = report
        self._lease: Lease | None = None
        self._told_at = 0.0

    def run(self) -> WatchReport:
        """Try until it is proven and the owner fenced out, or the time is over."""
        begun = time.monotonic()
        while True:
            successor = self._fence()
            if successor is not None and successor.proven:
                return self._end(True, f"{successor}, proven off")
            if successor is None:
                off = self._attempt()
                self._report = self._report.after(off, seconds=time.monotonic() - begun)
                if off.proven and (self._lease is not None or self._source.gone()):
                    return self._end(True, self._report.text)
            else:
                # It begins with all off; should it let go without proof, it is our turn again.
                self._report = replace(self._report, state="acting", text=str(successor))
            if time.monotonic() - begun >= self._orders.retry_s:
                return self._end(False, self._report.text)
            self._tell()
            time.sleep(RETRY_S)

    def _attempt(self) -> OffReport:
        orders = self._orders
        try:
            return attempt_off(
                orders.resource,
                orders.model,
                timeout_s=2.0,
                expected_serial=orders.serial or None,
                visa_library=orders.visa_library,
                serial_line=orders.serial_line,
                lease=self._lease,
            ).report
        except Exception as err:  # noqa: BLE001 - whatever it is, giving up is worse
            _LOG.exception("an attempt broke off")
            return OffReport(orders.resource, problem=f"{type(err).__name__}: {err}")

    def _fence(self) -> SucceededError | None:
        """Take the right from the owner; return who has it already, None if we may act."""
        orders = self._orders
        try:
            if self._lease is not None:
                try:
                    self._lease.check()
                except OwnedError:
                    token = self._lease.token
                    self._lease.release()
                    self._lease = None
                else:
                    return None
            else:
                token = orders.token
            note = f"watchdog {os.getpid()} took it to switch it off: {self._report.reason}"
            self._lease = Lease.fence(orders.resource, Path(orders.lock), token, note=note)
        except SucceededError as err:
            return err
        except (HilError, OSError) as err:  # unfenced, but off is always allowed
            _LOG.warning("%s", err)
        return None

    def _end(self, proven: bool, text: str) -> WatchReport:
        if self._lease is not None:
            note = f"watchdog {os.getpid()} switched it off: {self._report.reason}"
            self._lease.release(proven=proven, note=note)
        return replace(self._report, state="done", proven=proven, text=text)

    def _tell(self) -> None:
        if time.monotonic() >= self._told_at:
            self._told_at = time.monotonic() + _TELL_EVERY_S
            tell(self._report, Path(self._orders.report))


def tell(report: WatchReport, path: Path) -> None:
    """Save a report, and say it on standard error, if anybody listens."""
    try:
        report.save(path)
    except OSError as err:
        _say(f"cannot write {path}: {err.strerror}")
    if report.reason:
        _say(str(report))


def watch(descriptor: int, answers: int) -> int:
    """Watch by the orders on ``descriptor``; return the exit code: 1 if off is not proven."""
    source = Input(descriptor)
    orders = None
    while orders is None:
        lines, reason = source.wait(3600.0)
        if lines:
            orders = Orders.read(lines.pop(0))
        elif reason:
            return 0
    report = WatchReport(orders.resource, orders.owner, os.getpid())
    path = Path(orders.report)
    try:
        _identify(orders)
        # A report that cannot be written must be known before anything is on.
        report.save(path)
    except (HilError, OSError) as err:
        _answer(answers, f"problem {' '.join(str(err).split())}")
        return 1
    _answer(answers, "ready")
    reason = Vigil(source, orders.silence_s).reason()
    if not reason:
        tell(replace(report, state="done", proven=True), path)
        return 0
    report = Acting(orders, source, replace(report, state="acting", reason=reason)).run()
    tell(report, path)
    return 0 if report.proven else 1


def _identify(orders: Orders) -> None:
    VisaLink.open(
        orders.resource,
        dialect_of(orders.model),
        observer=NullObserver(),
        name="power supply (watchdog)",
        expected_serial=orders.serial or None,
        visa_library=orders.visa_library,
        serial_line=orders.serial_line,
        owner=False,
    ).close()


def _answer(descriptor: int, text: str) -> None:
    with contextlib.suppress(OSError):  # the owner has gone; its end is seen elsewhere
        os.write(descriptor, text.encode() + b"\n")


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # nobody listens; the file tells it
        os.write(2, f"hil watchdog: {text}\n".encode())


def _opened(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except (OSError, AttributeError):  # gone already, or a system without: the pipe tells
        return -1


def main() -> int:
    """Run as a process: orders on standard input, answers on standard output."""
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR, format="hil watchdog: %(message)s")
    logging.raiseExceptions = False  # standard error may be gone
    with contextlib.suppress(ImportError):
        import pyvisa_py  # noqa: F401, PLC0415 - slow; while the owner is opening the supply
    return watch(0, 1)


if __name__ == "__main__":
    sys.exit(main())
