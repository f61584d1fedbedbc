"""The operator of a session: who can be asked, what waits meanwhile, what is written down."""

from __future__ import annotations

import getpass
import os
import time
from collections import Counter
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from hil import plugin
from hil.errors import ConfigError
from hil.operator import Asked, Operator, Prompt
from hil.operator.console import Console, lacking_terminal
from hil.operator.refusing import Refusing
from hil.operator.script import Script
from hil.terminal.board import MAIN
from hil.terminal.tail import LOOK_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hil.operator.prompt import Backend
    from hil.pytest_run import Run

_NO: Final = ("", "0", "false", "no", "off")
MOST_TOLD: Final = 8


def operator_of(run: Run) -> Operator:
    """Return the operator of this session."""
    return Operator(backend_of(run.config), _Surroundings(run))


def backend_of(config: pytest.Config) -> Backend:
    """Return who answers: the script that was given, the person at the terminal, or nobody.

    Raises pytest.UsageError for a script that is none.
    """
    script = plugin.setting(config, "operator_script")
    if script:
        try:
            return Script(Path(script).expanduser())
        except ConfigError as err:
            raise pytest.UsageError(f"--hil-operator-script: {err}") from None
    workers: dict[str, int] = getattr(config, "workerinput", {})
    if int(workers.get("workercount", 1)) > 1:
        return Refusing(
            f"{workers['workercount']} workers would compete for one terminal: run with -n 0, or "
            f"give --hil-operator-script"
        )
    if os.environ.get("CI", "").lower() not in _NO:
        return Refusing("this is CI, where nobody sits: give --hil-operator-script")
    lacking = lacking_terminal()
    if lacking:
        return Refusing(f"{lacking}: run in front of one, or give --hil-operator-script")
    return Console(plugin.setting(config, "operator") or f"user {_user()}")


def announcement(config: pytest.Config, items: Iterable[pytest.Item]) -> list[str]:
    """Return what to say before the tests of the prompts that they will show; [] for none.

    ``@pytest.mark.operator("card swap", ...)`` announces a prompt each.
    """
    prompts = Counter(
        str(name) for item in items for mark in item.iter_markers("operator") for name in mark.args
    )
    if not prompts:
        return []
    told = [name if count == 1 else f"{name} ({count} times)" for name, count in prompts.items()]
    if len(told) > MOST_TOLD:
        told = [*told[:MOST_TOLD], "…"]
    total = prompts.total()
    backend = backend_of(config)
    who = (
        f"NOBODY ANSWERS, verdicts will be INCONCLUSIVE: {backend.why}"
        if isinstance(backend, Refusing)
        else f"answered by {backend.operator}"
    )
    return [f"operator: {total} prompt{'s' * (total != 1)} expected: {', '.join(told)}; {who}"]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # an id without a name
        return str(os.getuid())


class _Surroundings:
    """What a prompt has to do with the run: see :class:`hil.operator.asking.Surroundings`."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @contextmanager
    def waiting(self, prompt: Prompt, timeout_s: float) -> Iterator[None]:
        run = self._run
        run.evidence.notebook.prompt_begins(prompt.question, prompt.wanted, timeout_s)
        if run.worker != MAIN:
            # The controller of this worker paints on the same terminal, until it reads that line.
            time.sleep(3 * LOOK_S)
        deadline = run.config.pluginmanager.get_plugin("hil-deadline")
        with nullcontext() if deadline is None else deadline.paused(timeout_s):
            yield

    def note(self, asked: Asked) -> None:
        self._run.evidence.notebook.prompt(
            asked.question, asked.options, asked.answer, asked.operator, asked.asked_ns
        )

    def make_safe(self) -> None:
        self._run.outputs_off()
