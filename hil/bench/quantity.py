"""Quantities as a person writes them: a number, a space or none, and the unit ("5.5 V", "100 mA").

A bare number is refused: nobody can see in a review whether ``250`` was meant as milliseconds.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Final

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_PREFIXES: Final = {"": 1.0, "u": 1e-6, "µ": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6}
_NUMBER: Final = re.compile(r"\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S*)\s*")
_EXAMPLES: Final = {
    "V": "5.5 V",
    "A": "100 mA",
    "s": "250 ms",
    "ohm": "10 ohm",
    "%": "5 %",
    "Bd": "115200 Bd",
}
_NAMES: Final = {
    "V": "a voltage",
    "A": "a current",
    "s": "a time",
    "ohm": "a resistance",
    "%": "a percentage",
    "Bd": "a line rate",
}


def parse_quantity(text: str, unit: str) -> float:
    """Return the value of ``text`` in ``unit`` (V, A, s, ohm or %; a percentage as a fraction).

    Raises ValueError with what is wrong and how to write it.
    """
    match = _NUMBER.fullmatch(text)
    wanted = f"write {_NAMES.get(unit, 'a quantity')} with its unit, such as '{_EXAMPLES[unit]}'"
    if match is None:
        raise ValueError(f"'{text}' is not a quantity; {wanted}")
    number, suffix = match.groups()
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"'{text}' is not a finite quantity; {wanted}")
    if suffix == "":
        raise ValueError(f"'{text}' has no unit; {wanted}")
    if not suffix.endswith(unit):
        raise ValueError(f"'{text}' has the unit '{suffix}', {unit} was expected; {wanted}")
    prefix = suffix[: -len(unit)]
    if unit == "%" and not prefix:
        return value / 100
    if unit == "%" or prefix not in _PREFIXES:
        raise ValueError(f"'{text}' has the unknown unit '{suffix}'; {wanted}")
    return value * _PREFIXES[prefix]


def _field(unit: str, *, positive: bool) -> tuple[BeforeValidator, WithJsonSchema]:
    def read(value: object) -> float:
        if not isinstance(value, str):
            raise PydanticCustomError(
                "quantity",
                "{given} has no unit; write {name} as text with its unit, such as '{example}'",
                {"given": str(value)[:40], "name": _NAMES[unit], "example": _EXAMPLES[unit]},
            )
        try:
            number = parse_quantity(value[:80], unit)
        except ValueError as err:
            raise PydanticCustomError("quantity", "{why}", {"why": str(err)}) from None
        if positive and number < 0:
            raise PydanticCustomError(
                "quantity", "'{given}' must not be negative", {"given": value[:40]}
            )
        return number

    prefixes = "" if unit == "%" else "[uµmkM]?"
    sign = "" if positive else "[+-]?"
    schema = {
        "type": "string",
        "pattern": rf"^\s*{sign}[0-9.]+([eE][+-]?[0-9]+)?\s*{prefixes}{unit}\s*$",
        "examples": [_EXAMPLES[unit]],
        "description": f"{_NAMES[unit]} with its unit",
    }
    return BeforeValidator(read), WithJsonSchema(schema)


Volts = Annotated[float, *_field("V", positive=True)]
"""A voltage in volts, not negative."""
SignedVolts = Annotated[float, *_field("V", positive=False)]
"""A voltage in volts of either sign."""
Amps = Annotated[float, *_field("A", positive=True)]
"""A current in amperes."""
Seconds = Annotated[float, *_field("s", positive=True)]
"""A time in seconds."""
Ohms = Annotated[float, *_field("ohm", positive=True)]
"""A resistance in ohms."""
Fraction = Annotated[float, *_field("%", positive=True)]
"""A percentage, as a fraction of 1."""
