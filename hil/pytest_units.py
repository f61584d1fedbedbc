"""Units of the parameters of a test: stated by a marker, or by the end of the parameter's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.errors import UsageError

if TYPE_CHECKING:
    import pytest

MARKER: Final = "units"
BY_ENDING: Final = {
    "v": "V",
    "mv": "mV",
    "a": "A",
    "ma": "mA",
    "ua": "µA",
    "w": "W",
    "ohm": "ohm",
    "s": "s",
    "ms": "ms",
    "us": "µs",
    "ns": "ns",
    "min": "min",
    "hz": "Hz",
    "khz": "kHz",
    "mhz": "MHz",
    "percent": "%",
}
"""``delay_s`` is in seconds: the last word of a name that has more than one, in lower case."""
BY_WORD: Final = {
    "volts": "V",
    "amps": "A",
    "watts": "W",
    "ohms": "ohm",
    "seconds": "s",
    "hertz": "Hz",
    "bytes": "B",
    "percent": "%",
}
"""``volts`` and ``start_volts`` are in volts."""


def is_number(value: object) -> bool:
    """Whether a parameter can have a unit."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def units_of(item: pytest.Item) -> dict[str, str]:
    """Return the units of those parameters of a test that are numbers and have one.

    Raises UsageError for a marker that names no parameter of the test, or gives no text.
    """
    callspec = getattr(item, "callspec", None)
    given: dict[str, object] = getattr(callspec, "params", {})
    found = {name: unit for name in given if (unit := _by_name(name))}
    for mark in reversed(list(item.iter_markers(MARKER))):  # the nearest one last: it wins
        for name, unit in mark.kwargs.items():
            if name not in given or not isinstance(unit, str):
                names = ", ".join(given) or "none"
                raise UsageError(
                    f"{item.nodeid}: @pytest.mark.units({name}={unit!r}): give the unit of a "
                    f"parameter of the test as a text; its parameters: {names}"
                )
            found[name] = unit
        if mark.args:
            raise UsageError(f'{item.nodeid}: write @pytest.mark.units(name="unit")')
    return {name: unit for name, unit in found.items() if unit and is_number(given[name])}


def _by_name(name: str) -> str:
    before, _, last = name.rpartition("_")
    return BY_WORD.get(last, "") or (BY_ENDING.get(last, "") if before else "")
