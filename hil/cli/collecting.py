"""A pytest plugin of the subcommands that list tests: prints what each says of itself."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from hil.cli.collected import COLLECTED
from hil.pytest_cases import case_of
from hil.pytest_ways import ways_of


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Print one line of JSON: node id → requirements with ways, and the conformance case."""
    rows = {}
    for item in session.items:
        ways = ways_of(item)
        case = case_of(item)
        if ways or case is not None:
            rows[item.nodeid] = {
                "requirements": ways,
                "case": {} if case is None else asdict(case),
            }
    print(f"\n{COLLECTED}{json.dumps(rows)}")
