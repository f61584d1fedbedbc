"""Whatever is changed in a sealed run is found, and named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hil.evidence.journal.chain import GENESIS, digest_of, line_of
from hil.seal import seal_run, verify_run
from hil.seal.attestation import PAYLOAD_TYPE
from hil.seal.dsse import decode, sign
from tests.evidence.journal.rewriting import rewrite
from tests.seal.runs import BEGIN, KEY, OTHER_KEY, SMALL, write_run

SAMPLES = 24
SMALLEST = 240
"""Bytes at the end of a file that are all tried: of a seal, key id and signature are there."""
JOURNAL = "journal/gw0.jsonl"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_run(tmp_path_factory.mktemp("pristine") / "run", SMALL)
    seal_run(folder, KEY)
    return folder


@pytest.fixture
def folder(pristine: Path, tmp_path: Path) -> Path:
    shutil.copytree(pristine, tmp_path / "run")
    return tmp_path / "run"


def _first(folder: Path) -> str:
    found = verify_run(folder, KEY.public)
    assert found.breaks
    return str(found.breaks[0])


def _positions(size: int) -> Iterator[int]:
    """Every byte of a small file; of a larger one samples, and its whole tail."""
    yield from range(max(0, size - SMALLEST), size)
    yield from range(0, max(0, size - SMALLEST), max(1, size // SAMPLES))


def test_a_flip_of_any_byte_is_found_and_named(folder: Path) -> None:
    assert verify_run(folder, KEY.public).breaks == []
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    tried = 0
    for path in files:
        name = path.relative_to(folder).as_posix()
        whole = path.read_bytes()
        for at in _positions(len(whole)):
            changed = bytearray(whole)
            changed[at] ^= 1 << at % 8
            path.write_bytes(changed)
            first = _first(folder)
            assert first.partition(":")[0] == name, (name, at, first)
            tried += 1
        path.write_bytes(whole)
    assert tried > 500
    assert verify_run(folder, KEY.public).breaks == []


def _lines(folder: Path) -> list[bytes]:
    return (folder / JOURNAL).read_bytes().splitlines(keepends=True)


def _drop(folder: Path) -> None:
    lines = _lines(folder)
    (folder / JOURNAL).write_bytes(b"".join(lines[:3] + lines[4:]))


@pytest.mark.parametrize(
    ("event", "odd"),
    [
        ("test-registered", {"requirements": None}),
        ("test-registered", {"case": "text", "parameters": None}),
        ("test-registered", {"parameters": [1]}),
        ("equipment", {"virtual": {}, "name": [[]]}),
        ("run-begin", {"run": None, "format": []}),
    ],
)
def test_a_record_of_another_shape_is_found_and_named(
    folder: Path, event: str, odd: dict[str, object]
) -> None:
    path = rewrite(folder, lambda one: one["event"] == event and one["body"].update(odd))
    lines = [json.loads(line)["event"] for line in path.read_bytes().splitlines()]
    found = [str(one) for one in verify_run(folder, KEY.public).breaks]
    assert found[0].startswith("journal/main.jsonl")
    if event == "test-registered":
        named = [one for one in found if "no record of a run" in one]
        assert len(named) == lines.count(event)
        assert named[0].startswith(f"journal/main.jsonl:{lines.index(event) + 1}: ")


def _cut(folder: Path) -> None:
    (folder / JOURNAL).write_bytes(b"".join(_lines(folder)[:-2]))


def _swap_lines(folder: Path) -> None:
    lines = _lines(folder)
    lines[3], lines[4] = lines[4], lines[3]
    (folder / JOURNAL).write_bytes(b"".join(lines))


def _append(folder: Path) -> None:
    lines = _lines(folder)
    record = {**json.loads(lines[-1]), "seq": len(lines), "prev": digest_of(lines[-1][:-1])}
    (folder / JOURNAL).write_bytes(b"".join([*lines, line_of(record) + b"\n"]))


def _write_anew(folder: Path) -> None:
    """Make a FAIL of a PASS, and mend the whole chain behind it."""
    previous, out = GENESIS, b""
    for line in _lines(folder):
        record = {**json.loads(line), "prev": previous}
        if record["event"] == "test-end":
            record["body"]["verdict"] = "FAIL"
        previous = digest_of(line_of(record))
        out += line_of(record) + b"\n"
    (folder / JOURNAL).write_bytes(out)


def _other_run(folder: Path) -> None:
    other = write_run(folder.parent / "other", SMALL, begin={**BEGIN, "run": "another"})
    shutil.copy(other / JOURNAL, folder / JOURNAL)


def _other_seal(folder: Path) -> None:
    other = write_run(folder.parent / "other", SMALL, begin={**BEGIN, "run": "another"})
    seal_run(other, KEY)
    shutil.copy(other / "seal.dsse.json", folder / "seal.dsse.json")


def _other_key(folder: Path) -> None:
    seal_run(folder, OTHER_KEY, replace=True)


def _no_journal(folder: Path) -> None:
    (folder / JOURNAL).unlink()


def _no_journals(folder: Path) -> None:
    shutil.rmtree(folder / "journal")


def _added(folder: Path) -> None:
    (folder / "evidence" / "better.csv").write_text("R-24,PASS\n")


def _added_journal(folder: Path) -> None:
    shutil.copy(folder / JOURNAL, folder / "journal" / "gw1.jsonl")


def _no_attachment(folder: Path) -> None:
    min((folder / "attachments").iterdir()).unlink()


def _folder_for_a_file(folder: Path) -> None:
    (folder / "junit.xml").unlink()
    (folder / "junit.xml").mkdir()


def _folder_for_a_journal(folder: Path) -> None:
    (folder / JOURNAL).unlink()
    (folder / JOURNAL).mkdir()


def _link_for_a_file(folder: Path) -> None:
    outside = folder.parent / "outside.xml"
    shutil.move(folder / "junit.xml", outside)
    (folder / "junit.xml").symlink_to(outside)


def _link_for_a_folder(folder: Path) -> None:
    outside = folder.parent / "outside"
    shutil.move(folder / "journal", outside)
    (folder / "journal").symlink_to(outside)


def _link_for_the_manifest(folder: Path) -> None:
    outside = folder.parent / "outside.json"
    shutil.move(folder / "manifest.json", outside)
    (folder / "manifest.json").symlink_to(outside)


def _no_seal(folder: Path) -> None:
    (folder / "seal.dsse.json").unlink()


def _no_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def _bomb_in_seal(folder: Path) -> None:
    (folder / "seal.dsse.json").write_bytes(b'{"payload": ' + b"[" * 1_000_000)


def _bomb_in_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_bytes(b'{"files": ' + b"[" * 1_000_000)


def _sparse(folder: Path) -> None:
    path = min((folder / "attachments").iterdir())
    with path.open("wb") as file:
        file.truncate(1 << 30)


CASES: dict[Callable[[Path], None], str] = {
    _drop: "journal/gw0.jsonl:4: the line before it is not the one that was written",
    _cut: "journal/gw0.jsonl:11: 2 of 12 sealed records are missing at the end",
    _swap_lines: "journal/gw0.jsonl:4: the line before it",
    _append: "journal/gw0.jsonl:13: a record behind the end of the run",
    _write_anew: "journal/gw0.jsonl:12: the last record is not the one that was sealed",
    _other_run: "journal/gw0.jsonl:1: it is a journal of run 'another'",
    _other_seal: "manifest.json: it is not the manifest that was signed",
    _other_key: "seal.dsse.json: it was signed with the key",
    _no_journal: "journal/gw0.jsonl: it was sealed, and is missing",
    _no_journals: "journal/gw0.jsonl: it was sealed, and is missing",
    _added: "evidence/better.csv: it was not sealed",
    _added_journal: "journal/gw1.jsonl: it was not sealed",
    _no_attachment: "attachments/",
    _folder_for_a_file: "junit.xml: it was sealed, and a folder is in its place",
    _folder_for_a_journal: "journal/gw0.jsonl: it was sealed, and a folder is in its place",
    _link_for_a_file: "junit.xml: it is a symbolic link",
    _link_for_a_folder: "journal: it is a symbolic link",
    _link_for_the_manifest: "manifest.json: cannot be read",
    _no_seal: "seal.dsse.json: there is no seal",
    _no_manifest: "manifest.json: there is no manifest",
    _bomb_in_seal: "seal.dsse.json: it is no seal",
    _bomb_in_manifest: "manifest.json: it is not the manifest that was signed",
    _sparse: "attachments/",
}


@pytest.mark.parametrize("spoil", CASES, ids=lambda one: one.__name__.strip("_"))
def test_the_first_broken_link_is_named(folder: Path, spoil: Callable[[Path], None]) -> None:
    spoil(folder)
    assert _first(folder).startswith(CASES[spoil])


def test_without_a_key_the_seals_own_is_used_and_proves_nothing(folder: Path) -> None:
    found = verify_run(folder)
    assert found.whole
    assert "proves nothing" in found.warnings[0]
    assert found.signer == KEY.public.keyid
    _other_key(folder)
    assert verify_run(folder).whole, "sealed anew by somebody else: only the lab's key tells"
    assert not verify_run(folder, KEY.public).whole


def test_a_statement_that_lies_is_found_though_it_is_signed(folder: Path) -> None:
    envelope = decode((folder / "seal.dsse.json").read_bytes())
    lie = envelope.payload.replace(b'"t.py::test_a": "PASS"', b'"t.py::test_a": "FAIL"')
    assert lie != envelope.payload
    (folder / "seal.dsse.json").write_bytes(sign(PAYLOAD_TYPE, lie, KEY).encode())
    assert _first(folder) == ("seal.dsse.json: it says FAIL of t.py::test_a, the journal says PASS")


def _another_field(seal: dict[str, Any]) -> str:
    return json.dumps({**seal, "note": "x"}, indent=1) + "\n"


def _another_hint(seal: dict[str, Any]) -> str:
    seal["signatures"][0]["keyid"] = "0" * 64
    return json.dumps(seal, indent=1) + "\n"


def _another_signature(seal: dict[str, Any]) -> str:
    seal["signatures"].append({"keyid": "", "sig": "AAAA"})
    return json.dumps(seal, indent=1) + "\n"


def _another_spelling(seal: dict[str, Any]) -> str:
    """64 bytes leave four bits of the last base64 letter unused; they are not signed."""
    sig = seal["signatures"][0]["sig"]
    letter = {"A": "B", "Q": "R", "g": "h", "w": "x"}[sig[-3]]
    seal["signatures"][0]["sig"] = f"{sig[:-3]}{letter}=="
    return json.dumps(seal, indent=1) + "\n"


def _another_layout(seal: dict[str, Any]) -> str:
    return json.dumps(seal)


@pytest.mark.parametrize(
    "write",
    [_another_field, _another_hint, _another_signature, _another_spelling, _another_layout],
)
def test_what_is_not_signed_in_a_seal_is_guarded_all_the_same(
    folder: Path, write: Callable[[dict[str, Any]], str]
) -> None:
    path = folder / "seal.dsse.json"
    path.write_text(write(json.loads(path.read_bytes())), encoding="utf-8")
    found = verify_run(folder, KEY.public)
    assert [str(one) for one in found.breaks] == [
        "seal.dsse.json: it is not written as it was made, though its signature holds"
    ]


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"{}", b"[" * 100_000, b'{"_type": "https://in-toto.io/Statement/v1"}'],
)
def test_a_signed_payload_that_is_no_statement(folder: Path, payload: bytes) -> None:
    (folder / "seal.dsse.json").write_bytes(sign(PAYLOAD_TYPE, payload, KEY).encode())
    assert _first(folder).startswith("seal.dsse.json: it is no seal: its ")


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'{"format": 2}',
        b'{"format": 1}',
        b'{"format": 1, "run": 1, "excluded": [], "files": [], "journals": [], "verdicts": {}}',
        b'{"format": 1, "run": "", "excluded": [], "files": [1], "journals": [], "verdicts": {}}',
        b'{"format": 1, "run": "", "excluded": [], "files": [], "journals": [], "verdicts": []}',
    ],
)
def test_a_manifest_of_another_shape(folder: Path, body: bytes) -> None:
    (folder / "manifest.json").write_bytes(body)
    assert any("cannot be used" in one.what for one in verify_run(folder, KEY.public).breaks)


@pytest.mark.parametrize(
    "body",
    [{"size": []}, {"records": "x"}, {"step": "x"}, {"file": "../../etc/passwd", "size": 1}],
)
def test_records_that_no_run_writes(folder: Path, body: dict[str, object]) -> None:
    previous, out = GENESIS, b""
    for line in _lines(folder):
        record = {**json.loads(line), "prev": previous}
        if record["seq"] in (2, 3):
            record["event"] = ("step-begin", "attachment")[record["seq"] - 2]
            record["body"] = body
        previous = digest_of(line_of(record))
        out += line_of(record) + b"\n"
    (folder / JOURNAL).write_bytes(out)
    assert _first(folder).startswith(("journal/", "../../etc/passwd"))
