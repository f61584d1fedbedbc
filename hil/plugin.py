"""The pytest plugin: options, markers and hooks. Thin and light.

Importing it imports nothing of VISA, PC/SC, serial, cryptography, Allure, pydantic or YAML; those
come when a bench is named or a marker of ours is met. Precedence of each option: command line,
then environment, then ini file.
"""

from __future__ import annotations

import contextlib
import functools
import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from hil.pytest_run import Run

RUN_KEY = pytest.StashKey["Run"]()
"""Our state of one session; in ``config.stash`` as soon as it is needed."""
_TRUE = ("1", "true", "yes", "on")


@functools.cache
def real_stderr() -> int:
    """Return the standard error of this process, as it was before pytest began to capture it."""
    return os.dup(2)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options, each with an ini and an environment twin."""
    with contextlib.suppress(OSError):  # closed: then there is nobody to tell
        real_stderr()
    group = parser.getgroup("hil", "hardware in the loop")
    group.addoption(
        "--hil-bench",
        metavar="NAME",
        help="bench: a name in lab-config/ or a path (ini: hil_bench, env: HIL_BENCH)",
    )
    group.addoption(
        "--hil-strict",
        action="store_true",
        default=None,
        help="what a bench lacks is a failure, not a skip (ini: hil_strict, env: HIL_STRICT)",
    )
    group.addoption(
        "--hil-profile",
        metavar="FILE",
        help="profile package (.der) or a folder of them (ini: hil_profile, env: HIL_PROFILE)",
    )
    group.addoption(
        "--hil-run-dir",
        metavar="DIR",
        help="folder for logs and notes of this run (ini: hil_run_dir, env: HIL_RUN_DIR)",
    )
    group.addoption(
        "--hil-case",
        metavar="ID,...",
        help="only these cases of the conformance set, such as 'EUICC-ES5-*' (ini: hil_case, "
        "env: HIL_CASE)",
    )
    group.addoption(
        "--hil-test-timeout",
        metavar="SECONDS",
        help="longest time of a test on a bench, 0 for ever; 600 by default "
        "(ini: hil_test_timeout, env: HIL_TEST_TIMEOUT)",
    )
    group.addoption(
        "--hil-waivers",
        metavar="FILE",
        help="known issues, in place of those of the bench (ini: hil_waivers, env: HIL_WAIVERS)",
    )
    parser.addini("hil_waivers", "default file of known issues", type="string", default="")
    group.addoption(
        "--hil-progress",
        metavar="MODE",
        help="what a run on a bench shows: auto, live, plain, json, json:FILE or off "
        "(ini: hil_progress, env: HIL_PROGRESS)",
    )
    group.addoption(
        "--hil-heartbeat",
        metavar="SECONDS",
        help="sign of life in a log after so long without a line, 0 for never; 30 by default "
        "(ini: hil_heartbeat, env: HIL_HEARTBEAT)",
    )
    group.addoption(
        "--hil-operator",
        metavar="ID",
        help="who is at the bench, for the record (ini: hil_operator, env: HIL_OPERATOR)",
    )
    group.addoption(
        "--hil-operator-script",
        metavar="FILE",
        help="answers to the operator's prompts, in place of a person "
        "(ini: hil_operator_script, env: HIL_OPERATOR_SCRIPT)",
    )
    parser.addini("hil_progress", "default display", type="string", default="")
    parser.addini("hil_heartbeat", "default silence of a log", type="string", default="")
    parser.addini("hil_operator", "default operator", type="string", default="")
    parser.addini("hil_operator_script", "default answers", type="string", default="")
    parser.addini("hil_test_timeout", "longest time of a test", type="string", default="")
    parser.addini("hil_case", "default cases", type="string", default="")
    parser.addini("hil_bench", "default bench", type="string", default="")
    parser.addini("hil_strict", "fail where the bench lacks something", type="bool", default=False)
    parser.addini("hil_profile", "default profile package", type="string", default="")
    parser.addini("hil_run_dir", "default folder of a run", type="string", default="")


def setting(config: pytest.Config, name: str) -> str:
    """Return a setting by command line, environment or ini file; "" if nowhere given."""
    given = config.getoption(f"hil_{name}")
    if given:
        return str(given)
    return os.environ.get(f"HIL_{name.upper()}", "") or str(config.getini(f"hil_{name}") or "")


def is_strict(config: pytest.Config) -> bool:
    """Whether what the bench lacks is a failure."""
    if config.getoption("hil_strict") is not None:
        return bool(config.getoption("hil_strict"))
    given = os.environ.get("HIL_STRICT")
    return given.lower() in _TRUE if given else bool(config.getini("hil_strict"))


def run_of(config: pytest.Config) -> Run:
    """Return our state of the session; made at the first call."""
    if RUN_KEY not in config.stash:
        from hil.pytest_run import Run  # noqa: PLC0415 - lazily, see the module's docstring

        run = Run(config)
        config.stash[RUN_KEY] = run
        config.pluginmanager.register(run.hooks, "hil-run")
        config.pluginmanager.register(run.evidence, "hil-evidence")
    return config.stash[RUN_KEY]


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers; where a bench is named, read its file before anything is collected."""
    for line in (
        'requires(*capabilities): what the bench must have, such as "card" or "power_supply.jig"',
        "applies(condition): to which products the test applies, by items of their conformance "
        'statement, such as "A.4/7 and not O_BER_TLV"',
        'requirement(*ids, refusal=False): what the test proves, such as "R-12"; a refusal says so',
        "severity(level): blocker, critical, normal, minor or trivial",
        "conformance(id, section=..., title=...): case of the conformance set, such as "
        '"EUICC-ES5-ENABLE-03"',
        'units(**units): of parameters whose names do not end in one, such as share="% of U"',
        'operator(*prompts): what a person will be asked to do, such as "swap the card"',
    ):
        config.addinivalue_line("markers", line)
    if setting(config, "bench"):
        run_of(config).load()
    if setting(config, "bench") or setting(config, "waivers"):
        run_of(config).tell_waivers()
    if setting(config, "bench") or setting(config, "progress"):
        from hil.pytest_progress import show  # noqa: PLC0415 - only where a session is shown

        show(config, run_of(config))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Check our markers, and skip what the bench cannot do."""
    # On a bench every test is evidence, also one that names no requirement.
    on_bench = bool(setting(config, "bench"))
    ours = [
        item
        for item in items
        if on_bench
        or any(
            mark.name in ("requires", "applies", "requirement", "severity", "conformance")
            for node in item.listchain()
            for mark in node.own_markers
        )
    ]
    if ours:
        run_of(config).collected(ours)
    wanted = [one for one in setting(config, "case").split(",") if one]
    if wanted:
        from hil.pytest_cases import select_cases  # noqa: PLC0415 - only where cases are named

        select_cases(config, items, wanted)


@pytest.hookimpl(wrapper=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, object, object]:
    """Make the bench safe when the session is over, also after an internal error."""
    try:
        return (yield)
    finally:
        if RUN_KEY in config.stash:
            config.stash[RUN_KEY].close()
