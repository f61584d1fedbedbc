"""A transcript and a packet file from a journal: one clock, steps, nothing lost, nothing added."""

from __future__ import annotations

import shutil
import subprocess
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.evidence.journal import Event, read_journal
from hil.evidence.run_record import RunRecord, read_run
from hil.report import gsmtap
from hil.report.traces import Traced, folder_name, traces_of, traces_of_run, write_traces
from tests.report.journals import TEST, run
from tests.report.packets import payload_of, read_pcapng
from tests.thorough import thorough

TSHARK = shutil.which("tshark")


@pytest.fixture
def record(tmp_path: Path) -> RunRecord:
    with run(tmp_path / "run", case="TC-FS-001") as journal:
        journal.atr()
        journal.message("VOLT 3.0", "out")
        with journal.step(1, "select MF"):
            journal.apdu("00A40004023F00", "6121", "SELECT", "6121 …")
            journal.apdu("00C0000021", "62" * 33 + "9000")
        with journal.step(2, "a PIN that is wrong"):
            journal.apdu(
                "0020000108 FFFFFFFFFFFFFFFF", "63C2", "VERIFY PIN, data redacted (8 bytes)"
            )
            journal.message("+CREG: 1\x07", "in", link="at", to="device")
            journal.apdu("00B201041C", "6A83")
        journal.message("00A40004022FE2", "out", "SELECT", link="apdu", to="card")
        journal.message("", "in", "no answer: CardRemovedError", link="apdu", to="card")
    return read_run(tmp_path / "run")


def test_a_transcript_reads_from_top_to_bottom(record: RunRecord, tmp_path: Path) -> None:
    transcript, _ = traces_of(record, TEST, tmp_path / "of-test")
    began = f"{record.tests[TEST].began_ns}"
    lines = transcript.read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"test   {TEST}"
    assert lines[1].startswith("began  20") or began == "0"
    assert lines[2] == "on     card: EID 8904  VIRTUAL"
    ff = "FF" * 8
    assert lines[5:] == [
        "       1.000 ms  apdu card         ATR after power on    [3B9F00]",
        "       2.000 ms  scpi supply       -> VOLT 3.0",
        "-- step 1: select MF",
        "       4.000 ms  apdu card         SELECT MF (answer by GET RESPONSE) → 33 bytes, 9000    "
        f"[00A40004023F00 6121 | 00C0000021 {'62' * 33}9000]",
        "-- step 2: a PIN that is wrong",
        "      10.000 ms  apdu card         VERIFY PIN1 → 63C2 verification failed, 2 tries left; "
        f"data redacted (8 bytes)    [0020000108{ff} 63C2]",
        "      12.000 ms  at   device       <- +CREG: 1\\x07",
        "      13.000 ms  apdu card         READ RECORD a file that nobody saw selected, record 1 "
        "→ 6A83 record not found    [00B201041C 6A83]",
        "      16.000 ms  apdu card         SELECT EF.ICCID → no answer: CardRemovedError    "
        "[00A40004022FE2 -]",
    ]


def test_packets_are_the_exchanges_with_their_steps(record: RunRecord, tmp_path: Path) -> None:
    _, packets = traces_of(record, TEST, tmp_path)
    found = read_pcapng(packets.read_bytes())
    assert [one.comment for one in found] == [
        "TC-FS-001 step 1: select MF; ATR after power on: 3B9F00",
        "TC-FS-001 step 1: select MF",
        "TC-FS-001 step 2: a PIN that is wrong; 63C2 verification failed, 2 tries left; "
        "data redacted (8 bytes)",
        "TC-FS-001 step 2: a PIN that is wrong; 6A83 record not found",
        "TC-FS-001; no answer: CardRemovedError",
    ]
    assert {one.interface for one in found} == {"card (VIRTUAL)"}
    payloads = [payload_of(one.raw)[1].hex().upper() for one in found]
    assert payloads[0] == "00A40004023F006121"
    assert payloads[-1] == "00A40004022FE2"
    times = [event.utc_ns for event in record.exchanges(TEST) if event.body["direction"] == "out"]
    assert [one.utc_ns for one in found] == times[1:]


def test_an_atr_may_be_a_packet_of_its_own(record: RunRecord, tmp_path: Path) -> None:
    _, packets = traces_of(record, TEST, tmp_path, with_atr=True)
    first, *rest = read_pcapng(packets.read_bytes())
    assert payload_of(first.raw) == (gsmtap.SubType.ATR, bytes.fromhex("3B9F00"))
    assert len(rest) == 5


def test_the_same_journal_gives_the_same_bytes(record: RunRecord, tmp_path: Path) -> None:
    once = traces_of(record, TEST, tmp_path / "once")
    again = traces_of_run(record, tmp_path / "run")[TEST]
    assert [file.read_bytes() for file in once] == [file.read_bytes() for file in again]
    assert again[0].parent == tmp_path / "run" / folder_name(TEST)
    assert sorted(path.name for path in again[0].parent.iterdir()) == [
        "trace.pcapng",
        "transcript.txt",
    ]


