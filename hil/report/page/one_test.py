"""One test on the page: a line that opens to all that is known of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeAlias

from hil.evidence.run_record import RunRecord
from hil.evidence.test_record import TestRecord
from hil.report.html import anchor, esc, link_to, verdict
from hil.report.matrix.as_html import requirement_anchor
from hil.report.page.budget import Budget
from hil.report.page.held import shown
from hil.report.page.timeline import Entry, Timeline
from hil.report.parameters import in_words
from hil.report.text import MOST_OF_A_NAME, duration, stated, utc
from hil.report.values import value_of
from hil.report.verdicts import remark_on

TraceOf: TypeAlias = Callable[[TestRecord], Path | None]
"""Tells of a test in which file of the run's folder its whole trace is."""
_MOST_OF_A_REASON: Final = 4_000
_SIGNS: Final = {"passed": "✓", "failed": "✗", "broken": "✗", "broken off": "…"}


def no_trace(_test: TestRecord) -> Path | None:
    """Know of no trace beside the journal."""
    return None


class TestWriter:
    """Writes tests of one run for a page in ``folder``, as long as there is room for details."""

    __test__ = False  # its name begins as a test's does

    def __init__(self, run: RunRecord, folder: Path, budget: Budget, trace_of: TraceOf) -> None:
        self._run = run
        self._folder = folder
        self._budget = budget
        self._trace_of = trace_of

    def write(self, test: TestRecord, timeline: Timeline, waiver: str) -> str:
        """Return one test as HTML."""
        waived = " waived" if waiver else ""
        summary = (
            f"<summary><span>{verdict(test.verdict)}{waived}</span>"
            f"<span>{esc(test.title, MOST_OF_A_NAME)}</span>"
            f"<span class=sub>{esc(', '.join(test.requirements), 80)}</span>"
            f"<span class='sub num'>{duration(test.seconds) if test.began_ns else ''}</span>"
            "</summary>"
        )
        before = self._budget.left
        body = "\n".join(self._parts(test, timeline, waiver))
        counted = before - self._budget.left  # attachments, as they were taken in
        if not self._budget.take(max(0, len(body) - counted)):
            body = f"<p>This page is full. {self._where(test)}</p>"
        return (
            f'<details class=test id="{anchor("test", test.id)}">{summary}'
            f"<div class=inside>{body}</div></details>"
        )

    def _parts(self, test: TestRecord, timeline: Timeline, waiver: str) -> Iterator[str]:
        yield f"<p class=mono>{esc(test.id, 1000)}</p>"
        if test.description:
            yield f"<p class=description>{esc(test.description, 2000)}</p>"
        for text in (test.reason, remark_on(test)):
            if text:
                yield f'<div class="mark bad">{esc(text, _MOST_OF_A_REASON)}</div>'
        if waiver:
            yield f'<div class="mark">{esc(waiver, _MOST_OF_A_REASON)}</div>'
        yield self._facts(test)
        if timeline.entries:
            yield f"<h3>Steps and checks</h3>{_entries(timeline)}"
        if test.measurements:
            yield f"<h3>Measured values</h3>{_measured(test)}"
        if test.attachments:
            yield "<h3>Attachments</h3>"
            for one in test.attachments:
                yield shown(one, self._run.folder, self._folder, self._budget)
        if timeline.exchanged:
            yield f"<h3>What went over the links</h3>{self._messages(test, timeline)}"
        for name, text in test.proofs:
            yield (f"<h3>{esc(name, MOST_OF_A_NAME)}</h3><pre>{esc(text, _MOST_OF_A_REASON)}</pre>")
        for prompt in test.prompts:
            asked, said = stated(prompt, "question"), stated(prompt, "answer")
            who = stated(prompt, "operator") or "operator not stated"
            yield f"<p>Asked: {esc(asked, 500)} Answer: {esc(said, 500)} ({esc(who, 100)})</p>"

    def _facts(self, test: TestRecord) -> str:
        rows = []
        case = " ".join(
            part for part in (stated(test.case, k) for k in ("id", "title", "section")) if part
        )
        if case:
            rows.append(("case", esc(case, 400)))
        ways = [
            f'<a href="#{esc(requirement_anchor(name))}">{esc(name, 40)}</a>'
            for name in sorted(test.requirements)
        ]
        rows.append(("requirements", " ".join(ways) or "none"))
        if test.severity:
            rows.append(("severity", esc(test.severity, 40)))
        rows += [(esc(name, 80), esc(given, 300)) for name, given in in_words(test).items()]
        began = utc(test.began_ns) if test.began_ns else "never"
        rows.append(
            ("began", f"{began}, {_many(test.checks, 'check')}, {_many(test.attempts, 'attempt')}")
        )
        rows.append(("records", self._where(test)))
        cells = "".join(f"<tr><th scope=row>{name}</th><td>{one}</td></tr>" for name, one in rows)
        return f"<table class=facts>{cells}</table>"

    def _where(self, test: TestRecord) -> str:
        if test.first_seq < 0:
            return "none: it never began"
        file = f"journal/{test.process}.jsonl"
        href = link_to(file, self._run.folder, self._folder)
        trace = self._trace_of(test)
        whole = ""
        if trace is not None:
            to = link_to(str(trace), self._run.folder, self._folder)
            whole = f'; <a href="{esc(to)}">whole trace</a>' if to else ""
        return (
            f'<a href="{esc(href)}">{esc(file)}</a>, records {test.first_seq} to '
            f"{test.last_seq}{whole}"
        )

    def _messages(self, test: TestRecord, timeline: Timeline) -> str:
        lines = []
        for one in timeline.messages:
            arrow = "→" if one.is_out else "←"
            note = f"    ({one.note})" if one.note else ""
            lines.append(
                f"{one.after_ms:11.3f} ms  {one.link:<5} {one.equipment:<13} {arrow} "
                f"{one.text}{note}"
            )
        more = timeline.exchanged - len(timeline.messages)
        rest = f"<p class=small>… and {more} more: {self._where(test)}</p>" if more else ""
        return f"<pre>{esc(chr(10).join(lines))}</pre>{rest}"


