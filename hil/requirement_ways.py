"""The two ways in which a requirement is proven: the good way, and a refusal.

A test says which by its marker: ``@pytest.mark.requirement("R-28", refusal=True)`` is a refusal,
without ``refusal`` it is the good way; a test that shows both carries both.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from hil.errors import UsageError
from hil.requirements import check_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Way(StrEnum):
    """What a test shows of a requirement."""

    GOOD = "good way"
    REFUSAL = "refusal"


WITHOUT: Final[dict[str, dict[Way, str]]] = {
    "R-21": {
        Way.REFUSAL: "two installations that succeed are compared; what is refused on either way "
        "stands with R-20, R-45 and R-55"
    },
    "R-40": {
        Way.REFUSAL: "the device has no command that reads an image, so there is none to refuse"
    },
    "R-56": {Way.REFUSAL: "a query and what survives a restart; changes refused are R-54's"},
    "R-72": {Way.REFUSAL: "a measurement: published, not judged"},
    "R-73": {Way.REFUSAL: "a measurement: published, not judged"},
    "R-75": {Way.REFUSAL: "says that all may be software; nothing is asked that could be refused"},
}
"""Why a requirement has no test of one of the two ways."""


def ways_named(
    arguments: tuple[object, ...], options: Mapping[str, object], where: str
) -> dict[str, Way]:
    """Return what one marker says: requirement id → way.

    Raises UsageError naming ``where`` for an unknown requirement or option.
    """
    refusal = options.get("refusal", False)
    if set(options) - {"refusal"} or not isinstance(refusal, bool):
        given = ", ".join(f"{name}={value!r}" for name, value in options.items())
        raise UsageError(f"{where} takes refusal=True and nothing else by name, not {given}")
    way = Way.REFUSAL if refusal else Way.GOOD
    return dict.fromkeys(check_ids(arguments, where), way)


def lacking(requirement: str, shown: Iterable[Way]) -> list[Way]:
    """Return the ways that no test shows and no reason excuses."""
    return [way for way in Way if way not in shown and way not in WITHOUT.get(requirement, {})]
