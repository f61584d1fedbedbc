"""The conformance set: test cases with ids of their own, for any card and any server.

A case stands in a test function: its id and the standard's section in the marker, its title,
preconditions and steps in the docstring, so that what is printed and what runs cannot differ::

    @pytest.mark.conformance("EUICC-ES5-ENABLE-01", section="SGP.02 v4.2, 4.1.1.2")
    @pytest.mark.requirement("R-63")
    def test_a_disabled_profile_is_enabled(...):
        '''A disabled profile is enabled.

        Preconditions: two profiles, one of them disabled.

        Steps:
        1. EnableProfile for the disabled one: 9000.
        2. GetStatus: it is ENABLED, and no other one is.
        '''

A parametrised test gives each row its own id, and a ``title`` that replaces the docstring's.
"""

from __future__ import annotations

import fnmatch
import inspect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

_ID: Final = re.compile(r"[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)+-\d{2,3}")
_PRECONDITIONS: Final = "Preconditions:"
_STEPS: Final = "Steps:"
_NUMBER: Final = re.compile(r"(\d+)\.\s+")


@dataclass(frozen=True, slots=True)
class ConformanceCase:
    """One case: ``section`` names the standard and its section; ``steps`` are numbered from 1."""

    id: str
    title: str
    section: str
    preconditions: str
    steps: tuple[str, ...]


def read_case(
    arguments: tuple[object, ...],
    options: dict[str, object],
    docstring: str | None,
    where: str,
) -> ConformanceCase:
    """Read a case from the marker's arguments and the test's docstring.

    Raises UsageError naming ``where`` for a wrong id, an unknown option, or a docstring without
    title, preconditions or steps.
    """
    if len(arguments) != 1 or not isinstance(arguments[0], str) or not _ID.fullmatch(arguments[0]):
        raise UsageError(
            f"{where}: @pytest.mark.conformance takes an id such as 'EUICC-ES5-ENABLE-03'"
        )
    unknown = sorted(set(options) - {"section", "title"})
    if unknown:
        raise UsageError(f"{where}: {arguments[0]} has an unknown {unknown[0]!r}")
    section, title = options.get("section"), options.get("title")
    if not isinstance(section, str) or not section:
        raise UsageError(f"{where}: {arguments[0]} names no section of a standard")
    first, preconditions, steps = _read_docstring(docstring or "")
    shown = str(title or first)
    if not shown or not preconditions or not steps:
        raise UsageError(
            f"{where}: the docstring of {arguments[0]} needs a title, 'Preconditions: …' and "
            "'Steps:' with numbered lines"
        )
    return ConformanceCase(arguments[0], shown, section, preconditions, steps)


def check_unique(found: Iterable[tuple[str, str]]) -> None:
    """Raise UsageError where two tests (id, node id) carry the same case id."""
    seen: dict[str, str] = {}
    for case, node in found:
        if seen.setdefault(case, node) != node:
            raise UsageError(f"{node}: the case {case} stands in {seen[case]} already")


def chosen(case: str, patterns: Iterable[str]) -> bool:
    """Whether a case id fits one of some patterns, such as ``EUICC-ES5-*``."""
    return any(fnmatch.fnmatchcase(case, one) for one in patterns)


def _read_docstring(text: str) -> tuple[str, str, tuple[str, ...]]:
    """Return title, preconditions and steps; empty where they are missing."""
    title, _, body = inspect.cleandoc(text).partition("\n")
    head, _, numbered = body.partition(_STEPS)
    _, _, preconditions = head.partition(_PRECONDITIONS)
    steps: list[str] = []
    for line in (one.strip() for one in numbered.splitlines()):
        number = _NUMBER.match(line)
        if number is not None and int(number[1]) == len(steps) + 1:
            steps.append(line[number.end() :])
        elif line and steps:
            steps[-1] += f" {line}"
    return title.strip().rstrip("."), " ".join(preconditions.split()), tuple(steps)