def _entries(timeline: Timeline) -> str:
    lines = [_entry(entry) for entry in timeline.entries]
    if timeline.left_out:
        lines.append(f"<li>… and {timeline.left_out} more in the journal</li>")
    return f"<ul class=steps>{''.join(lines)}</ul>"


def _entry(entry: Entry) -> str:
    took = f" <span class=sub>{duration(entry.seconds)}</span>" if entry.seconds is not None else ""
    sign = _SIGNS.get(entry.status, "")
    bad = " bad" if entry.status not in ("passed", "") else ""
    text = f"<code>{esc(entry.text)}</code>" if entry.kind == "check" else esc(entry.text)
    said = f" <b>{esc(entry.status)}</b>" if bad and entry.status != "failed" else ""
    depth = min(entry.depth, 12)
    return f'<li class="d{depth} {entry.kind}{bad}"><i>{sign}</i>{text}{said}{took}</li>'


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


def _measured(test: TestRecord) -> str:
    rows = []
    for body in test.measurements:
        one = value_of(body)
        cells = (one.name, one.value, one.uncertainty, one.limits or "none", one.rule or "none")
        row = "".join(f"<td>{esc(cell, 200)}</td>" for cell in (*cells, one.margin))
        said = verdict(one.verdict[:40]) if one.verdict else "not judged"
        behind = f"{esc(one.calibration, 200)}<br>accuracy: {esc(one.accuracy, 200)}"
        who = f"{esc(one.instrument, 200)}<div class='small sub'>{behind}</div>"
        rows.append(f"<tr>{row}<td>{said}</td><td>{who}</td></tr>")
    return (
        "<table><thead><tr><th>Quantity<th>Value<th>U<th>Limits<th>Rule<th>Margin<th>Verdict"
        f"<th>Instrument</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )
