"""The statement that is signed: an in-toto Statement v1 with a test result v0.1.

Sources: in-toto/attestation, spec/v1/statement.md and spec/predicates/test-result.md. Its three
lists know neither INCONCLUSIVE nor NOT APPLICABLE, so the field ``hil`` of the predicate holds the
verdicts in full; a policy that ignores it lets nothing pass that it should not.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Final

from hil.evidence.gate import PASSED
from hil.evidence.verdict import ERROR, FAIL, INCONCLUSIVE, NOT_RUN, PASS
from hil.seal.files import MANIFEST
from hil.seal.manifest import CONFIGURATION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hil.evidence.gate import Gate
    from hil.evidence.run_record import RunRecord
    from hil.evidence.test_record import TestRecord
    from hil.seal.keys import VerifyingKey

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT: Final = "https://in-toto.io/Statement/v1"
TEST_RESULT: Final = "https://in-toto.io/attestation/test-result/v0.1"
FORMAT: Final = 1
"""Version of the predicate's field ``hil``."""
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_NOT_PASSED: Final = (FAIL, ERROR, INCONCLUSIVE, NOT_RUN)


class StatementError(ValueError):
    """Bytes that are no statement about a run; the text says why."""


def statement(
    run: RunRecord,
    gate: Gate,
    manifest: bytes,
    *,
    signer: VerifyingKey,
    sealed_ns: int,
    waived: Callable[[TestRecord], bool],
    replaces: str = "",
) -> bytes:
    """Return the statement about a run, as the bytes to sign.

    ``sealed_ns`` is the sealing machine's clock (UTC, ns) and proves nothing; ``replaces`` is the
    digest of the seal that stood there before.
    """
    tests = run.tests.values()
    # The gate lets a waived verdict pass; here it is a warning, never a pass.
    not_passed = [one for one in tests if one.verdict in _NOT_PASSED]
    let_off = {test.id for test in not_passed if waived(test)}
    failed = [test.id for test in not_passed if test.id not in let_off]
    digest = hashlib.sha256(manifest).hexdigest()
    own: dict[str, object] = {
        "format": FORMAT,
        "run": run.run,
        "manifest": {"name": MANIFEST, "digest": {"sha256": digest}, "size": len(manifest)},
        "exitCode": gate.code,
        "reasons": list(gate.reasons),
        "virtual": run.is_virtual,
        "recovered": run.recovered,
        "counts": dict(sorted(gate.counts.items())),
        "verdicts": {test.id: test.verdict for test in tests},
        "waived": sorted(let_off),
        "began": _utc(run.began_ns),
        "ended": _utc(run.ended_ns),
        "sealed": _utc(sealed_ns),
        "signer": {"keyid": signer.keyid, "publicKey": signer.pem},
    }
    if replaces:
        own["replaces"] = {"sha256": replaces}
    result = "FAILED" if failed or gate.code != PASSED else ("WARNED" if let_off else "PASSED")
    record = {
        "_type": STATEMENT,
        "subject": [_item(run) or {"name": MANIFEST, "digest": {"sha256": digest}}],
        "predicateType": TEST_RESULT,
        "predicate": {
            "result": result,
            "configuration": _configuration(run),
            "passedTests": [test.id for test in tests if test.verdict == PASS],
            "warnedTests": sorted(let_off),
            "failedTests": failed,
            "hil": own,
        },
    }
    return (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode(
        "utf-8", "backslashreplace"
    )


def read_statement(payload: bytes) -> dict[str, Any]:
    """Return the field ``hil`` of a statement. Raises StatementError if it is none of ours."""
    try:
        record = json.loads(payload)
    except (ValueError, RecursionError) as err:
        raise StatementError(f"its payload is no JSON ({type(err).__name__})") from err
    if not isinstance(record, dict) or record.get("_type") != STATEMENT:
        raise StatementError(f"its payload is no {STATEMENT}")
    if record.get("predicateType") != TEST_RESULT:
        raise StatementError(f"its statement is no {TEST_RESULT}")
    try:
        own = record["predicate"]["hil"]
        known = own["format"] == FORMAT
        sound = _SHA256.fullmatch(own["manifest"]["digest"]["sha256"])
    except (KeyError, TypeError) as err:
        raise StatementError(f"its statement is about no run of hil ({err})") from err
    if not (known and sound and isinstance(own.get("verdicts"), dict)):
        raise StatementError(f"its statement is not of format {FORMAT}")
    return dict(own)


def _item(run: RunRecord) -> dict[str, object] | None:
    """Return the item under test, if the lab-config states its digest (``sha256``)."""
    item = run.begin.get("item")
    if not isinstance(item, dict) or not _is_sha256(item.get("sha256")):
        return None
    words = [str(item[name]) for name in ("model", "firmware") if item.get(name)]
    return {"name": " ".join(words) or "item under test", "digest": {"sha256": item["sha256"]}}


def _configuration(run: RunRecord) -> list[dict[str, object]]:
    """Return what the run was configured with, a ResourceDescriptor each."""
    rows: list[dict[str, object]] = []
    for name in CONFIGURATION:
        given = run.begin.get(name)
        if isinstance(given, dict) and _is_sha256(given.get("sha256")):
            path = str(given.get("path", name))
            rows.append(
                {
                    "name": path.replace("\\", "/").rpartition("/")[2],
                    "digest": {"sha256": given["sha256"]},
                    "annotations": {"is": name},
                }
            )
    version = str(run.begin.get("hil", "") or "unknown")
    framework: dict[str, object] = {"name": "hil", "uri": f"pkg:pypi/hil-esim@{version}"}
    commit = _commit(run.begin.get("git"))
    if commit:
        framework["digest"] = {"gitCommit": commit}
    return [*rows, framework]


def _commit(git: Mapping[str, Any] | None) -> str:
    return str(git.get("commit") or "") if isinstance(git, dict) else ""


def _is_sha256(value: object) -> bool:
    return isinstance(value, str) and bool(_SHA256.fullmatch(value))


def _utc(ns: int) -> str:
    """Return a time as ISO 8601 in UTC, to the microsecond."""
    seconds, rest = divmod(ns, 1_000_000_000)
    at = datetime.datetime.fromtimestamp(seconds, datetime.UTC).replace(microsecond=rest // 1000)
    return at.isoformat().replace("+00:00", "Z")
