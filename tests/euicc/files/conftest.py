"""A card with a DF of its own for file commands, and a terminal that stands in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.virtual.euicc import VirtualCard
from tests.euicc.enabled_card import card_with
from tests.euicc.playground import DF, playground
from tests.euicc.terminal import Terminal, profile


@pytest.fixture(scope="module")
def package() -> bytes:
    return playground(profile())


@pytest.fixture
def card(tmp_path: Path, package: bytes) -> Iterator[VirtualCard]:
    card = card_with(tmp_path / "card", package)
    yield card
    card.close()


@pytest.fixture
def terminal(card: VirtualCard) -> Terminal:
    terminal = Terminal(card)
    terminal.select(0x3F00)
    terminal.select(DF)
    return terminal
