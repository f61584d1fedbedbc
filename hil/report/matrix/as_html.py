"""The matrix for people: requirements with their tests, then tests with their evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hil.evidence.verdict import WORST_FIRST
from hil.report.html import anchor, counted, esc, link_to, verdict, whole_page, why_no_link
from hil.report.matrix.model import Line, Matrix, Row
from hil.report.text import MOST_OF_A_NAME, size, utc
from hil.report.values import value_of
from hil.report.verdicts import NOT_COVERED, counts, remark_on
from hil.requirement_ways import Way

_CSS: Final = """
.matrix td:nth-child(1) { white-space: nowrap; font-weight: 650; width: 60px; }
.matrix td:nth-child(3) { width: 120px; }
.matrix td:nth-child(4), .matrix td:nth-child(5) { width: 29%; }
.uncovered td { background: #fdf6e7; }
ul.tests { margin: 0; padding: 0; list-style: none; }
ul.tests li { margin: 0 0 4px; }
.evidence { margin: 3px 0 0; padding-left: 16px; }
@page { size: A4 landscape; margin: 14mm 12mm; }
"""
_MOST_OF_A_REASON: Final = 600


def as_html(matrix: Matrix, folder: Path) -> str:
    """Return the whole page; ``folder`` is where it will stand, for its links to attachments."""
    run = matrix.run
    title = f"Requirement matrix of run {run.run}"
    parts = [
        f"<h1>Requirement matrix</h1><p class=sub>Run {esc(run.run, MOST_OF_A_NAME)} on bench "
        f"{esc(run.begin.get('bench') or 'not stated', MOST_OF_A_NAME)}, {utc(run.began_ns)}</p>",
        _marks(matrix),
        counted(counts(run)),
        _summary(matrix),
        requirements_table(matrix),
        _tests_table(matrix, folder),
    ]
    return whole_page(title, "\n".join(parts), _CSS)


def requirements_table(matrix: Matrix, heading: str = "Requirement to test") -> str:
    """Return the table of requirements as a fragment; its links lead to ``test-…`` anchors."""
    return (
        f"<h2>{esc(heading)}</h2><table class=matrix><thead><tr><th>Id<th>Requirement<th>Verdict"
        "<th>Good way<th>Refusal</tr></thead><tbody>"
        + "\n".join(_row(row) for row in matrix.rows)
        + "</tbody></table>"
    )


def _marks(matrix: Matrix) -> str:
    run = matrix.run
    marks = []
    if run.is_virtual:
        marks.append("VIRTUAL: parts of this bench are simulated")
    if not run.ended:
        marks.append("INCOMPLETE: the run was broken off, or a journal has no end")
    marks += [f"The evidence is not valid: {fault}" for fault in run.faults]
    return "".join(f'<div class="mark">{esc(mark)}</div>' for mark in marks)


def _summary(matrix: Matrix) -> str:
    found = Counter(row.verdict for row in matrix.rows)
    words = ", ".join(
        f"{found[word]} {verdict(word)}" for word in (*WORST_FIRST, NOT_COVERED) if found[word]
    )
    return (
        f"<p>{len(matrix.rows)} requirements: {words}.</p><p class='small sub'>The verdict of a "
        "requirement is the worst of its tests, in the order "
        f"{esc(', '.join(WORST_FIRST))}. A requirement is proven by the good way and by a refusal; "
        "where one of them cannot be, the reason stands in its place.</p>"
    )


def _row(row: Row) -> str:
    ways = "".join(f"<td>{_way(row, way.value)}</td>" for way in Way)
    claims = f"; claim {', '.join(map(str, row.claims))}" if row.claims else ""
    reference = row.reference or "no reference"
    shown = reference if "claim" in reference else f"{reference}{claims}"
    unsaid = "".join(_items(row.unsaid))
    if unsaid:
        unsaid = f"<ul class=tests>way not stated: {unsaid}</ul>"
    return (
        f'<tr id="{esc(requirement_anchor(row.id))}" class="{"" if row.covered else "uncovered"}">'
        f"<td>{esc(row.id, 40)}</td><td>{esc(row.text)}<div class='small sub'>{esc(shown)}</div>"
        f"{unsaid}</td><td>{verdict(row.verdict)}</td>{ways}</tr>"
    )


def _way(row: Row, way: str) -> str:
    lines = row.of(way)
    if lines:
        return f"<ul class=tests>{''.join(_items(lines))}</ul>"
    if way in row.excused:
        return f"<span class=sub>not needed: {esc(row.excused[way])}</span>"
    return "<span class='v v-NOT-COVERED'>no test</span>"


def _items(lines: tuple[Line, ...]) -> Iterator[str]:
    for line in lines:
        waived = " <b>waived</b>" if line.waiver else ""
        yield (
            f'<li>{verdict(line.verdict)}{waived} <a href="#{anchor("test", line.test.id)}">'
            f"{esc(line.test.title, MOST_OF_A_NAME)}</a></li>"
        )


def _tests_table(matrix: Matrix, folder: Path) -> str:
    return (
        "<h2>Test to requirement and evidence</h2><table><thead><tr><th>Test<th>Requirements"
        "<th>Verdict<th>Evidence</tr></thead><tbody>"
        + "\n".join(_test(line, matrix, folder) for line in matrix.lines)
        + "</tbody></table>"
        + _not_selected(matrix)
    )


def _test(line: Line, matrix: Matrix, folder: Path) -> str:
    test = line.test
    needs = "<br>".join(
        f'<a href="#{esc(requirement_anchor(name))}">{esc(name, 40)}</a> '
        f"<span class='small sub'>{esc(' + '.join(ways) or 'way not stated')}</span>"
        for name, ways in line.ways.items()
    )
    said = [part for part in (test.reason, remark_on(test), line.waiver) if part]
    why = "".join(f"<div class=small>{esc(part, _MOST_OF_A_REASON)}</div>" for part in said)
    return (
        f'<tr id="{anchor("test", test.id)}"><td>{esc(test.title, MOST_OF_A_NAME)}'
        f"<div class='mono sub'>{esc(test.id, MOST_OF_A_NAME)}</div></td>"
        f"<td>{needs or '<span class=sub>none</span>'}</td><td>{verdict(line.verdict)}{why}</td>"
        f"<td>{_evidence(line, matrix, folder)}</td></tr>"
    )


def _evidence(line: Line, matrix: Matrix, folder: Path) -> str:
    test = line.test
    if test.first_seq < 0:
        return "<span class=sub>none: it never began</span>"
    place = f"journal {test.process}.jsonl, records {test.first_seq} to {test.last_seq}"
    items = []
    for body in test.measurements:
        one = value_of(body)
        judged = (
            f", limits {one.limits}, margin {one.margin}, rule {one.rule}: {one.verdict}"
            if one.verdict or one.limits
            else ""
        )
        text = f"{one.name} {one.value}, U = {one.uncertainty}{judged}; {one.instrument}"
        items.append(f"<li>{esc(text, _MOST_OF_A_REASON)}</li>")
    for held in test.attachments:
        href = link_to(held.file, matrix.run.folder, folder)
        name = esc(held.name, MOST_OF_A_NAME)
        shown = f'<a href="{esc(href)}">{name}</a>' if href else f"{name} {why_no_link(held.file)}"
        items.append(
            f"<li>{shown}, {size(held.size)}<br><code>sha256 {esc(held.sha256, 64)}</code></li>"
        )
    return f"{esc(place)}<ul class='evidence small'>{''.join(items)}</ul>"


def _not_selected(matrix: Matrix) -> str:
    left = matrix.run.not_selected
    if not left:
        return ""
    rows = "".join(
        f"<tr><td class=mono>{esc(name, MOST_OF_A_NAME)}</td><td>{esc(why, MOST_OF_A_NAME)}</td>"
        for name, why in left.items()
    )
    return (
        f"<h2>Not selected</h2><table><thead><tr><th>Test<th>Reason</tr></thead><tbody>{rows}"
        "</tbody></table>"
    )


def requirement_anchor(name: str) -> str:
    """Return the id of a requirement's row."""
    return (
        f"req-{name}" if name.replace("-", "").isalnum() and len(name) < 40 else anchor("r", name)
    )
