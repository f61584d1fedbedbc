"""Synthetic runs, written by the very journal that real runs are written with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hil.evidence.attachments import store
from hil.evidence.journal import Journal
from hil.evidence.run_record import RunRecord, read_run

BEGIN: dict[str, Any] = {
    "format": 1,
    "run": "2026-11-26_01-02-03",
    "process": "main",
    "pid": 0,
    "host": "bench-pc",
    "user": "lab",
    "operator": "A. Tester",
    "hil": "0.1.0",
    "git": {"commit": "0123456789abcdef0123456789abcdef01234567", "dirty": False},
    "python": "3.11.7",
    "platform": "Linux-6.1-x86_64",
    "packages": {"pytest": "8.4.0", "pyvisa": "1.15.0"},
    "bench": "lab-7",
    "lab_config": {"path": "lab-config/lab-7.yaml", "sha256": "a" * 64},
    "ics": {"path": "ics/module-x.yaml", "sha256": "b" * 64},
    "strict": True,
    "decision_rule": "guarded",
    "virtual": False,
    "arguments": ["run", "--bench", "lab-7"],
    "environment": {"temperature": "23.1 °C ± 0.5 °C", "humidity": "41 % ± 4 %"},
    "laboratory": {
        "name": "Example Test Laboratory",
        "address": "1 Example Street, 12345 Example",
        "location": "room 7",
        "accreditation": "none",
    },
    "item": {
        "manufacturer": "Example Devices",
        "model": "Module X",
        "serial": "SN0042",
        "firmware": "1.4.2",
        "received": "2026-11-20",
        "condition": "as new, seal intact",
        "customer": {"name": "Example Customer Ltd", "contact": "lab@example.com"},
    },
}
SUPPLY: dict[str, Any] = {
    "name": "power supply",
    "kind": "power supply",
    "transport": "TCPIP0::192.0.2.10::5555::SOCKET",
    "identity": "RIGOL TECHNOLOGIES,DP832,DP8C194205678,00.01.16",
    "maker": "RIGOL TECHNOLOGIES",
    "model": "DP832",
    "serial": "DP8C194205678",
    "firmware": "00.01.16",
    "virtual": False,
    "calibration": {
        "certificate": "CAL-2026-0815",
        "due": "2027-06-30",
        "state": "valid",
        "describe": "CAL-2026-0815 due 2027-06-30",
    },
}
VOLTS: dict[str, Any] = {
    "name": "jig voltage",
    "value": 1.80312,
    "unit": "V",
    "expanded_uncertainty": 0.0126,
    "coverage_factor": 2.0,
    "limits": "1.71 to 1.89 V",
    "decision_rule": "guarded",
    "guard_band": 0.0126,
    "margin": 0.08688,
    "verdict": "PASS",
    "instrument": "DP832 DP8C194205678",
    "calibration": "CAL-2026-0815 due 2027-06-30",
    "accuracy": "DP800 data sheet, page 7",
}
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="120">'
    '<path d="M0 100 L80 100 L90 20 L400 20" fill="none" stroke="black"/></svg>'
)


class Run:
    """Writes a run into ``folder``, a journal a process."""

    def __init__(self, folder: Path, process: str = "main", **begin: object) -> None:
        self.folder = folder
        self.journal = Journal(folder, process, {**BEGIN, "process": process, **begin})

    def write(self, event: str, body: Mapping[str, Any], test: str = "") -> None:
        self.journal.write(event, body, test=test)

    def register(self, test: str, **known: object) -> None:
        body = {"title": test.rpartition("::")[2], "requirements": [], "ways": {}, **known}
        self.write("test-registered", body, test)

    def attach(self, test: str, name: str, body: str | bytes, kind: str = "text") -> None:
        raw = body.encode("utf-8", "backslashreplace") if isinstance(body, str) else body
        held = store(self.folder, raw, kind)
        told = {"file": held.file, "sha256": held.sha256, "size": held.size}
        self.write("attachment", {"name": name, "kind": kind, **told}, test)

    def test(
        self,
        test: str,
        verdict: str = "PASS",
        reason: str = "",
        *,
        within: tuple[tuple[str, Mapping[str, Any]], ...] = (),
        fail_seen: bool = False,
        **known: object,
    ) -> None:
        """Write a whole test: registered, begun, a check, ``within``, ended."""
        self.register(test, **known)
        self.write("test-begin", {"attempt": 1}, test)
        self.write("check", {"text": "answer.sw == 0x9000", "ok": verdict != "FAIL"}, test)
        for event, body in within:
            self.write(event, body, test)
        ended = {"verdict": verdict, "seconds": 0.25, "checks": 1, "fail_seen": fail_seen}
        if reason:
            ended["reason"] = reason
        self.write("test-end", ended, test)

    def end(self) -> RunRecord:
        self.journal.close("0")
        return read_run(self.folder)


def typical(folder: Path, **begin: Any) -> RunRecord:  # noqa: ANN401
    """A run with each verdict once, a value, attachments, exchanges, steps."""
    run = Run(folder, **begin)
    run.write("equipment", SUPPLY)
    good, no = "t.py::test_good", "t.py::test_refused"
    run.register(good, title="The image is sent to an authenticated device")
    run.register("t.py::test_waits", requirements=["R-30"], ways={"R-30": ["good way"]})
    run.write("test-begin", {"attempt": 1}, good)
    run.register(
        good,
        title="The image is sent to an authenticated device",
        requirements=["R-27", "R-22"],
        ways={"R-27": ["good way", "refusal"], "R-22": ["good way"]},
        parameters={"manner": "key set"},
        severity="critical",
        case={"id": "C-12", "title": "Send image", "section": "claim 1"},
    )
    run.write("step-begin", {"step": 1, "title": "Authenticate the device"}, good)
    run.write("step-begin", {"step": 2, "title": "Ask for a proof", "parent": 1}, good)
    run.write("check", {"text": "proof.is_valid", "ok": True}, good)
    for number in range(3):
        out = {"link": "at", "equipment": "device", "direction": "out", "text": f"AT+N={number}"}
        run.write("exchange", out, good)
        run.write("exchange", {**out, "direction": "in", "text": "OK", "note": "ready"}, good)
    run.write("step-end", {"step": 2, "status": "passed", "seconds": 0.1}, good)
    run.write("step-end", {"step": 1, "status": "passed", "seconds": 0.2}, good)
    run.write("measurement", VOLTS, good)
    run.attach(good, "Volts and amps at the jig pin", SVG, "svg")
    run.attach(good, "Device log", "boot\nready\n")
    run.write("proof", {"name": "output off", "text": "OUTP? CH1 -> OFF"}, good)
    run.write("test-end", {"verdict": "PASS", "seconds": 1.5, "checks": 2}, good)
    run.test(
        no,
        "FAIL",
        "the device took an image from a stranger",
        requirements=["R-29"],
        ways={"R-29": "refusal"},
        fail_seen=True,
    )
    near = {**VOLTS, "value": 1.885, "margin": 0.005, "verdict": "INCONCLUSIVE"}
    run.test(
        "t.py::test_near",
        "INCONCLUSIVE",
        "within the guard band",
        within=(("measurement", near),),
        requirements=["R-24"],
        ways={"R-24": ["good way"]},
    )
    run.test("t.py::test_broken", "ERROR", "reader unplugged", requirements=["R-22"])
    run.register("t.py::test_usb", requirements=["R-37"], ways={"R-37": ["good way"]})
    why = {"applies": False, "expression": "O_USB", "inputs": {"O_USB": False}}
    run.write("applicability", {**why, "reason": "the product has no USB"}, "t.py::test_usb")
    run.write("test-not-selected", {"reason": "-k good"}, "t.py::test_left_out")
    return run.end()
