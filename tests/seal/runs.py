"""Small recorded runs, as a run leaves them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hil.evidence.attachments import store
from hil.evidence.journal import Journal
from hil.seal import SigningKey

KEY = SigningKey.of(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER_KEY = SigningKey.of(Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))
BEGIN: Mapping[str, object] = {
    "format": 1,
    "run": "2026-01-02_03-04-05",
    "process": "main",
    "pid": 1,
    "hil": "0.1.0",
    "git": {"commit": "d20ace7968ba43c0219f62d71334c1095bab1602", "dirty": False},
    "python": "3.11.7",
    "packages": {"pytest": "8.4.0"},
    "bench": "virtual",
    "virtual": True,
    "lab_config": {"path": "lab-config/virtual.yaml", "sha256": "ab" * 32},
}
MEASUREMENT: Mapping[str, object] = {
    "name": "jig voltage",
    "value": 1.8,
    "unit": "V",
    "expanded_uncertainty": 0.003,
}
SUPPLY: Mapping[str, object] = {
    "name": "power supply",
    "kind": "power_supply",
    "transport": "VISA",
    "identity": "RIGOL,DP832,DP8C000000007,00.01.14",
    "model": "DP832",
    "serial": "DP8C000000007",
    "firmware": "00.01.14",
    "virtual": True,
    "calibration": {"certificate": "C-1", "due": "2027-01-31", "state": "in calibration"},
}


def write_run(
    folder: Path,
    verdicts: Mapping[str, str],
    *,
    begin: Mapping[str, object] = BEGIN,
    supply: Mapping[str, object] = SUPPLY,
    measurement: Mapping[str, object] = MEASUREMENT,
    seconds: float = 0.25,
    close: bool = True,
) -> Path:
    """Leave a run in ``folder``: two processes, an attachment a test, and the usual views."""
    main = Journal(folder, "main", begin)
    worker = Journal(folder, "gw0", {**begin, "process": "gw0"})
    main.write("equipment", supply)
    for name in verdicts:
        main.write("test-registered", {"title": name, "requirements": ["R-24"]}, test=name)
    for name, verdict in verdicts.items():
        if verdict == "NOT RUN":
            continue
        worker.write("test-begin", {"attempt": 1}, test=name)
        worker.write("measurement", measurement, test=name)
        kept = store(folder, f"what was read in {name}".encode(errors="replace"), "text")
        body = {"name": "reading", "kind": "text", "file": kept.file}
        worker.write("attachment", {**body, "sha256": kept.sha256, "size": kept.size}, test=name)
        worker.write("check", {"text": "volts > 1.7", "ok": verdict != "FAIL"}, test=name)
        ended = {"verdict": verdict, "reason": "", "seconds": seconds}
        worker.write("test-end", {**ended, "fail_seen": verdict == "FAIL"}, test=name)
    if close:
        worker.close("0")
        main.close("0")
    for place, text in {
        "bench.txt": "bench virtual\n",
        "junit.xml": "<testsuites/>\n",
        "allure-results/1-result.json": "{}\n",
        "report/index.html": "<!doctype html>\n",
        "evidence/matrix.csv": "R-24,PASS\n",
        "main/device.log": "boot\n",
    }.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


SMALL: Mapping[str, str] = {"t.py::test_a": "PASS", "t.py::test_b": "PASS"}
