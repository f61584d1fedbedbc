"""Nothing in the pages goes unchecked: every fenced block has a test, every link an end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, all_blocks, anchors, links, pages

HERE = "tests/docs"
CLAIMS = {
    # page, language → the test that runs such blocks
    ("docs/applicability.md", "python"): f"{HERE}/test_applicability_page.py",
    ("docs/applicability.md", "text"): f"{HERE}/test_applicability_page.py",
    ("docs/applicability.md", "yaml"): f"{HERE}/test_applicability_page.py",
    ("docs/conformance.md", "sh"): f"{HERE}/test_conformance_page.py",
    ("docs/conformance.md", "yaml"): f"{HERE}/test_conformance_page.py",
    ("docs/device-link.md", "at"): "tests/virtual_device/test_documented_examples.py",
    ("docs/history.md", "python"): f"{HERE}/test_history_page.py",
    ("docs/history.md", "sh"): f"{HERE}/test_history_page.py",
    ("docs/image-file.md", "python"): "tests/wire_profile/test_image_file_page.py",
    ("docs/jig-stimulus.md", "python"): f"{HERE}/test_stimulus_page.py",
    ("docs/power-supply-models.md", "python"): f"{HERE}/test_power_supply_models_page.py",
    ("docs/power-supply-models.md", "toml"): f"{HERE}/test_power_supply_models_page.py",
    ("docs/power-supply-models.md", "yaml"): f"{HERE}/test_power_supply_models_page.py",
    ("docs/seal.md", "sh"): f"{HERE}/test_seal_page.py",
    ("docs/reports.md", "python"): f"{HERE}/test_reports_page.py",
    ("docs/reports.md", "sh"): f"{HERE}/test_reports_page.py",
    ("docs/servers.md", "json"): f"{HERE}/test_part_pages.py",
    ("docs/servers.md", "sh"): f"{HERE}/test_servers_page.py",
    ("docs/traces.md", "python"): "tests/report/test_traces_page.py",
    ("docs/traces.md", "sh"): "tests/report/test_traces_page.py",
    ("docs/traces.md", "text"): "tests/report/test_traces_page.py",
    ("docs/terminal.md", "json"): "tests/terminal/test_page.py",
    ("docs/terminal.md", "python"): "tests/terminal/test_page.py",
    ("docs/terminal.md", "text"): "tests/terminal/test_page.py",
    ("docs/terminal.md", "toml"): "tests/terminal/test_page.py",
    ("docs/uncertainty.md", "python"): f"{HERE}/test_uncertainty_page.py",
    ("docs/uncertainty.md", "yaml"): f"{HERE}/test_uncertainty_page.py",
    ("docs/virtual-euicc.md", ""): f"{HERE}/test_part_pages.py",
    ("docs/virtual-euicc.md", "python"): f"{HERE}/test_part_pages.py",
    ("docs/virtual-power-supply.md", ""): f"{HERE}/test_part_pages.py",
    ("README.md", "python"): f"{HERE}/test_walk_through.py",
    ("README.md", "sh"): f"{HERE}/test_walk_through.py",
    ("README.md", "text"): f"{HERE}/test_walk_through.py",
    ("docs/lab-guide.md", "python"): f"{HERE}/test_walk_through.py",
    ("docs/lab-guide.md", "sh"): f"{HERE}/test_walk_through.py",
    ("docs/lab-guide.md", "yaml"): f"{HERE}/test_lab_guide.py",
    ("docs/lab-guide.md", "text"): f"{HERE}/test_lab_guide.py",
    ("docs/lab-guide.md", "json"): f"{HERE}/test_walk_through.py",
}


def is_drawing(block: Block) -> bool:
    return block.language in ("", "text") and "▶" in block.text


@pytest.mark.parametrize("block", all_blocks(), ids=lambda block: block.id)
def test_every_block_has_a_test(block: Block) -> None:
    if is_drawing(block):
        return
    claimed = CLAIMS.get((block.page, block.language))
    assert claimed, f"nobody runs the block at {block.id} ({block.language or 'no language'})"
    name = Path(block.page).name
    source = (ROOT / claimed).read_text(encoding="utf-8")
    assert name in source, f"{claimed} does not read {name}"


def test_no_claim_is_left_over() -> None:
    assert set(CLAIMS) == {(b.page, b.language) for b in all_blocks() if not is_drawing(b)}


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for link in links(path):
        if link.startswith(("https://", "http://")):
            continue
        target, _, anchor = link.partition("#")
        end = (path.parent / target).resolve() if target else path
        assert end.exists(), f"{path.name}: {link}"
        assert end.is_relative_to(ROOT), f"{path.name}: {link} leads out of the project"
        if anchor:
            assert anchor in anchors(end), f"{path.name}: {link}"


def test_every_page_is_reachable_from_the_readme() -> None:
    seen: set[Path] = set()
    open_ends = [ROOT / "README.md"]
    while open_ends:
        path = open_ends.pop()
        if path in seen or path.suffix != ".md":
            continue
        seen.add(path)
        ends = (link.partition("#")[0] for link in links(path) if not link.startswith("http"))
        open_ends += [(path.parent / end).resolve() for end in ends if end]
    assert set(pages()) <= seen
