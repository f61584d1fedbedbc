"""The page as a whole: what came out, on what bench, and every test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from hil.evidence.gate import gate
from hil.evidence.run_record import RunRecord
from hil.evidence.verdict import NOT_APPLICABLE, PASS, WORST_FIRST
from hil.report.html import anchor, counted, esc, verdict, whole_page
from hil.report.matrix.as_html import requirements_table
from hil.report.matrix.model import build
from hil.report.page.budget import Budget
from hil.report.page.one_test import TestWriter, TraceOf
from hil.report.page.timeline import Timeline, timelines
from hil.report.text import MOST_OF_A_NAME, NOT_STATED, duration, shortened, stated, utc
from hil.report.verdicts import WaiverOf, counts

_CSS: Final = """
nav { margin: 10px 0; } nav a { margin-right: 16px; }
details.group { border-top: 1.5px solid #111; margin: 0; }
details.group > summary { padding: 9px 4px; font-size: 15px; cursor: pointer; }
details.group > summary b { font-variant-numeric: tabular-nums; margin-left: 8px; }
details.test { border-top: 1px solid #ddd; }
details.test > summary { display: grid; grid-template-columns: 150px 1fr 170px 80px; gap: 10px;
  padding: 5px 4px; cursor: pointer; overflow-wrap: anywhere; }
details.test > summary:hover { background: #f6f6f4; }
details.test[open] > summary { background: #f6f6f4; font-weight: 600; }
.num { text-align: right; font-variant-numeric: tabular-nums; }
.inside { padding: 4px 18px 18px; border-left: 3px solid #111; margin-left: 4px; }
.description { white-space: pre-line; }
table.facts { width: auto; } table.facts th, table.facts td { padding: 2px 14px 2px 0; border: 0; }
ul.steps { list-style: none; padding: 0; margin: 4px 0; }
ul.steps li { padding: 1px 0 1px 20px; text-indent: -20px; }
ul.steps i { display: inline-block; width: 20px; text-indent: 0; font-style: normal;
  color: #14592d; }
ul.steps .bad, ul.steps .bad i { color: #a30d0d; } ul.steps .attempt { font-weight: 650; }
.held img { display: block; max-width: 100%; border: 1px solid #ddd; margin: 4px 0; }
@page { size: A4; margin: 14mm 12mm; }
"""
_DEPTHS: Final = "".join(f".d{n} {{ margin-left: {n * 20}px; }}\n" for n in range(13))


def as_html(
    run: RunRecord, folder: Path, *, waiver: WaiverOf, trace_of: TraceOf, budget: Budget
) -> str:
    """Return the page; ``folder`` is where it will stand."""
    matrix = build(run, waiver)
    waivers = {line.test.id: line.waiver for line in matrix.lines if line.waiver}
    writer = TestWriter(run, folder, budget, trace_of)
    tests = _tests(run, writer, waivers)
    full = ""
    if budget.left_out:
        full = (
            f"<p class=sub>{budget.left_out} details did not fit into this page; it leads to "
            "their files.</p>"
        )
    parts = [
        f"<h1>Run {esc(run.run, MOST_OF_A_NAME)}</h1><p class=sub>{_when(run)}</p>",
        *_marks(run),
        counted(counts(run)),
        _gate(run, waivers),
        '<nav><a href="#tests">Tests</a><a href="#equipment">Equipment</a>'
        '<a href="#run">Run</a><a href="#applicability">Applicability</a>'
        '<a href="#waivers">Waivers</a><a href="#requirements">Requirements</a></nav>',
        f'<h2 id="tests">Tests</h2>{full}{tests}',
        f'<h2 id="equipment">Equipment</h2>{_equipment(run)}',
        f'<h2 id="run">Run</h2>{_run(run)}',
        f'<h2 id="applicability">Applicability</h2>{_applicability(run)}',
        f'<h2 id="waivers">Waivers</h2>{_waivers(run, waivers)}',
        f'<div id="requirements">{requirements_table(matrix, "Requirements")}</div>',
    ]
    return whole_page(f"Run {run.run}", "\n".join(parts), _CSS + _DEPTHS)


def _when(run: RunRecord) -> str:
    bench = esc(stated(run.begin, "bench") or NOT_STATED, MOST_OF_A_NAME)
    took = duration(max(0, run.ended_ns - run.began_ns) / 1e9)
    return f"Bench {bench}, {utc(run.began_ns)}, {took}"


def _marks(run: RunRecord) -> Iterator[str]:
    if run.is_virtual:
        yield '<div class="mark">VIRTUAL: parts of this bench are simulated</div>'
    if not run.ended:
        yield '<div class="mark bad">INCOMPLETE: the run was broken off</div>'
    for fault in run.faults:
        yield f'<div class="mark bad">The evidence is not valid: {esc(fault)}</div>'


def _gate(run: RunRecord, waivers: Mapping[str, str]) -> str:
    judged = gate(run, lambda test: test.id in waivers)
    reasons = "".join(f"<li>{esc(reason)}</li>" for reason in judged.reasons)
    return f"<p>Gate: exit code {judged.code}</p>" + (f"<ul>{reasons}</ul>" if reasons else "")


def _tests(run: RunRecord, writer: TestWriter, waivers: Mapping[str, str]) -> str:
    if not run.tests:
        return "<p>No test was registered in this run.</p>"
    told = timelines(run)
    groups = []
    for word in WORST_FIRST:
        tests = [test for test in run.tests.values() if test.verdict == word]
        if tests:
            lines = "\n".join(
                writer.write(test, told.get(test.id, Timeline()), waivers.get(test.id, ""))
                for test in tests
            )
            is_open = "" if word in (PASS, NOT_APPLICABLE) else " open"
            groups.append(
                f"<details class=group{is_open}><summary>{verdict(word)}<b>{len(tests)}</b>"
                f"</summary>{lines}</details>"
            )
    return "\n".join(groups)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], empty: str) -> str:
    """Return a table of cells that are HTML already."""
    if not rows:
        return f"<p>{esc(empty)}</p>"
    top = "".join(f"<th>{esc(name)}</th>" for name in head)
    body = "\n".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _equipment(run: RunRecord) -> str:
    rows = []
    for name, one in run.equipment.items():
        who = " ".join(part for part in (stated(one, "maker"), stated(one, "model")) if part)
        cells = [
            stated(one, "name") or name,
            who or stated(one, "identity") or NOT_STATED,
            stated(one, "serial") or NOT_STATED,
            stated(one, "firmware") or NOT_STATED,
            stated(one, "transport") or NOT_STATED,
            stated(one, "calibration", "describe") or NOT_STATED,
        ]
        part = "<b>VIRTUAL</b>" if one.get("virtual") else "real"
        rows.append((*(esc(cell, 200) for cell in cells), part))
    head = ("Equipment", "Identity", "Serial", "Firmware", "Transport", "Calibration", "Part")
    return _table(head, rows, f"Equipment: {NOT_STATED}.")


def _run(run: RunRecord) -> str:
    begin = run.begin
    facts = {
        "item": " ".join(stated(begin, "item", k) for k in ("manufacturer", "model", "serial")),
        "laboratory": stated(begin, "laboratory", "name"),
        "operator": stated(begin, "operator"),
        "suite": f"hil-esim {stated(begin, 'hil') or NOT_STATED}",
        "commit": stated(begin, "git", "commit"),
        "bench file": f"{stated(begin, 'lab_config', 'path')} "
        f"{stated(begin, 'lab_config', 'sha256')}",
        "ICS": stated(begin, "ics", "sha256"),
        "strict": stated(begin, "strict"),
        "decision rule": stated(begin, "decision_rule"),
        "host": f"{stated(begin, 'host')} {stated(begin, 'platform')}",
    }
    rows = [(esc(name), esc(text.strip() or NOT_STATED, 400)) for name, text in facts.items()]
    for file in run.files:
        held = f"{file.lines} records, last <code>{esc(file.head)}</code>"
        rows.append((esc(f"journal {file.path.name}", 200), held))
    rows += [(esc(proof.name, 100), esc(proof.text, 1000)) for proof in run.proofs]
    return _table(("", ""), rows, "")


def _applicability(run: RunRecord) -> str:
    rows = []
    for test in run.tests.values():
        told = test.applicability
        if told is None:
            continue
        inputs = told.get("inputs")
        given = ""
        if isinstance(inputs, Mapping):
            given = ", ".join(f"{name} = {stated(inputs, name)}" for name in sorted(inputs))
        rows.append(
            (
                _named(test.id, test.title),
                esc(stated(told, "applies") or NOT_STATED),
                esc(stated(told, "expression") or NOT_STATED, 400),
                esc(given, 400),
                esc(stated(told, "reason") or NOT_STATED, 600),
            )
        )
    rows += [
        (esc(name, MOST_OF_A_NAME), "not selected", "", "", esc(why, 600))
        for name, why in run.not_selected.items()
    ]
    head = ("Test", "Applies", "Condition", "Stated", "Reason")
    return _table(head, rows, "No condition was evaluated, and every test was selected.")


def _waivers(run: RunRecord, waivers: Mapping[str, str]) -> str:
    rows = [
        (
            verdict(run.tests[name].verdict),
            _named(name, run.tests[name].title),
            esc(shortened(text, 1000)),
        )
        for name, text in waivers.items()
    ]
    return _table(("Verdict", "Test", "Waiver"), rows, "None.")


def _named(name: str, title: str) -> str:
    return f'<a href="#{anchor("test", name)}">{esc(title, MOST_OF_A_NAME)}</a>'
