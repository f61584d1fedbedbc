"""Runs are kept once, whole, and by several processes at the same time."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sqlite3
import tempfile
import time
from dataclasses import replace
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from hil.history import schema
from hil.history.errors import HistoryError
from hil.history.queries import named_tests, outcomes, readings, runs
from hil.history.store import History, remember
from tests.history.building import DAY_NS, journal_run, measurement, record
from tests.thorough import thorough

# Not forks of this process: it has threads, and a child begins with the locks that they held.
CLEAN = multiprocessing.get_context("forkserver")
CLEAN.set_forkserver_preload([__name__])


def test_a_run_is_kept_as_its_journal_tells_it(tmp_path: Path, history: History) -> None:
    run = journal_run(
        tmp_path / "r1",
        "r1",
        {"t.py::a": "PASS", "t.py::b": "FAIL"},
        measurements={"t.py::a": [measurement(1.8), measurement("nan"), measurement(1.82)]},
    )
    assert history.add(run)
    (kept,) = runs(history)
    assert kept.of.bench == "bench-07"
    assert kept.of.version == "0.1.0 abcdef012345"
    assert kept.of.item == "M1 SN 42 fw 1.4"
    assert kept.of.began_ns == run.began_ns
    assert kept.operator == "j.doe"
    assert kept.whole
    assert kept.counts == {"PASS": 1, "FAIL": 1}
    (ended,) = outcomes(history, "t.py::b")
    assert (ended.verdict, ended.seconds, ended.attempts) == ("FAIL", 1.5, 1)
    taken = readings(history, "jig voltage")
    assert [one.value for one in taken] == [1.8, None, 1.82]
    first = taken[0]
    assert (first.unit, first.expanded, first.low, first.high) == ("V", 0.004, 1.71, 1.89)
    assert (first.instrument, first.verdict, first.test) == ("DP832A SN1", "PASS", "t.py::a")


@pytest.mark.parametrize(
    ("body", "limits"),
    [
        ({"limits": "at most 3 mA"}, (None, 3.0)),
        ({"limits": "at least -2.5 V"}, (-2.5, None)),
        ({"limits": "-1e-06 to 1e+06 A"}, (-1e-6, 1e6)),
        ({"limits": {"low": 1, "high": None}}, (1.0, None)),
        ({"limits": "1 to 2 V", "low": 1.00001}, (1.00001, None)),
        ({"limits": "as agreed"}, (None, None)),
        ({"limits": "at most ease"}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_limits_are_read_as_numbers(
    history: History, body: dict[str, object], limits: tuple[float | None, float | None]
) -> None:
    given = {"name": "x", "value": 1, "unit": "V", **body}
    history.add(record("r1", {"t": "PASS"}, measurements={"t": [given]}))
    (taken,) = readings(history, "x")
    assert (taken.low, taken.high) == limits
    assert taken.instrument == "not stated"


def test_adding_again_changes_nothing(file: Path, history: History) -> None:
    run = record("r1", {"t": "PASS"}, measurements={"t": [measurement(1.8)]})
    assert history.add(run)
    assert not history.add(run)
    assert len(runs(history)) == 1
    assert len(readings(history, "jig voltage")) == 1


def test_a_run_that_was_closed_afterwards_replaces_what_was_kept(history: History) -> None:
    history.add(record("r1", {"t": "NOT RUN"}))
    history.add(record("r1", {"t": "INCONCLUSIVE"}))
    assert [one.verdict for one in outcomes(history, "t")] == ["INCONCLUSIVE"]


def test_another_run_of_the_same_id_is_refused_and_the_first_stays(history: History) -> None:
    history.add(record("r1", {"t": "FAIL"}))
    other = record("r1", {"t": "PASS"}, day=1, folder=Path("elsewhere/r1"))
    with pytest.raises(HistoryError, match="another run of the id r1"):
        history.add(other)
    assert [one.verdict for one in outcomes(history, "t")] == ["FAIL"]


def test_a_forgotten_run_leaves_nothing(history: History) -> None:
    history.add(record("r1", {"t": "PASS"}, measurements={"t": [measurement(1.8)]}))
    history.add(record("r2", {"t": "PASS"}, day=1))
    assert history.forget("r1")
    assert not history.forget("r1")
    assert [one.of.run for one in runs(history)] == ["r2"]
    assert readings(history, "jig voltage") == []


def test_the_newest_of_a_bench_are_asked_for(history: History) -> None:
    for day in (3, 1, 2):
        history.add(record(f"r{day}", {"t": "PASS"}, day=day))
    history.add(record("other", {"t": "PASS"}, day=4, bench="bench-08"))
    assert [one.of.run for one in runs(history, last=2)] == ["r3", "other"]
    assert [one.of.run for one in outcomes(history, "t", bench="bench-07", last=2)] == ["r2", "r3"]


def test_names_of_any_letters_are_kept(history: History) -> None:
    names = {"t.py::ü[\u4e2d\U0001f600]": "PASS", "t.py::\udcff\0'; DROP TABLE runs": "FAIL"}
    history.add(record("r1", names, operator="\udc80"))
    assert len(named_tests(history, "t.py")) == 2
    assert named_tests(history, "T.PY::Ü") == ["t.py::ü[\u4e2d\U0001f600]"]
    assert len(runs(history)) == 1


def _add_many(file: Path, who: int, count: int, said: multiprocessing.Queue[str]) -> None:
    for number in range(count):
        said.put(remember(record(f"r{who}-{number}", {"t": "PASS"}, day=number), file))


def test_several_processes_write_at_once_from_the_first_moment_on(file: Path) -> None:
    said: multiprocessing.Queue[str] = CLEAN.Queue()
    writers = [CLEAN.Process(target=_add_many, args=(file, who, 12, said)) for who in range(5)]
    for writer in writers:
        writer.start()
    told = [said.get(timeout=60) for _ in range(60)]
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    assert told == [""] * 60
    with History(file) as history:
        assert len(runs(history)) == 60


def _make(file: Path, gate: Barrier, said: multiprocessing.Queue[str]) -> None:
    gate.wait(30)
    said.put(remember(record(f"r{os.getpid()}", {"t": "PASS"}), file))


def test_processes_that_make_the_store_at_the_same_moment_all_get_it(tmp_path: Path) -> None:
    said: multiprocessing.Queue[str] = CLEAN.Queue()
    for number in range(5):
        gate = CLEAN.Barrier(4)
        file = tmp_path / str(number) / "history.sqlite"
        makers = [CLEAN.Process(target=_make, args=(file, gate, said)) for _ in range(4)]
        for maker in makers:
            maker.start()
        assert [said.get(timeout=60) for _ in makers] == [""] * 4
        for maker in makers:
            maker.join(60)


def test_a_lock_that_is_told_at_once_is_waited_for(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As SQLite tells it where waiting might be for ever: two that change the file's mode."""
    remember(record("r1", {"t": "PASS"}), file)
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    opened: list[str] = []

    def locked_twice(connection: sqlite3.Connection, name: str) -> None:
        opened.append(name)
        if len(opened) < 3:
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("BEGIN IMMEDIATE")
        holder.rollback()

    monkeypatch.setattr("hil.history.store.upgrade", locked_twice)
    assert remember(record("r2", {"t": "PASS"}, day=1), file) == ""
    holder.close()
    assert len(opened) == 3
    with History(file) as history:
        assert len(runs(history)) == 2


