"""Worlds of actors for the tests of the servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.provisioning.world import World

MakeWorld = Callable[..., World]


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[MakeWorld]:
    """Make worlds, each in its own folder; all are closed at the end."""
    made: list[World] = []

    def make(**options: Any) -> World:  # noqa: ANN401 - fields of World
        folder = tmp_path / f"world-{len(made)}"
        folder.mkdir()
        world = World(folder, **options)
        made.append(world)
        return world

    yield make
    for world in made:
        world.close()


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """One world with one eUICC, packets going to the support server."""
    return make_world()
