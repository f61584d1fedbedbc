"""All targets by name."""

from __future__ import annotations

from tests.fuzz import (
    targets_lab,
    targets_package,
    targets_parts,
    targets_servers,
    targets_sessions,
    targets_values,
    targets_wire,
)
from tests.fuzz.engine import Target

TARGETS: dict[str, Target] = {
    **targets_wire.TARGETS,
    **targets_package.TARGETS,
    **targets_values.TARGETS,
    **targets_sessions.TARGETS,
    **targets_parts.TARGETS,
    **targets_servers.TARGETS,
    **targets_lab.TARGETS,
}
