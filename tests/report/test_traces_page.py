"""Every example of docs/traces.md, run."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from hil.evidence.leak_search import find_leaks
from hil.evidence.run_record import read_run
from hil.report.traces import traces_of
from hil.wire.secret_files import KEYS, SUBSCRIBER
from tests.docs.pages import ROOT, blocks, table
from tests.report.journals import TEST, sample

PAGE = ROOT / "docs" / "traces.md"
RUN = Path("runs/2026-11-26_10-00-00")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the run of the page, in which the test stands."""
    monkeypatch.chdir(tmp_path)
    sample(tmp_path / RUN)
    return tmp_path


def test_the_transcript_in_it_is_what_a_run_gives(folder: Path) -> None:
    (shown,) = (block.text for block in blocks(PAGE) if block.language == "text")
    transcript, _ = traces_of(read_run(folder / RUN), TEST, folder / "made")
    assert transcript.read_text(encoding="utf-8").partition("\n\n")[2] == shown


def test_its_programs_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for block in blocks(PAGE):
        if block.language == "python":
            exec(compile(block.text, "docs/traces.md", "exec"), {})  # noqa: S102
    assert capsys.readouterr().out == f"{TEST} transcript.txt trace.pcapng\n"
    assert sorted(path.name for path in (folder / "for-the-card-maker").iterdir()) == [
        "trace.pcapng",
        "transcript.txt",
    ]
    assert find_leaks(folder, {"shown": b"TC-042"}).leaks, "the search looks at nothing"


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_its_commands_show_what_it_says(folder: Path) -> None:
    (commands,) = (block.text for block in blocks(PAGE) if block.language == "sh")
    traces_of(read_run(folder / RUN), TEST, folder)
    shown = [
        subprocess.run(
            shlex.split(line), capture_output=True, text=True, check=True, timeout=60
        ).stdout.splitlines()
        for line in commands.splitlines()
    ]
    everything, not_done, of_step = shown
    assert len(everything) == 9
    assert "SELECT File EF.ICCID" in everything[0]
    assert len(not_done) == 2, "6121 and 69E1"
    assert [line.partition("\t")[2] for line in of_step] == [
        "TC-042 step 4: Read the subscriber",
        "TC-042 step 4: Read the subscriber",
        "TC-042 step 4: Read the subscriber; data redacted (7 bytes)",
    ]


def test_files_that_it_names_are_in_the_policy() -> None:
    rows = table("docs/traces.md", "exchange")
    named = {name for row in rows for name in row[0].replace(",", " ").split() if "EF." in name}
    named = {name.strip("(,)") for name in named}
    secret = {name for name in named if name in KEYS | SUBSCRIBER}
    assert named - secret == {"EF.ICCID", "EF.DIR", "EF.UST", "EF.AD"}
    assert {"EF.IMSI", "EF.LOCI", "EF.Keys", "EF.ADN"} <= secret
