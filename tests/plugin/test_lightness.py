"""The plugin brings nothing heavy along."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugin.conftest import Session

ROOT = Path(__file__).parents[2]
HEAVY = (
    "pyvisa",
    "pyvisa_py",
    "smartcard",
    "serial",
    "cryptography",
    "allure",
    "allure_commons",
    "allure_pytest",
    "pydantic",
    "yaml",
    "cbor2",
    "cwt",
    "sqlalchemy",
    "fastapi",
    "asyncio",
)


def test_importing_the_plugin_imports_nothing_heavy() -> None:
    script = (
        "import sys, json, pytest; before = set(sys.modules); import hil.plugin; "
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    new = json.loads(done.stdout)
    assert new == ["hil", "hil.plugin"]


def test_a_session_without_our_markers_imports_nothing_heavy(session: Session) -> None:
    source = (
        f"import sys\ndef test_it():\n    assert [n for n in {HEAVY} if n in sys.modules] == []\n"
    )
    done = session(source)
    assert done.returncode == 0, done.stdout


def test_a_session_with_our_markers_but_no_bench_opens_nothing(session: Session) -> None:
    heavy = tuple(name for name in HEAVY if name != "asyncio")
    source = (
        "import sys, pytest\n@pytest.mark.requirement('R-01')\ndef test_it():\n"
        f"    assert [n for n in {heavy} if n in sys.modules] == []\n"
    )
    done = session(source)
    assert done.returncode == 0, done.stdout


def test_a_bench_that_no_test_uses_is_not_opened(session: Session, tmp_path: Path) -> None:
    source = (
        "import sys\ndef test_it():\n"
        "    assert 'hil.bench.lab' in sys.modules\n"
        "    assert 'hil.bench.bench' not in sys.modules\n"
        "    assert 'pyvisa' not in sys.modules\n"
    )
    done = session(source, "--hil-bench", "virtual")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("module", ["hil.cli", "hil.errors", "hil.requirements"])
def test_the_tool_starts_light(module: str) -> None:
    script = f"import sys, {module}; print([n for n in {HEAVY} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
