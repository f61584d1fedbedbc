"""A card whose enabled profile is the operator's, and its terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.virtual.euicc import VirtualCard, open_card
from tests.euicc.operator import (
    operator_profile,
    prepared,
)
from tests.euicc.terminal import Terminal, factory


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A card whose enabled profile is the operator's."""
    return prepared(tmp_path_factory.mktemp("card"), operator_profile())


@pytest.fixture
def card(folder: Path, tmp_path: Path) -> Iterator[VirtualCard]:
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    card = open_card(tmp_path, factory())
    yield card
    card.close()


@pytest.fixture
def terminal(card: VirtualCard) -> Terminal:
    return Terminal(card)
