"""What came out: counts, tests, measured values, and everything that did not pass."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from hil.evidence.run_record import RunRecord
from hil.evidence.test_record import TestRecord
from hil.evidence.verdict import NOT_APPLICABLE, NOT_RUN, PASS, WORST_FIRST
from hil.report.document.blocks import Block, Grid, Listing, Text
from hil.report.document.fields import Fields
from hil.report.parameters import in_words
from hil.report.text import NOT_STATED, shortened, stated, utc, visible
from hil.report.values import value_of
from hil.report.verdicts import WaiverOf, counts, remark_on

_NAME: Final = 160
_REASON: Final = 700
_RULES: Final = {
    "guarded": (
        "guarded: guard band w = U. PASS if the value lies at least U inside every limit, FAIL if "
        "it lies more than U outside one, INCONCLUSIVE between. The risk of a false PASS, and of a "
        "false FAIL, is below 2.5 % for each value (ILAC-G8:09/2019)."
    ),
    "simple": (
        "simple: no guard band, w = 0. PASS if the value lies inside the limits or on one, FAIL "
        "outside. For a value on a limit the risk of a false PASS, and of a false FAIL, is up to "
        "50 % (ILAC-G8:09/2019, simple acceptance)."
    ),
}


def summary(run: RunRecord) -> Block:
    """Return the number of tests of each verdict."""
    found = counts(run)
    head = (*found, "all")
    row = (*(str(count) for count in found.values()), str(len(run.tests)))
    return Grid(head, tuple(len(word) + 4.0 for word in head), (row,))


def decision_rules(run: RunRecord, fields: Fields) -> Iterator[Block]:
    """Return each rule that was used, with its risk (7.8.6)."""
    judged = [body for test in run.tests.values() for body in test.measurements if _judged(body)]
    used = {stated(body, "decision_rule") for body in judged}
    agreed = stated(run.begin, "decision_rule")
    if "" in used or (judged and not agreed):
        fields.must("decision rule", "" if "" in used else agreed)
    if not judged:
        yield Text("No value was judged against a limit in this run.")
    yield Text(f"Agreed before the tests: {shortened(agreed, _NAME) or NOT_STATED}.")
    names = sorted((used | {agreed}) - {""})
    if names:
        yield Listing(
            tuple(
                _RULES.get(name, f"{shortened(name, _NAME)}: its risk is {NOT_STATED}")
                for name in names
            )
        )
    yield Text(
        "U is the expanded uncertainty of the value with the coverage factor k that stands beside "
        "it; k = 2 covers about 95 % (GUM, JCGM 100:2008)."
    )


def tests(run: RunRecord) -> Iterator[Block]:
    """Return every test with its requirements and its verdict."""
    if not run.tests:
        yield Text("No test was registered in this run.", strong=True)
        return
    rows = []
    for test in run.tests.values():
        case = " ".join(
            part for part in (stated(test.case, "id"), stated(test.case, "section")) if part
        )
        title = shortened(visible(test.title), _NAME)
        words = in_words(test)
        given = [f"{visible(name)} = {words[name]}" for name in sorted(test.units)]
        parts = (case, shortened(visible(test.id), _NAME), shortened(", ".join(given), _NAME))
        where = "; ".join(filter(None, parts))
        rows.append(
            (
                _requirements(test),
                f"{title}\n{where}",
                f"{len(test.measurements)}",
                f"{test.checks}",
                utc(test.began_ns) if test.began_ns else "never began",
                test.verdict,
            )
        )
    head = ("Requirement", "Test", "Values", "Checks", "Began", "Verdict")
    yield Grid(head, (2.1, 7.2, 1.2, 1.3, 2.6, 2.6), tuple(rows), verdicts=5)


def measured(run: RunRecord) -> Iterator[Block]:
    """Return every measured value with what explains it (7.8.3.1 c, 7.8.6)."""
    rows = []
    for test in run.tests.values():
        for body in test.measurements:
            one = value_of(body)
            margin = f"{one.rule}\nmargin {one.margin}" if one.rule else "not judged"
            rows.append(
                (
                    _requirements(test),
                    f"{shortened(one.name, _NAME)}\n{shortened(visible(test.title), _NAME)}",
                    shortened(one.value, 60),
                    shortened(one.uncertainty, 60),
                    shortened(one.limits, 80) or "none",
                    shortened(margin, _NAME),
                    one.verdict or "not judged",
                    f"{shortened(one.instrument, 80)}\n{shortened(one.calibration, 80)}\n"
                    f"accuracy: {shortened(one.accuracy, _NAME)}",
                )
            )
    if not rows:
        yield Text("No value was measured in this run.")
        return
    head = ("Req.", "Quantity", "Value", "U (k)", "Limits", "Rule, margin", "Verdict", "Instrument")
    yield Grid(head, (1.2, 3.2, 1.6, 2.5, 2.2, 2.6, 2.5, 3), tuple(rows), verdicts=6)


def not_passed(run: RunRecord) -> Iterator[Block]:
    """Return every test that is neither PASS nor NOT APPLICABLE, with its reason, worst first."""
    rows = []
    for test in sorted(run.tests.values(), key=lambda one: WORST_FIRST.index(one.verdict)):
        verdict = test.verdict
        if verdict in (PASS, NOT_APPLICABLE):
            continue
        reason = test.reason or ("it never began" if verdict == NOT_RUN else NOT_STATED)
        remark = remark_on(test)
        whole = f"{reason} ({remark})" if remark else reason
        rows.append((verdict, _titled(test), shortened(visible(whole), _REASON)))
    if not rows:
        yield Text("None.")
        return
    yield Grid(("Verdict", "Test", "Reason"), (2.2, 6, 7), tuple(rows), verdicts=0)


def not_applicable(run: RunRecord) -> Iterator[Block]:
    """Return every test that does not apply, with the condition and what it was decided by."""
    rows = []
    for test in run.tests.values():
        if test.verdict != NOT_APPLICABLE:
            continue
        told = test.applicability or {}
        inputs = told.get("inputs")
        given = ""
        if isinstance(inputs, Mapping):
            given = ", ".join(
                f"{visible(name)} = {stated(inputs, name)}" for name in sorted(inputs)
            )
        reason = stated(told, "reason") or visible(test.reason) or NOT_STATED
        condition = shortened(stated(told, "expression"), _NAME) or NOT_STATED
        rows.append(
            (
                _titled(test),
                f"{condition}\n{shortened(given, _NAME)}".strip(),
                shortened(reason, _REASON),
            )
        )
    if not rows:
        yield Text("None.")
        return
    yield Grid(("Test", "Condition and what is stated", "Reason"), (6, 4, 5), tuple(rows))


def waivers(run: RunRecord, waiver: WaiverOf) -> Iterator[Block]:
    """Return every waiver that covers a test. It changes no verdict."""
    rows = []
    for test in run.tests.values():
        text = waiver(test)
        if text:
            rows.append((test.verdict, _titled(test), shortened(visible(text), _REASON)))
    if not rows:
        yield Text("None.")
        return
    yield Text(
        "A waiver changes no verdict; it says who answers for a known issue, and until when."
    )
    yield Grid(("Verdict", "Test", "Waiver"), (2.2, 6, 7), tuple(rows), verdicts=0)


def _judged(body: Mapping[str, object]) -> bool:
    return bool(stated(body, "verdict") or stated(body, "limits"))


def _titled(test: TestRecord) -> str:
    return f"{shortened(visible(test.title), _NAME)}\n{shortened(visible(test.id), _NAME)}"


def _requirements(test: TestRecord) -> str:
    return shortened(", ".join(visible(name) for name in test.requirements), 100) or "none"
