"""Where the device accepts its jig and where it lets go is where its jig file says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from hil.bench.judge import noted
from hil.bench.reaction import reactions

if TYPE_CHECKING:
    from hil.bench.jig import Jig
    from hil.bench.threshold import Side, ThresholdSearch

THIRD: Final = 0.35
"""Two searches that resolve so much of the hysteresis tell its edges apart."""
FINEST_V: Final = 0.002

pytestmark = [
    pytest.mark.requires("device", "power_supply.jig", "jig.voltage"),
    pytest.mark.requirement("R-24", "R-30"),
]


@pytest.mark.severity("critical")
@pytest.mark.parametrize("side", [-1, 1], ids=["lower", "upper"])
def test_edges_of_the_window_and_their_hysteresis(
    threshold_search: ThresholdSearch, jig: Jig, side: Side
) -> None:
    """Accepted at the window's edge, let go further out: both found by bisection."""
    hysteresis = jig.spec.hysteresis * jig.nominal_volts
    finest = max(THIRD * hysteresis, FINEST_V)
    accepted = threshold_search.acceptance(side, resolution=finest)
    assert accepted.low <= accepted.expected <= accepted.high, str(accepted)
    released = threshold_search.release(side, resolution=finest)
    assert released.low <= released.expected <= released.high, str(released)
    if hysteresis > 2 * finest:
        # Both were read by one instrument in one range: its own error is the same in both.
        further = side * (released.yes - accepted.no)
        assert further > 0, f"nothing is held that would not be accepted: {accepted}; {released}"


@pytest.mark.severity("critical")
def test_shortest_stay_that_is_accepted(threshold_search: ThresholdSearch) -> None:
    """No stay that is shorter than debounce and dwell is accepted."""
    stay = threshold_search.shortest_pulse()
    assert stay.high >= stay.expected, str(stay)


@pytest.mark.severity("critical")
def test_reactions_to_one_visit(jig: Jig) -> None:
    """Acceptance comes no sooner than debounce and dwell, revocation no later than stated."""
    seen = reactions(jig)
    for one in (seen.debounce, seen.acceptance, seen.revocation):
        if one is not None:
            noted(
                one.measured,
                interval=f"{one.least_s:.4f} … {one.longest_s:.4f} s",
                stated=f"{one.stated_s:g} s",
            )
    assert seen.acceptance.longest_s >= seen.acceptance.stated_s, str(seen.acceptance)
    assert seen.revocation.least_s <= seen.revocation.stated_s, str(seen.revocation)
    if seen.debounce is not None:
        assert seen.debounce.longest_s >= seen.debounce.stated_s, str(seen.debounce)
