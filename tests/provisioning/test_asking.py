"""A peer is asked how something slow gets on: soon at first, less often the longer it takes."""

from __future__ import annotations

import itertools

from hil.provisioning.sm_sr.asking import LONGEST_S, SHARE, Asking

_TICK_S = 0.5


def asked(asking: Asking, *, begin: float, seconds: float) -> list[float]:
    """Return when it is asked for one thing in so many seconds of half-second looks."""
    looks = (begin + _TICK_S * count for count in range(int(seconds / _TICK_S) + 1))
    return [now for now in looks if asking.is_due("one", now)]


def test_the_first_seconds_are_asked_for_at_every_look() -> None:
    assert asked(Asking(), begin=1000.0, seconds=5.0) == [1000.0 + n / 2 for n in range(11)]


def test_no_answer_is_seen_later_than_a_tenth_of_its_time_or_a_minute() -> None:
    times = asked(Asking(), begin=1000.0, seconds=7200.0)
    for last, again in itertools.pairwise(times):
        assert again - last <= min(LONGEST_S, SHARE * (last - 1000.0)) + _TICK_S
    assert len(times) < 200, "two hours are not asked for twice a second"
    assert times[-1] - times[-2] == LONGEST_S


def test_things_are_told_apart_and_forgotten() -> None:
    asking = Asking()
    asked(asking, begin=0.0, seconds=600.0)
    assert asking.is_due("other", 600.5)
    asking.keep_only(["other"])
    assert asking.is_due("one", 600.5)


def test_a_clock_that_is_set_back_silences_nobody() -> None:
    asking = Asking()
    asked(asking, begin=10_000.0, seconds=600.0)
    assert asking.is_due("one", 50.0)
    assert asking.is_due("one", 50.5)
