"""A pytest plugin of the subcommands that list tests: prints what each says of itself."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from hil.cli.collected import COLLECTED
from hil.pytest_cases import case_of


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Print one line of JSON: node id → requirement ids, and the case of the conformance set."""
    rows = {}
    for item in session.items:
        ids = [name for mark in item.iter_markers("requirement") for name in mark.args]
        case = case_of(item)
        if ids or case is not None:
            rows[item.nodeid] = {
                "requirements": ids,
                "case": {} if case is None else asdict(case),
            }
    print(f"\n{COLLECTED}{json.dumps(rows)}")
