"""Makes Allure's results say what the journal says: every test, its verdict, its traces.

Allure is a view. It loses tests that were killed, has no result for tests that never ran, and
knows five states only. From the journal every registered test gets exactly one latest result.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from hil.evidence.journal.errors import EvidenceError
from hil.evidence.verdict import (
    ERROR,
    FAIL,
    INCONCLUSIVE,
    NOT_APPLICABLE,
    NOT_RUN,
    PASS,
)
from hil.report.html import anchor
from hil.report.matrix.as_html import requirement_anchor
from hil.report.named_files import inside, is_as_named
from hil.report.out import write_whole
from hil.report.parameters import in_words
from hil.report.text import stated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from hil.evidence.run_record import RunRecord
    from hil.evidence.test_record import Attachment, TestRecord

NODE: Final = "node"
"""Label with a test's id, by which its result is found."""
STATUS: Final = {
    PASS: "passed",
    FAIL: "failed",
    INCONCLUSIVE: "broken",
    ERROR: "broken",
    NOT_APPLICABLE: "skipped",
    NOT_RUN: "unknown",
}
_TYPES: Final = {
    "txt": "text/plain",
    "text": "text/plain",
    "json": "application/json",
    "csv": "text/csv",
    "svg": "image/svg+xml",
    "png": "image/png",
    "pcapng": "application/x-pcapng",
    "csv.gz": "application/gzip",
}
_NAMES: Final = {
    "transcript.txt": "Transcript: what went over the links, decoded",
    "trace.pcapng": "APDUs for Wireshark (pcapng)",
}
_PAGE: Final = "../evidence/run.html"
_MATRIX: Final = "../evidence/matrix.html"
_WAIVED: Final = {"name": "tag", "value": "waived"}
_LONGEST: Final = 16
"""Characters of an extension that a copy keeps."""
_SPACE: Final = uuid.UUID("6f0a5d0e-5c1c-4b39-9d5b-8f1b6f6d4d1e")


def complete(
    run: RunRecord,
    results: Path,
    *,
    traces: Mapping[str, tuple[Path, ...]],
    waived: Callable[[TestRecord], str] = lambda _test: "",
) -> list[str]:
    """Bring ``results`` in line with ``run``; return what was foreign there, a line each.

    What is no result of a test of this run gets ``.foreign`` behind its name, so that no report
    shows it as one.
    ``traces`` are the files to attach to each test, ``waived`` tells why a verdict is waived ("" if
    it is not). Doing it again changes nothing. Raises EvidenceError if a result cannot be written.
    """
    results.mkdir(parents=True, exist_ok=True)
    found, foreign = _found(results, run.tests)
    for name, test in run.tests.items():
        found.setdefault(name, [(_path(run, results, test), _missing(run, results, test))])
    alike = Counter(_seen_as(result) for rows in found.values() for _, result in rows)
    for name, rows in found.items():
        test = run.tests[name]
        for path, result in rows:
            if alike[_seen_as(result)] > len(rows):
                _tell_apart(result, name)
            _agree(result, test, waived(test))
            _state_units(result, test)
            result["links"] = _links(test)
            _attach(result, results, traces.get(name, ()))
            text = json.dumps(result, ensure_ascii=True, indent=1)
            write_whole(path, text)
    return foreign


def _seen_as(result: Mapping[str, Any]) -> tuple[str, ...]:
    """Return by what Allure takes two results for one test run twice, and shows only the later."""
    given = (f"{one.get('name')}={one.get('value')}" for one in result.get("parameters", ()))
    return (str(result.get("fullName", "")), *sorted(given))


def _tell_apart(result: dict[str, Any], name: str) -> None:
    """Add the row of a parametrised test whose values read alike, as two byte strings do."""
    row = {"name": "row", "value": name.partition("[")[2].removesuffix("]")}
    parameters = result.setdefault("parameters", [])
    if row not in parameters:
        parameters.append(row)


def _found(
    results: Path, tests: Mapping[str, TestRecord]
) -> tuple[dict[str, list[tuple[Path, dict[str, Any]]]], list[str]]:
    found: dict[str, list[tuple[Path, dict[str, Any]]]] = {}
    foreign = []
    for path in sorted(results.glob("*-result.json")):
        try:
            result = json.loads(path.read_bytes())
            labels = _labels_of(result)
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            foreign.append(_aside(path, "no result of a test"))
            continue
        name = str(labels.get(NODE, ""))
        if name not in tests:
            foreign.append(_aside(path, "the result of no test of this run"))
        else:
            found.setdefault(name, []).append((path, result))
    return found, foreign


def _labels_of(result: dict[str, Any]) -> dict[str, Any]:
    """Return the labels of a result by name.

    Raises TypeError, KeyError or ValueError for what does not hold together as one.
    """
    if not isinstance(result["uuid"], str):
        raise TypeError("its uuid is no text")
    for name in ("labels", "parameters", "attachments"):
        rows = result.get(name, [])
        if not isinstance(rows, list) or not all(_is_row(one) for one in rows):
            raise TypeError(f"its {name} are no list of plain objects")
    if not isinstance(result.get("statusDetails") or {}, dict):
        raise TypeError("its statusDetails are no object")
    return {one["name"]: one["value"] for one in result["labels"]}


def _is_row(given: object) -> bool:
    return isinstance(given, dict) and not any(
        isinstance(one, dict | list) for one in given.values()
    )


def _aside(path: Path, why: str) -> str:
    path.rename(path.with_name(path.name + ".foreign"))
    return f"{path.name}: {why}; set aside as {path.name}.foreign"


