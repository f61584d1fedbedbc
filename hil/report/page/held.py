"""Attachments on the page: pictures and short texts inside it, all else by a link."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Final

from hil.evidence.test_record import Attachment
from hil.report.html import esc, link_to, why_no_link
from hil.report.named_files import inside, is_as_named
from hil.report.page.budget import Budget
from hil.report.text import MOST_OF_A_NAME, size

_PICTURES: Final = {"svg": "image/svg+xml", "png": "image/png", "jpg": "image/jpeg"}
_TEXTS: Final = ("text", "txt", "json", "csv", "log", "xml", "html", "yaml", "md")
MOST_OF_A_PICTURE: Final = 4_000_000
MOST_OF_A_TEXT: Final = 16_000


def shown(one: Attachment, run_folder: Path, page_folder: Path, budget: Budget) -> str:
    """Return one attachment as HTML."""
    href = link_to(one.file, run_folder, page_folder)
    name = esc(one.name, MOST_OF_A_NAME)
    head = f'<a href="{esc(href)}">{name}</a>' if href else name
    digest = f"<code class=sub>sha256 {esc(one.sha256, 64)}</code>"
    line = f"{head} <span class=sub>{esc(one.kind, 20)}, {size(one.size)}</span> {digest}"
    if not href:
        return f"<p class=small>{line} {why_no_link(one.file)}</p>"
    content = _shown_content(one, run_folder, budget)
    return f"<div class=held><p class=small>{line}</p>{content}</div>"


def _shown_content(one: Attachment, run_folder: Path, budget: Budget) -> str:
    """Return what is in it, or why that is not on the page."""
    if one.kind not in _PICTURES and one.kind not in _TEXTS:
        return ""
    path = inside(one.file, run_folder)
    if path is None:
        return ""
    try:
        content = _content(path, one, budget)
    except OSError as err:
        return f"<p class=small><b>It cannot be read: {esc(err.strerror or err)}</b></p>"
    if isinstance(content, str):
        return f"<p class='small sub'>{content}</p>"
    if one.kind in _PICTURES:
        data = base64.b64encode(content).decode("ascii")
        kind = _PICTURES[one.kind]
        return f'<img loading="lazy" alt="{esc(one.name, 200)}" src="data:{kind};base64,{data}">'
    return _text(content)


def _content(path: Path, one: Attachment, budget: Budget) -> bytes | str:
    """Return the bytes of a file, or why they are not shown."""
    found = path.stat().st_size
    if found > MOST_OF_A_PICTURE:
        return "Too large for this page: it is in its file."
    cost = found * 4 // 3 if one.kind in _PICTURES else min(found, MOST_OF_A_TEXT)
    if not budget.take(cost):
        return "This page is full: it is in its file."
    if not is_as_named(path, one):
        return "<b>The file has another digest or size than the journal says: it is not shown.</b>"
    return path.read_bytes()


def _text(content: bytes) -> str:
    text = content[:MOST_OF_A_TEXT].decode("utf-8", "backslashreplace")
    more = len(content) - MOST_OF_A_TEXT
    rest = f"\n… {size(more)} more in the file" if more > 0 else ""
    return f"<details><summary>show</summary><pre>{esc(text)}{esc(rest)}</pre></details>"
