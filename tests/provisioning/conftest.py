"""Worlds of actors for the tests of the servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hil.provisioning.orders import Route
from hil.provisioning.sm_sr.ota_queue import Patience
from hil.virtual.euicc import open_card
from tests.provisioning.air import CardAir, start
from tests.provisioning.aired import EID, Air
from tests.provisioning.world import MSISDN, World, factory_of

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


@pytest.fixture
def air(make_world: Callable[..., World], tmp_path: Path) -> Iterator[Air]:
    factory = factory_of(EID)
    card = open_card(tmp_path / "card", factory)
    carrier = CardAir(card, MSISDN)
    world = make_world(
        route=Route.SM_SR, carrier=carrier, patience=Patience(answer_s=5, overtake_s=1)
    )
    world.maker.produce(factory, msisdn=MSISDN)
    start(card)
    yield Air(world, carrier)
    card.close()
