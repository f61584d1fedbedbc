"""Our state of one pytest session: the bench, the markers, the verdicts. Made when first needed."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

import pytest

from hil import plugin
from hil.errors import BenchError, ConfigError, HilError, UsageError
from hil.not_applicable import NotApplicable, not_applicable
from hil.pytest_applicability import found_out, judge_collected, note_lacking
from hil.pytest_cases import note_case, repeated_cases
from hil.pytest_counting import compile_again
from hil.pytest_evidence import Evidence
from hil.pytest_hooks import RunHooks
from hil.pytest_units import units_of
from hil.pytest_verdicts import Verdicts
from hil.pytest_ways import ways_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.bench.bench import Bench
    from hil.bench.lab import Lab
    from hil.evidence.waivers import Waivers
    from hil.observer import Exchange

MAIN: Final = "main"
SEVERITIES: Final = ("blocker", "critical", "normal", "minor", "trivial")
_Thing = TypeVar("_Thing")
_LACKING = pytest.StashKey[str]()
_NEEDS_M2M = pytest.StashKey[bool]()
NO_BENCH: Final = "no bench is named: give --hil-bench NAME (or HIL_BENCH, or hil_bench in the ini)"


class _Notes:
    """Hands exchanges to whatever notebook is open when they happen."""

    def exchange(self, exchange: Exchange) -> None:
        from hil.evidence import current_notebook  # noqa: PLC0415

        current_notebook().exchange(exchange)


class Run:
    """One session in one process: under xdist the controller and each worker have their own."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.verdicts = Verdicts(config)
        self.evidence = Evidence(self)
        self.hooks = RunHooks(self)
        self._lab: Lab | None = None
        self._bench: Bench | None = None
        self._waivers: Waivers | None = None
        self._broken: dict[str, BenchError] = {}
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self.deadline = 0.0
        """When (time.monotonic) the running test must be over, 0 for never; watchdogs know it."""
        self.refused = False
        """Whether a marker is wrong: then pytest ends before the first test."""

    @property
    def worker(self) -> str:
        """Name of this process: ``main``, or ``gw0`` and so on under xdist."""
        return self._given("workerid") or MAIN

    def _given(self, name: str) -> str:
        """Return what the controller gave this worker; "" on the controller itself."""
        given: dict[str, str] = getattr(self.config, "workerinput", {})
        return given.get(name, "")

    @property
    def keeps_folder(self) -> bool:
        """Whether the folder of this run was named, and so is kept."""
        return bool(plugin.setting(self.config, "run_dir"))

    def folder(self) -> Path:
        """Return this process's folder for logs and notes; a temporary one if none was named."""
        named = plugin.setting(self.config, "run_dir") or self._given("hil_run_dir")
        if named:
            path = Path(named).expanduser().absolute() / self.worker
            path.mkdir(parents=True, exist_ok=True)
            return path
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="hil-", ignore_cleanup_errors=True)
        return Path(self._temporary.name)

    def load(self) -> Lab | None:
        """Return the bench's file, read and checked; None if no bench is named.

        Raises pytest.UsageError with every problem in it.
        """
        name = plugin.setting(self.config, "bench")
        if self._lab is None and name:
            from hil.bench.lab import load_lab  # noqa: PLC0415 - only where a bench is named

            try:
                profile = plugin.setting(self.config, "profile") or None
                self._lab = load_lab(name, profile=profile)
            except ConfigError as err:
                raise pytest.UsageError(str(err)) from None
            self._lead_workers()
            compile_again(self.config)
            from hil.pytest_deadline import Deadline, test_timeout  # noqa: PLC0415

            deadline = Deadline(self, test_timeout(self.config))
            self.config.pluginmanager.register(deadline, "hil-deadline")
            if self.worker == MAIN:
                from hil.pytest_ending import Ending  # noqa: PLC0415

                self.config.pluginmanager.register(Ending(self), "hil-ending")
        return self._lab

    @property
    def has_bench(self) -> bool:
        """Whether a bench is named."""
        return self._lab is not None

    @property
    def opened(self) -> Bench | None:
        """The bench, if anything has used it."""
        return self._bench

    def waivers(self) -> Waivers | None:
        """Return the known issues of this run, None without; UsageError if their file is wrong."""
        from hil.pytest_waivers import waivers_of  # noqa: PLC0415 - only where a bench is named

        if self._waivers is None:
            try:
                self._waivers = waivers_of(self.config, self.load())
            except ConfigError as err:
                raise pytest.UsageError(str(err)) from None
        return self._waivers

    def tell_waivers(self) -> None:
        """Have the end of the session say which verdicts are waived."""
        waivers = self.waivers()
        if waivers is not None and self.worker == MAIN:
            from hil.pytest_waivers import WaiverView  # noqa: PLC0415

            self.config.pluginmanager.register(WaiverView(waivers), "hil-waivers")

    def _lead_workers(self) -> None:
        if self.worker == MAIN and self.config.getoption("numprocesses", None):
            from hil.pytest_workers import Workers  # noqa: PLC0415 - only on a controller

            self.config.pluginmanager.register(Workers(self), "hil-workers")

    def bench(self) -> Bench:
        """Return the open bench of this process; equipment on it opens when first used.

        Without a bench the test is skipped, or fails in a strict run.
        """
        lab = self.load()
        if lab is None:
            self.lack(NO_BENCH)
        if self._bench is None:
            from hil.bench.bench import Bench  # noqa: PLC0415

            assert lab is not None  # noqa: S101 - lack() does not return
            if self.worker != MAIN:
                from hil.pytest_workers import die_with_parent  # noqa: PLC0415

                die_with_parent()
            self._bench = Bench(
                lab,
                self.folder(),
                observer=_Notes(),
                deadline=lambda: self.deadline,
                alarm=_stderr(),
            )
        return self._bench

    def use(self, name: str, opener: Callable[[Bench], _Thing]) -> _Thing:
        """Return what ``opener`` gets from the bench; for fixtures: ``use("card", ...)``.

        What does not open is an error once; later tests that want the same ``name`` are skipped
        with that reason (or fail in a strict run) instead of waiting for it again and again: they
        are INCONCLUSIVE.
        """
        if name in self._broken:
            reason = f"{name} broke earlier in this run: {self._broken[name]}"
            if plugin.is_strict(self.config):
                pytest.fail(f"{reason} (strict run)", pytrace=False)
            pytest.skip(reason)
        try:
            return opener(self.bench())
        except BenchError as err:
            self._broken[name] = err
            raise

    def check_setup(self, item: pytest.Item) -> None:
        """Fail a test of a strict run that lacks something, skip one that needs another card."""
        reason = item.stash.get(_LACKING, None)
        if reason is not None:
            pytest.fail(reason, pytrace=False)
        if item.stash.get(_NEEDS_M2M, False):
            self.need_m2m()

    def need_m2m(self) -> None:
        """Go on only with an M2M eUICC: for another kind of card the test is not applicable.

        An eUICC whose kind cannot be told counts as one: it may be a product that is broken.
        """
        from hil.equipment.card.recognition import CardKind  # noqa: PLC0415

        kind = self.use("the card", lambda bench: bench.recognised).kind
        if kind not in (CardKind.M2M, CardKind.UNKNOWN_EUICC):
            self.lack(
                f"the card on the bench is a {kind.value}, and this needs {CardKind.M2M.value}"
            )

    def asked_for(self, case: str) -> bool:
        """Whether this run was given the id of a case of the conformance set, and no pattern."""
        return case in plugin.setting(self.config, "case").split(",")

    def lack(self, reason: str) -> NoReturn:
        """Say that the bench lacks something for the running test: it is NOT APPLICABLE.

        In a strict run it fails. Does not return.
        """
        if plugin.is_strict(self.config):
            pytest.fail(f"{reason} (strict run)", pytrace=False)
        not_applicable(reason)

    def not_applicable(self, item: pytest.Item, error: NotApplicable, *, began: bool) -> None:
        """Note that a running test does not apply; raises where its supplier states otherwise."""
        lab = self.load()
        found_out(item, error, lab.ics if lab else None, began=began)

    def collected(self, items: list[pytest.Item]) -> None:
        """Check the markers of our items, and mark what the bench lacks.

        Raises pytest.UsageError for an unknown requirement, capability or severity.
        """
        wrong: list[str] = []
        for item in items:
            try:
                self._check(item)
            except UsageError as err:
                wrong.append(str(err))
        wrong += repeated_cases(items)
        if wrong:
            self.refused = True
            raise pytest.UsageError("\n".join(dict.fromkeys(wrong)))
        self._tell_allure()

    def _tell_allure(self) -> None:
        if self.config.getoption("allure_report_dir", None):
            from hil.allure_scrubbing import scrub_allure  # noqa: PLC0415 - only with --alluredir
            from hil.pytest_allure import AllureLabels  # noqa: PLC0415

            scrub_allure(self.config, self.evidence.scrubbing.text)
            bench = self._lab.name if self._lab else ""
            self.config.pluginmanager.register(AllureLabels(bench), "hil-allure")

    def _check(self, item: pytest.Item) -> None:
        requirements = tuple(ways_of(item))
        for mark in item.iter_markers("severity"):
            if mark.args not in [(level,) for level in SEVERITIES]:
                levels = ", ".join(SEVERITIES)
                raise UsageError(f"{item.nodeid}: @pytest.mark.severity is one of {levels}")
        units_of(item)
        note_case(item)
        self.verdicts.expect(item, requirements)
        lab = self.load()
        if not judge_collected(item, lab.ics if lab else None).applies:
            return
        needed = [name for mark in item.iter_markers("requires") for name in mark.args]
        if any(True for _ in item.iter_markers("requires")):
            self._match(item, needed)

    def _match(self, item: pytest.Item, needed: list[object]) -> None:
        from hil.bench import capabilities as capability  # noqa: PLC0415

        names = capability.check_known(needed, f"{item.nodeid}: @pytest.mark.requires")
        lab, missing = self.load(), list(names)
        if lab is None:
            reason = NO_BENCH
        else:
            item.stash[_NEEDS_M2M] = "card.m2m" in names
            missing = capability.missing(names, capability.capabilities(lab))
            if not missing:
                return
            reason = f"bench '{lab.name}' lacks {', '.join(missing)}"
        strict = plugin.is_strict(self.config)
        note_lacking(item, reason, missing, strict=strict)
        if strict:
            item.stash[_LACKING] = f"{reason} (strict run)"

    def expect(self, deadline: float) -> None:
        """Say by when (time.monotonic) a sign of life must come, 0 for never."""
        self.deadline = deadline
        if self._bench is not None:
            self._bench.beat()

    def outputs_off(self) -> None:
        """Switch all outputs off, proven and written down; BenchError if that is not so."""
        if self._bench is None:
            return
        report = self._bench.outputs_off()
        if report is not None:
            from hil.evidence import current_notebook  # noqa: PLC0415

            current_notebook().proof("all outputs off", str(report))

    def lost_watchdogs(self) -> list[str]:
        """Return what the watchdogs of workers that were lost have done, a line each."""
        if not self.config.pluginmanager.hasplugin("hil-workers"):
            return []
        from hil.bench.supply_guard import ends_of  # noqa: PLC0415

        return ends_of(self.folder_of_workers())

    def folder_of_workers(self) -> Path:
        """Return the folder in which each worker has its own."""
        named = plugin.setting(self.config, "run_dir")
        return Path(named).expanduser().absolute() if named else self.folder()

    def close(self) -> list[str]:
        """Close the bench and make everything safe; return what failed. Idempotent."""
        failed: list[str] = []
        bench, self._bench = self._bench, None
        if bench is not None:
            try:
                bench.close()
            except HilError as err:
                failed.append(str(err))
                self.evidence.notebook.unsafe(str(err))
        self.evidence.close()
        if self._temporary is not None and not failed:
            self._temporary.cleanup()
            self._temporary = None
        return failed


def _stderr() -> int | None:
    with contextlib.suppress(OSError):
        return plugin.real_stderr()
    return None
