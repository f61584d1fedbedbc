"""Fixtures of the bench live in ``fixtures/``; they load here, in the root, and nowhere else."""

from __future__ import annotations

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
)
