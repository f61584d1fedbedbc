"""The notebook keeps what went over the links, in order, also when nobody closes it."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from hil.evidence import Notebook, current_notebook, measured, step
from hil.evidence.journal import Journal, read_journal
from hil.evidence.notebook import KEEP_IN_MEMORY, opened
from hil.observer import Exchange

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class RecordingView:
    def __init__(self) -> None:
        self.events: list[tuple[str, ...]] = []

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        self.events.append(("open", title))
        yield
        self.events.append(("close", title))

    def attach(self, name: str, body: str | bytes, *, kind: str = "text") -> None:
        self.events.append(("attach", name, str(body), kind))


def test_exchanges_of_a_test_are_attached_in_order_with_direction_and_note() -> None:
    view = RecordingView()
    notebook = Notebook(view=view)
    notebook.begin_test("t")
    notebook.exchange(Exchange("apdu", "card", "out", "00A40004023F00"))
    notebook.exchange(Exchange("apdu", "card", "in", "6A82", note="not found"))
    notebook.end_test({"verdict": "PASS"})
    ((kind, _, text, _),) = view.events
    assert kind == "attach"
    first, second = text.splitlines()
    assert "-> 00A40004023F00" in first
    assert "<- 6A82    (not found)" in second
    assert notebook.trace() == ""


def test_the_file_holds_every_record_before_the_notebook_is_closed(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "main", {"format": 1, "run": "r"})
    notebook = Notebook(journal)
    notebook.begin_test("t")
    with notebook.step("s"):
        notebook.exchange(Exchange("scpi", "supply", "out", "*IDN?", at_ns=7))
        notebook.measure("jig voltage", 1.8, "V", instrument="DP832", uncertainty="0.0126 V")
        notebook.measure(
            "jig voltage", 2.8, "V", instrument="DP832", verdict="FAIL", limits="below 1.9 V"
        )
    _, (_, *events) = read_journal(journal.path)
    assert [event.event for event in events] == [
        "test-begin",
        "step-begin",
        "exchange",
        "measurement",
        "measurement",
        "check",
        "step-end",
    ]
    assert events[2].mono_ns == 7
    assert events[3].body["uncertainty"] == "0.0126 V"
    assert events[5].body == {"text": "jig voltage 2.8 V within below 1.9 V", "ok": False}
    assert {event.test for event in events} == {"t"}
    assert notebook.checked == 1
    assert notebook.failed
    notebook.close()


def test_steps_know_their_parents_and_how_they_ended(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "main", {"format": 1, "run": "r"})
    notebook = Notebook(journal)
    notebook.begin_test("t")

    def fails() -> None:
        with notebook.step("outer", limit_s=2):
            with notebook.step("inner"):
                pass
            raise AssertionError

    with pytest.raises(AssertionError):
        fails()
    notebook.end_test({"verdict": "FAIL"})
    notebook.close()
    _, events = read_journal(journal.path)
    steps = [event.body for event in events if event.event.startswith("step")]
    assert steps[0] == {"step": 1, "title": "outer", "limit_s": 2}
    assert steps[1] == {"step": 2, "title": "inner", "parent": 1}
    assert [step["status"] for step in steps[2:]] == ["passed", "failed"]


def test_what_is_attached_is_kept_by_its_digest(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "main", {"format": 1, "run": "r"})
    view = RecordingView()
    notebook = Notebook(journal, view, folder=tmp_path)
    notebook.begin_test("t")
    notebook.attach("log", "a word \udc80")
    notebook.attach("log again", "a word \udc80")
    notebook.close()
    _, events = read_journal(journal.path)
    first, second = (event.body for event in events if event.event == "attachment")
    assert first["file"] == second["file"]
    kept = (tmp_path / first["file"]).read_bytes()
    assert hashlib.sha256(kept).hexdigest() == first["sha256"]
    assert first["size"] == len(kept)
    assert [event[0] for event in view.events] == ["attach", "attach"]


def test_what_is_too_large_is_told_by_its_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hil.evidence.attachments.MOST_BYTES", 10)
    journal = Journal(tmp_path, "main", {"format": 1, "run": "r"})
    notebook = Notebook(journal, folder=tmp_path)
    large = tmp_path / "large.bin"
    large.write_bytes(b"x" * 11)
    notebook.attach("large", large, kind="bin")
    notebook.close()
    _, events = read_journal(journal.path)
    (told,) = (event.body for event in events if event.event == "attachment")
    assert told["file"] == ""
    assert told["size"] == 11
    assert not (tmp_path / "attachments").exists()


def test_a_step_is_closed_when_its_body_fails() -> None:
    view = RecordingView()
    notebook = Notebook(view=view)
    with pytest.raises(AssertionError), notebook.step("s"):
        raise AssertionError
    assert view.events[0] == ("open", "s")


def test_memory_is_bounded_and_says_what_it_left_out() -> None:
    notebook = Notebook()
    for n in range(KEEP_IN_MEMORY + 5):
        notebook.exchange(Exchange("at", "device", "in", str(n)))
    assert notebook.trace().splitlines()[-1].startswith("… and 5 more")


def test_the_current_notebook_is_the_one_opened_last() -> None:
    outer = current_notebook()
    view = RecordingView()
    with opened(Notebook(view=view)) as inner:
        assert current_notebook() is inner
        with step("s"):
            measured("v", 1.0, "V", instrument="DP832")
    assert current_notebook() is outer
    assert [e[0] for e in view.events] == ["open", "attach", "close"]
