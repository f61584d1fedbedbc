"""A strict run states no PASS by the set points of a supply whose calibration does not hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.evidence.run_record import read_run
from tests.plugin.conftest import ROOT, Session
from tests.thorough import thorough

SOURCE = """
import hil.bench.judge as judge
judge.lacking = lambda instrument, today: f"{instrument.model} has no calibration"

def test_passes(jig): assert jig
def test_fails(jig): assert 1 == 2
"""


@pytest.mark.parametrize(
    ("options", "passes"),
    [pytest.param([], "PASS", marks=thorough), (["--hil-strict"], "INCONCLUSIVE")],
    ids=["plain", "strict"],
)
def test_only_a_strict_run_asks(
    session: Session, tmp_path: Path, options: list[str], passes: str
) -> None:
    (tmp_path / "conftest.py").write_text((ROOT / "conftest.py").read_text())
    given = ["--hil-bench", "virtual-inprocess", "--hil-run-dir", "run", *options]
    done = session(SOURCE, *given, "-o", "enable_assertion_pass_hook=true")
    verdicts = {
        name.partition("::")[2]: test.verdict
        for name, test in read_run(tmp_path / "run").tests.items()
    }
    assert verdicts == {"test_passes": passes, "test_fails": "FAIL"}, done.stdout
    if options:
        assert "nothing can be stated by the set points of" in done.stdout
