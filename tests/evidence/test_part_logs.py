"""A test gets what was logged during it, and nothing else."""

from __future__ import annotations

from pathlib import Path

from hil.evidence.part_logs import MOST_BYTES, PartLogs


def test_only_what_was_added_since_the_mark(tmp_path: Path) -> None:
    (tmp_path / "device.log").write_text("before\n")
    (tmp_path / "quiet.log").write_text("nothing new\n")
    logs = PartLogs(tmp_path)
    logs.mark()
    with (tmp_path / "device.log").open("a") as file:
        file.write("during\n")
    (tmp_path / "late.log").write_text("started in the test\n")
    found = dict(logs.since_mark())
    assert found == {"device": b"during\n", "late": b"started in the test\n"}
    logs.mark()
    assert list(logs.since_mark()) == []


def test_a_log_that_was_begun_anew_is_taken_whole(tmp_path: Path) -> None:
    (tmp_path / "device.log").write_text("a long line before the restart\n")
    logs = PartLogs(tmp_path)
    logs.mark()
    (tmp_path / "device.log").write_text("anew\n")
    assert dict(logs.since_mark()) == {"device": b"anew\n"}


def test_of_a_long_log_the_end_is_taken_and_that_is_said(tmp_path: Path) -> None:
    logs = PartLogs(tmp_path)
    logs.mark()
    (tmp_path / "device.log").write_bytes(b"x" * 100 + b"y" * MOST_BYTES)
    ((_, text),) = logs.since_mark()
    assert text.startswith("… 100 bytes before this are in device.log\n".encode())
    assert b"x" not in text.partition(b"\n")[2]


def test_a_folder_that_is_not_there_has_no_logs(tmp_path: Path) -> None:
    logs = PartLogs(tmp_path / "none")
    logs.mark()
    assert list(logs.since_mark()) == []
