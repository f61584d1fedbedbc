"""Journals of other processes, followed while they are written."""

from __future__ import annotations

from pathlib import Path

from hil.evidence.journal import Journal
from hil.terminal.board import Board, Happening
from hil.terminal.tail import Tail


def journal(folder: Path, process: str = "gw0") -> Journal:
    return Journal(folder, process, {"format": 1, "run": "r", "process": process})


def exchange(one: Journal, equipment: str, direction: str, text: str, at_ns: int) -> None:
    body = {"link": "at", "equipment": equipment, "direction": direction, "text": text, "note": ""}
    one.write("exchange", body, test="t", mono_ns=at_ns)


def events(found: list[Happening]) -> list[tuple[str, str]]:
    return [(one.process, one.event) for one in found]


def test_what_is_new_comes_once(tmp_path: Path) -> None:
    tail = Tail(tmp_path / "journal")
    assert list(tail.poll()) == []
    first, second = journal(tmp_path), journal(tmp_path, "gw1")
    first.write("test-begin", {"attempt": 1}, test="t")
    second.write("test-begin", {"attempt": 1}, test="u")
    assert events(list(tail.poll())) == [("gw0", "test-begin"), ("gw1", "test-begin")]
    assert list(tail.poll()) == []
    first.write("step-begin", {"step": 1, "title": 'say "event":"exchange","mono_ns":'}, test="t")
    (step,) = tail.poll()
    assert (step.event, step.test) == ("step-begin", "t")
    assert step.body["title"] == 'say "event":"exchange","mono_ns":'


def test_a_torn_line_waits_until_it_is_whole(tmp_path: Path) -> None:
    one = journal(tmp_path)
    one.write("test-begin", {"attempt": 1}, test="t")
    one.write("step-begin", {"step": 1, "title": "Über"}, test="t")
    whole = one.path.read_bytes()
    path = tmp_path / "elsewhere" / "gw0.jsonl"
    path.parent.mkdir()
    tail = Tail(path.parent)
    found: list[Happening] = []
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        found += tail.poll()
    assert [one.event for one in found] == ["test-begin", "step-begin"]
    assert found[1].body["title"] == "Über"


def test_what_is_no_record_is_passed_over(tmp_path: Path) -> None:
    one = journal(tmp_path)
    with one.path.open("ab") as file:
        file.write(b'\n{"event":"test-begin","mono_ns":}\n\xff\xfe\n{"body":[],"event":"prompt",')
        file.write(b'"mono_ns":1,"test":""}\nnull\n')
    one.write("test-begin", {"attempt": 1}, test="t")
    assert events(list(Tail(tmp_path / "journal").poll())) == [("gw0", "test-begin")]


def test_of_many_exchanges_the_last_answer_and_the_question_owed_are_read(tmp_path: Path) -> None:
    one, board = journal(tmp_path), Board(0.0)
    one.write("test-begin", {"attempt": 1}, test="t")
    for number in range(1000):
        exchange(one, "device", "out", f"AT{number}", number * 10**9)
        exchange(one, "device", "in", f"OK {number}", number * 10**9)
    exchange(one, "supply", "in", "1.8 V", 500)
    for number in range(2000, 2030):  # it is asked again and again
        exchange(one, "device", "out", "AT", number * 10**9)
    found = list(Tail(tmp_path / "journal").poll())
    assert len(found) < 6
    for happening in found:
        board.take(happening)
    assert board.doing["gw0"].unanswered == {"device": 2000.0}
    assert board.doing["gw0"].silent(2035.0, 30.0) == [("device", 35.0)]
    exchange(one, "device", "in", "OK", 2040 * 10**9)
    for happening in Tail(tmp_path / "journal").poll():
        board.take(happening)
    assert board.doing["gw0"].unanswered == {}


def test_a_test_that_is_over_owes_nothing(tmp_path: Path) -> None:
    one, board = journal(tmp_path), Board(0.0)
    one.write("test-begin", {"attempt": 1}, test="t")
    exchange(one, "device", "out", "AT", 1)
    one.write("test-end", {"verdict": "PASS"}, test="t")
    for happening in Tail(tmp_path / "journal").poll():
        board.take(happening)
    assert board.doing["gw0"].unanswered == {}
    assert board.running() == []
