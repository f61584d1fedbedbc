"""Allure's report as a browser shows it: verdicts, a picture, a transcript, and no other host."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hil.evidence.attachments import store
from hil.evidence.journal import Journal
from hil.evidence.run_record import read_run
from hil.report import allure
from hil.report.allure_results import complete
from hil.report.traces import traces_of_run

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or ""
ALLURE = allure.find_allure(ROOT) or ""
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--virtual-time-budget=60000",
)
PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="321" height="123">'
    '<rect width="321" height="123" fill="#0550ae"/></svg>'
)
LOOK = """<!doctype html><body><iframe id="r" src="/index.html" width="1280" height="4000"></iframe>
<pre id="seen"></pre><script>
const rest = (ms) => new Promise((done) => setTimeout(done, ms));
const page = () => document.getElementById("r").contentDocument;
async function found(text) {
  for (let n = 0; n < 150; n++) {
    const all = [...page().querySelectorAll("button, a, span, div, p")];
    const hits = all.filter((one) => one.textContent.includes(text));
    if (hits.length) return hits[hits.length - 1];
    await rest(100);
  }
  throw new Error(text + " is nowhere on the page: " + page().body.innerText.slice(0, 400));
}
async function click(text) { (await found(text)).click(); await rest(500); }
(async () => {
  const seen = {};
  try {
    await found("Jig window");
    for (const room of ["Authentication", "Jig window"])
      if (!page().body.innerText.includes("A jig in the window")) await click(room);
    await found("A jig in the window");
    seen.tree = page().body.innerText;
    await click("A jig in the window");
    seen.test = (await found("too high"), page().body.innerText);
    await click("Jig pin");
    for (let n = 0; n < 50 && !page().querySelector("img[src^='data:'], img[src^='blob:']"); n++)
      await rest(100);
    seen.pictures = [...page().querySelectorAll("img")].map((one) => one.naturalWidth);
    await click("Transcript");
    await found("SELECT");
    seen.transcript = page().body.innerText;
  } catch (error) { seen.error = String(error); }
  document.getElementById("seen").textContent = "BEGIN" + JSON.stringify(seen) + "END";
})();
</script>"""


def _run(folder: Path) -> None:
    journal = Journal(folder, "main", {"format": 1, "run": "r1", "bench": "virtual"})
    name = "testcases/authentication/test_jig_window.py::test_inside"
    file = name.partition("::")[0]
    for test, title in ((name, "A jig in the window is accepted"), (name + "_2", "Never begun")):
        body = {"title": title, "requirements": ["R-24"], "file": file, "severity": "critical"}
        journal.write("test-registered", body, test=test)
    journal.write("test-begin", {"attempt": 1}, test=name)
    for direction, text in (("out", "00A40004023F00"), ("in", "9000")):
        body = {"link": "apdu", "equipment": "card", "direction": direction, "text": text}
        journal.write("exchange", body, test=name)
    kept = store(folder, PICTURE.encode(), "svg")
    stored = {"file": kept.file, "sha256": kept.sha256, "size": kept.size}
    journal.write("attachment", {"name": "Jig pin", "kind": "svg", **stored}, test=name)
    ended = {"verdict": "FAIL", "reason": "1.95 V is too high", "fail_seen": True}
    journal.write("test-end", ended, test=name)
    journal.close("1")


@contextmanager
def _served(folder: Path, asked: list[str]) -> Iterator[str]:
    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            asked.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@pytest.mark.skipif(not CHROMIUM, reason="needs chromium")
@pytest.mark.skipif(not ALLURE, reason="needs the Allure command")
def test_verdict_picture_and_transcript_are_on_the_page(tmp_path: Path) -> None:
    _run(tmp_path)
    run = read_run(tmp_path)
    traces = traces_of_run(run, tmp_path / "traces")
    complete(run, tmp_path / "results", traces=traces)
    config = allure.configuration("run", tmp_path / "history.jsonl", {"Run": "r1"})
    page = allure.build(ALLURE, tmp_path / "results", tmp_path / "report", config)
    assert (page.parent / allure.BY_REQUIREMENT).is_file()
    (page.parent / "look.html").write_text(LOOK)
    asked: list[str] = []
    with _served(page.parent, asked) as address:
        shown = subprocess.run(
            [
                *(CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'chromium'}"),
                # Any other host is nowhere: asking one would leave an error, and no page.
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                *("--dump-dom", f"{address}/look.html"),
            ],
            capture_output=True,
            check=True,
            timeout=150,
        ).stdout.decode()
    told = re.search(r"BEGIN(\{.*\})END", shown.rpartition('<pre id="seen">')[2], re.DOTALL)
    assert told is not None, "the page was not looked at to its end"
    seen: dict[str, Any] = json.loads(html.unescape(told[1]))
    assert "error" not in seen, seen["error"]
    assert "Failed 1" in " ".join(seen["tree"].split())
    assert "FAIL: 1.95 V is too high" in seen["test"]
    assert 321 in seen["pictures"]
    assert "SELECT MF" in seen["transcript"] or "SELECT" in seen["transcript"]
