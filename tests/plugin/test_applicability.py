"""``@pytest.mark.applies`` and ``not_applicable`` in sessions of their own, on virtual benches."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from hil.evidence.run_record import read_run
from tests.plugin.conftest import Session

SOURCE = """
import pytest
from hil.not_applicable import not_applicable
from hil.pytest_applicability import applicability_of

pytestmark = [pytest.mark.requirement("R-12"), pytest.mark.applies("O_HTTPS")]

@pytest.fixture(autouse=True)
def facts(request):
    yield
    print("FACTS", request.node.name, applicability_of(request.node).facts())

def test_applies(): pass

@pytest.mark.applies("O_BER_TLV and not O_CLOCK")
def test_of_files(): raise RuntimeError("it must not run")

def test_finds_out():
    not_applicable("the card has no such files", item="O_BER_TLV")

@pytest.fixture
def files():
    not_applicable("the card has no such files", item="O_BER_TLV")

def test_finds_out_in_a_fixture(files): raise RuntimeError("it must not run")

def test_asks_nobody():
    not_applicable("the bench has no such key set")

def test_unknown_item():
    not_applicable("no such item", item="O_BER_TVL")
"""
ICS = "ics/virtual.yaml"


def state(folder: Path, item: str, support: str) -> None:
    path = folder / ICS
    head, mark, rest = path.read_text(encoding="utf-8").partition(f"  {item}:\n")
    assert mark
    path.write_text(head + mark + rest.replace("support: true", f"support: {support}", 1))


def verdicts(folder: Path) -> dict[str, tuple[str, str]]:
    found = json.loads((folder / "runs" / "verdicts.json").read_text(encoding="utf-8"))
    return {
        name.partition("::")[2]: (entry["verdict"], entry.get("reason", ""))
        for name, entry in found.items()
    }


def test_what_is_not_supported_is_not_run(
    session: Session, tmp_path: Path, lab_folder: Path
) -> None:
    state(lab_folder, "O_BER_TLV", "false")
    done = session(SOURCE, "--hil-bench", "virtual", "-s")
    found = verdicts(tmp_path)
    assert found["test_applies"] == ("PASS", "")
    reason = (
        "not applicable by the ICS: (O_HTTPS) and (O_BER_TLV and not O_CLOCK); "
        "O_HTTPS = true, O_BER_TLV = false, O_CLOCK = true"
    )
    assert found["test_of_files"] == ("NOT APPLICABLE", reason)
    for name in ("test_finds_out", "test_finds_out_in_a_fixture"):
        assert found[name] == ("NOT APPLICABLE", "the card has no such files")
    assert found["test_asks_nobody"] == ("NOT APPLICABLE", "the bench has no such key set")
    assert found["test_unknown_item"][0] == "ERROR"
    assert "the ICS virtual.yaml has no item 'O_BER_TVL'" in found["test_unknown_item"][1]
    told = next(line for line in done.stdout.splitlines() if "FACTS test_finds_out {" in line)
    assert "'applies': False, 'reason': 'the card has no such files'" in told
    assert "'inputs': {'O_HTTPS': True, 'O_BER_TLV': False}" in told


def test_a_strict_run_lets_the_statement_leave_tests_out(
    session: Session, tmp_path: Path, lab_folder: Path
) -> None:
    state(lab_folder, "O_HTTPS", "false")
    done = session(SOURCE, "--hil-bench", "virtual", "--hil-strict")
    assert done.returncode == 0, done.stdout
    assert {verdict for verdict, _ in verdicts(tmp_path).values()} == {"NOT APPLICABLE"}


def test_who_states_support_and_lacks_it_does_not_get_away(
    session: Session, tmp_path: Path
) -> None:
    session(SOURCE, "--hil-bench", "virtual")
    found = verdicts(tmp_path)
    told = "the card has no such files, but the ICS states O_BER_TLV = true (the eUICC has BER-TLV"
    for name, verdict in (
        ("test_finds_out", "FAIL"),
        ("test_finds_out_in_a_fixture", "INCONCLUSIVE"),
    ):
        assert found[name][0] == verdict
        assert told in found[name][1]
    assert found["test_of_files"][0] == "NOT APPLICABLE"


def test_without_a_statement_every_test_applies(
    session: Session, tmp_path: Path, lab_folder: Path
) -> None:
    path = lab_folder / "virtual.yaml"
    path.write_text(path.read_text().replace("  ics: ics/virtual.yaml\n", ""))
    session(SOURCE, "--hil-bench", "virtual")
    found = verdicts(tmp_path)
    assert found["test_of_files"][0] == "ERROR", "it ran"
    assert found["test_finds_out"] == ("NOT APPLICABLE", "the card has no such files")


def test_product_and_bench_both_decide(session: Session, tmp_path: Path, lab_folder: Path) -> None:
    source = SOURCE.replace(
        "def test_applies", '@pytest.mark.requires("multimeter")\ndef test_applies'
    )
    session(source, "--hil-bench", "virtual", "-k", "test_applies")
    assert "lacks multimeter" in verdicts(tmp_path)["test_applies"][1]
    state(lab_folder, "O_HTTPS", "false")
    session(source, "--hil-bench", "virtual", "--hil-strict", "-k", "test_applies")
    assert "by the ICS" in verdicts(tmp_path)["test_applies"][1]
    assert verdicts(tmp_path)["test_applies"][0] == "NOT APPLICABLE"


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ('"O_HTPS"', "column 1: nothing is stated of item 'O_HTPS' - did you mean 'O_HTTPS'?"),
        ('"O_HTTPS and"', "column 12: an item, 'not' or '(' is expected, not the end"),
        ("", "@pytest.mark.applies takes one condition"),
        ('"O_HTTPS", "O_CLOCK"', "@pytest.mark.applies takes one condition"),
    ],
)
def test_a_wrong_condition_ends_the_run_before_it_begins(
    session: Session, tmp_path: Path, condition: str, told: str
) -> None:
    source = SOURCE.replace('applies("O_HTTPS")', f"applies({condition})")
    done = session(source, "--hil-bench", "virtual", "--hil-run-dir", "run")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert told in done.stderr + done.stdout
    assert not (tmp_path / "runs").exists()
    assert read_run(tmp_path / "run").tests == {}


def test_the_banner_names_product_and_statement(session: Session) -> None:
    done = session(SOURCE, "--hil-bench", "virtual", "-k", "test_applies")
    assert "  product  hil project, virtual eUICC and virtual device" in done.stdout
    assert "  ICS      hil project, virtual eUICC and virtual device, release 1  sha256 " in (
        done.stdout
    )


def test_the_journal_tells_why_and_by_what(
    session: Session, tmp_path: Path, lab_folder: Path
) -> None:
    state(lab_folder, "O_BER_TLV", "false")
    session(SOURCE, "--hil-bench", "virtual", "--hil-run-dir", "run")
    run = read_run(tmp_path / "run")
    digest = hashlib.sha256((lab_folder / ICS).read_bytes()).hexdigest()
    assert run.begin["ics"]["sha256"] == digest
    assert run.begin["item"] == {
        "manufacturer": "hil project",
        "model": "virtual eUICC and virtual device",
    }
    found = {name.partition("::")[2]: test for name, test in run.tests.items()}
    left_out = found["test_of_files"]
    assert left_out.verdict == "NOT APPLICABLE"
    assert left_out.applicability is not None
    assert left_out.applicability["expression"] == "(O_HTTPS) and (O_BER_TLV and not O_CLOCK)"
    assert left_out.applicability["inputs"]["O_BER_TLV"] is False
    found_out = found["test_finds_out"]
    assert found_out.applicability is not None
    assert found_out.applicability["applies"] is False
    assert found_out.applicability["reason"] == "the card has no such files"
    applies = found["test_applies"]
    assert applies.applicability is not None
    assert applies.applicability["applies"] is True
