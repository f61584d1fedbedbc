from __future__ import annotations

import base64
import time
from pathlib import Path

import pytest

from hil.evidence.run_record import RunRecord, read_run
from hil.report.html import anchor
from hil.report.page import write_page
from hil.report.page.timeline import EXCHANGES_SHOWN
from hil.report.verdicts import WaiverOf, no_waiver
from hil.requirements import REQUIREMENTS
from tests.report.runs import SVG, VOLTS, Run, typical
from tests.report.web import Page

GOOD = "t.py::test_good"


def page(run: RunRecord, waiver: WaiverOf = no_waiver) -> Page:
    path = write_page(run, run.folder / "evidence" / "run.html", waiver=waiver)
    return Page(path.read_text(encoding="utf-8"))


def test_it_tells_everything_of_a_run(tmp_path: Path) -> None:
    found = page(typical(tmp_path), lambda t: "W-7: known" if "refused" in t.id else None)
    for text in (
        "Authenticate the device 200 ms",
        "proof.is_valid",
        "jig voltage 1.803 V 0.013 V (k = 2) 1.71 to 1.89 V",
        "device → AT+N=0",
        "device ← OK (ready)",
        "OUTP? CH1 -> OFF",
        "manner key set",
        "C-12 Send image claim 1",
        "the device took an image from a stranger",
        "W-7: known",
        "RIGOL TECHNOLOGIES DP832",
        "DP832 DP8C194205678 CAL-2026-0815 due 2027-06-30 accuracy: DP800 data sheet, page 7",
        "test_usb no O_USB O_USB = no the product has no USB",
        "t.py::test_left_out not selected",
        "hil-esim 0.1.0",
        "boot ready",
        "Gate: exit code 4",
        "R-01 The support server sends a profile request",
    ):
        assert text in found.text, text
    assert found.ids >= {f"req-{name}" for name in REQUIREMENTS}


def test_it_opens_anywhere_and_its_links_have_ends(tmp_path: Path) -> None:
    found = page(typical(tmp_path))
    assert not found.tags & {"script", "link", "iframe", "object", "form"}
    assert len(found.sources) == 1
    assert all(source.startswith("data:image/svg+xml;base64,") for source in found.sources)
    for link in found.links:
        if link.startswith("#"):
            assert link[1:] in found.ids, link
        else:
            assert (tmp_path / "evidence" / link).resolve().is_file(), link


def test_tests_are_found_by_verdict_and_bad_ones_come_first(tmp_path: Path) -> None:
    path = write_page(typical(tmp_path), tmp_path / "run.html")
    html = path.read_text()
    groups = [part.partition("</summary>")[0] for part in html.split("<details class=group")[1:]]
    words = [Page(f"<{group}").text for group in groups]
    order = ["FAIL", "ERROR", "NOT RUN", "INCONCLUSIVE", "PASS", "NOT APPLICABLE"]
    assert [word.rpartition(" ")[0].split(">")[-1].strip() for word in words] == order
    assert [" open" in group.partition(">")[0] for group in groups] == [True] * 4 + [False] * 2


