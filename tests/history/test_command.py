"""``hil history`` in the terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hil.cli import FAILED, OK, USAGE, main
from hil.history import FILE, History
from hil.history.queries import runs
from tests.evidence.journal.rewriting import rewrite
from tests.history.building import journal_run, measurement
from tests.history.test_page import NAME, fill


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HIL_RUNS", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


@pytest.fixture
def filled(folder: Path) -> Path:
    with History(folder / FILE, writable=True) as history:
        fill(history)
    return folder


def _said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["history", *arguments]) == OK
    return capsys.readouterr().out


def test_without_a_store_it_says_how_to_get_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in ([], ["--forget", "r1"], ["--page", str(folder / "p.html")]):
        assert main(["history", *arguments]) == USAGE
        said = capsys.readouterr().err
        assert f"hil: {folder / FILE}: there is no store of runs yet" in said
    assert list(folder.iterdir()) == []


def test_the_overview_counts_and_names_what_changes(
    filled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = _said(capsys)
    lines = said.splitlines()
    assert lines[0].split()[:4] == ["run", "began", "(UTC)", "bench"]
    assert lines[4].split() == [
        *("r3", "2026-09-24", "14:13", "bench-07", "0.1.0", "abcdef012345"),
        *("0", "1", "0", "0", "0", "0"),
    ]
    assert "...F.....F" in said
    assert "changes 4 of 33 (" in said
    assert "measured: jig voltage" in said
    assert _said(capsys, "--last", "1").splitlines()[1].startswith("r33")
    with History(filled / FILE, writable=True) as history:
        fill(history, days=60)
    assert len(_said(capsys).split(" bench-07 ")) > 50
    assert "r9 " not in _said(capsys)
    assert "r9 " in _said(capsys, "--last", "60")
    assert "no run is kept" in _said(capsys, "--bench", "other")


def test_a_test_is_found_by_a_part_of_its_name(
    filled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = _said(capsys, "TEST<")
    assert said.startswith(NAME)
    assert "median 1.5 s, 1.5 to 1.5 s" in said
    assert "newest FAIL: 2026-09-30 14:13 in r9: as told" in said
    assert main(["history", "nothing"]) == USAGE
    assert "no test with 'nothing' in its id ran in the last 50 runs" in capsys.readouterr().err


def test_a_measured_value_is_told_with_all_that_is_known(
    filled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = _said(capsys, "--measurement", "JIG")
    assert "jig voltage  bench-07  DP832A SN1" in said
    assert "34 values in 34 runs" in said
    assert "limits      1.71 to 1.89 V" in said
    assert "drift       ALARM: " in said
    assert "not in control" in said
    assert "(r12)" in said
    few = _said(capsys, "--measurement", "jig", "--last", "4")
    assert few.count("not enough values (4 of 25)") == 2
    assert "not enough" not in _said(
        capsys, "--measurement", "jig", "--last", "9", "--baseline", "9"
    )
    assert main(["history", "--measurement", "amps"]) == USAGE
    assert "known: jig voltage" in capsys.readouterr().err


def test_json_says_the_same(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = json.loads(_said(capsys, "--json"))
    assert len(facts["runs"]) == 34
    assert facts["runs"][3]["verdicts"] == {"FAIL": 1}
    assert facts["tests"][0]["flakes"]["changes"] == 4
    assert facts["measured"] == ["jig voltage"]
    (test,) = json.loads(_said(capsys, "test", "--json"))["tests"]
    assert test["outcomes"][3]["verdict"] == "FAIL"
    (series,) = json.loads(_said(capsys, "--measurement", "jig", "--json"))
    assert series["limits"] == {"low": 1.71, "high": 1.89, "others": 0}
    assert series["capability"]["values"] == 34
    assert series["chart"]["outliers"][0] == 12
    (few,) = json.loads(_said(capsys, "--measurement", "jig", "--json", "--last", "2"))
    assert few["capability"] == {"not_stated": "not enough values (2 of 25)"}


@pytest.mark.parametrize("arguments", [[], ["test"], ["--measurement", "jig"]])
def test_a_page_is_written_of_whatever_was_asked(
    filled: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    file = filled / "page.html"
    assert _said(capsys, *arguments, "--page", str(file)) == f"{file}\n"
    text = file.read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert ("<svg" in text) == (arguments != ["test"])


def test_older_runs_are_taken_in_and_one_can_be_forgotten(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal_run(folder / "a", "run-a", {"t": "PASS"}, measurements={"t": [measurement(1.8)]})
    journal_run(folder / "b", "run-b", {"t": "FAIL"})
    (folder / "old").mkdir()
    given = [str(folder / name) for name in ("a", "b", "old")]
    assert main(["history", "--import", *given]) == FAILED
    said = capsys.readouterr()
    assert said.out == "2 runs taken in, 0 were there already, 1 could not be read\n"
    assert f"{folder / 'old'}: no run was recorded here" in said.err
    assert main(["history", "--import", *given[:2]]) == OK
    assert "0 runs taken in, 2 were there already" in capsys.readouterr().out
    assert "taken out" in _said(capsys, "--forget", "run-a")
    assert main(["history", "--forget", "run-a"]) == FAILED
    with History(folder / FILE) as history:
        assert [one.of.run for one in runs(history)] == ["run-b"]
    assert (folder / "a" / "journal" / "main.jsonl").is_file()


def test_a_run_is_taken_in_by_its_name_and_what_is_none_holds_up_no_other(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("a", "torn", "odd", "b")
    for name in names:
        journal_run(folder / name, f"run-{name}", {"t": "PASS"})
    (folder / "torn" / "journal" / "main.jsonl").unlink()
    (folder / "torn" / "journal" / "main.jsonl").mkdir()
    rewrite(
        folder / "odd",
        lambda one: one["event"] == "test-registered" and one["body"].update(requirements=None),
    )
    assert main(["history", "--import", names[0], "nobody", *names[1:]]) == FAILED
    said = capsys.readouterr()
    assert said.out == "3 runs taken in, 0 were there already, 2 could not be read\n"
    assert "there is no run nobody" in said.err
    assert f"{folder / 'torn' / 'journal' / 'main.jsonl'}: cannot be read" in said.err
    assert f"{folder / 'odd'}: its evidence is not valid: main.jsonl:2: no record" in said.err
    assert "Traceback" not in said.err
    with History(folder / FILE) as history:
        kept = {one.of.run: one.whole for one in runs(history)}
    assert kept == {"run-a": True, "run-b": True, "run-odd": False}


@pytest.mark.parametrize("given", ["0", "-1", "x", "1.5", "99999999"])
def test_wrong_numbers_are_refused(folder: Path, given: str) -> None:
    with pytest.raises(SystemExit):
        main(["history", "--last", given])


def test_a_terminal_without_blocks_gets_ascii(filled: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "hil", "history", "--measurement", "jig"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout
    assert told.isascii()
    assert b"+/-" in told
    assert b"#" in told


def test_nothing_is_shown_of_a_damaged_store(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / FILE).write_bytes(b"anything but a database, for a hundred bytes or so" * 3)
    assert main(["history"]) == USAGE
    said = capsys.readouterr().err
    assert said.startswith(f"hil: {folder / FILE}: damaged")
    assert "Traceback" not in said
