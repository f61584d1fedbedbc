"""A resistor in the jig's lead is the source's impedance: it decides, and who ignores it fails."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from hil.virtual.device.jig_config import JigDefect
from tests.jig_attacks.pin_bench import pin_bench, verdicts_of
from tests.thorough import IS_THOROUGH, VARIABLE

CASE = "jig_attacks/test_source.py::test_the_impedance_of_the_leads_decides"


@pytest.mark.parametrize(
    ("ohms", "defect", "verdict"),
    [
        ("100 ohm", None, "PASS"),
        ("100 ohm", JigDefect.SOURCE_IGNORED, "FAIL"),
        ("1 ohm", None, "PASS"),
        ("3.3 ohm", None, "INCONCLUSIVE"),
    ],
    ids=["too high", "too high and ignored", "right", "at the edge"],
)
def test_a_resistor_in_the_lead(
    tmp_path: Path, ohms: str, defect: JigDefect | None, verdict: str
) -> None:
    if defect is None and not IS_THOROUGH:
        pytest.skip(f"only with {VARIABLE}=1 in the environment")
    bench = pin_bench(tmp_path / "lab", {} if defect is None else {"jig_defect": str(defect)})
    text = yaml.safe_load(bench.read_text(encoding="utf-8"))
    text["power_supply"]["channels"]["jig"]["series_resistance"] = ohms
    bench.write_text(yaml.safe_dump(text), encoding="utf-8")
    assert verdicts_of(bench, tmp_path, [CASE], timeout_s=240) == {CASE: verdict}
