"""A pytest plugin of ``hil requirements``: prints the requirements of each collected test."""

from __future__ import annotations

import json

import pytest

from hil.cli.requirements import COLLECTED


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Print one line of JSON: node id → requirement ids."""
    found = {
        item.nodeid: [name for mark in item.iter_markers("requirement") for name in mark.args]
        for item in session.items
    }
    print(f"\n{COLLECTED}{json.dumps({node: ids for node, ids in found.items() if ids})}")
