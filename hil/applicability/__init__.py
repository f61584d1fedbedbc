"""Which tests apply to a product: its conformance statement, conditions on it, and the reasons.

Pure: nothing here knows a bench or pytest. :func:`parse` reads a condition, :func:`decide` says
whether a test applies, :func:`~hil.applicability.ics_file.read_ics` reads a statement.
"""

from __future__ import annotations

from hil.applicability.applicability import Applicability, decide
from hil.applicability.expression import Evaluation, Expression, ExpressionError, Support
from hil.applicability.parser import parse

__all__ = [
    "Applicability",
    "Evaluation",
    "Expression",
    "ExpressionError",
    "Support",
    "decide",
    "parse",
]
