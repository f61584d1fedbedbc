"""The suite shows every requirement by the good way and by a refusal, or says why it cannot."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import pytest

from hil.bench.project import project_root
from hil.cli.collected import collect
from hil.requirement_ways import WITHOUT, Way, lacking, ways_named
from hil.requirements import REQUIREMENTS


@cache
def shown() -> dict[str, set[Way]]:
    """Return what the test cases of this project show of each requirement."""
    collected = collect(project_root())
    assert collected is not None
    found: dict[str, set[Way]] = defaultdict(set)
    for test in collected.values():
        for name, ways in test.requirements.items():
            found[name].update(ways)
    return found


def test_every_requirement_is_shown_both_ways_or_says_why_not() -> None:
    open_ends = {name: ways for name in REQUIREMENTS if (ways := lacking(name, shown()[name]))}
    assert open_ends == {}


def test_no_reason_stands_where_a_test_shows_the_opposite() -> None:
    stale = {name for name, reasons in WITHOUT.items() for way in reasons if way in shown()[name]}
    assert stale == set()
    assert set(WITHOUT) <= set(REQUIREMENTS)
    assert all(reason for reasons in WITHOUT.values() for reason in reasons.values())


def test_what_one_marker_says() -> None:
    assert ways_named(("R-12",), {}, "here") == {"R-12": Way.GOOD}
    assert ways_named(("R-12",), {"refusal": True}, "here") == {"R-12": Way.REFUSAL}
    assert lacking("R-12", [Way.GOOD]) == [Way.REFUSAL]
    assert lacking("R-72", [Way.GOOD]) == []


def test_the_nearest_place_that_names_a_requirement_decides(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import pytest
        from hil.pytest_ways import ways_of
        pytestmark = pytest.mark.requirement("R-24")

        def test_good(request):
            assert ways_of(request.node) == {"R-24": ("good way",)}

        @pytest.mark.requirement("R-24", refusal=True)
        def test_refused(request):
            assert ways_of(request.node) == {"R-24": ("refusal",)}

        @pytest.mark.requirement("R-24")
        @pytest.mark.requirement("R-24", "R-25", refusal=True)
        def test_both(request):
            assert ways_of(request.node) == {
                "R-24": ("good way", "refusal"), "R-25": ("refusal",)
            }
    """)
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=3)
