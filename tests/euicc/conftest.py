from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.virtual.euicc import VirtualCard, open_card
from tests.euicc.terminal import Terminal, factory, profile


@pytest.fixture
def card(tmp_path: Path) -> Iterator[VirtualCard]:
    card = open_card(tmp_path / "nvm", factory())
    card.power_on()
    yield card
    card.close()


@pytest.fixture
def terminal(card: VirtualCard) -> Terminal:
    return Terminal(card)


@pytest.fixture(scope="session")
def package() -> bytes:
    """A generated test profile."""
    return profile()


@pytest.fixture(scope="session")
def ts48_packages() -> dict[str, bytes]:
    """GSMA TS.48 packages by file name, from the folder in HIL_TS48_DIR."""
    folder = os.environ.get("HIL_TS48_DIR")
    if not folder:
        pytest.skip("HIL_TS48_DIR names no folder with GSMA TS.48 packages")
    packages = {path.name: path.read_bytes() for path in sorted(Path(folder).glob("*.der"))}
    if not packages:
        pytest.skip(f"no .der file in {folder} (HIL_TS48_DIR)")
    return packages
