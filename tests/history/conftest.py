from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.history.store import History


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "history.sqlite"


@pytest.fixture
def history(file: Path) -> Iterator[History]:
    with History(file, writable=True) as opened:
        yield opened
