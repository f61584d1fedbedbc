"""The state of an instrument's calibration on a day."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from enum import StrEnum


class CalibrationState(StrEnum):
    """What a calibration is worth today."""

    VALID = "valid"
    EXPIRED = "expired"
    MISSING = "missing"
    VIRTUAL = "virtual"
    """A virtual instrument: its errors are drawn within its data sheet, nothing drifts."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """When an instrument was compared with a standard, and until when that holds (17025 6.4.13).

    ``volts`` and ``amps`` are the expanded uncertainties (k = 2) that the certificate states, 0
    where it states none. ``due`` None: the instrument has no calibration.
    """

    certificate: str = ""
    due: datetime.date | None = None
    volts: float = 0.0
    amps: float = 0.0
    virtual: bool = False

    def state(self, today: datetime.date) -> CalibrationState:
        """Return what it is worth on ``today``; the day that is due still counts."""
        if self.due is None:
            return CalibrationState.VIRTUAL if self.virtual else CalibrationState.MISSING
        return CalibrationState.EXPIRED if today > self.due else CalibrationState.VALID

    def describe(self, today: datetime.date) -> str:
        """Return the state in words for a report."""
        state = self.state(today)
        if self.due is None:
            return "VIRTUAL" if state is CalibrationState.VIRTUAL else "no calibration stated"
        return f"{self.certificate} due {self.due}" + (
            " (EXPIRED)" if state is CalibrationState.EXPIRED else ""
        )
