"""A file is written whole or not at all, whatever stops it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hil.evidence import attachments
from hil.evidence.whole_file import write_whole
from hil.report import out


def _stop(monkeypatch: pytest.MonkeyPatch, why: BaseException) -> None:
    def stopped(_path: Path, _to: Path) -> Path:
        raise why

    monkeypatch.setattr(Path, "replace", stopped)


@pytest.mark.parametrize("why", [OSError(28, "full"), KeyboardInterrupt(), SystemExit(1)])
def test_what_stood_there_stays_and_nothing_lies_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: BaseException
) -> None:
    path = tmp_path / "view.html"
    path.write_text("before")
    _stop(monkeypatch, why)
    with pytest.raises(type(why)):
        write_whole(path, b"after")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("view.html", "before")]


def test_bytes_or_a_file_readable_by_all(tmp_path: Path) -> None:
    source, path = tmp_path / "source", tmp_path / ("n" * 250)
    source.write_bytes(bytes(range(256)) * 10_000)
    before = os.umask(0o077)
    try:
        write_whole(path, source)
    finally:
        os.umask(before)
    assert path.read_bytes() == source.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o644
    write_whole(path, b"other")
    assert path.read_bytes() == b"other"
    with pytest.raises(FileNotFoundError):
        write_whole(path, tmp_path / "none")
    assert len(list(tmp_path.iterdir())) == 2


def test_an_interrupt_leaves_no_dot_file_for_a_seal_to_take_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stop(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        attachments.store(tmp_path, b"read", "text")
    with pytest.raises(KeyboardInterrupt):
        out.write_whole(tmp_path / "evidence" / "run.html", "page")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
