"""Verdicts in the words of a lab, beside pytest's own, and the table of last verdicts.

PASS: the product did as required. FAIL: it did not (an assertion in the test's body, or a refusal
that the test did not expect). ERROR: the
bench or the test broke, so nothing was judged. NOT APPLICABLE: left out by the product's statement
or by what the bench lacks (:mod:`hil.not_applicable`). INCONCLUSIVE: the test ended before it could
judge, as with a bare ``pytest.skip``, or what it measured lies within the uncertainty of a limit.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest

from hil.errors import Inconclusive, ProductRefusal
from hil.evidence.verdict import FAIL, NOT_RUN, VERDICTS, worst
from hil.evidence.whole_file import write_whole
from hil.pytest_applicability import is_left_out

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

VERDICT_ATTRIBUTE: Final = "hil_verdict"
BROKEN_OFF: Final = "the run ended before the test could judge"
VERDICTS_FILE: Final = "verdicts.json"
_REQUIREMENTS = pytest.StashKey[tuple[str, ...]]()
_SO_FAR = pytest.StashKey[str]()
_JUDGED = pytest.StashKey[str]()
_SHOWN: Final = ("FAIL", "ERROR", "INCONCLUSIVE", "NOT APPLICABLE")


class Verdicts:
    """Judges each test of ours and keeps the table."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._table: dict[str, dict[str, Any]] = {}
        self.expected: set[str] = set()
        self._started = time.monotonic()

    def expect(self, item: pytest.Item, requirements: tuple[str, ...]) -> None:
        """Take a collected test into account; its requirements go into JUnit as well."""
        item.stash[_REQUIREMENTS] = requirements
        item.user_properties += [("requirement", name) for name in requirements]

    def begin(self, items: list[pytest.Item]) -> None:
        """Remember what is going to run, so that the summary can say what did not."""
        self.expected.update(item.nodeid for item in items if _REQUIREMENTS in item.stash)

    def judge(
        self,
        item: pytest.Item,
        call: pytest.CallInfo[None],
        report: pytest.TestReport,
        *,
        fail_seen: bool = False,
    ) -> None:
        """Put the verdict so far on the report of one phase; the teardown's is the last word.

        ``fail_seen``: a check was not met, whatever became of the exception that said so.
        """
        requirements = item.stash.get(_REQUIREMENTS, None)
        if requirements is None:
            return
        before = item.stash.get(_SO_FAR, "PASS") if call.when != "setup" else "PASS"
        now = _verdict(item, call, report)
        verdict = worst((before, now, FAIL if fail_seen else now))
        item.stash[_SO_FAR] = verdict
        item.stash[_JUDGED] = call.when
        setattr(report, VERDICT_ATTRIBUTE, [verdict, list(requirements)])
        if call.when == "teardown":
            report.user_properties.append(("verdict", verdict))

    def status(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Return pytest's category and letter with our word, for reports of ours."""
        given = getattr(report, VERDICT_ATTRIBUTE, None)
        if given is None or (report.passed and report.when != "call"):
            return None
        word = str(given[0])
        if report.skipped:
            return "skipped", "s", word
        if report.failed and report.when != "call":
            return "error", "E", "ERROR"
        return (report.outcome, "." if report.passed else word[0], word)

    def begun(self, name: str) -> None:
        """Enter a test that has begun; unless a report follows, it was broken off."""
        self._table.setdefault(
            name, {"requirements": [], "verdict": "INCONCLUSIVE", "reason": BROKEN_OFF}
        )

    def note(self, report: pytest.TestReport) -> None:
        """Enter the verdict of a report into the table (on the controller, under xdist)."""
        verdict, requirements = getattr(report, VERDICT_ATTRIBUTE)
        entry = self._table.setdefault(report.nodeid, {})
        entry["requirements"] = requirements
        # A test that passed its setup only has no verdict yet: the run may be killed in its body.
        final = report.when == "teardown" or not report.passed
        entry["verdict"] = verdict if final else "INCONCLUSIVE"
        if not report.passed:
            entry["reason"] = reason_of(report)
        elif final and verdict == "PASS":
            entry.pop("reason", None)
        else:
            entry.setdefault("reason", BROKEN_OFF)
        entry["at"] = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        if report.when == "call":
            entry["seconds"] = round(report.duration, 3)

    def summary(self) -> list[str]:
        """Return the end summary: counts, then what did not pass, a line each."""
        if not self._table:
            return []
        counts = Counter(entry["verdict"] for entry in self._table.values())
        minutes, seconds = divmod(round(time.monotonic() - self._started), 60)
        not_run = len(self.expected - self._table.keys())
        counted = [(word, not_run if word == NOT_RUN else counts[word]) for word in VERDICTS]
        head = "  ".join(f"{word} {count}" for word, count in counted)
        lines = [f"{head}      {len(self._table)} tests in {minutes:02d}:{seconds:02d}"]
        for word in _SHOWN:
            for name, entry in sorted(self._table.items()):
                if entry["verdict"] == word:
                    ids = " ".join(entry["requirements"])
                    reason = entry.get("reason", "")
                    lines.append(f"{word:<14}  {name}  {ids}  {reason}"[:240].rstrip())
        return lines

    def save(self, folder: Path) -> None:
        """Merge the table into ``folder``/verdicts.json: whole, or not at all."""
        if not self._table or self._config.option.collectonly:
            return
        path = folder / VERDICTS_FILE
        with contextlib.suppress(OSError):
            # The table is a convenience: a read-only folder must not fail the run.
            folder.mkdir(parents=True, exist_ok=True)
            merged = read_verdicts(path) | self._table
            text = json.dumps(dict(sorted(merged.items())), indent=1, ensure_ascii=False)
            write_whole(path, text.encode("utf-8", "backslashreplace"))


def requirements_of(item: pytest.Item) -> tuple[str, ...] | None:
    """Return the requirements of a test of ours; None for one that carries no marker of ours."""
    return item.stash.get(_REQUIREMENTS, None)


def title_of(item: pytest.Item) -> str:
    """Return a test's title: the first line of what it says of itself, and its parameters."""
    function = getattr(item, "function", None)
    lines = (getattr(function, "__doc__", None) or item.name).strip().splitlines()
    callspec = getattr(item, "callspec", None)
    row = f" [{callspec.id}]" if callspec is not None else ""
    return lines[0].rstrip(".") + row


def verdict_so_far(item: pytest.Item) -> str:
    """Return the verdict for use in a fixture's teardown; "" for a test that is none of ours.

    A test that was broken off in its body has none: INCONCLUSIVE.
    """
    verdict = item.stash.get(_SO_FAR, "")
    return "INCONCLUSIVE" if verdict == "PASS" and item.stash[_JUDGED] == "setup" else verdict


def read_verdicts(path: Path) -> dict[str, dict[str, Any]]:
    """Return the table of last verdicts by node id; empty if absent or damaged."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return table if isinstance(table, dict) else {}


def _verdict(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> str:
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, pytest.skip.Exception):
        return "NOT APPLICABLE" if is_left_out(item) else "INCONCLUSIVE"
    if report.passed:
        return "PASS"
    if call.when == "call" and error is None:
        return "ERROR"  # it ended well, and was found to have checked nothing
    if isinstance(error, KeyboardInterrupt | pytest.exit.Exception | Inconclusive):
        return "INCONCLUSIVE"
    # pytest.fail in the body is the test's own judgement of the product, like an assertion; a
    # refusal that the test did not expect is the product's word.
    judged = AssertionError | pytest.fail.Exception | ProductRefusal
    if call.when == "call" and isinstance(error, judged):
        return "FAIL"
    return "ERROR"


def reason_of(report: pytest.TestReport) -> str:
    """Return the one line that tells why a phase did not pass."""
    longrepr = report.longrepr
    if isinstance(longrepr, tuple):
        return str(longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(longrepr, "reprcrash", None)
    text = crash.message if crash is not None else str(longrepr or "")
    return _first_line(text.splitlines())


def _first_line(lines: Iterable[str]) -> str:
    return next((line.strip() for line in lines if line.strip()), "")