def test_steps_keep_their_order_depth_and_end(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.write("test-begin", {"attempt": 1}, GOOD)
    run.write("step-begin", {"step": 1, "title": "Outer"}, GOOD)
    run.write("step-begin", {"step": 2, "title": "Inner", "parent": 1}, GOOD)
    run.write("check", {"text": "inner.ok", "ok": False}, GOOD)
    run.write("step-end", {"step": 2, "status": "failed", "seconds": 61}, GOOD)
    run.write("check", {"text": "outer.ok", "ok": True}, GOOD)
    write_page(read_run(tmp_path), tmp_path / "run.html")
    html = (tmp_path / "run.html").read_text()
    lines = [line.partition("</li>")[0] for line in html.split("<li class=")[1:]]
    told = [(line.split('"')[1], Page(line.partition(">")[2]).text) for line in lines]
    assert told == [
        ("d0 step bad", "… Outer broken off"),
        ("d1 step bad", "✗ Inner 1 min 01 s"),
        ("d2 check bad", "✗ inner.ok"),
        ("d1 check", "✓ outer.ok"),
    ]
    assert "INCOMPLETE" in html


def test_only_the_first_messages_are_shown_and_the_rest_is_linked(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.write("test-begin", {"attempt": 1}, GOOD)
    for number in range(EXCHANGES_SHOWN + 5):
        body = {"link": "apdu", "equipment": "card", "direction": "out", "text": f"N{number}."}
        run.write("exchange", body, GOOD)
    run.write("test-end", {"verdict": "PASS"}, GOOD)
    path = write_page(
        run.end(), tmp_path / "run.html", trace_of=lambda _: Path("evidence/traces/good.txt")
    )
    found = Page(path.read_text())
    assert f"N{EXCHANGES_SHOWN - 1}." in found.text
    assert f"N{EXCHANGES_SHOWN}." not in found.text
    assert "… and 5 more" in found.text
    assert "evidence/traces/good.txt" in found.links


def test_what_is_changed_missing_or_elsewhere_is_not_shown_as_evidence(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.register(GOOD)
    run.write("test-begin", {"attempt": 1}, GOOD)
    run.attach(GOOD, "changed", "the secret of another file")
    run.attach(GOOD, "missing", "gone")
    held = {"kind": "text", "sha256": "0" * 64, "size": 1}
    run.write("attachment", {"name": "elsewhere", "file": "../../etc/passwd", **held}, GOOD)
    run.write("attachment", {"name": "large", "file": "", **held}, GOOD)
    run.write("test-end", {"verdict": "PASS"}, GOOD)
    record = run.end()
    changed, missing, *_ = record.tests[GOOD].attachments
    (tmp_path / changed.file).write_text("another text of it")
    (tmp_path / missing.file).unlink()
    found = page(record)
    assert "another digest or size than the journal says" in found.text
    assert "another text of it" not in found.text
    assert "It cannot be read: No such file or directory" in found.text
    assert "leads out of the folder of the run" in found.text
    assert "too large to keep" in found.text
    assert not [link for link in found.links if "passwd" in link]


def test_names_do_nothing(tmp_path: Path) -> None:
    evil = "</details><script>alert(1)</script>\u202e\udc80\x00"
    run = Run(tmp_path, bench=evil, item={"model": evil})
    run.test(evil, "FAIL", evil, title=evil, requirements=[evil], description=evil)
    run.write("equipment", {"name": evil, "identity": evil})
    run.attach(evil, evil, evil)
    run.test("t.py::test_" + "x" * 10_000, title="y" * 10_000, parameters={evil: evil})
    found = page(run.end())
    assert "script" not in found.tags
    assert "\\u202e\\udc80\\x00" in found.text
    assert anchor("test", evil) in found.ids


def test_nothing_at_all_is_a_page_too(tmp_path: Path) -> None:
    run = Run(tmp_path)
    found = page(run.end())
    assert "No test was registered in this run." in found.text
    assert "Equipment: not stated." in found.text


def test_a_full_page_leads_to_the_files(tmp_path: Path) -> None:
    run = Run(tmp_path)
    for number in range(5):
        name = f"t.py::test_{number}"
        run.test(name, "FAIL" if number == 4 else "PASS")
        run.attach(name, "picture", SVG.replace("400", str(400 + number)), "svg")
    path = write_page(run.end(), tmp_path / "run.html", most_bytes=3000)
    found = Page(path.read_text())
    first = base64.b64decode(found.sources[0].partition(",")[2])
    assert b"404" in first, "the picture of the test that failed"
    assert len(found.sources) < 5
    assert "did not fit into this page" in found.text
    assert "This page is full" in found.text


@pytest.mark.timeout(300)
def test_two_thousand_tests_are_a_page_of_some_seconds(tmp_path: Path) -> None:
    run = Run(tmp_path)
    for number in range(2000):
        name = f"testcases/a/test_{number % 40}.py::test_case[{number}]"
        more = (("measurement", VOLTS), ("proof", {"name": "state", "text": "x" * 20_000}))
        run.test(name, requirements=["R-05"], within=more if number % 10 else ())
        if number < 300:
            run.attach(name, "trace", f"{number} " + "z" * 200_000, "png")
    record = run.end()
    started = time.process_time()
    path = write_page(record, tmp_path / "run.html")
    assert time.process_time() - started < 20, "seconds of computing"
    assert path.stat().st_size < 30_000_000
    assert path.read_text().count("<details class=test") == 2000


def test_made_again_it_is_the_same(tmp_path: Path) -> None:
    run = typical(tmp_path)
    first = write_page(run, tmp_path / "run.html").read_bytes()
    assert first == write_page(run, tmp_path / "run.html").read_bytes()
