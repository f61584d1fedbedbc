"""What a run leaves behind never hangs on one view of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil import run_end
from hil.evidence.journal import Journal


@pytest.mark.parametrize("error", [OSError("the disk is full"), KeyError("a defect")])
def test_a_view_that_breaks_is_said_and_changes_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setenv("HIL_RUNS", str(tmp_path / "runs"))
    folder = tmp_path / "runs" / "r1"
    journal = Journal(folder, "main", {"format": 1, "run": "r1", "bench": "virtual"})
    journal.write("test-registered", {"title": "t"}, test="t")
    journal.write("test-begin", {"attempt": 1}, test="t")
    journal.write("test-end", {"verdict": "FAIL", "fail_seen": True, "reason": "no"}, test="t")
    journal.close("1")

    def breaks(*_: object, **__: object) -> None:
        raise error

    for view in ("make_traces", "write_matrix", "write_document", "make_front"):
        monkeypatch.setattr(run_end, view, breaks)
    ended = run_end.finish(folder)
    assert ended.gate.code == 1
    assert len(ended.failed) == 4
    assert all(str(error.args[0]) in line for line in ended.failed)
    assert (folder / "evidence" / "run.html").is_file()
