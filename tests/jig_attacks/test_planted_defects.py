"""Each defect of a jig pin is caught by the test case named here, on a device with nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hil.virtual.device.jig_config import JigDefect
from tests.jig_attacks.pin_bench import CASES, ROOT, pin_bench, verdicts_of
from tests.thorough import IS_THOROUGH, VARIABLE

CAUGHT_BY = {
    JigDefect.NO_DEBOUNCE: (
        "jig_attacks/test_ramps_and_sweeps.py::test_visits_do_not_add_up[gap above debounce]"
    ),
    JigDefect.SHORT_DWELL: (
        "jig_attacks/test_ramps_and_sweeps.py::test_a_visit_shorter_than_debounce_and_dwell_is_refused"
    ),
    JigDefect.CUMULATIVE_DWELL: (
        "jig_attacks/test_ramps_and_sweeps.py::test_visits_do_not_add_up[gap below debounce]"
    ),
    JigDefect.LATCH_ON_RAMP: (
        "jig_attacks/test_ramps_and_sweeps.py::test_a_ramp_through_the_window_never_latches[up]"
    ),
    JigDefect.NO_LOCKOUT: "jig_attacks/test_ramps_and_sweeps.py::test_repeated_sweeps_lock_the_pin",
    JigDefect.WIDE_WINDOW: (
        "authentication/test_jig_window.py::test_beyond_the_edge_of_the_window_is_refused[above]"
    ),
    JigDefect.NO_HYSTERESIS: (
        "jig_attacks/test_drift.py::test_a_slow_drift_is_revoked_at_the_revoke_limit[up]"
    ),
    JigDefect.INVERTED_HYSTERESIS: (
        "jig_attacks/test_drift.py::test_a_slow_drift_is_revoked_at_the_revoke_limit[up]"
    ),
    JigDefect.NO_REVOKE: "jig_attacks/test_removal.py::test_a_loss_is_revoked_in_time",
    JigDefect.SLOW_REVOKE: "jig_attacks/test_removal.py::test_a_loss_is_revoked_in_time",
    JigDefect.REVOKE_IS_BLIND_TO_DRIFT: (
        "jig_attacks/test_drift.py::test_a_slow_drift_is_revoked_at_the_revoke_limit[up]"
    ),
    JigDefect.TRUST_OVER_RESET: (
        "jig_attacks/test_restart.py::test_acceptance_does_not_outlive_a_restart"
    ),
    JigDefect.BOOT_SKIPS_DWELL: (
        "jig_attacks/test_restart.py::test_a_jig_that_is_there_at_power_on_has_to_dwell"
    ),
    JigDefect.OPEN_IS_VALID: "jig_attacks/test_beyond_the_range.py::test_an_open_pin_is_refused",
    JigDefect.OVERRANGE_WRAPS: (
        "jig_attacks/test_beyond_the_range.py::test_another_voltage_is_refused[2x]"
    ),
    JigDefect.EITHER_PIN: "jig_attacks/test_wrong_pin.py::test_the_wrong_pin_is_refused",
    JigDefect.NEIGHBOUR_IGNORED: "jig_attacks/test_wrong_pin.py::test_both_pins_are_refused",
    JigDefect.SOURCE_IGNORED: "jig_attacks/test_source.py::test_a_weak_source_is_refused",
    JigDefect.SOURCE_BARELY_CHECKED: (
        "jig_attacks/test_source.py::test_a_source_just_too_weak_is_refused"
    ),
    JigDefect.REFERENCE_FOLLOWS_RAIL: (
        "jig_attacks/test_supply_variation.py::test_the_window_holds_at_the_ends_of_the_rail[lowest]"
    ),
}
ALWAYS = {
    JigDefect.CUMULATIVE_DWELL,
    JigDefect.EITHER_PIN,
}


def verdicts(folder: Path, defect: JigDefect, case: str) -> dict[str, str]:
    """Run a case on a device with a defect; return its verdict by name."""
    bench = pin_bench(folder / "lab", {"jig_defect": str(defect)})
    jig = bench.parent / "jigs" / "voltage-1v8.yaml"
    text = jig.read_text(encoding="utf-8")
    assert "dwell: 400 ms" in text
    # A defect of time has to show on a busy computer, too.
    text = text.replace("dwell: 400 ms", "dwell: 1 s").replace("lockout: 2 s", "lockout: 6 s")
    jig.write_text(text, encoding="utf-8")
    return verdicts_of(bench, folder, [case], timeout_s=240)


def test_every_defect_has_its_case() -> None:
    assert set(CAUGHT_BY) == set(JigDefect)


@pytest.mark.parametrize("defect", sorted(JigDefect))
def test_a_planted_defect_is_caught(tmp_path: Path, defect: JigDefect) -> None:
    """Ten seconds each: a few ways of being wrong always, the others with HIL_THOROUGH=1.

    That the correct device passes, the run of the test cases itself shows.
    """
    if defect not in ALWAYS and not IS_THOROUGH:
        pytest.skip(f"only with {VARIABLE}=1 in the environment")
    case = CAUGHT_BY[defect]
    assert verdicts(tmp_path, defect, case) == {case: "FAIL"}


def test_the_page_names_each_defect_with_its_case() -> None:
    page = (ROOT / "docs" / "jig-attacks.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| `(test_\w+)` \|$", page, re.MULTILINE))
    assert rows == {
        str(defect): case.partition("::")[2].partition("[")[0] for defect, case in CAUGHT_BY.items()
    }
    files = set(re.findall(r"`(test_\w+\.py)`", page))
    assert files == {path.name for path in (CASES / "jig_attacks").glob("test_*.py")}
