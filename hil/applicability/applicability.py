"""Whether one test applies, and why: the condition, what the product states, what the bench lacks.

Both decide: the conformance statement of the product, and the capabilities of the bench.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hil.applicability.expression import ExpressionError, Support
from hil.applicability.parser import parse
from hil.errors import UsageError

if TYPE_CHECKING:
    from hil.applicability.ics_file import Ics

APPLIES = "applies"


@dataclass(frozen=True, slots=True)
class Applicability:
    """Whether a test applies. ``inputs`` is what the product states of the items looked at.

    ``lacking`` names what the bench has not; ``reason`` is a sentence for people.
    """

    applies: bool
    reason: str = APPLIES
    expression: str = ""
    inputs: Mapping[str, Support] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()

    def facts(self) -> dict[str, object]:
        """Return it as plain data: the body of an ``applicability`` event of a run's journal."""
        found: dict[str, object] = {"applies": self.applies, "reason": self.reason}
        if self.expression:
            found["expression"] = self.expression
        if self.inputs:
            found["inputs"] = dict(self.inputs)
        if self.lacking:
            found["lacking"] = list(self.lacking)
        return found


def decide(conditions: Sequence[str], ics: Ics | None, where: str) -> Applicability:
    """Return whether a test applies to a product; all of its ``conditions`` must hold.

    Without a statement every test applies, but what is written wrongly is found all the same.
    Raises UsageError naming ``where`` for a mistake in a condition or an item nobody stated.
    """
    whole = " and ".join(f"({one})" for one in conditions) if len(conditions) > 1 else ""
    inputs: dict[str, Support] = {}
    applies = True
    for condition in conditions:
        try:
            read = parse(condition)
            if ics is not None:
                found = read.evaluate(ics.stated)
                applies = applies and found.applies
                inputs.update(found.inputs)
        except ExpressionError as err:
            place = f"; the statement is {ics.path.name}" if ics is not None else ""
            raise UsageError(f"{where}: {condition!r}, {err}{place}") from None
    expression = whole or "".join(conditions)
    if not expression:
        return Applicability(applies=True)
    if ics is None:
        return Applicability(True, "applies: the bench names no ICS", expression)
    listed = ", ".join(f"{name} = {shown(value)}" for name, value in inputs.items())
    verb = APPLIES if applies else "not applicable by the ICS"
    return Applicability(applies, f"{verb}: {expression}; {listed}", expression, inputs)


def shown(value: Support) -> str:
    """Return what is stated of an item, in the words of the file."""
    return str(value).lower() if isinstance(value, bool) else str(value)