def _path(run: RunRecord, results: Path, test: TestRecord) -> Path:
    return results / f"{_uuid(f'{run.run} {test.id}')}-result.json"


def _missing(run: RunRecord, results: Path, test: TestRecord) -> dict[str, Any]:
    """Return a result for a test that has none: it was killed, or never ran."""
    began_ms = (test.began_ns or run.began_ns) // 1_000_000
    digest = hashlib.sha256(test.id.encode("utf-8", "replace")).hexdigest()[:32]
    bench = str(run.begin.get("bench", ""))
    room = test.file.replace("\\", "/").split("/")
    labels = [
        *_labels("requirement", test.requirements),
        *_labels("tag", test.requirements),
        *_labels("severity", (test.severity,) if test.severity else ()),
        *_labels("epic", (_title(room[-2]) if len(room) > 1 else "Tests",)),
        *_labels("feature", (_title(room[-1].removesuffix(".py")),)),
        *_labels(NODE, (test.id,)),
    ]
    if test.case is not None:
        labels += _labels("case", (stated(test.case, "id"),))
    return {
        "uuid": _path(run, results, test).name.removesuffix("-result.json"),
        "historyId": digest,
        "testCaseId": digest,
        "fullName": test.id,
        "name": test.title,
        "description": test.description,
        "start": began_ms,
        "stop": began_ms + int(test.seconds * 1000),
        "steps": list(_steps(test)),
        "attachments": list(_kept(run, results, test)),
        "parameters": [
            *({"name": name, "value": value} for name, value in in_words(test).items()),
            *([{"name": "bench", "value": repr(bench)}] if bench else []),
        ],
        "labels": labels,
    }


def _agree(result: dict[str, Any], test: TestRecord, waiver: str) -> None:
    """Give a result the verdict of the journal."""
    wrong = result.get("status") != STATUS.get(test.verdict)
    result["status"] = STATUS.get(test.verdict, "broken")
    kept = [
        one
        for one in result["labels"]
        if one.get("name") not in ("verdict", "waiver") and one != _WAIVED
    ]
    result["labels"] = [*kept, *_labels("verdict", (test.verdict,))]
    if waiver:
        result["labels"] += [*_labels("waiver", (waiver,)), _WAIVED]
    if test.verdict == PASS:
        return
    details = result.get("statusDetails") or {}
    said = test.reason or ("it was chosen, and never began" if test.verdict == NOT_RUN else "")
    if wrong or not details.get("message"):
        details["message"] = f"{test.verdict}: {said}" if said else test.verdict
    result["statusDetails"] = details


def _state_units(result: dict[str, Any], test: TestRecord) -> None:
    """Give the parameters their units; Allure tells results apart by what it has noted before."""
    words = in_words(test)
    for one in result.get("parameters", ()):
        if one.get("name") in test.units:
            one["value"] = words[one["name"]]


def _attach(result: dict[str, Any], results: Path, files: tuple[Path, ...]) -> None:
    attachments = result.setdefault("attachments", [])
    known = {one.get("source") for one in attachments}
    for number, file in enumerate(files):
        extension = file.name.rpartition(".")[2]
        stem = _uuid(f"{result['uuid']} {number}")
        source = f"{stem}-attachment.{extension}"
        _copy(file, results / source)
        if source not in known:
            name = _NAMES.get(file.name, file.name)
            kind = _TYPES.get(extension, "application/octet-stream")
            attachments.append({"name": name, "source": source, "type": kind})


def _kept(run: RunRecord, results: Path, test: TestRecord) -> Iterator[dict[str, str]]:
    """Copy what the test attached before it was lost; the digest names the copy."""
    for one in test.attachments:
        file = inside(one.file, run.folder)
        if file is None or not _is_there(file, one):
            continue
        extension = "".join(file.suffixes)
        source = f"{one.sha256[:32]}-attachment{extension if len(extension) < _LONGEST else ''}"
        _copy(file, results / source)
        kind = _TYPES.get(one.kind, "application/octet-stream")
        yield {"name": one.name, "source": source, "type": kind}


def _is_there(file: Path, one: Attachment) -> bool:
    try:
        return is_as_named(file, one)
    except OSError:  # the run's page says why
        return False


def _copy(file: Path, to: Path) -> None:
    try:
        shutil.copyfile(file, to)
    except OSError as err:
        raise EvidenceError(f"{to}: cannot be made from {file}: {err.strerror or err}") from err


def _uuid(name: str) -> uuid.UUID:
    return uuid.uuid5(_SPACE, name.encode("utf-8", "backslashreplace").decode())


def _links(test: TestRecord) -> list[dict[str, str]]:
    """Return links to the same test and its requirements in the other views of the run.

    They lead from the report's folder to what lies beside it, and nowhere else.
    """
    rows = [("this test on the run's page", f"{_PAGE}#{anchor('test', test.id)}")]
    rows += [
        (f"{name} in the matrix", f"{_MATRIX}#{requirement_anchor(name)}")
        for name in test.requirements
    ]
    return [{"type": "link", "name": name, "url": url} for name, url in rows]


def _steps(test: TestRecord) -> Iterator[dict[str, Any]]:
    for step in test.steps:
        began_ms = step.began_ns // 1_000_000
        status = step.status if step.status in ("passed", "failed") else "broken"
        ended_ms = began_ms + int(step.seconds * 1000)
        yield {"name": step.title, "status": status, "start": began_ms, "stop": ended_ms}


def _labels(name: str, values: tuple[str, ...]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for value in values]


def _title(name: str) -> str:
    words = name.removeprefix("test_").replace("_", " ")
    return words[:1].upper() + words[1:]
