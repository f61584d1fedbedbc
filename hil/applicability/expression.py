"""Conditions on the items of a conformance statement: whether a test applies to a product.

The operators are those of test specifications (3GPP TS 34.229-2 clause 4, TS 38.508-2 annex A)::

    A.4/7 and not O_BER_TLV
    IF A.4/7 THEN R ELSE IF A.4/8 >= 2 THEN O ELSE N/A

R (required), M (mandatory) and O (optional) apply, N/A does not. An item that states true or false
stands by itself; one that states a value is compared. Nothing is skipped in ``and`` and ``or``:
every item of a condition is looked at, so that a report shows them all; of IF, only the branch
taken.
"""

from __future__ import annotations

import difflib
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from hil.errors import UsageError

Support = bool | int | str
"""What a product states of an item: supported or not, or a value."""
Inputs = dict[str, Support]

OUTCOMES: Final = {"R": True, "M": True, "O": True, "N/A": False}
"""Results of an IF, and whether the test applies then."""
OPERATORS: Final[dict[str, Callable[[int, int], bool]]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
RESERVED: Final = frozenset({"and", "or", "not", "if", "then", "else", "true", "false"})
"""Words, in any case, that no item may have as its name."""


class ExpressionError(UsageError):
    """A condition is written wrongly or asks for an item that nobody stated; names the column."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item by its id; ``column`` from 1, in the text it was read from."""

    id: str
    column: int = field(default=0, compare=False)

    def holds(self, stated: Mapping[str, Support], inputs: Inputs) -> bool:
        """Return whether the product supports it."""
        value = look(self, stated, inputs)
        if isinstance(value, bool):
            return value
        raise ExpressionError(
            f"column {self.column}: {self.id} states a value ({value}): "
            f"compare it, such as {self.id} >= 1"
        )

    def __str__(self) -> str:
        """Return the id."""
        return self.id


@dataclass(frozen=True, slots=True)
class Comparison:
    """An item whose value is compared with a number."""

    item: Item
    operator: str
    number: int

    def holds(self, stated: Mapping[str, Support], inputs: Inputs) -> bool:
        """Return the truth; false where the product does not support the item at all."""
        value = look(self.item, stated, inputs)
        if value is False:
            return False
        if isinstance(value, bool) or not isinstance(value, int):
            raise ExpressionError(
                f"column {self.item.column}: {self.item.id} states "
                f"{'no value' if value is True else repr(value)}, no number to compare"
            )
        return OPERATORS[self.operator](value, self.number)

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"{self.item} {self.operator} {self.number}"


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary."""

    inner: Condition

    def holds(self, stated: Mapping[str, Support], inputs: Inputs) -> bool:
        """Return the contrary's truth."""
        return not self.inner.holds(stated, inputs)

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"not {_closed(self.inner)}"


@dataclass(frozen=True, slots=True)
class All:
    """Two or more conditions that must all hold."""

    parts: tuple[Condition, ...]

    def holds(self, stated: Mapping[str, Support], inputs: Inputs) -> bool:
        """Return whether all hold; each is looked at."""
        truths = [part.holds(stated, inputs) for part in self.parts]
        return all(truths)

    def __str__(self) -> str:
        """Return it as it is written."""
        return " and ".join(_closed(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Any:
    """Two or more conditions of which one must hold."""

    parts: tuple[Condition, ...]

    def holds(self, stated: Mapping[str, Support], inputs: Inputs) -> bool:
        """Return whether one holds; each is looked at."""
        truths = [part.holds(stated, inputs) for part in self.parts]
        return any(truths)

    def __str__(self) -> str:
        """Return it as it is written."""
        return " or ".join(_closed(part) for part in self.parts)


Condition = Item | Comparison | Not | All | Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result of an IF, one of :data:`OUTCOMES`."""

    word: str

    def outcome(self, _stated: Mapping[str, Support], _inputs: Inputs) -> str:
        """Return the word."""
        return self.word

    def __str__(self) -> str:
        """Return the word."""
        return self.word


@dataclass(frozen=True, slots=True)
class If:
    """``IF condition THEN … ELSE …``; without an ELSE it is N/A."""

    condition: Condition
    then: Branch
    otherwise: Branch

    def outcome(self, stated: Mapping[str, Support], inputs: Inputs) -> str:
        """Return the word of the branch that is taken."""
        taken = self.then if self.condition.holds(stated, inputs) else self.otherwise
        return taken.outcome(stated, inputs)

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"IF {self.condition} THEN {self.then} ELSE {self.otherwise}"


Branch = If | Outcome


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The truth of an expression for one product, and what each item looked at was stated to be.

    ``outcome`` is the word of an IF, and R or N/A for a plain condition.
    """

    applies: bool
    outcome: str
    inputs: Mapping[str, Support]


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition read from text; ``items`` are all items in it, also those of branches."""

    root: Condition | If
    items: tuple[Item, ...] = field(compare=False)

    def evaluate(self, stated: Mapping[str, Support]) -> Evaluation:
        """Return whether the test applies to a product that stated this of its items.

        Raises ExpressionError for an item that was not stated, also in a branch not taken.
        """
        for item in self.items:
            look(item, stated, {})
        inputs: Inputs = {}
        if isinstance(self.root, If):
            word = self.root.outcome(stated, inputs)
        else:
            word = "R" if self.root.holds(stated, inputs) else "N/A"
        return Evaluation(OUTCOMES[word], word, inputs)

    def __str__(self) -> str:
        """Return it in the normal form: read again it is equal."""
        return str(self.root)


def look(item: Item, stated: Mapping[str, Support], inputs: Inputs) -> Support:
    """Return what is stated of an item, and note it; ExpressionError if nothing is."""
    if item.id not in stated:
        near = difflib.get_close_matches(item.id, stated, n=1, cutoff=0.55)
        hint = f" - did you mean '{near[0]}'?" if near else ""
        raise ExpressionError(f"column {item.column}: nothing is stated of item '{item.id}'{hint}")
    inputs[item.id] = stated[item.id]
    return stated[item.id]


def _closed(part: Condition) -> str:
    return f"({part})" if isinstance(part, All | Any) else str(part)
