"""One owner for a real bench: a lease for each real thing on it, named by who holds it.

It ends with its owner, however that ends, and lapses if the owner falls silent. It keeps runs on
one machine apart; a bench that several machines can reach needs an agreement among its users, or
one ``HIL_LOCK_DIR`` for all of them.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from hil.bench.launcher import PCSC_SOCKET_ENV
from hil.errors import BenchError
from hil.lease import Lease, OwnedError, holder_of

if TYPE_CHECKING:
    from hil.bench.lab import Lab


class BusyError(BenchError):
    """Somebody else has the bench; the text names them."""


class Hold:
    """Holds what is real on one bench, until :meth:`release`."""

    def __init__(self, bench: str, leases: list[Lease]) -> None:
        self._bench = bench
        self._leases = leases

    @classmethod
    def take(cls, lab: Lab) -> Self:
        """Take the bench's real equipment; BusyError naming the owner if it is taken."""
        held = cls(lab.name, [])
        try:
            for name in _real_things(lab):
                held._leases.append(held._claim(name))
        except BaseException:
            held.release()
            raise
        return held

    def check(self) -> None:
        """Raise BusyError if this run was paused, and somebody else has the bench since."""
        for lease in self._leases:
            try:
                lease.check()
            except OwnedError as err:
                raise BusyError(f"bench '{self._bench}': {err}") from err

    def release(self) -> None:
        """Let the equipment go. Idempotent."""
        while self._leases:
            self._leases.pop().release()

    def _claim(self, name: str) -> Lease:
        try:
            return Lease.claim(_key(name), directory=_folder())
        except OwnedError as err:
            raise BusyError(
                f"bench '{self._bench}': {err}. A real bench serves one process: run it without -n"
            ) from err


def holders(lab: Lab) -> dict[str, str]:
    """Return who holds what is real on the bench now: owners by the names of their things."""
    found = {name: holder_of(_key(name), directory=_folder()) for name in _real_things(lab)}
    return {name: owner for name, owner in found.items() if owner}


def _folder() -> Path:
    # Not the folder of one user: a bench is everybody's on this machine.
    return Path(os.environ.get("HIL_LOCK_DIR") or tempfile.gettempdir())


def _key(name: str) -> str:
    return f"hil-bench {name}"


def _real_things(lab: Lab) -> list[str]:
    bench = lab.file
    names = []
    if bench.power_supply and bench.power_supply.visa:
        names.append(f"power supply {bench.power_supply.visa}")
    if bench.card and bench.card.pcsc:
        # Readers of two daemons may have the same name.
        daemon = os.environ.get(PCSC_SOCKET_ENV, "")
        names.append(f"reader {bench.card.pcsc.reader}" + (f" at {daemon}" if daemon else ""))
    if bench.device and bench.device.serial:
        names.append(f"device {Path(bench.device.serial.port).resolve()}")
    return names
