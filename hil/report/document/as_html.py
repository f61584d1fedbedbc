"""The test report as a page: one file, for the screen and for paper."""

from __future__ import annotations

import re
from typing import Final

from hil.report.document.blocks import (
    Block,
    Document,
    Facts,
    Grid,
    Heading,
    Listing,
    Signatures,
    Text,
)
from hil.report.html import esc, verdict, whole_page

_CSS: Final = """
body { max-width: 900px; }
h2 { counter-increment: section; } h2::before { content: counter(section) "  "; }
table.facts th { width: 27%; } table.facts th, table.facts td { border-bottom-color: #eee; }
td div.small { color: #555; }
.strong { font-weight: 650; }
ul { margin: 6px 0; padding-left: 20px; }
.signatures { display: flex; gap: 24px; margin: 44px 0 20px; }
.signatures div { flex: 1; border-top: 1px solid #111; padding-top: 4px; font-size: 12px;
  margin-top: 34px; }
.end { text-align: center; border-top: 1.5px solid #111; margin-top: 40px; padding-top: 10px;
  font-weight: 600; }
.watermark { position: fixed; inset: 0; display: flex; align-items: center; z-index: -1;
  justify-content: center; font-size: 170px; font-weight: 700; color: #f0f0ee;
  transform: rotate(-45deg); pointer-events: none; }
@page { size: A4; margin: 24mm 16mm 22mm; }
"""
_PAGE: Final = """
@page {{
  @top-left {{ content: {head}; font: 600 8.5pt sans-serif; }}
  @top-right {{ content: {marks}; font: 700 8.5pt sans-serif; color: #a30d0d; }}
  @bottom-left {{ content: {foot}; font: 7.5pt sans-serif; }}
  @bottom-right {{ content: "page " counter(page) " of " counter(pages); font: 7.5pt sans-serif;
    white-space: nowrap; padding-left: 12pt; }}
}}
"""


def as_html(document: Document) -> str:
    """Return the whole page; on paper, number, marks and "page x of y" are on every sheet."""
    banner = [f'<div class="mark bad">{esc(document.draft)}</div>'] if document.is_draft else []
    banner += [f'<div class="mark">{esc(mark)}</div>' for mark in document.marks]
    body = [
        '<div class="watermark" aria-hidden="true">DRAFT</div>' if document.is_draft else "",
        f"<h1>{esc(document.title)}</h1><p class=sub>No. {esc(document.number)}<br>"
        f"{esc(document.laboratory)}, issued {document.issued.isoformat()}</p>",
        *banner,
        *(_block(block) for block in document.blocks),
        f'<p class="end" style="max-width:none">{esc(document.end)}</p>',
    ]
    return whole_page(
        f"{document.title} {document.number}", "\n".join(body), _CSS + _page(document)
    )


def _page(document: Document) -> str:
    marks = " / ".join([*(["DRAFT"] if document.is_draft else []), *document.marks])
    foot = document.laboratory
    if document.is_draft:
        foot += f" / {document.draft}"
    return _PAGE.format(
        head=_css_text(f"{document.title} {document.number}"),
        marks=_css_text(marks),
        foot=_css_text(foot),
    )


def _css_text(text: str) -> str:
    """Return text as a string of CSS; whatever stands in it, it stays one.

    CSS takes the space behind an escape for its end.
    """
    return '"' + re.sub(r"[^A-Za-z0-9 .,:-]", lambda m: f"\\{ord(m[0]):06x} ", text) + '"'


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h2>{esc(block.text)}</h2>"
    if isinstance(block, Text):
        return f"<p{' class=strong' if block.strong else ''}>{esc(block.text)}</p>"
    if isinstance(block, Facts):
        rows = "".join(
            f"<tr><th scope=row>{esc(name)}</th><td>{esc(value)}</td></tr>"
            for name, value in block.rows
        )
        return f"<table class=facts><tbody>{rows}</tbody></table>"
    if isinstance(block, Listing):
        return f"<ul>{''.join(f'<li>{esc(item)}</li>' for item in block.items)}</ul>"
    if isinstance(block, Signatures):
        roles = "".join(
            f"<div>{esc(role)}<br>name, function, date, signature</div>" for role in block.roles
        )
        return f'<div class="signatures">{roles}</div>'
    return _grid(block)


def _grid(block: Grid) -> str:
    whole = sum(block.widths)
    columns = "".join(f'<col style="width:{100 * width / whole:.1f}%">' for width in block.widths)
    head = "".join(f"<th>{esc(name)}</th>" for name in block.head)
    rows = "\n".join(
        "<tr>"
        + "".join(_cell(cell, column == block.verdicts) for column, cell in enumerate(row))
        + "</tr>"
        for row in block.rows
    )
    return (
        f"<table><colgroup>{columns}</colgroup><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _cell(text: str, is_verdict: bool) -> str:
    first, _, rest = text.partition("\n")
    small = f"<div class=small>{esc(rest)}</div>" if rest else ""
    return f"<td>{verdict(first) if is_verdict else esc(first)}{small}</td>"
