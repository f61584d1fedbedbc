"""Whether each collected test applies: by the product's conformance statement, and by the bench."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from hil.applicability import Applicability, decide
from hil.applicability.applicability import shown
from hil.errors import Inconclusive, UsageError

if TYPE_CHECKING:
    from hil.applicability.ics_file import Ics
    from hil.not_applicable import NotApplicable

APPLICABILITY: Final = pytest.StashKey[Applicability]()


def applicability_of(item: pytest.Item) -> Applicability | None:
    """Return whether a test of ours applies, and why; None for one that is none of ours.

    Known from collection on; a test that finds out as it runs has changed it by its end.
    """
    return item.stash.get(APPLICABILITY, None)


def conditions_of(item: pytest.Item) -> list[str]:
    """Return the conditions that a test, its class and its module carry, the outermost first.

    Raises UsageError for a marker that is not one text.
    """
    found: list[str] = []
    for mark in item.iter_markers("applies"):
        if len(mark.args) != 1 or mark.kwargs or not isinstance(mark.args[0], str):
            raise UsageError(
                f"{item.nodeid}: @pytest.mark.applies takes one condition, such as "
                "'A.4/7 and not O_BER_TLV'"
            )
        found.insert(0, mark.args[0])
    return found


def judge_collected(item: pytest.Item, ics: Ics | None) -> Applicability:
    """Note whether a test applies to the product, and have it left out where it does not."""
    found = decide(conditions_of(item), ics, f"{item.nodeid}: @pytest.mark.applies")
    item.stash[APPLICABILITY] = found
    if not found.applies:
        item.add_marker(pytest.mark.skip(reason=found.reason))
    return found


def note_lacking(item: pytest.Item, reason: str, missing: list[str], *, strict: bool) -> None:
    """Note what the bench lacks for a test; it is left out, but in a strict run it fails."""
    found = item.stash[APPLICABILITY]
    item.stash[APPLICABILITY] = replace(
        found, applies=strict, reason=reason, lacking=tuple(missing)
    )
    if not strict:
        item.add_marker(pytest.mark.skip(reason=reason))


def is_left_out(item: pytest.Item) -> bool:
    """Return whether it is known that a test does not apply."""
    found = applicability_of(item)
    return found is not None and not found.applies


def found_out(item: pytest.Item, error: NotApplicable, ics: Ics | None, *, began: bool) -> None:
    """Note that a running test does not apply; unless its supplier states the contrary.

    Then it fails in its body (``began``), and before that raises Inconclusive. An item that the
    statement does not know is a UsageError.
    """
    before = item.stash.get(APPLICABILITY, Applicability(applies=True))
    inputs = dict(before.inputs)
    if error.item and ics is not None:
        stated = ics.stated.get(error.item)
        if stated is None:
            where = f"{item.nodeid}: not_applicable"
            raise UsageError(f"{where}: the ICS {ics.path.name} has no item '{error.item}'")
        if stated is not False:
            text = (
                f"{error.msg}, but the ICS states {error.item} = {shown(stated)} "
                f"({ics.file.items[error.item].text})"
            )
            if began:
                pytest.fail(text, pytrace=False)
            raise Inconclusive(text)
        inputs[error.item] = stated
    item.stash[APPLICABILITY] = replace(before, applies=False, reason=str(error.msg), inputs=inputs)
