"""What the requirement markers of a pytest item say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.requirement_ways import Way, ways_named

if TYPE_CHECKING:
    import pytest


def ways_of(item: pytest.Item) -> dict[str, tuple[Way, ...]]:
    """Return requirement id → the ways that the test shows of it, by its markers.

    A module or class may name what most of its tests show: the nearest place that names a
    requirement decides. Raises UsageError for a marker that is wrong.
    """
    places: dict[str, object] = {}
    found: dict[str, list[Way]] = {}
    for node, mark in item.iter_markers_with_node("requirement"):
        where = f"{item.nodeid}: @pytest.mark.requirement"
        for name, way in ways_named(mark.args, mark.kwargs, where).items():
            if places.setdefault(name, node) is node and way not in found.setdefault(name, []):
                found[name].append(way)
    return {name: tuple(way for way in Way if way in ways) for name, ways in sorted(found.items())}
