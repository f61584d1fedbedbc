"""A network, a client of its SMS centre and a device on its air."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.network.running import RadioLine, RunningNetwork, SmppLine


@pytest.fixture
def network() -> Iterator[RunningNetwork]:
    with RunningNetwork() as running:
        yield running


@pytest.fixture
def client(network: RunningNetwork) -> Iterator[SmppLine]:
    line = SmppLine(network.smpp)
    yield line
    line.close()


@pytest.fixture
def phone(network: RunningNetwork) -> Iterator[RadioLine]:
    line = RadioLine(network.radio)
    yield line
    line.close()
