"""The commands of docs/seal.md, run as they stand there on a small sealed run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hil.seal.keys import SigningKey
from hil.seal.sealing import seal_run
from tests.docs.pages import ROOT, all_blocks
from tests.seal.runs import BEGIN, SMALL, write_run

BLOCKS = {block.tag: block.text for block in all_blocks() if block.page == "docs/seal.md"}
RUN = str(BEGIN["run"])
JOURNAL = f"runs/{RUN}/journal/main.jsonl"
pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a key made as the page says, and a run that it sealed."""
    place = tmp_path_factory.mktemp("seal-page")
    done = _sh(place, BLOCKS["key"])
    key = SigningKey.load(str(place / "seal.key"))
    assert done.stdout.split()[0] == key.public.keyid
    folder = write_run(place / "runs" / RUN, SMALL)
    (folder / "evidence" / "a name with spaces.csv").write_text("x")
    seal_run(folder, key)
    return place


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "place")
    return tmp_path / "place"


def _sh(place: Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", script],
        cwd=place,
        env={**os.environ, "TMPDIR": str(place), "HIL_RUNS": str(place / "runs")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_page_has_these_blocks() -> None:
    assert set(BLOCKS) == {"key", "commands", "verify", "chain"}


def test_the_commands(place: Path) -> None:
    (place / "runs" / RUN / "seal.dsse.json").unlink()
    (place / "runs" / RUN / "manifest.json").unlink()
    lab = place / "lab"
    lab.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m hil "$@"\n')
    lab.chmod(0o755)
    done = _sh(place, f"set -e\n{BLOCKS['commands']}")
    assert (done.returncode, done.stderr) == (0, "")
    assert "whole     every file and record is as it was sealed" in done.stdout


def test_a_whole_run_is_verified_without_our_tool(place: Path) -> None:
    done = _sh(place, f"set -e\n{BLOCKS['verify']}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["Signature Verified Successfully", "manifest: as signed"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("seal.dsse.json", "Signature Verification Failure"),
        ("manifest.json", ""),
        ("junit.xml", "junit.xml: FAILED"),
        ("evidence/a name with spaces.csv", "spaces.csv: FAILED"),
        ("journal/gw0.jsonl", "journal/gw0.jsonl: FAILED"),
        ("evidence/added.csv", "./evidence/added.csv"),
    ],
)
def test_what_was_changed_shows_without_our_tool(place: Path, name: str, says: str) -> None:
    path = place / "runs" / RUN / name
    whole = path.read_bytes() if path.exists() else b"new"
    if name == "seal.dsse.json":
        path.write_bytes(whole.replace(b'"payload": "ewog', b'"payload": "ewoh'))
    elif name == "manifest.json":
        path.write_bytes(whole.replace(b'"bench": "virtual"', b'"bench": "virtuaL"'))
    else:
        path.write_bytes(whole + b" ")
    assert path.read_bytes() != whole
    done = _sh(place, BLOCKS["verify"])
    if name == "manifest.json":
        assert "manifest: as signed" not in done.stdout
    assert says in done.stdout + done.stderr


def test_the_chain_by_hand(place: Path) -> None:
    assert _sh(place, BLOCKS["chain"]).stdout == ""
    path = place / JOURNAL
    path.write_bytes(path.read_bytes().replace(b"DP832", b"DP833", 1))
    assert _sh(place, BLOCKS["chain"]).stdout == "line 3 does not follow the line before it\n"
