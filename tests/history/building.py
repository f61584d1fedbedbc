"""Runs for the tests: journals as a run writes them, and records without a file behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hil.evidence.journal import Journal
from hil.evidence.run_record import RunRecord, read_run
from hil.evidence.test_record import TestRecord

DAY_NS = 86_400 * 10**9
START_NS = 1_790_000_000 * 10**9


def measurement(value: object, **more: object) -> dict[str, object]:
    return {
        "name": "jig voltage",
        "value": value,
        "unit": "V",
        "expanded_uncertainty": 0.004,
        "coverage_factor": 2.0,
        "limits": "1.71 to 1.89 V",
        "instrument": "DP832A SN1",
        "verdict": "PASS",
        **more,
    }


def begin(run: str, **more: object) -> dict[str, object]:
    return {
        "format": 1,
        "run": run,
        "process": "main",
        "bench": "bench-07",
        "virtual": False,
        "hil": "0.1.0",
        "git": {"commit": "abcdef0123456789", "dirty": False},
        "item": {"model": "M1", "serial": "42", "firmware": "1.4"},
        "operator": "j.doe",
        "host": "lab-3",
        **more,
    }


def journal_run(
    folder: Path,
    run: str,
    tests: Mapping[str, str],
    *,
    measurements: Mapping[str, Sequence[Mapping[str, object]]] | None = None,
    **more: object,
) -> RunRecord:
    """Write the journal of a run into ``folder`` and read it back."""
    journal = Journal(folder, "main", begin(run, **more))
    for test, verdict in tests.items():
        journal.write("test-registered", {"title": test}, test=test)
        journal.write("test-begin", {"attempt": 1}, test=test)
        for body in (measurements or {}).get(test, ()):
            journal.write("measurement", body, test=test)
        ended = {"verdict": verdict, "seconds": 1.5, "checks": 1}
        journal.write("test-end", ended, test=test)
    journal.close("0")
    return read_run(folder)


def record(
    run: str,
    tests: Mapping[str, str],
    *,
    day: float = 0,
    seconds: float = 1.5,
    measurements: Mapping[str, Sequence[Mapping[str, object]]] | None = None,
    folder: Path | None = None,
    **more: object,
) -> RunRecord:
    """Return a run that began ``day`` days after the first."""
    began_ns = START_NS + int(day * DAY_NS)
    return RunRecord(
        folder=folder or Path("runs") / run,
        run=run,
        begin=begin(run, **more),
        equipment={},
        tests={
            test: _test(test, verdict, seconds, (measurements or {}).get(test, ()))
            for test, verdict in sorted(tests.items())
        },
        not_selected={},
        proofs=(),
        files=(),
        ended=True,
        recovered=False,
        faults=(),
        began_ns=began_ns,
        ended_ns=began_ns + int(seconds * 1e9),
    )


def _test(
    test: str, verdict: str, seconds: float, measurements: Sequence[Mapping[str, Any]]
) -> TestRecord:
    return TestRecord(
        id=test,
        title=test,
        description="",
        requirements=(),
        ways={},
        case=None,
        severity="",
        parameters={},
        file="",
        line=0,
        verdict=verdict,
        reason="" if verdict == "PASS" else "as told",
        attempts=1,
        process="main",
        began_ns=0,
        seconds=seconds,
        checks=1,
        fail_seen=False,
        steps=(),
        check_texts=(),
        measurements=tuple(measurements),
        attachments=(),
        proofs=(),
        prompts=(),
        applicability=None,
        phases=(),
    )
