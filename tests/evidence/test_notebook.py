"""The notebook keeps what went over the links, in order, also when nobody closes it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from hil.evidence import Notebook, current_notebook, measured, step
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
    notebook.end_test()
    ((kind, _, text, _),) = view.events
    assert kind == "attach"
    first, second = text.splitlines()
    assert "-> 00A40004023F00" in first
    assert "<- 6A82    (not found)" in second
    assert notebook.trace() == ""


def test_the_file_holds_every_record_before_the_notebook_is_closed(tmp_path: Path) -> None:
    file = tmp_path / "trace.jsonl"
    notebook = Notebook(file)
    notebook.begin_test("t")
    with notebook.step("s"):
        notebook.exchange(Exchange("scpi", "supply", "out", "*IDN?", at_ns=7))
        notebook.measure("jig voltage", 1.8, "V", uncertainty="0.0126 V")
    records = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [r["event"] for r in records] == [
        "test-begin",
        "step-begin",
        "exchange",
        "measurement",
        "step-end",
    ]
    assert records[2]["at_ns"] == 7
    assert records[3]["uncertainty"] == "0.0126 V"
    assert {r["test"] for r in records} == {"t"}
    notebook.close()


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
            measured("v", 1.0, "V")
    assert current_notebook() is outer
    assert [e[0] for e in view.events] == ["open", "attach", "close"]
