"""All targets by name."""

from __future__ import annotations

from tests.fuzz import targets_package, targets_parts, targets_wire
from tests.fuzz.engine import Target

TARGETS: dict[str, Target] = {
    **targets_wire.TARGETS,
    **targets_package.TARGETS,
    **targets_parts.TARGETS,
}
