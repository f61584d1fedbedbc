"""Fixtures common to the project's own tests, and how Hypothesis judges them."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Both of them measure a wall clock that all processes of a machine share: on a busy one they fail
# for nothing that the code has done.
settings.register_profile(
    "hil", parent=settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("hil")
