"""A run that was broken off is closed honestly, and judged as what it is."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from hil.evidence.gate import BENCH, FAILED, INCOMPLETE, PASSED, UNDECIDED, gate
from hil.evidence.journal import EvidenceError, Journal, read_journal
from hil.evidence.recovery import await_writers, recover
from hil.evidence.run_record import read_run
from tests.evidence.journal.rewriting import rewrite

BEGIN = {"format": 1, "run": "r1", "pid": 0}


def _begin(folder: Path, *names: str, process: str = "main", run: str = "r1") -> Journal:
    journal = Journal(folder, process, {**BEGIN, "run": run})
    for name in names:
        journal.write("test-registered", {"title": name, "requirements": ["R-01"]}, test=name)
    return journal


def _end(journal: Journal, name: str, verdict: str, **more: object) -> None:
    journal.write("test-begin", {"attempt": 1}, test=name)
    journal.write("test-end", {"verdict": verdict, "seconds": 0.5, **more}, test=name)


def test_a_test_that_had_begun_is_inconclusive_and_one_that_had_not_is_not_run(
    tmp_path: Path,
) -> None:
    journal = _begin(tmp_path, "a", "b", "c")
    _end(journal, "a", "PASS")
    journal.write("test-begin", {"attempt": 1}, test="b")
    before = journal.path.read_bytes()
    journal.path.write_bytes(before + b'{"body":{"te')
    torn = read_run(tmp_path)
    assert torn.tests["b"].verdict == "INCONCLUSIVE"
    assert not torn.ended

    said = recover(tmp_path, by="j.doe", why="power cut in the lab")
    assert said == [
        "main.jsonl: closed after 7 records, "
        "12 bytes of a last line lost their end; 1 test broken off"
    ]
    assert journal.path.read_bytes().startswith(before)
    run = read_run(tmp_path)
    assert {name: test.verdict for name, test in run.tests.items()} == {
        "a": "PASS",
        "b": "INCONCLUSIVE",
        "c": "NOT RUN",
    }
    assert run.recovered
    assert not run.ended
    assert run.faults == ()
    assert gate(run).code == INCOMPLETE
    assert recover(tmp_path, by="j.doe", why="again") == []


def test_a_failure_seen_before_the_kill_stays_one(tmp_path: Path) -> None:
    journal = _begin(tmp_path, "a")
    journal.write("test-begin", {"attempt": 1}, test="a")
    journal.write("check", {"text": "sw == 0x9000", "ok": False}, test="a")
    assert gate(read_run(tmp_path)).code == FAILED
    recover(tmp_path, by="x", why="y")
    run = read_run(tmp_path)
    assert run.tests["a"].verdict == "FAIL"
    assert gate(run).code == FAILED


def test_a_failure_is_not_hidden_by_a_later_attempt(tmp_path: Path) -> None:
    journal = _begin(tmp_path, "a")
    _end(journal, "a", "FAIL", fail_seen=True, reason="too high")
    _end(journal, "a", "PASS")
    journal.close("0")
    run = read_run(tmp_path)
    assert run.tests["a"].verdict == "FAIL"
    assert run.tests["a"].attempts == 2
    assert gate(run).code == FAILED


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        (["PASS", "NOT APPLICABLE"], PASSED),
        (["PASS", "FAIL", "ERROR"], FAILED),
        (["PASS", "INCONCLUSIVE"], UNDECIDED),
        (["ERROR", "INCONCLUSIVE"], BENCH),
        (["a word of nobody"], BENCH),
        ([], INCOMPLETE),
    ],
)
def test_the_gate_takes_the_worst(tmp_path: Path, verdicts: list[str], code: int) -> None:
    names = [f"t{number}" for number in range(len(verdicts))]
    journal = _begin(tmp_path, *names)
    for name, verdict in zip(names, verdicts, strict=True):
        _end(journal, name, verdict)
    journal.close("0")
    assert gate(read_run(tmp_path)).code == code


def test_a_waived_failure_passes_the_gate_and_stays_a_failure(tmp_path: Path) -> None:
    journal = _begin(tmp_path, "a")
    _end(journal, "a", "FAIL", fail_seen=True)
    journal.close("0")
    run = read_run(tmp_path)
    assert gate(run, lambda test: test.id == "a").code == PASSED
    assert run.tests["a"].verdict == "FAIL"


def test_a_test_that_did_not_run_makes_it_incomplete(tmp_path: Path) -> None:
    journal = _begin(tmp_path, "a", "b")
    _end(journal, "a", "PASS")
    journal.close("0")
    assert gate(read_run(tmp_path)).code == INCOMPLETE


def test_what_is_not_applicable_is_not_missing(tmp_path: Path) -> None:
    journal = _begin(tmp_path, "a", "b")
    _end(journal, "a", "PASS")
    journal.write("applicability", {"applies": False, "reason": "A.4/7 is false"}, test="b")
    journal.close("0")
    run = read_run(tmp_path)
    assert run.tests["b"].verdict == "NOT APPLICABLE"
    assert gate(run).code == PASSED


def test_a_changed_journal_is_neither_closed_nor_believed(tmp_path: Path) -> None:
    journal = _begin(tmp_path, "a")
    _end(journal, "a", "FAIL")
    journal.write("note", {"text": "what comes after it tells"})
    text = journal.path.read_bytes().replace(b'"FAIL"', b'"PASS"')
    journal.path.write_bytes(text + b'{"torn')
    with pytest.raises(EvidenceError, match="it was changed"):
        recover(tmp_path, by="x", why="y")
    assert gate(read_run(tmp_path)).code == BENCH


def test_a_journal_that_is_still_written_is_left_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "main", {**BEGIN, "pid": os.getpid()})
    with pytest.raises(EvidenceError, match="still writing"):
        recover(tmp_path, by="x", why="y")
    journal.close("0")


def test_workers_are_merged_and_strangers_are_found(tmp_path: Path) -> None:
    for process in ("main", "gw0", "gw1"):
        journal = _begin(tmp_path, "a", "b", process=process)
        if process == "gw0":
            _end(journal, "a", "PASS")
        if process == "gw1":
            _end(journal, "b", "PASS")
        journal.close("0")
    run = read_run(tmp_path)
    assert [test.process for test in run.tests.values()] == ["gw0", "gw1"]
    assert gate(run).code == PASSED
    stranger = _begin(tmp_path, "c", process="gw2", run="another")
    _end(stranger, "c", "PASS")
    stranger.close("0")
    assert gate(read_run(tmp_path)).code == BENCH


def test_exchanges_of_one_test_are_read_again(tmp_path: Path) -> None:
    journal = _begin(tmp_path, "a", "b")
    for name in ("a", "b"):
        journal.write("test-begin", {"attempt": 1}, test=name)
        journal.write("exchange", {"link": "apdu", "text": name}, test=name)
        journal.write("test-end", {"verdict": "PASS"}, test=name)
    journal.close("0")
    run = read_run(tmp_path)
    assert [event.body["text"] for event in run.exchanges("b")] == ["b"]


def test_no_run_no_record(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="no run was recorded here"):
        read_run(tmp_path)


def test_reading_twice_gives_the_same(tmp_path: Path) -> None:
    journal = _begin(tmp_path, "a")
    _end(journal, "a", "PASS")
    journal.close("0")
    _, events = read_journal(journal.path)
    assert events[-1].body["records"] == len(events)
    assert read_run(tmp_path).tests == read_run(tmp_path).tests


def test_what_is_not_safe_is_the_benchs_fault_whatever_passed(tmp_path: Path) -> None:
    journal = _begin(tmp_path, "a")
    _end(journal, "a", "PASS")
    for _ in range(2):  # a worker and the launcher tell the same
        journal.write("unsafe", {"text": "gw0: NOT PROVEN OFF"})
    journal.close("0")
    run = read_run(tmp_path)
    assert run.unsafe == ("gw0: NOT PROVEN OFF",)
    assert gate(run).code == BENCH
    assert gate(run).reasons == ("not safe: gw0: NOT PROVEN OFF",)


def test_a_failure_seen_counts_for_everybody_whatever_it_ended_as(tmp_path: Path) -> None:
    journal = _begin(tmp_path, "a")
    _end(journal, "a", "ERROR", fail_seen=True)
    journal.close("0")
    (test,) = read_run(tmp_path).tests.values()
    assert (test.verdict, test.ended_as) == ("FAIL", "ERROR")


def test_what_was_seen_of_an_open_test_is_not_lost_by_closing_it(tmp_path: Path) -> None:
    journal = _begin(tmp_path, "a")
    journal.write("test-begin", {"attempt": 1}, test="a")
    phase = {"when": "setup", "verdict": "ERROR", "reason": "the supply did not answer"}
    journal.write("phase", phase, test="a")
    before = read_run(tmp_path).tests["a"]
    recover(tmp_path, by="x", why="y")
    after = read_run(tmp_path)
    assert (before.verdict, before.reason) == ("ERROR", "the supply did not answer")
    assert (after.tests["a"].verdict, after.tests["a"].reason) == (before.verdict, before.reason)
    assert gate(after).code == BENCH


def test_an_attempt_that_was_broken_off_is_not_hidden_by_the_next(tmp_path: Path) -> None:
    journal = _begin(tmp_path, "a")
    journal.write("test-begin", {"attempt": 1}, test="a")
    _end(journal, "a", "PASS")
    journal.close("0")
    (test,) = read_run(tmp_path).tests.values()
    assert test.verdict == "INCONCLUSIVE"
    assert test.reason
    assert gate(read_run(tmp_path)).code == UNDECIDED


def test_one_journal_that_is_written_does_not_keep_the_others_open(tmp_path: Path) -> None:
    live = Journal(tmp_path, "gw0", {**BEGIN, "pid": os.getpid()})
    dead = _begin(tmp_path, "a", process="gw1")
    with pytest.raises(EvidenceError, match="still writing"):
        recover(tmp_path, by="x", why="y")
    assert read_journal(dead.path)[0].ended
    begun = time.monotonic()
    await_writers(tmp_path, timeout_s=0.3)
    assert time.monotonic() - begun >= 0.3
    live.close("0")
    await_writers(tmp_path, timeout_s=60)


@pytest.mark.parametrize(
    ("status", "verdict", "code"),
    [
        ("1", "PASS", BENCH),
        ("1", "INCONCLUSIVE", UNDECIDED),
        ("2", "PASS", INCOMPLETE),
        ("3", "PASS", BENCH),
        ("0", "PASS", PASSED),
    ],
)
def test_what_pytest_ended_with_counts_where_no_verdict_explains_it(
    tmp_path: Path, status: str, verdict: str, code: int
) -> None:
    journal = _begin(tmp_path, "a")
    _end(journal, "a", verdict)
    journal.close(status)
    assert gate(read_run(tmp_path)).code == code


def test_of_two_that_differ_the_process_that_ran_the_tests_is_right(tmp_path: Path) -> None:
    for process, strict in (("launcher", False), ("main", True)):
        begin = {**BEGIN, "strict": strict, process: "said"}
        Journal(tmp_path, process, begin).close("0")
    merged = read_run(tmp_path).begin
    assert (merged["strict"], merged["launcher"], merged["main"]) == (True, "said", "said")


@pytest.mark.parametrize("pid", [None, "x", [], {}, -1, 10**400, float("nan"), True])
def test_a_journal_that_does_not_say_who_wrote_it_is_closed(tmp_path: Path, pid: object) -> None:
    _begin(tmp_path, "a").write("test-begin", {"attempt": 1}, test="a")
    rewrite(tmp_path, lambda one: one["event"] == "run-begin" and one["body"].update(pid=pid))
    await_writers(tmp_path, timeout_s=0)
    assert recover(tmp_path, by="j.doe", why="power cut")
    run = read_run(tmp_path)
    assert (run.faults, run.tests["a"].verdict) == ((), "INCONCLUSIVE")


def test_a_journal_with_a_record_that_no_run_writes_is_left_as_it_is(tmp_path: Path) -> None:
    _begin(tmp_path, "a").write("test-begin", {"attempt": 1}, test="a")
    path = rewrite(tmp_path, lambda one: one["body"].update(requirements=None))
    before = path.read_bytes()
    with pytest.raises(EvidenceError, match=r"main\.jsonl:2: no record of a run \(test-registered"):
        recover(tmp_path, by="j.doe", why="power cut")
    assert path.read_bytes() == before