def test_a_run_that_no_store_takes_is_named_and_never_raises(file: Path) -> None:
    silly = replace(record("r1", {"t": "PASS"}), began_ns=2**70)
    assert "r1 cannot be kept" in remember(silly, file)
    broken = replace(silly, began_ns=0, tests=None)  # type: ignore[arg-type]
    assert "AttributeError" in remember(broken, file)
    assert remember(record("r2", {"t": "PASS"}), file) == ""


def _half(file: Path) -> None:
    with History(file, writable=True) as history:
        history._connection.execute("BEGIN IMMEDIATE")
        history._insert(record("r2", {"t": "PASS"}))
        os._exit(9)


def test_a_killed_writer_leaves_the_store_as_it_was(file: Path) -> None:
    remember(record("r1", {"t": "PASS"}), file)
    writer = CLEAN.Process(target=_half, args=(file,))
    writer.start()
    writer.join(30)
    assert writer.exitcode == 9
    assert remember(record("r3", {"t": "PASS"}, day=1), file) == ""
    with History(file) as history:
        assert [one.of.run for one in runs(history)] == ["r1", "r3"]


def test_a_locked_store_is_named_after_the_deadline(file: Path) -> None:
    remember(record("r1", {"t": "PASS"}), file)
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    said = remember(record("r2", {"t": "PASS"}), file, timeout_s=0.2)
    assert 0.2 <= time.monotonic() - begun < 5
    assert f"{file}: another process has been writing for 0.2 s" in said
    with History(file) as history:
        assert len(runs(history)) == 1
    holder.execute("ROLLBACK")
    holder.close()
    assert remember(record("r2", {"t": "PASS"}), file) == ""


