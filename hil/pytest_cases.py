"""Cases of the conformance set as pytest items: read from marker and docstring, chosen by id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.conformance import ConformanceCase, check_unique, chosen, read_case
from hil.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

_CASE = pytest.StashKey[ConformanceCase]()


def note_case(item: pytest.Item) -> None:
    """Read the case of a test that is one; it goes into JUnit as well."""
    mark = item.get_closest_marker("conformance")
    if mark is None:
        return
    where = f"{item.nodeid}: @pytest.mark.conformance"
    docstring = getattr(getattr(item, "function", None), "__doc__", None)
    case = read_case(mark.args, dict(mark.kwargs), docstring, where)
    if item.get_closest_marker("requirement") is None:
        raise UsageError(f"{where}: {case.id} names no requirement")
    item.stash[_CASE] = case
    item.user_properties.append(("case", case.id))


def case_of(item: pytest.Item) -> ConformanceCase | None:
    """Return the case of a test; None for one that is none."""
    return item.stash.get(_CASE, None)


def repeated_cases(items: Iterable[pytest.Item]) -> list[str]:
    """Return what is wrong where two tests carry the same id."""
    found = [(item.stash[_CASE].id, item.nodeid) for item in items if _CASE in item.stash]
    try:
        check_unique(found)
    except UsageError as err:
        return [str(err)]
    return []


def select_cases(config: pytest.Config, items: list[pytest.Item], wanted: list[str]) -> None:
    """Leave out every test whose case fits none of the ids or patterns in ``wanted``."""
    kept: list[pytest.Item] = []
    left: list[pytest.Item] = []
    for item in items:
        case = case_of(item)
        fits = case is not None and chosen(case.id, wanted)
        (kept if fits else left).append(item)
    if not kept:
        raise pytest.UsageError(
            f"no case of the conformance set fits {', '.join(wanted)}: 'hil conformance' lists them"
        )
    config.hook.pytest_deselected(items=left)
    items[:] = kept
