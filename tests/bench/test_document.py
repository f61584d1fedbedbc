from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hil.documents.document import Document, Mark, read_document


def read(text: str) -> Document:
    return read_document(Path("bench.yaml"), text=text)


def test_data_and_marks() -> None:
    document = read("a: 1\nb:\n  - x y\n  - {c: true}\n")
    assert document.problems == []
    assert document.data == {"a": 1, "b": ["x y", {"c": True}]}
    assert document.marks["b", 1, "c"] == Mark(4, 9)
    assert document.key_marks["b",] == Mark(2, 1)


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("12", 12),
        ("0x30", 48),
        ("1.5", 1.5),
        ("true", True),
        ("null", None),
        ("", None),
        ("yes", "yes"),
        ("on", "on"),
        ("012", "012"),
        ("12:30", "12:30"),
        ("2027-01-31", "2027-01-31"),
        ("89049032000000000012345678901212", "89049032000000000012345678901212"),
        ('"12"', "12"),
        ("5.5 V", "5.5 V"),
    ],
)
def test_scalars_hold_no_surprise(scalar: str, value: object) -> None:
    data = read(f"a: {scalar}\n").data
    assert data == {"a": value}
    assert type(data["a"]) is type(value)


@pytest.mark.parametrize(
    ("text", "line", "column", "what"),
    [
        ("a: 1\na: 2\n", 2, 1, "twice; the first is in line 1"),
        ("a: &x 1\nb: 2\n", 1, 4, "anchor"),
        ("a: 1\nb: *x\n", 2, 4, "alias"),
        ("a: !!python/object:os.system x\n", 1, 4, "tag"),
        ("a: 1\n---\nb: 2\n", 2, 1, "second document"),
        ("a: [1, 2\nb: 3\n", 2, 2, "not YAML"),
        ("? [1]\n: 2\n", 1, 3, "key must be plain text"),
        ("a: \x00\n", 1, 4, "U\\+0000"),
        ("\ta: 1\n", 1, 1, "not YAML"),
    ],
)
def test_form_is_refused_where_it_stands(text: str, line: int, column: int, what: str) -> None:
    problems = read(text).problems
    assert [(p.line, p.column) for p in problems][:1] == [(line, column)]
    assert re.search(what, str(problems[0]))


def test_alias_bomb_is_refused_at_once() -> None:
    bomb = 'a0: &a0 ["x","x","x","x","x","x","x","x","x"]\n'
    for level in range(1, 12):
        bomb += f"a{level}: &a{level} [{','.join([f'*a{level - 1}'] * 9)}]\n"
    started = time.monotonic()
    document = read(bomb)
    assert time.monotonic() - started < 1.0
    assert document.problems


def test_deep_nesting_is_refused_without_recursion() -> None:
    document = read("a: " + "[" * 5000 + "]" * 5000)
    assert "nested too deeply" in str(document.problems[0])


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "b.yaml"
    path.write_bytes(b"a: 1\nb: caf\xe9\n")
    document = read_document(path)
    assert document.data is None
    assert (document.problems[0].line, document.problems[0].column) == (2, 7)
    assert "E9" in str(document.problems[0])


def test_absent_folder_and_huge_file(tmp_path: Path) -> None:
    assert "no such file" in str(read_document(tmp_path / "x.yaml").problems[0])
    assert "cannot be read" in str(read_document(tmp_path).problems[0])
    path = tmp_path / "huge.yaml"
    path.write_bytes(b"#" * 1_000_001)
    assert "larger than" in str(read_document(path).problems[0])


@given(st.text(max_size=200))
@example("a: [1, {b: *c}]\n? {x: 1}\n")
@example("- - - ? ? a")
@example("{? a, b: , : c}")
def test_any_text_gives_data_or_problems(text: str) -> None:
    document = read(text)
    assert document.problems or document.marks or document.data is None
