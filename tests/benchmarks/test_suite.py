"""The figure of the suite counts the cases that ran, and limits the time of a hundred."""

from __future__ import annotations

import pytest

from benchmarks.suite import LIMIT_S, cases, rows


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        ("702 passed, 1 skipped in 159.05s (0:02:39)", 702),
        ("1 failed, 201 passed, 3 skipped, 1 warning in 47.09s", 202),
        ("2 failed, 10 passed, 1 xfailed, 1 error in 3.00s", 14),
        ("12 passed, 4 deselected, 2 errors in 3.00s", 14),
        ("no tests ran in 0.01s", 0),
        ("no output", 0),
    ],
)
def test_only_what_ran_is_counted(summary: str, expected: int) -> None:
    assert cases(summary) == expected


def test_the_limit_is_that_of_a_hundred_cases() -> None:
    assert pytest.approx(52.2, abs=0.05) == LIMIT_S
    hundred, whole = rows("700 passed in 175.00s", 175.0, green=True)
    assert hundred["value"] == pytest.approx(25.0)
    assert hundred["ok"]
    assert whole["value"] == 175.0
    assert whole["limit"] is None
    assert "700 cases" in str(whole["note"])


def test_slow_cases_a_red_run_and_none_at_all_are_not_kept() -> None:
    assert not rows("100 passed in 53.00s", 53.0, green=True)[0]["ok"]
    assert [row["ok"] for row in rows("1 failed, 99 passed in 9.00s", 9.0, green=False)] == [
        False,
        False,
    ]
    assert not rows("no output", 1.0, green=True)[0]["ok"]
