"""Fixtures of the bench live in ``fixtures/``; they load here, in the root, and nowhere else."""

from __future__ import annotations

import pytest

# Helpers of test cases check as well: what they assert is explained, and counted.
pytest.register_assert_rewrite("testcases")

pytest_plugins = (
    "pytester",
    "fixtures.evidence",
    "fixtures.bench",
    "fixtures.power_supply",
    "fixtures.measurement",
    "fixtures.card",
    "fixtures.device",
    "fixtures.network",
    "fixtures.servers",
    "fixtures.operator",
)
