"""Verifying a sealed run of 2,000 tests with 100,000 journal records and an Allure folder.

In processor time, so that a busy machine does not count; one process, on one core. Nothing is
modelled: the run is written by the journal itself, and every file is read.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hil.evidence.attachments import store
from hil.evidence.journal import Journal
from hil.seal import SigningKey, seal_run, verify_run

TESTS: Final = 2_000
RECORDS_A_TEST: Final = 50
FILES_A_TEST: Final = 4
REPORT_BYTES: Final = 40_000_000
LIMIT_S: Final = 5.0

Row = dict[str, Any]


def run() -> list[Row]:
    """Return the rows of this benchmark."""
    key = SigningKey.of(Ed25519PrivateKey.generate())
    with tempfile.TemporaryDirectory(prefix="hil-seal-") as place:
        folder = Path(place)
        _write(folder)
        seal_run(folder, key)
        started = time.process_time()
        found = verify_run(folder, key.public)
        seconds = time.process_time() - started
    whole = found.whole and found.records >= TESTS * RECORDS_A_TEST
    return [
        {
            "name": f"hil verify, {TESTS} tests, {found.records} records, {found.files} files",
            "value": seconds,
            "unit": "s of a core",
            "reference": None,
            "ratio": None,
            "limit": LIMIT_S,
            "ok": whole and seconds < LIMIT_S,
        }
    ]


def _write(folder: Path) -> None:
    begin = {"format": 1, "run": "benchmark", "virtual": True}
    main, *workers = (Journal(folder, name, begin) for name in ("main", "gw0", "gw1"))
    body = {"link": "apdu", "equipment": "card", "direction": "out", "text": "80E29100" * 16}
    results = folder / "allure-results"
    results.mkdir()
    for number in range(TESTS):
        name = f"testcases/test_it.py::test_{number}"
        main.write("test-registered", {"title": name, "requirements": ["R-24"]}, test=name)
        worker = workers[number % len(workers)]
        worker.write("test-begin", {"attempt": 1}, test=name)
        for _ in range(RECORDS_A_TEST - 5):
            worker.write("exchange", body, test=name)
        kept = store(folder, f"{number}\n".encode() * 500, "text")
        attached = {"name": "reading", "kind": "text", "file": kept.file, "size": kept.size}
        worker.write("attachment", {**attached, "sha256": kept.sha256}, test=name)
        worker.write("check", {"text": "sw == 0x9000", "ok": True}, test=name)
        worker.write("test-end", {"verdict": "PASS", "seconds": 0.1, "checks": 1}, test=name)
        for file in range(FILES_A_TEST):
            (results / f"{number}-{file}-result.json").write_bytes(b"x" * 1500)
    (folder / "report").mkdir()
    (folder / "report" / "index.html").write_bytes(b"x" * REPORT_BYTES)
    for journal in (main, *workers):
        journal.close("0")
