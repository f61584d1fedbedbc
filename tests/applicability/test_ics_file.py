"""The statement of a product: read strictly, with the digest of what was read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from hil.applicability.ics_file import read_ics

GOOD = """schema: 1
kind: ics
supplier: Maker
product: Card
release: "2.1"
items:
  A.4/7: {text: BER-TLV files, reference: "TS 102 222", support: true}
  O_X: {text: something else, support: false}
  A.9/1: {text: number of profiles, support: 8}
  A.9/2: {text: version, support: "2.1"}
"""


def test_items_and_digest(tmp_path: Path) -> None:
    path = tmp_path / "card.yaml"
    path.write_text(GOOD, encoding="utf-8")
    ics, problems = read_ics(path)
    assert ics is not None
    assert problems == []
    assert ics.stated == {"A.4/7": True, "O_X": False, "A.9/1": 8, "A.9/2": "2.1"}
    assert ics.sha256 == hashlib.sha256(GOOD.encode()).hexdigest()
    assert ics.line == f"Maker, Card, release 2.1  sha256 {ics.sha256}"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("support: true", "suport: true", "7:57: unknown key 'items.A.4/7.suport' - did you mean"),
        ("support: true", "support: 1.5", "support is true, false, a whole number, or text"),
        ("support: true", "support: yes", "'yes' is no answer; write true or false, without"),
        ("support: true", 'support: ""', "support is true, false, a whole number, or text"),
        ("O_X:", "A.4/7:", "8:3: 'A.4/7' stands here twice; the first is in line 7"),
        ("O_X:", "not:", "items: 'not' cannot be the id of an item"),
        ("O_X:", "A/x:", "items: 'A/x' cannot be the id of an item"),
        ("kind: ics", "kind: icss", "2:7: kind: 'icss' is not known - did you mean 'ics'?"),
        ("text: something else, ", "", "the key 'items.O_X.text' is missing"),
    ],
)
def test_a_mistake_is_told_with_its_place(
    tmp_path: Path, before: str, after: str, told: str
) -> None:
    path = tmp_path / "card.yaml"
    path.write_text(GOOD.replace(before, after), encoding="utf-8")
    ics, problems = read_ics(path)
    assert ics is None
    assert any(told in str(one) and "card.yaml" in str(one) for one in problems), problems


def test_without_a_file() -> None:
    ics, problems = read_ics(Path("/nowhere/ics.yaml"))
    assert ics is None
    assert "there is no such file" in str(problems[0])
