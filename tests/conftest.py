"""Fixtures common to the project's own tests, and how Hypothesis judges them."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.thorough import IS_THOROUGH

LONGEST_S = 300
"""No test takes nearly so long; one that hangs has to end, and to say where it hung."""


NOT_NEEDED = "-p no:randomly -p no:hypothesispytest -p no:anyio"
"""What our own tests bring along, and what no test of a session uses; to load it is a third of a
session's start."""


def pytest_configure(config: pytest.Config) -> None:
    """Let the sessions that tests start be like those of users."""
    starts_workers = getattr(config.option, "numprocesses", None)
    if not starts_workers:
        os.environ["PYTEST_ADDOPTS"] = NOT_NEEDED


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test of ours its deadline."""
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LONGEST_S))


# Both of them measure a wall clock that all processes of a machine share: on a busy one they fail
# for nothing that the code has done.
settings.register_profile(
    "hil",
    parent=settings(),
    deadline=None,
    max_examples=100 if IS_THOROUGH else 35,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("hil")
