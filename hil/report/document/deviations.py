"""What was not as the method has it: deviations, additions and exclusions (7.8.2.1 n)."""

from __future__ import annotations

from collections.abc import Iterator

from hil.evidence.run_record import RunRecord
from hil.evidence.verdict import NOT_RUN
from hil.report.document.blocks import Block, Grid, Listing, Text
from hil.report.document.identity import ambience, calibration_of, told_otherwise
from hil.report.text import shortened, stated, visible


def blocks(run: RunRecord) -> Iterator[Block]:
    """Return them as a list, and the tests that were left out as a table."""
    found = [*_of_the_run(run), *_of_the_bench(run), *_of_the_tests(run)]
    yield Listing(tuple(shortened(one, 500) for one in found)) if found else Text("None.")
    if run.not_selected:
        rows = tuple(
            (shortened(visible(name), 200), shortened(visible(why), 200))
            for name, why in run.not_selected.items()
        )
        yield Text("Tests that were left out by choice:")
        yield Grid(("Test", "Reason"), (10, 5), rows)


def _of_the_run(run: RunRecord) -> Iterator[str]:
    strict = stated(run.begin, "strict")
    if strict != "yes":
        said = "The run was not strict" if strict else "Whether the run was strict is not stated"
        yield (
            f"{said}: what the bench lacks counts as not applicable, and an instrument with "
            "a calibration that does not hold, or an accuracy that is only assumed, may have "
            "stated a PASS."
        )
    if run.recovered:
        yield "The run was broken off; its journal was closed afterwards."
    yield from (
        f"{file.path.name} has no end: the run was broken off."
        for file in run.files
        if not file.ended
    )
    yield from (f"The evidence is not valid: {visible(fault)}." for fault in run.faults)
    if stated(run.begin, "git", "dirty") == "yes":
        yield "The suite had changes that are not in the commit named."


def _of_the_bench(run: RunRecord) -> Iterator[str]:
    if not ambience(run):
        yield "Ambient conditions were not recorded."
    for name, one in run.equipment.items():
        state = stated(one, "calibration", "state")
        if one.get("virtual"):
            yield f"{visible(name)} is VIRTUAL: a simulation stood in its place."
        elif state in ("expired", "missing"):
            yield f"The calibration of {visible(name)} is {state}: {calibration_of(one)}."
    for key, given, told in told_otherwise(run):
        yield f"The device told another {key} ({told}) than is stated of the item ({given})."


def _of_the_tests(run: RunRecord) -> Iterator[str]:
    left = len(run.not_selected)
    if left:
        yield f"{left} test{'s were' if left > 1 else ' was'} not selected."
    idle = sum(1 for test in run.tests.values() if test.verdict == NOT_RUN)
    if idle:
        yield f"{idle} test{'s that were' if idle > 1 else ' that was'} selected did not run."
    for test in run.tests.values():
        if test.attempts > 1:
            yield f"{visible(test.title)} was run {test.attempts} times; the worst result counts."
