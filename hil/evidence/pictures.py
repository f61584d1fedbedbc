"""A test's waveform as evidence: a picture, and CSV, in the report and in the run's folder.

The picture is drawn when the test is over and its verdict known, and only where someone will see
it. Without the library that draws, the data is there all the same, and a note says what to install.
"""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING, Final

from hil.evidence import plot
from hil.evidence.plot_search import search_svg
from hil.evidence.waveform_csv import thinned, to_csv

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hil.evidence.notebook import Notebook
    from hil.evidence.plot_search import Tried
    from hil.evidence.waveform import Waveform

ROWS_SHOWN: Final = 200
"""A report shows a table of that many rows well; all of them are attached beside it."""
PICTURE: Final = "Volts and amps at the jig pin"
DATA: Final = "Waveform"
FOLDER: Final = "waveforms"


def show(
    waveform: Waveform,
    caption: plot.Caption,
    notebook: Notebook,
    *,
    folder: Path | None = None,
    name: str = "",
) -> None:
    """Hand picture and data to the notebook, and put both into ``folder``/waveforms.

    ``name`` is the test's; nothing is drawn where nobody would see it.
    """
    if not waveform.marks or (not notebook.keeps and folder is None):
        return
    table = to_csv(waveform)
    picture = _picture(waveform, caption, notebook)
    if notebook.keeps:
        if picture:
            notebook.attach(PICTURE, picture, kind="svg")
        _attach_data(waveform, table, notebook)
    if folder is not None:
        _save(folder / FOLDER, name, table, picture)


def show_search(
    title: str,
    unit: str,
    trials: Sequence[Tried],
    notebook: Notebook,
    *,
    found: tuple[float, float],
    expected: float,
) -> None:
    """Hand the picture of a search to the notebook, and its trials as CSV."""
    if not notebook.keeps:
        return
    rows = [f"{n},{value!r},{u!r},{int(yes)}" for n, (value, u, yes) in enumerate(trials, 1)]
    try:
        picture = search_svg(title, unit, trials, found=found, expected=expected)
        notebook.attach(title, picture, kind="svg")
    except plot.PlotUnavailableError as err:
        notebook.attach(f"{title}: not drawn", str(err))
    head = f"trial,value_{unit},expanded_{unit},yes"
    notebook.attach(f"{title}: trials", "\n".join([head, *rows]) + "\n", kind="csv")


def _picture(waveform: Waveform, caption: plot.Caption, notebook: Notebook) -> str:
    try:
        return plot.svg(waveform, caption)
    except plot.PlotUnavailableError as err:
        if notebook.keeps:
            notebook.attach(f"{PICTURE}: not drawn", str(err))
        return ""


def _attach_data(waveform: Waveform, table: str, notebook: Notebook) -> None:
    if len(waveform.marks) <= ROWS_SHOWN:
        notebook.attach(DATA, table, kind="csv")
        return
    notebook.attach(
        f"{DATA}, {ROWS_SHOWN} rows of {len(waveform.marks)}",
        to_csv(thinned(waveform, ROWS_SHOWN)),
        kind="csv",
    )
    notebook.attach(f"{DATA}, all rows", gzip.compress(table.encode(), mtime=0), kind="csv.gz")


def _save(folder: Path, name: str, table: str, picture: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stem = re.sub(r"[^A-Za-z0-9.\-]+", "_", name).strip("_")[-120:] or "waveform"
    (folder / f"{stem}.csv").write_text(table, encoding="utf-8", newline="")
    if picture:
        (folder / f"{stem}.svg").write_text(picture, encoding="utf-8")
