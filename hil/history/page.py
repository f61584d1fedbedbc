"""The history as one HTML page: no JavaScript, nothing loaded, nothing of now in it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from hil.evidence.verdict import VERDICTS
from hil.evidence.whole_file import write_whole
from hil.history import words
from hil.history.errors import HistoryError
from hil.history.spark import HEADS, strip
from hil.history.svg import trend_chart

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from hil.history.queries import KeptRun
    from hil.history.series import Series
    from hil.history.steadiness import Steadiness

_STYLE: Final = """
:root { color-scheme: light; }
body { font: 15px/1.45 system-ui, sans-serif; color: #24292f; background: #fff;
       max-width: 920px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.8rem 0 .2rem; }
table { border-collapse: collapse; font-size: 13px; width: 100%; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #d0d7de;
         vertical-align: top; overflow-wrap: anywhere; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.w { white-space: nowrap; }
.v { display: inline-block; width: 10px; height: 15px; margin-right: 1px; border-radius: 1px;
     font: bold 9px/15px sans-serif; color: #fff; text-align: center; vertical-align: top; }
.PASS { background: #1a7f37; } .FAIL { background: #b42318; } .ERROR { background: #5b2a86; }
.INCONCLUSIVE { background: #b25e00; } .NA { background: #afb8c1; }
.virtual { background: #fff8c5; border: 1px solid #d4a72c; border-radius: 3px; font-size: 11px;
           padding: 0 .35rem; font-weight: 600; }
.alarm { color: #b42318; font-weight: 600; }
svg { width: 100%; height: auto; display: block; }
dl { display: grid; grid-template-columns: 7rem 1fr; margin: .3rem 0; font-size: 13px; }
dt { color: #57606a; } dd { margin: 0; }
.legend { font-size: 12px; color: #57606a; } .legend .v { margin-left: .8em; vertical-align: -3px; }
@media print { h3 { break-after: avoid; } svg, tr { break-inside: avoid; } }
"""
_VIRTUAL: Final = ' <span class="virtual">VIRTUAL</span>'


def write_page(
    file: Path,
    title: str,
    runs: Sequence[KeptRun],
    tests: Sequence[Steadiness],
    series: Sequence[Series],
) -> None:
    """Write the page whole, or not at all. Raises HistoryError where it cannot be written."""
    text = page(title, runs, tests, series)
    try:
        write_whole(file.absolute(), text.encode("utf-8", "backslashreplace"))
    except OSError as err:
        raise HistoryError(f"{file}: the page cannot be written: {err.strerror}") from err


def page(
    title: str,
    runs: Sequence[KeptRun],
    tests: Sequence[Steadiness],
    series: Sequence[Series],
) -> str:
    """Return the page as HTML; the same store gives the same page."""
    parts = [
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}'
        f"</title>\n<style>{_STYLE}</style></head><body>\n<h1>{escape(title)}</h1>"
    ]
    if tests or not (runs or series):
        parts += _tests(tests)
    if series:
        parts += _all_series(series)
    if runs:
        parts += _runs(runs)
    return "\n".join([*parts, "</body></html>\n"])


def _tests(tests: Sequence[Steadiness]) -> Iterator[str]:
    yield "<h2>Tests that change</h2>"
    if not tests:
        yield "<p>No test changed its verdict.</p>"
        return
    yield _legend()
    yield (
        "<table><tr><th>test</th><th>bench</th><th>verdicts, the newest last</th>"
        '<th>changes between runs alike (95 %)</th><th class="n">median s</th></tr>'
    )
    for one in tests:
        shown = "".join(
            f'<span class="v {_class(end.verdict)}" title="'
            f'{escape(f"{end.verdict}, {words.when(end.of.began_ns)}, {end.of.run}")}">'
            f"{_letter(end.verdict)}</span>"
            for end in one.outcomes[-60:]
        )
        seconds = "" if one.seconds is None else f"{one.seconds:.3g}"
        yield (
            f"<tr><td>{escape(one.test)}</td><td>{escape(one.bench or 'all')}"
            f"{_VIRTUAL if one.virtual else ''}</td><td>{shown}</td><td>{escape(str(one.flakes))}"
            f'</td><td class="n">{seconds}</td></tr>'
        )
    yield "</table>"


def _legend() -> str:
    shown = "".join(
        f'<span class="v {_class(verdict)}">{_letter(verdict)}</span> {verdict}'
        for verdict in VERDICTS
        if verdict != "NOT RUN"
    )
    return f'<p class="legend">{shown}</p>'


def _all_series(series: Sequence[Series]) -> Iterator[str]:
    yield (
        "<h2>Measured values</h2>"
        '<p class="legend">Points: mean of a run, with its expanded uncertainty; a ring is an '
        "outlier. Dashed red: limits. Violet: average with a memory (EWMA) and the band in which "
        "it stays while nothing drifts; a triangle marks a run at which it was outside.</p>"
    )
    for one in series:
        yield (
            f"<h3>{escape(one.name)}{_VIRTUAL if one.virtual else ''}</h3>"
            f'<p class="legend">{escape(one.bench)} · {escape(one.instrument)} · '
            f"{escape(one.test)}</p>"
        )
        yield trend_chart(one)
        yield f"<dl>{''.join(_facts(one))}</dl>"


def _facts(one: Series) -> Iterable[str]:
    drift = words.drift(one)
    rows = [
        ("values", f"{one.values} in {len(one.points)} runs"),
        ("limits", words.limits(one).removeprefix("limits ")),
        ("trend", words.trend(one)),
        ("drift", drift),
        ("capability", words.capable(one)),
        ("outliers", words.outliers(one)),
        ("no number", str(one.without_number or "")),
    ]
    for name, text in rows:
        if text:
            mark = ' class="alarm"' if name == "drift" and drift.startswith("ALARM") else ""
            yield f"<dt>{name}</dt><dd{mark}>{escape(text)}</dd>"


def _runs(runs: Sequence[KeptRun]) -> Iterator[str]:
    yield "<h2>Runs</h2><table><tr><th>run</th><th>began (UTC)</th><th>bench</th><th>version</th>"
    yield (
        "".join(f'<th class="n">{HEADS.get(verdict, verdict)}</th>' for verdict in VERDICTS)
        + "</tr>"
    )
    for run in runs:
        broken = "" if run.whole else " (broken off, or its journal is at fault)"
        counts = "".join(f'<td class="n">{run.counts.get(verdict, 0)}</td>' for verdict in VERDICTS)
        yield (
            f"<tr><td>{escape(run.of.run + broken)}</td>"
            f'<td class="w">{words.when(run.of.began_ns)}</td>'
            f"<td>{escape(run.of.bench)}{_VIRTUAL if run.of.virtual else ''}</td>"
            f"<td>{escape(run.of.version)}</td>{counts}</tr>"
        )
    yield "</table>"


def _letter(verdict: str) -> str:
    return "" if verdict == "PASS" else strip([verdict])


def _class(verdict: str) -> str:
    return "NA" if verdict == "NOT APPLICABLE" else verdict
