"""The journal: nothing lost, nothing changed unseen, and an end that is said."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.evidence.journal import EvidenceError, Journal, read_journal
from hil.evidence.journal import writer as writer_module
from hil.evidence.journal.chain import digest_of, line_of

BEGIN = {"format": 1, "run": "r1"}


def _journal(folder: Path) -> Path:
    journal = Journal(folder, "main", BEGIN)
    for number in range(5):
        journal.write("note", {"text": f"note {number}"}, test="t")
    journal.close("0")
    return journal.path


def test_what_was_written_comes_back_in_order(tmp_path: Path) -> None:
    file, events = read_journal(_journal(tmp_path))
    assert [event.event for event in events] == ["run-begin", *["note"] * 5, "run-end"]
    assert [event.seq for event in events] == list(range(7))
    assert [event.body["text"] for event in events[1:6]] == [f"note {n}" for n in range(5)]
    assert file.ended
    assert file.faults == []
    assert file.lines == 7
    assert file.process == "main"


def test_a_line_is_canonical_and_chained(tmp_path: Path) -> None:
    lines = _journal(tmp_path).read_bytes().splitlines()
    records = [json.loads(line) for line in lines]
    assert records[0]["prev"] == "0" * 64
    assert [record["prev"] for record in records[1:]] == [digest_of(line) for line in lines[:-1]]
    again = json.dumps(records[1], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert again.encode() == lines[1]


def test_every_changed_byte_is_found(tmp_path: Path) -> None:
    path = _journal(tmp_path)
    whole = path.read_bytes()
    last_line = whole.rstrip(b"\n").rfind(b"\n") + 1
    for at in range(last_line):  # the last line is what the seal holds
        changed = bytearray(whole)
        changed[at] ^= 0x01
        path.write_bytes(changed)
        file, _ = read_journal(path)
        assert file.faults or not file.ended, at


@pytest.mark.parametrize("left_out", range(6))
def test_a_line_left_out_is_found(tmp_path: Path, left_out: int) -> None:
    path = _journal(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:left_out] + lines[left_out + 1 :]))
    file, _ = read_journal(path)
    assert file.faults


def test_a_tail_cut_off_leaves_no_end(tmp_path: Path) -> None:
    path = _journal(tmp_path)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:4]))
    file, events = read_journal(path)
    assert not file.ended
    assert len(events) == 4


def test_a_torn_last_line_is_told_and_left_out(tmp_path: Path) -> None:
    path = _journal(tmp_path)
    path.write_bytes(path.read_bytes()[:-10])
    file, events = read_journal(path)
    assert not file.ended
    assert file.torn_bytes > 0
    assert len(events) == 6


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    _journal(tmp_path)
    before = (tmp_path / "journal" / "main.jsonl").read_bytes()
    with pytest.raises(EvidenceError, match="another run"):
        Journal(tmp_path, "main", BEGIN)
    assert (tmp_path / "journal" / "main.jsonl").read_bytes() == before


def test_a_folder_that_takes_nothing_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file where a folder belongs")
    with pytest.raises(EvidenceError, match="another folder"):
        Journal(tmp_path, "main", BEGIN)


def test_a_killed_process_has_lost_nothing_it_said(tmp_path: Path) -> None:
    code = (
        "import os, signal; from pathlib import Path\n"
        "from hil.evidence.journal import Journal\n"
        f"j = Journal(Path({str(tmp_path)!r}), 'main', {BEGIN!r})\n"
        "for n in range(1000): j.write('note', {'text': str(n)})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    file, events = read_journal(tmp_path / "journal" / "main.jsonl")
    assert [event.body["text"] for event in events[1:]] == [str(n) for n in range(1000)]
    assert not file.ended


def test_a_full_disk_is_said_and_what_waited_is_written_when_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path, "main", BEGIN)
    real, room = os.write, [40]

    def write(fd: int, data: bytes) -> int:
        if room[0] <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = real(fd, data[: room[0]])
        room[0] -= taken
        return taken

    monkeypatch.setattr("os.write", write)
    journal.write("note", {"text": "one"})
    journal.write("note", {"text": "two"})
    assert "No space left" in journal.fault
    room[0] = 1_000_000
    journal.write("note", {"text": "three"})
    assert journal.fault == ""
    journal.close("0")
    file, events = read_journal(journal.path)
    assert [event.body.get("text") for event in events[1:4]] == ["one", "two", "three"]
    assert file.ended
    assert file.faults == []


def test_a_disk_that_stays_full_leaves_a_torn_journal_and_never_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path, "main", BEGIN)
    monkeypatch.setattr(writer_module, "MOST_WAITING", 2_000)

    def write(_fd: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.write", write)
    for number in range(50):
        journal.write("note", {"text": str(number)})
    monkeypatch.undo()
    journal.write("note", {"text": "too late"})
    journal.close("0")
    assert "the journal ends here" in journal.fault
    file, events = read_journal(journal.path)
    assert [event.event for event in events] == ["run-begin"]
    assert not file.ended


def test_a_clock_set_back_turns_nothing_around(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path, "main", BEGIN)
    now = time.time_ns()
    monkeypatch.setattr("time.time_ns", lambda: now - 3600 * 10**9)
    journal.write("note", {"text": "after"})
    journal.sync()
    journal.close("0")
    _, events = read_journal(journal.path)
    times = [event.utc_ns for event in events]
    assert times == sorted(times)
    assert any("system clock now differs by -3600" in str(event.body) for event in events)


def test_threads_do_not_mix_lines(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "main", BEGIN)

    def write(name: int) -> None:
        for number in range(200):
            journal.write("note", {"text": f"{name} {number}" * 20})

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    journal.close("0")
    file, events = read_journal(journal.path)
    assert file.faults == []
    assert len(events) == 802


_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(body=st.dictionaries(st.text(), _anything, max_size=4), test=st.text())
def test_any_unicode_and_any_number_make_one_valid_line(body: dict[str, object], test: str) -> None:
    line = line_of({"test": test, "body": body})
    assert b"\n" not in line
    assert json.loads(line.decode("utf-8"))["test"] == test


@given(data=st.binary(max_size=400))
def test_no_bytes_bring_the_reader_down(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("j") / "main.jsonl"
    path.write_bytes(data)
    file, events = read_journal(path)
    assert not file.ended
    assert events == []


def test_a_disk_with_little_room_is_refused_before_a_run_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path, "main", BEGIN)
    monkeypatch.setattr("hil.evidence.room.LEAST_BYTES", 2**60)
    assert "are free, and evidence needs" in journal.fault
    with pytest.raises(EvidenceError, match="make room"):
        Journal(tmp_path, "gw0", BEGIN)
    assert not (tmp_path / "journal" / "gw0.jsonl").exists()


def test_a_file_that_is_gone_is_a_fault_that_is_said(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "main", BEGIN)
    os.close(journal._fd)
    deadline = time.monotonic() + 30
    while not journal.fault and time.monotonic() < deadline:
        journal.sync()
        time.sleep(0.01)
    assert "Bad file descriptor" in journal.fault
    journal._fd = -1  # its number may be another file's by now
