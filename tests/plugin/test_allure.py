from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.conftest import Session

SOURCE = '''
"""Packets of a forged sender."""
import pytest

@pytest.mark.requirement("R-12", "R-59")
@pytest.mark.severity("critical")
def test_good():
    """A forged SM-DP is refused.

    Its packets are not stored.
    """

@pytest.mark.requirement("R-12")
@pytest.mark.parametrize("case", ["a"])
def test_wrong(case):
    assert False

@pytest.mark.requirement("R-12")
def test_broken():
    raise RuntimeError("x")

@pytest.fixture
def late():
    yield
    raise KeyboardInterrupt

@pytest.mark.requirement("R-12")
def test_stopped(): raise KeyboardInterrupt
@pytest.mark.requirement("R-12")
def test_stopped_late(late): pass

def test_foreign(): pass
'''


def results(folder: Path) -> dict[str, dict[str, Any]]:
    found = (json.loads(path.read_text()) for path in folder.glob("*-result.json"))
    return {one["fullName"].partition("#")[2]: one for one in found}


def labels(result: dict[str, Any], name: str) -> list[str]:
    return sorted(label["value"] for label in result["labels"] if label["name"] == name)


@pytest.mark.parametrize("workers", [[], ["-p", "xdist", "-n", "2"]], ids=["plain", "xdist"])
def test_results_carry_requirement_verdict_and_bench(
    session: Session, tmp_path: Path, workers: list[str]
) -> None:
    done = session(
        SOURCE,
        "-p",
        "allure_pytest.plugin",
        "--alluredir=results",
        "--hil-bench",
        "virtual",
        "-k",
        "not stopped",
        *workers,
    )
    assert done.returncode == 1, done.stdout
    found = results(tmp_path / "results")
    good = found["test_good"]
    assert labels(good, "requirement") == ["R-12", "R-59"]
    assert set(labels(good, "tag")) >= {"R-12", "R-59"}
    assert labels(good, "severity") == ["critical"]
    assert labels(good, "verdict") == ["PASS"]
    assert labels(good, "feature") == ["Packets of a forged sender"]
    assert good["name"] == "A forged SM-DP is refused"
    assert "authenticates the generation server" in good["description"]
    assert "claims 10" in good["description"]
    assert "Its packets are not stored" in good["description"]
    assert {"name": "bench", "value": "'virtual'"} in good["parameters"]
    assert labels(found["test_wrong"], "verdict") == ["FAIL"]
    assert labels(found["test_broken"], "verdict") == ["ERROR"]
    assert labels(found["test_foreign"], "verdict") == ["PASS"]


@pytest.mark.parametrize("name", ["test_stopped", "test_stopped_late"])
def test_an_interrupted_test_is_not_shown_as_passed(
    session: Session, tmp_path: Path, name: str
) -> None:
    options = ["-p", "allure_pytest.plugin", "--alluredir=results", "--hil-bench", "virtual"]
    done = session(
        SOURCE, *options, "-k", f"{name} and not {name}_late" if name[-1] == "d" else name
    )
    assert done.returncode == 2
    (result,) = results(tmp_path / "results").values()
    assert result["status"] == "broken"
    assert "INCONCLUSIVE" in result["statusDetails"]["message"]
