"""What is sealed, and what the statement says of it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hil.errors import UsageError
from hil.evidence.journal import EvidenceError
from hil.evidence.recovery import recover
from hil.seal import BrokenEvidenceError, seal_run, verify_run
from hil.seal.dsse import decode
from tests.seal.runs import BEGIN, KEY, SMALL, write_run


def _statement(folder: Path) -> dict[str, Any]:
    envelope = decode((folder / "seal.dsse.json").read_bytes())
    return dict(json.loads(envelope.payload))


def _manifest(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "manifest.json").read_text(encoding="utf-8")))


def test_every_file_is_in_the_manifest(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", SMALL)
    sealed = seal_run(folder, KEY)
    manifest = _manifest(folder)
    listed = {row["path"]: row for row in manifest["files"]}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert there - listed.keys() == {"manifest.json", "seal.dsse.json"}
    assert sealed.files == len(listed) == len(there) - 2
    for name, row in listed.items():
        body = (folder / name).read_bytes()
        assert (row["sha256"], row["size"]) == (hashlib.sha256(body).hexdigest(), len(body))
    lines = (folder / "journal" / "gw0.jsonl").read_bytes().splitlines()
    (journal,) = (one for one in manifest["journals"] if one["path"] == "journal/gw0.jsonl")
    assert journal["lines"] == len(lines)
    assert journal["head"] == hashlib.sha256(lines[-1]).hexdigest()
    assert manifest["virtual"] is True
    assert manifest["verdicts"] == {"PASS": 2}
    assert manifest["framework"]["git"] == BEGIN["git"]
    assert manifest["lab_config"] == BEGIN["lab_config"]
    assert verify_run(folder, KEY.public).whole


def test_the_statement_is_an_in_toto_test_result(tmp_path: Path) -> None:
    verdicts = {
        "a": "PASS",
        "b": "FAIL",
        "c": "INCONCLUSIVE",
        "d": "ERROR",
        "e": "NOT APPLICABLE",
        "f": "NOT RUN",
    }
    folder = write_run(tmp_path / "run", verdicts)
    seal_run(folder, KEY, waived=lambda _run: lambda test: test.id == "b")
    statement = _statement(folder)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    digest = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    assert statement["subject"] == [{"name": "manifest.json", "digest": {"sha256": digest}}]
    predicate = statement["predicate"]
    assert predicate["result"] == "FAILED"
    assert predicate["passedTests"] == ["a"]
    assert predicate["warnedTests"] == ["b"]
    assert predicate["failedTests"] == ["c", "d", "f"]
    assert predicate["configuration"][0]["digest"] == {"sha256": "ab" * 32}
    assert all({"uri", "digest"} & one.keys() for one in predicate["configuration"])
    assert predicate["hil"]["verdicts"] == verdicts
    assert predicate["hil"]["exitCode"] == 4


@pytest.mark.parametrize(
    ("verdict", "waived", "result"),
    [("PASS", False, "PASSED"), ("FAIL", True, "WARNED"), ("FAIL", False, "FAILED")],
)
def test_the_result(tmp_path: Path, verdict: str, waived: bool, result: str) -> None:
    folder = write_run(tmp_path / "run", {"a": verdict})
    seal_run(folder, KEY, waived=lambda _run: lambda _test: waived)
    assert _statement(folder)["predicate"]["result"] == result


def test_the_item_is_the_subject_where_its_digest_is_known(tmp_path: Path) -> None:
    item = {"model": "M1", "firmware": "2.0", "sha256": "cd" * 32}
    folder = write_run(tmp_path / "run", SMALL, begin={**BEGIN, "item": item})
    seal_run(folder, KEY)
    assert _statement(folder)["subject"] == [{"name": "M1 2.0", "digest": {"sha256": "cd" * 32}}]
    assert verify_run(folder, KEY.public).whole


def test_the_manifest_is_the_same_each_time(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", SMALL)
    seal_run(folder, KEY)
    first = (folder / "manifest.json").read_bytes()
    before = hashlib.sha256((folder / "seal.dsse.json").read_bytes()).hexdigest()
    with pytest.raises(UsageError, match="sealed already"):
        seal_run(folder, KEY)
    seal_run(folder, KEY, replace=True)
    assert (folder / "manifest.json").read_bytes() == first
    assert _statement(folder)["predicate"]["hil"]["replaces"] == {"sha256": before}


def test_names_of_any_kind(tmp_path: Path) -> None:
    names = {"t.py::test[ß—🙂]": "PASS", "t.py::test[\udc80]": "PASS", 't.py::t["\n\\]': "PASS"}
    folder = write_run(tmp_path / "run", names)
    (folder / "evidence" / "a\nb🙂.txt").write_text("x")
    (folder / "evidence" / os.fsdecode(b"\xff.txt")).write_text("x")
    seal_run(folder, KEY)
    assert verify_run(folder, KEY.public).breaks == []
    (folder / "evidence" / os.fsdecode(b"\xff.txt")).write_text("y")
    assert not verify_run(folder, KEY.public).whole


def _changed(folder: Path) -> None:
    path = folder / "journal" / "gw0.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"value":1.8', b'"value":1.7', 1))


def _no_attachment(folder: Path) -> None:
    next((folder / "attachments").iterdir()).unlink()


def _link(folder: Path) -> None:
    (folder / "evidence" / "passwd").symlink_to("/etc/passwd")


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "evidence" / "pipe")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_changed, r"journal/gw0.jsonl:4: the line before it"),
        (_no_attachment, r"attachments/.*names this attachment, and it is not there"),
        (_link, "evidence/passwd: it is a symbolic link"),
        (_pipe, "evidence/pipe: it is a pipe"),
    ],
)
def test_evidence_that_is_not_whole_is_not_sealed(
    tmp_path: Path, spoil: Callable[[Path], None], says: str
) -> None:
    folder = write_run(tmp_path / "run", SMALL)
    spoil(folder)
    with pytest.raises(BrokenEvidenceError, match=says):
        seal_run(folder, KEY)
    assert not (folder / "seal.dsse.json").exists()
    assert not (folder / "manifest.json").exists()


def test_a_run_without_end_is_closed_first_and_sealed_as_what_it_is(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", SMALL, close=False)
    with pytest.raises(BrokenEvidenceError, match=r"no run-end.*hil recover"):
        seal_run(folder, KEY)
    recover(folder, by="me", why="power cut")
    assert seal_run(folder, KEY).exit_code == 3
    assert _statement(folder)["predicate"]["result"] == "FAILED"
    found = verify_run(folder, KEY.public)
    assert found.whole
    assert "not complete" in found.warnings[0]


def test_a_folder_in_place_of_the_seal(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", SMALL)
    (folder / "seal.dsse.json").mkdir()
    with pytest.raises(EvidenceError, match="remove it"):
        seal_run(folder, KEY)
    assert verify_run(folder, KEY.public).breaks[0].where == "seal.dsse.json"


@pytest.mark.parametrize("stop", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_seal_that_cannot_be_replaced_stays_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: BaseException
) -> None:
    folder = write_run(tmp_path / "run", SMALL)
    seal_run(folder, KEY)
    before = sorted(path.name for path in folder.iterdir())
    synced: list[int] = []

    def full(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) == 2:
            raise stop

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises((EvidenceError, KeyboardInterrupt)):
        seal_run(folder, KEY, replace=True)
    assert len(synced) == 2
    assert sorted(path.name for path in folder.iterdir()) == before
    assert verify_run(folder, KEY.public).whole