@pytest.mark.parametrize("body", [b"no database at all, of any kind\n" * 40, b"SQLite format 3\0"])
def test_a_damaged_file_is_named_and_left_alone(file: Path, body: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(body)
    said = remember(record("r1", {"t": "PASS"}), file)
    assert f"{file}: damaged, or no store of runs" in said
    assert "hil history --import" in said
    assert file.read_bytes() == body
    with pytest.raises(HistoryError, match="damaged"):
        History(file)


def test_a_store_with_a_torn_middle_is_named(file: Path) -> None:
    with History(file, writable=True) as history:
        for number in range(40):
            history.add(record(f"r{number}", {f"t{n}": "PASS" for n in range(40)}, day=number))
    body = bytearray(file.read_bytes())
    body[4096:] = b"\xa5" * (len(body) - 4096)
    file.write_bytes(body)
    assert "damaged" in remember(record("new", {"t": "PASS"}), file)
    with pytest.raises(HistoryError, match="damaged"), History(file) as history:
        runs(history)


def test_a_database_of_another_program_is_refused(file: Path) -> None:
    file.parent.mkdir()
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE runs (number INTEGER)")
    other.close()
    assert "no store of runs; name another file" in remember(record("r1", {"t": "PASS"}), file)


@pytest.mark.parametrize("body", [b"no database at all\n" * 40, b"of another program", b"later"])
def test_a_file_that_is_refused_is_not_left_open(
    file: Path, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    file.parent.mkdir()
    if len(body) > 100:
        file.write_bytes(body)
    else:
        with contextlib.closing(sqlite3.connect(file)) as other:
            other.execute("CREATE TABLE runs (number INTEGER)")
            if body == b"later":
                other.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
                other.execute("PRAGMA user_version = 99")
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def recorded(*given: Any, **more: Any) -> sqlite3.Connection:  # noqa: ANN401
        opened.append(connect(*given, **more))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", recorded)
    for writable in (False, True):
        with pytest.raises(HistoryError):
            History(file, writable=writable)
    assert len(opened) >= 2
    for connection in opened:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")


def test_a_store_of_a_later_version_is_refused_unchanged(file: Path) -> None:
    remember(record("r1", {"t": "PASS"}), file)
    with sqlite3.connect(file) as later:
        later.execute("PRAGMA user_version = 99")
    later.close()
    for writable in (False, True):
        with pytest.raises(HistoryError, match=r"store version 99.*up to 1\); update hil"):
            History(file, writable=writable)


def test_an_older_store_is_brought_up_to_date_with_all_it_holds(file: Path) -> None:
    remember(record("r1", {"t": "PASS"}), file)
    more = ("ALTER TABLE runs ADD COLUMN place TEXT NOT NULL DEFAULT ''",)
    steps = (*schema.STEPS, more)
    with sqlite3.connect(file, isolation_level=None) as raw:
        schema.upgrade(raw, str(file), steps)
        assert raw.execute("SELECT run, place FROM runs").fetchall() == [("r1", "")]
        assert schema.check(raw, str(file), steps) == 2
        schema.upgrade(raw, str(file), steps)
    raw.close()


def test_an_upgrade_that_breaks_leaves_the_older_store(file: Path) -> None:
    remember(record("r1", {"t": "PASS"}), file)
    steps = (*schema.STEPS, ("CREATE TABLE more (x)", "no SQL at all"))
    with sqlite3.connect(file, isolation_level=None) as raw:
        with pytest.raises(sqlite3.Error):
            schema.upgrade(raw, str(file), steps)
        assert schema.check(raw, str(file)) == 1
        tables = [name for (name,) in raw.execute("SELECT name FROM sqlite_master")]
        assert "more" not in tables
    raw.close()


def test_an_empty_file_becomes_a_store(file: Path) -> None:
    file.parent.mkdir()
    file.touch()
    with History(file) as history:
        assert runs(history) == []


def test_a_store_that_is_missing_is_named(file: Path) -> None:
    with pytest.raises(HistoryError, match="no store of runs yet"):
        History(file)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = remember(record("r1", {"t": "PASS"}), tmp_path / "file" / "history.sqlite")
    assert "history.sqlite: cannot be used" in said


def _as_nobody(file: Path, said: multiprocessing.Queue[str]) -> None:
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    said.put(remember(record("r2", {"t": "PASS"}, day=1), file))
    try:
        with History(file) as history:
            said.put(",".join(one.of.run for one in runs(history)))
    except HistoryError as err:
        said.put(str(err))


def test_a_store_that_may_only_be_read_is_read_and_named_when_written() -> None:
    with tempfile.TemporaryDirectory(prefix="hil-history-") as name:
        folder = Path(name)
        file = folder / "history.sqlite"
        remember(record("r1", {"t": "PASS"}), file)
        file.chmod(0o444)
        folder.chmod(0o555)
        said: multiprocessing.Queue[str] = CLEAN.Queue()
        writer = CLEAN.Process(target=_as_nobody, args=(file, said))
        writer.start()
        refused, read = said.get(timeout=30), said.get(timeout=30)
        writer.join(30)
        folder.chmod(0o755)
    assert f"{file}: cannot be used" in refused
    assert "may be written to" in refused
    assert read == "r1"


@thorough
def test_2000_tests_in_50_runs(file: Path) -> None:
    tests = {f"testcases/folder/test_file.py::test_{n:04}[virtual]": "PASS" for n in range(2000)}
    measured = {
        name: [measurement(1.8 + n % 7 / 1000)] for n, name in enumerate(tests) if n % 10 == 0
    }
    slowest = 0.0
    with History(file, writable=True) as history:
        first = record("first", tests, measurements=measured)
        for day in range(50):
            run = replace(first, run=f"r{day}", began_ns=first.began_ns + day * DAY_NS)
            begun = time.process_time()
            history.add(run)
            slowest = max(slowest, time.process_time() - begun)
        begun = time.process_time()
        one = outcomes(history, next(iter(tests)), last=50)
        took = time.process_time() - begun
        assert len(one) == 50
        begun = time.process_time()
        assert len(readings(history, "jig voltage", last=50)) == 10_000
        every = time.process_time() - begun
    assert slowest < 1.0
    assert took < 0.1
    assert every < 1.0
