"""How the bench's supply goes off: by the run itself, or by its watchdog."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hil.errors import BenchError, UsageError
from hil.lease import OwnedError, holder_of

if TYPE_CHECKING:
    from hil.bench.bench import Bench
    from hil.equipment.power_supply import OffReport, PowerSupply, Watchdog

EMERGENCY_S: Final = 3.0
REPORT_FILE: Final = "watchdog.json"
"""In the folder of each process of a run that has opened a supply."""
_POLL_S: Final = 0.05
_log = logging.getLogger(__name__)


class SupplyGuard:
    """The watchdog of one opening of the supply, and the way round a broken connection.

    Made before the supply is opened, so that both start at the same time.
    """

    def __init__(self, bench: Bench) -> None:
        section = bench.lab.file.power_supply
        if section is None:
            raise UsageError(f"bench '{bench.name}' has no power_supply")
        self._section = section
        self._observer = bench.observer
        self._supply: PowerSupply | None = None
        self._watchdog: Watchdog | None = None
        orders = section.watchdog
        if orders.waived is None:
            from hil.equipment.power_supply import Watchdog  # noqa: PLC0415

            bench.folder.mkdir(parents=True, exist_ok=True)
            report = bench.folder / REPORT_FILE
            report.unlink(missing_ok=True)
            self._watchdog = Watchdog.start(
                report,
                silence_s=orders.silence,
                retry_s=bench.launcher.power_supply_patience(orders.retry),
                deadline=bench.deadline,
                lost=self._lost,
                keep=bench.launcher.power_supply_lifelines(),
                stderr=bench.alarm,
            )

    def watch(self, supply: PowerSupply) -> None:
        """Begin; SafetyError if the watchdog cannot reach the supply."""
        self._supply = supply
        if self._watchdog is not None:
            supply.watched_by(self._watchdog)
        else:
            supply.go_unwatched(str(self._section.watchdog.waived))

    def beat(self) -> None:
        """Tell the watchdog the present deadline at once."""
        if self._watchdog is not None:
            self._watchdog.beat()

    def let_go(self) -> None:
        """End the watchdog of a supply that was not opened."""
        if self._watchdog is not None:
            self._watchdog.let_act()

    def switch_off(self, supply: PowerSupply) -> OffReport:
        """Switch all outputs off, proven; raises BenchError if that fails or is not ours to do."""
        from hil.equipment.power_supply import OffNotProvenError  # noqa: PLC0415

        report = supply.safe_state()
        # Where the supply answers and yet does not go off, another connection changes nothing; a
        # supply that is another run's, or that its watchdog sees to, is not our business.
        answered = bool(report.channels) and all(one.confirmed for one in report.channels)
        if not report.proven and not answered and _ours(supply):
            report = self._emergency(supply)
            supply.note_off(report)
        if not report.proven:
            raise OffNotProvenError(f"{report}; cut the mains by hand")
        return report

    def check_end(self) -> None:
        """Raise BenchError if the watchdog had to act, or is not known to have ended well."""
        if self._watchdog is None:
            return
        report = self._watchdog.report()
        if report is not None and (report.reason or not report.proven):
            raise BenchError(str(report))

    def _emergency(self, supply: PowerSupply) -> OffReport:
        from hil.equipment.power_supply import switch_off  # noqa: PLC0415

        return switch_off(
            supply.resource,
            supply.model,
            EMERGENCY_S,
            expected_serial=self._section.serial,
            observer=self._observer,
            serial_line=supply.serial_line,
            lease=supply.lease,
        )

    def _lost(self, problem: str) -> None:
        supply = self._supply
        if supply is None or not _ours(supply):
            return  # it has acted and fenced us out; its report tells
        report = self._emergency(supply)
        _log.error("%s: its watchdog is gone (%s), so: %s", supply.resource, problem, report)


def _ours(supply: PowerSupply) -> bool:
    """Whether no other process has the supply by now; ours may have been paused."""
    if supply.lease is None:
        return not holder_of(supply.resource)
    try:
        supply.lease.check()
    except OwnedError:
        return False
    return True


def ends_of(folder: Path, *, wait_s: float = EMERGENCY_S) -> list[str]:
    """Return what the watchdogs of a run in ``folder`` did or failed to do, a line each.

    Those that are still at it are waited for, but no longer than ``wait_s`` seconds.
    """
    from hil.equipment.power_supply import WatchReport  # noqa: PLC0415

    deadline = time.monotonic() + wait_s
    lines = []
    for path in sorted(folder.glob(f"*/{REPORT_FILE}")):
        try:
            report = WatchReport.load(path)
            while report.state != "done" and time.monotonic() < deadline:
                time.sleep(_POLL_S)
                report = WatchReport.load(path)
        except (OSError, ValueError, TypeError) as err:
            lines.append(f"{path}: NOT PROVEN OFF: the watchdog's report cannot be read: {err}")
            continue
        if report.reason or not report.proven:
            lines.append(f"{path.parent.name}: {report}")
    return lines