def test_a_test_without_exchanges_has_no_traces(tmp_path: Path) -> None:
    with run(tmp_path / "run") as journal:
        journal.event("note", text="nothing went over a link")
    record = read_run(tmp_path / "run")
    assert traces_of(record, TEST, tmp_path / "made") == ()
    assert traces_of_run(record, tmp_path / "made") == {}
    assert not (tmp_path / "made").exists()


def test_traces_that_are_broken_off_leave_no_part(record: RunRecord, tmp_path: Path) -> None:
    def broken_off() -> Iterator[Event]:
        for number, event in enumerate(record.exchanges(TEST)):
            if number == 3:
                assert list((tmp_path / "made").iterdir())
                raise KeyboardInterrupt
            yield event

    with pytest.raises(KeyboardInterrupt):
        write_traces(broken_off(), Traced(TEST), tmp_path / "made")
    assert list((tmp_path / "made").iterdir()) == []


def test_without_apdus_there_is_a_transcript_only(tmp_path: Path) -> None:
    with run(tmp_path / "run") as journal:
        journal.message("*IDN?", "out")
    made = traces_of(read_run(tmp_path / "run"), TEST, tmp_path)
    assert [path.name for path in made] == ["transcript.txt"]


def test_a_journal_of_strange_events_is_traced_all_the_same(tmp_path: Path) -> None:
    with run(tmp_path / "run") as journal:
        journal.event("step-begin", step="first", title=7)
        journal.event("step-end")
        journal.event("exchange")
        journal.event("exchange", link="apdu", equipment=3, direction="in", text="XYZ", note=[])
        journal.event("exchange", link="apdu", equipment="card", direction="in", text="6F00")
        journal.event("exchange", link="apdu", equipment="card", direction="out", text="00")
    _, events = read_journal(tmp_path / "run" / "journal" / "main.jsonl")
    of_it = [event for event in events if event.test == TEST]
    transcript, packets = write_traces(of_it, Traced(TEST), tmp_path / "made")
    lines = transcript.read_text(encoding="utf-8").splitlines()[4:]
    assert len(lines) == 5
    assert "answer without a command" in lines[3]
    assert len(read_pcapng(packets.read_bytes())) == 2


def test_what_belongs_to_no_test_does_not_part_the_traces_of_one(tmp_path: Path) -> None:
    with run(tmp_path / "run") as journal:
        journal.message("*IDN?", "out")
        journal.test = ""
        journal.event("note", text="the clock of the machine was set")
        journal.test = TEST
        journal.message("DP832", "in")
    made = traces_of_run(read_run(tmp_path / "run"), tmp_path / "made")
    (transcript,) = made[TEST]
    lines = transcript.read_text(encoding="utf-8").splitlines()
    assert ["*IDN?" in lines[-2], "DP832" in lines[-1]] == [True, True]
    assert len(list((tmp_path / "made").iterdir())) == 1


def test_names_of_folders_are_readable_and_a_test_s_alone() -> None:
    one = folder_name("testcases/a/test_x.py::test_ü[1/2]")
    assert one.startswith("2-")
    assert one != folder_name("testcases/b/test_x.py::test_ü[1/2]")
    assert "/" not in one
    assert len(folder_name("x" * 5000).encode()) < 100


@thorough
def test_memory_stays_flat(tmp_path: Path) -> None:
    with run(tmp_path / "run") as journal:
        for _ in range(4000):
            journal.apdu("00B0000010", "FF" * 16 + "9000")
    record = read_run(tmp_path / "run")
    traces_of(record, TEST, tmp_path / "warm")
    tracemalloc.start()
    traces_of(record, TEST, tmp_path / "made")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 400_000


@pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")
def test_wireshark_counts_the_same_and_shows_the_steps(record: RunRecord, tmp_path: Path) -> None:
    _, packets = traces_of(record, TEST, tmp_path)
    command = [str(TSHARK), "-n", "-r", str(packets), "-Y", "gsm_sim", "-T", "fields"]
    fields = ("frame.number", "frame.comment", "gsm_sim.apdu.ins", "gsm_sim.file_id")
    command += [part for name in fields for part in ("-e", name)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    rows = [line.split("\t") for line in shown.stdout.splitlines()]
    assert len(rows) == 5
    assert rows[0][1:] == [
        "TC-FS-001 step 1: select MF; ATR after power on: 3B9F00",
        "0xa4",
        "0x3f00",
    ]
    assert rows[2][2] == "0x20"


def test_events_of_anybody_s_making_can_be_traced(record: RunRecord, tmp_path: Path) -> None:
    made = write_traces(record.exchanges(TEST), Traced(TEST), tmp_path)
    found = read_pcapng(made[1].read_bytes())
    assert found[1].comment == "test_iccid"
