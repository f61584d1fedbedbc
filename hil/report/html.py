"""The common dress of our pages: one file, no script, no network; sober, and fit for paper."""

from __future__ import annotations

import hashlib
import html
import os
from pathlib import Path
from typing import Final
from urllib.parse import quote

from hil.report.named_files import inside
from hil.report.text import shortened, visible

# A page that comes from a journal must not act: no script runs, nothing is asked for elsewhere.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
BASE: Final = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
html { background: #fff; color: #111; font: 14px/1.45 system-ui, "Segoe UI", "DejaVu Sans",
  Helvetica, Arial, sans-serif; }
body { max-width: 1180px; margin: 0 auto; padding: 28px 32px 60px; }
h1 { font-size: 25px; font-weight: 650; margin: 0 0 4px; letter-spacing: -.01em; }
h2 { font-size: 17px; font-weight: 650; margin: 34px 0 10px; padding-bottom: 4px;
  border-bottom: 1.5px solid #111; }
h3 { font-size: 14px; margin: 20px 0 6px; }
p { margin: 6px 0; max-width: 82ch; }
a { color: #0b3d78; text-decoration: none; } a:hover { text-decoration: underline; }
code, pre, .mono { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  font-size: 12px; overflow-wrap: anywhere; }
pre { background: #f6f6f4; border: 1px solid #ddd; padding: 8px 10px; margin: 6px 0;
  white-space: pre-wrap; max-height: 60vh; overflow: auto; }
table { border-collapse: collapse; width: 100%; margin: 8px 0 14px; font-size: 13px; }
th, td { text-align: left; vertical-align: top; padding: 5px 9px; border-bottom: 1px solid #ddd;
  overflow-wrap: anywhere; }
thead th { border-bottom: 1.5px solid #111; font-weight: 650; white-space: nowrap; }
td b { white-space: nowrap; }
th[scope=row] { font-weight: 500; color: #444; }
.sub { color: #555; } .small { font-size: 12px; }
.v { font-weight: 650; white-space: nowrap; }
.v-PASS { color: #14592d; } .v-FAIL { color: #a30d0d; } .v-ERROR { color: #7a2f8a; }
.v-INCONCLUSIVE { color: #8a5200; } .v-NOT-RUN, .v-NOT-COVERED { color: #8a5200; }
.v-NOT-APPLICABLE { color: #555; }
.mark { border: 2px solid #111; padding: 9px 13px; margin: 14px 0; font-weight: 600; }
.mark.bad { border-color: #a30d0d; color: #a30d0d; }
.mark ul { margin: 4px 0 0; padding-left: 20px; font-weight: 400; color: #111; }
.counts { display: flex; flex-wrap: wrap; gap: 0; margin: 16px 0; border: 1px solid #bbb; }
.counts div { flex: 1 1 110px; padding: 10px 14px; border-right: 1px solid #ddd; }
.counts div:last-child { border-right: 0; }
.counts b { display: block; font-size: 24px; font-weight: 600; line-height: 1.15;
  font-variant-numeric: tabular-nums; }
.counts .zero { color: #999; }
.counts span { font-size: 11px; letter-spacing: .03em; }
@media print {
  html { font-size: 10.5px; } body { max-width: none; padding: 0; }
  table { font-size: 9.5px; } .small, .sub.small { font-size: 8.5px; }
  code, pre, .mono { font-size: 8.5px; }
  th, td { padding: 3px 6px; }
  pre { max-height: none; } a { color: inherit; }
  tr, .mark, .counts { break-inside: avoid; } h2, h3 { break-after: avoid; }
  thead { display: table-header-group; }
}
"""


def esc(value: object, most: int = 0) -> str:
    """Return text as HTML, safe in an element and in a quoted attribute.

    It is cut at ``most`` characters if that is not 0.
    """
    text = visible(value)
    return html.escape(shortened(text, most) if most else text)


def verdict(word: str) -> str:
    """Return a verdict as HTML."""
    return f'<span class="v v-{esc(word.replace(" ", "-"))}">{esc(word)}</span>'


def counted(counts: dict[str, int]) -> str:
    """Return the band with the number of tests of each verdict."""
    cells = "".join(
        f'<div class="{"zero" if not count else ""}"><b>{count}</b>'
        f'<span class="v v-{word.replace(" ", "-") if count else ""}">{word}</span></div>'
        for word, count in counts.items()
    )
    return f'<div class="counts">{cells}</div>'


def anchor(prefix: str, name: str) -> str:
    """Return an id for a link that stays the same from run to run, whatever is in ``name``."""
    return f"{prefix}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def link_to(file: str, run_folder: Path, page_folder: Path) -> str:
    """Return the address of a file of a run, as seen from a page in ``page_folder``.

    "" for a path that leads out of the run's folder: a journal is no reason to open other files.
    """
    target = inside(file, run_folder)
    if target is None:
        return ""
    return quote(Path(os.path.relpath(target, page_folder)).as_posix(), errors="backslashreplace")


def why_no_link(file: str) -> str:
    """Return as HTML why :func:`link_to` leads nowhere; a file too large to keep has no path."""
    if not file:
        return "(too large to keep)"
    return "<b>its path leads out of the folder of the run, or nowhere</b>"


def whole_page(title: str, body: str, css: str = "") -> str:
    """Return a whole page, in UTF-8, that needs nothing but itself."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{esc(title, 200)}</title>\n<style>{BASE}{css}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )
