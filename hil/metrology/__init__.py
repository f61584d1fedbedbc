"""What a measured value is worth, and what may be said about it.

A value never travels alone: :class:`Measured` carries its unit, its expanded uncertainty with the
budget behind it, and the instrument with its calibration. :func:`decide` compares it with limits
by a stated decision rule. Pure: no instrument, no clock, no report.

>>> from hil.metrology import Budget, Limits, Measured, Rule, decide, rectangular
>>> budget = Budget((rectangular("reading accuracy", 0.0109),))
>>> measured = Measured("jig voltage", 1.86, "V", budget)
>>> str(measured)
'jig voltage 1.860 V ± 0.013 V (k = 2)'
>>> decide(measured, Limits(1.71, 1.89), Rule.GUARDED).outcome.value
'PASS'
"""

from __future__ import annotations

from hil.metrology.calibration import Calibration, CalibrationState
from hil.metrology.clock import CLOCK, by_clock, elapsed
from hil.metrology.decision import Decision, Limits, Outcome, Rule, decide
from hil.metrology.measured import Instrument, Measured
from hil.metrology.uncertainty import (
    Budget,
    Contribution,
    from_certificate,
    from_repeats,
    rectangular,
    resolution,
)

__all__ = [
    "CLOCK",
    "Budget",
    "Calibration",
    "CalibrationState",
    "Contribution",
    "Decision",
    "Instrument",
    "Limits",
    "Measured",
    "Outcome",
    "Rule",
    "by_clock",
    "decide",
    "elapsed",
    "from_certificate",
    "from_repeats",
    "rectangular",
    "resolution",
]
