"""Expected times: from history where it knows, else from the tests so far; and without jumps."""

from __future__ import annotations

from itertools import pairwise

import pytest

from hil.terminal.estimate import ENOUGH, Estimate

TESTS = [f"t{number}" for number in range(10)]


def test_history_is_believed_from_the_start() -> None:
    estimate = Estimate(dict.fromkeys(TESTS, 6.0).get)
    assert estimate.expected("t0") == 6.0
    assert estimate.left(0.0, TESTS, [], workers=1) == 60.0
    assert Estimate(dict.fromkeys(TESTS, 6.0).get).left(0.0, TESTS, [], 2) == 30.0


def test_the_longest_test_is_not_shared_by_workers() -> None:
    history = {"t0": 50.0, "t1": 1.0}
    assert Estimate(history.get).left(0.0, ["t0", "t1"], [], workers=4) == 50.0


def test_a_running_test_counts_with_what_is_left_of_it() -> None:
    history = {"t0": 50.0, "t1": 10.0}
    assert Estimate(history.get).left(0.0, ["t1"], [("t0", 45.0)], workers=1) == 15.0
    assert Estimate(history.get).left(0.0, ["t1"], [("t0", 99.0)], workers=1) == 10.0


def test_without_history_nothing_is_said_before_enough_tests_have_ended() -> None:
    estimate = Estimate(lambda _test: None)
    for number in range(ENOUGH):
        assert estimate.left(float(number), TESTS[number:], [], workers=1) is None
        estimate.ended(TESTS[number], 4.0)
    assert estimate.expected("t9") == pytest.approx(4.0)
    assert estimate.left(12.0, TESTS[3:], [], workers=1) == pytest.approx(28.0)


def test_what_history_knows_teaches_nothing_of_the_others() -> None:
    estimate = Estimate({"t0": 100.0}.get)
    for seconds in (2.0, 2.0, 2.0):
        estimate.ended("t0", 100.0)
        estimate.ended("other", seconds)
    assert estimate.expected("unknown") == pytest.approx(2.0)


def test_a_test_that_takes_far_longer_than_expected_does_not_make_it_jump() -> None:
    """Ten tests of 6 s each by history; the third takes 60 s. Looked at every second."""
    history = dict.fromkeys(TESTS, 6.0)
    estimate = Estimate(history.get)
    shown: list[float] = []
    now = 0.0
    for index, name in enumerate(TESTS):
        taken = 60 if name == "t2" else 6
        for passed in range(taken):
            left = estimate.left(now, TESTS[index + 1 :], [(name, float(passed))], workers=1)
            assert left is not None
            shown.append(left)
            now += 1.0
        estimate.ended(name, taken)
    steps = [after - before for before, after in pairwise(shown)]
    # A countdown goes by 1 s a second; it may stand still, and never turns back by much.
    assert max(steps) <= 0.05
    assert min(steps) >= -1.05
    assert shown[-1] == pytest.approx(1.0, abs=3.0)


def test_a_mean_that_changes_is_followed_slowly() -> None:
    estimate = Estimate(lambda _test: None)
    for name in TESTS[:ENOUGH]:
        estimate.ended(name, 1.0)
    waiting = [f"w{number}" for number in range(100)]
    first = estimate.left(10.0, waiting, [], workers=1)
    estimate.ended("slow", 101.0)
    then = estimate.left(10.2, waiting, [], workers=1)
    assert first is not None
    assert then is not None
    assert abs(then - first) < 100, "a mean of 26 s after one of 1 s: 2,500 s more at once"
    later = [estimate.left(10.2 + seconds, waiting, [], workers=1) for seconds in range(1, 60)]
    assert later[-1] == pytest.approx(2600, rel=0.02)
