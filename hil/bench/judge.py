"""Measured values against their limits: recorded with all that stands behind them, then judged."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Protocol

from hil import evidence
from hil.errors import Inconclusive
from hil.metrology import (
    CalibrationState,
    Decision,
    Instrument,
    Limits,
    Measured,
    Outcome,
    Rule,
    decide,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_NO_CALIBRATION = (CalibrationState.EXPIRED, CalibrationState.MISSING)


class Recorder(Protocol):
    """Whoever keeps measured values (:func:`hil.evidence.measured`)."""

    def __call__(
        self, name: str, value: float, unit: str, *, instrument: str, **details: str | float
    ) -> None:
        """Keep one value with its instrument and what explains it."""


class Judge:
    """Judges by the bench's decision rule.

    ``strict`` demands a calibration that holds and an accuracy that somebody states.

    ``today`` gives the day by which a calibration is looked at.
    """

    def __init__(
        self,
        rule: Rule,
        record: Recorder,
        *,
        strict: bool = False,
        today: Callable[[], datetime.date] = datetime.date.today,
    ) -> None:
        self.rule = rule
        self._record = record
        self._strict = strict
        self._today = today

    def __call__(
        self,
        measured: Measured,
        *,
        low: float | None = None,
        high: float | None = None,
        rule: Rule | None = None,
    ) -> Decision:
        """Record ``measured`` and judge it against ``low`` and ``high``, in its unit.

        Returns a PASS. Raises AssertionError where the value fails, :class:`Inconclusive` where
        nothing can be stated: within the guard band, or, in a strict run, with an instrument whose
        calibration has expired or is missing, or whose accuracy is only assumed (a FAIL stays a
        FAIL even then).
        """
        decision = decide(measured, Limits(low, high), rule or self.rule)
        why = lacking(measured.instrument, self._today()) if self._strict else ""
        outcome = decision.outcome
        if why and outcome is Outcome.PASS:
            outcome = Outcome.INCONCLUSIVE
        self._keep(
            measured,
            limits=decision.limits.describe(measured.unit),
            **{key: limit for key, limit in (("low", low), ("high", high)) if limit is not None},
            decision_rule=str(decision.rule),
            guard_band=decision.guard,
            margin=decision.margin,
            verdict=str(outcome),
        )
        if outcome is Outcome.FAIL:
            raise AssertionError(str(decision))
        if why and outcome is Outcome.INCONCLUSIVE:
            raise Inconclusive(
                f"{decision.measured}: nothing can be stated, {measured.instrument}: {why}"
            )
        if outcome is Outcome.INCONCLUSIVE:
            raise Inconclusive(
                f"{decision}; measure with a better instrument, or agree on the rule 'simple'"
            )
        return decision

    def note(self, measured: Measured) -> None:
        """Record ``measured`` without a limit."""
        self._keep(measured)

    def _keep(self, measured: Measured, **judged: str | float) -> None:
        _record(self._record, measured, self._today(), judged)


def noted(measured: Measured, **details: str | float) -> None:
    """Record a measured value that nobody judges in the running test, and what explains it."""
    _record(evidence.measured, measured, datetime.datetime.now(tz=datetime.UTC).date(), details)


def _record(
    record: Recorder, measured: Measured, today: datetime.date, details: dict[str, str | float]
) -> None:
    record(
        measured.name,
        measured.value,
        measured.unit,
        expanded_uncertainty=measured.expanded,
        coverage_factor=measured.budget.k,
        **details,
        instrument=str(measured.instrument),
        calibration=measured.instrument.calibration.describe(today),
        accuracy=measured.instrument.accuracy,
        budget=measured.budget.table(measured.unit),
        raw="; ".join(measured.raw),
    )


def lacking(instrument: Instrument, today: datetime.date) -> str:
    """Return what keeps a strict run from a PASS and what to do; "" if nothing does.

    The errors of a virtual instrument are drawn within the limits that its model assumes.
    """
    calibration = instrument.calibration
    state = calibration.state(today)
    if state in _NO_CALIBRATION:
        return (
            f"{calibration.describe(today)}; have it calibrated, then write the new "
            f"certificate into the bench file"
        )
    if instrument.assumed and state is not CalibrationState.VIRTUAL:
        return (
            f"its accuracy is {instrument.accuracy}; write its data sheet's limits of error, "
            f"with the page, into the bench file (power_supply.accuracy)"
        )
    return ""
