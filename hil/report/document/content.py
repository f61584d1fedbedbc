"""The content of a test report, in the order in which ISO/IEC 17025, 7.8 is asked for."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterator
from typing import Final

from hil.evidence.gate import FAILED, PASSED, gate
from hil.evidence.run_record import RunRecord
from hil.report.document import deviations, identity, results
from hil.report.document.blocks import Block, Document, Facts, Heading, Listing, Signatures, Text
from hil.report.document.fields import Fields
from hil.report.text import shortened, visible
from hil.report.verdicts import WaiverOf

TITLE: Final = "Test report"
VIRTUAL: Final = "VIRTUAL - parts of the bench are simulated"
_STATEMENTS: Final = (
    "The results relate only to the items tested.",
    "This report shall not be reproduced except in full without the written approval of the "
    "laboratory.",
    "What the supplier states of the item (implementation conformance statement) decided which "
    "tests apply; the laboratory answers for it only as far as these tests show it.",
)


def build(run: RunRecord, *, issued: datetime.date, waiver: WaiverOf, amends: str = "") -> Document:
    """Return the report of a run; its number changes with anything that stands in it."""
    fields = Fields()
    blocks = tuple(_blocks(run, fields, issued, waiver, visible(amends)))
    marks = (VIRTUAL,) if run.is_virtual else ()
    heads = [(file.path.name, file.lines, file.head) for file in run.files]
    whole = repr((heads, issued, marks, fields.missing, blocks))
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()
    return Document(
        title=TITLE,
        number=f"TR-{shortened(visible(run.run), 60)}-{digest[:8]}",
        laboratory=identity.laboratory_of(run) or "laboratory not stated",
        issued=issued,
        marks=marks,
        missing=tuple(fields.missing),
        blocks=blocks,
    )


def _blocks(
    run: RunRecord, fields: Fields, issued: datetime.date, waiver: WaiverOf, amends: str
) -> Iterator[Block]:
    if amends:
        yield Text(f"Amendment to report {amends}, which this report replaces.", strong=True)
    yield Heading("Statement")
    yield from _statement(run, waiver)
    yield results.summary(run)
    yield Heading("Laboratory and customer")
    yield identity.laboratory(run, fields)
    yield Heading("Item under test")
    yield identity.item(run, fields)
    yield Heading("Dates")
    yield identity.dates(run, fields, issued)
    yield Heading("Method")
    yield from identity.method(run, fields)
    yield Heading("Conditions")
    yield identity.conditions(run, fields)
    yield Heading("Equipment")
    yield from identity.equipment(run, fields)
    yield Heading("Decision rule")
    yield from results.decision_rules(run, fields)
    yield Heading("Results of tests")
    yield from results.tests(run)
    yield Heading("Measured values")
    yield from results.measured(run)
    yield Heading("Tests that did not pass")
    yield from results.not_passed(run)
    yield Heading("Tests that do not apply")
    yield from results.not_applicable(run)
    yield Heading("Waivers")
    yield from results.waivers(run, waiver)
    yield Heading("Deviations from the method, additions and exclusions")
    yield from deviations.blocks(run)
    yield Heading("Statements")
    yield Listing(_STATEMENTS)
    yield Heading("Authorisation")
    yield Signatures(("Tested by", "Reviewed by", "Authorised by"))


def _statement(run: RunRecord, waiver: WaiverOf) -> Iterator[Block]:
    judged = gate(run, lambda test: waiver(test) is not None)
    if judged.code == PASSED:
        waived = sum(1 for test in run.tests.values() if waiver(test))
        but = f", or is covered by a waiver ({waived})" if waived else ""
        text = f"Every test of this report that applies has passed{but}."
    elif judged.code == FAILED:
        text = "The item does not meet every requirement tested."
    else:
        text = "No statement of conformity can be made on this run as a whole."
    yield Text(text, strong=True)
    if run.is_virtual:
        yield Text(
            "Parts of the bench were VIRTUAL, as marked below. What is said here of them is said "
            "of a simulation and not of a product.",
            strong=True,
        )
    if judged.reasons:
        yield Listing(tuple(visible(reason) for reason in judged.reasons))
    yield Facts((("Item", identity.item_in_words(run)), ("Bench", identity.bench_of(run))))
