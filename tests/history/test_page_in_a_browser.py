"""The page as a browser shows it: nothing overlaps the edge, every mark is in the picture."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from hil.history.page import write_page
from hil.history.queries import outcomes, readings, runs
from hil.history.series import series_of
from hil.history.steadiness import steadiness_of
from hil.history.store import History
from tests.history.test_page import fill

CHROMIUM = shutil.which("chromium") or ""
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@pytest.mark.skipif(not CHROMIUM, reason="needs chromium")
def test_chromium_shows_verdicts_charts_and_marks(history: History, tmp_path: Path) -> None:
    fill(history)
    file, picture = tmp_path / "page.html", tmp_path / "page.png"
    found = steadiness_of(outcomes(history, None))
    write_page(file, "History", runs(history), found, series_of(readings(history, "jig voltage")))
    started = [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'chromium'}"]
    shown = subprocess.run(
        [*started, "--dump-dom", file.as_uri()], capture_output=True, check=True, timeout=90
    ).stdout.decode()
    assert shown.count('r="2.6"') == 34
    assert 'class="outlier"' in shown
    assert 'class="drift"' in shown
    subprocess.run(
        [*started, "--window-size=960,1200", f"--screenshot={picture}", file.as_uri()],
        capture_output=True,
        check=True,
        timeout=90,
    )
    pixels = _colours(picture)
    for colour in ("1a7f37", "b42318", "0550ae", "8250df"):
        assert pixels[bytes.fromhex(colour)] > 20, f"#{colour} is nowhere in the picture"


def _colours(picture: Path) -> Counter[bytes]:
    from PIL import Image  # noqa: PLC0415 - comes with matplotlib, which draws other pictures here

    with Image.open(picture) as image:
        body = image.convert("RGB").tobytes()
    return Counter(body[at : at + 3] for at in range(0, len(body), 3))
