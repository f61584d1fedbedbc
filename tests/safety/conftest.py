from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.power_supply.part import Part, start_part


@pytest.fixture(scope="session")
def outliving_part() -> Iterator[Part]:
    with start_part() as part:
        yield part


@pytest.fixture
def part(outliving_part: Part) -> Part:
    """A virtual DP832 that no run owns, well and as after power-up."""
    outliving_part.well()
    return outliving_part
