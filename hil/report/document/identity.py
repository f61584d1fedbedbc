"""Who tested what, when, how and with which equipment."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Final

from hil.evidence.run_record import RunRecord
from hil.report.document.blocks import Block, Facts, Grid, Text
from hil.report.document.fields import Fields
from hil.report.text import NOT_STATED, shortened, stated, utc

_ITEM: Final = ("manufacturer", "model", "serial", "firmware")
_TOLD: Final = {"manufacturer": "maker"}
DEVICE: Final = "device"
"""Name under which the item under test stands among the equipment, with what it told itself."""


def laboratory_of(run: RunRecord) -> str:
    """Return the laboratory's name, "" if nobody stated it."""
    return shortened(stated(run.begin, "laboratory", "name"), 120)


def bench_of(run: RunRecord) -> str:
    """Return the bench, and whether it is real."""
    name = shortened(stated(run.begin, "bench"), 120) or NOT_STATED
    return f"{name} ({'VIRTUAL' if run.is_virtual else 'real'})"


def item_in_words(run: RunRecord) -> str:
    """Return the item under test in a line."""
    found = [_of_item(run, key) for key in ("manufacturer", "model")]
    text = " ".join(shortened(one, 120) for one in found if one) or NOT_STATED
    for key in ("serial", "firmware"):
        text += f", {key} {shortened(_of_item(run, key), 120) or NOT_STATED}"
    return text


def laboratory(run: RunRecord, fields: Fields) -> Facts:
    """Return laboratory and customer (7.8.2.1 b, c, e)."""
    lab = run.begin.get("laboratory")
    address = stated(lab, "address")
    place = stated(lab, "location") or ("at the laboratory's address" if address else "")
    customer = run.begin.get("customer") or _item(run).get("customer")
    return Facts(
        (
            ("Laboratory", fields.must("name of the laboratory", stated(lab, "name"))),
            ("Address", fields.must("address of the laboratory", address)),
            ("Place of performance", fields.must("place of performance", place)),
            ("Contact", fields.may(stated(lab, "contact"))),
            ("Accreditation", fields.may(stated(lab, "accreditation"))),
            ("Customer", fields.must("name of the customer", stated(customer, "name"))),
            ("Contact of the customer", fields.must("contact of the customer", _contact(customer))),
        )
    )


def item(run: RunRecord, fields: Fields) -> Facts:
    """Return the item under test, unambiguously, and its condition (7.8.2.1 g)."""
    rows = []
    for key in _ITEM:
        given = stated(_item(run), key)
        told = "" if given else _of_item(run, key)
        text = fields.must(f"{key} of the item", given or told)
        rows.append((key.capitalize(), f"{text} (as the device told)" if told else text))
    hardware = stated(_item(run), "hardware")
    if hardware:
        rows.append(("Hardware", fields.may(hardware)))
    condition = fields.must("condition of the item", stated(_item(run), "condition"))
    return Facts((*rows, ("Condition", condition)))


def dates(run: RunRecord, fields: Fields, issued: datetime.date) -> Facts:
    """Return date of receipt, of performance and of issue (7.8.2.1 h, i, j)."""
    received = fields.must("date of receipt", stated(_item(run), "received"))
    begun = utc(run.began_ns) if run.began_ns > 0 else ""
    performed = f"{begun} to {utc(run.ended_ns)}" if begun else ""
    return Facts(
        (
            ("Receipt of the item", received),
            ("Performance", fields.must("date of performance", performed)),
            ("Issue of this report", issued.isoformat()),
        )
    )


def method(run: RunRecord, fields: Fields) -> Iterator[Block]:
    """Return the method: suite, standards, and what decided its course (7.8.2.1 f)."""
    begin = run.begin
    suite = stated(begin, "hil")
    commit = stated(begin, "git", "commit")
    if commit and stated(begin, "git", "dirty") == "yes":
        commit += ", with changes that are not in it"
    sections = {stated(test.case, "section").partition(",")[0] for test in run.tests.values()}
    standards = ["requirements R-01 to R-75 after US 9,705,546 B2", *sorted(sections - {""})]
    yield Facts(
        (
            ("Suite", f"hil-esim {fields.must('version of the suite', suite)}"),
            ("Commit of the suite", fields.must("commit of the suite", commit)),
            ("Standards", shortened("; ".join(standards), 600)),
            ("Bench file", fields.must("digest of the bench file", _file(begin, "lab_config"))),
            ("Conformance statement (ICS)", fields.may(_file(begin, "ics"))),
            ("Waivers", fields.may(_file(begin, "waivers"))),
            ("Run", fields.may(stated(begin, "run"))),
            ("Arguments", fields.may(_words(begin.get("arguments")))),
        )
    )
    heads = [(file.path.name, str(file.lines), file.head) for file in run.files]
    yield Text("Journals of the run, the records behind every statement of this report:")
    yield Grid(("Journal", "Records", "SHA-256 of the last record"), (2, 1, 6), tuple(heads))


def conditions(run: RunRecord, fields: Fields) -> Facts:
    """Return the conditions of the test: people, ambience, test system."""
    begin = run.begin
    packages = begin.get("packages")
    versions = ""
    if isinstance(packages, Mapping):
        versions = ", ".join(f"{name} {stated(packages, name)}" for name in sorted(packages))
    system = [stated(begin, "host"), stated(begin, "platform")]
    python = stated(begin, "python")
    return Facts(
        (
            ("Ambient conditions", fields.may(ambience(run))),
            ("Operator", fields.may(stated(begin, "operator"))),
            ("User account", fields.may(stated(begin, "user"))),
            ("Test system", fields.may(", ".join(one for one in system if one))),
            (
                "Software",
                fields.may(", ".join(o for o in (python and f"Python {python}", versions) if o)),
            ),
        )
    )


def ambience(run: RunRecord) -> str:
    """Return the stated ambient conditions, "" for none."""
    given = run.begin.get("environment")
    if not isinstance(given, Mapping):
        return stated(run.begin, "environment")
    return ", ".join(f"{name} {stated(given, name)}" for name in sorted(given))


def equipment(run: RunRecord, fields: Fields) -> Iterator[Block]:
    """Return the equipment used, with its calibration (6.4.13)."""
    if not run.equipment:
        fields.must("equipment", "")
        yield Text(f"Equipment: {NOT_STATED}.")
        return
    rows = []
    for name, one in run.equipment.items():
        maker = " ".join(part for part in (stated(one, "maker"), stated(one, "model")) if part)
        who = maker or stated(one, "identity")
        lines = [
            part for part in (stated(one, "identity"), stated(one, "transport")) if part != who
        ]
        rows.append(
            (
                shortened(stated(one, "name") or name, 80),
                "\n".join(shortened(part, 160) for part in (who or NOT_STATED, *lines) if part),
                shortened(stated(one, "serial"), 80) or NOT_STATED,
                shortened(stated(one, "firmware"), 80) or NOT_STATED,
                calibration_of(one),
                "VIRTUAL" if one.get("virtual") else "real",
            )
        )
    head = ("Equipment", "Identity", "Serial", "Firmware", "Calibration", "Part")
    yield Grid(head, (2.2, 4.4, 2.6, 1.9, 3.2, 1.5), tuple(rows))


def calibration_of(one: Mapping[str, object]) -> str:
    """Return certificate and due date of an item of equipment in words."""
    given = one.get("calibration")
    if not isinstance(given, Mapping):
        return stated(one, "calibration") or ("none: VIRTUAL" if one.get("virtual") else NOT_STATED)
    state = stated(given, "state")
    if state == "virtual":
        return "none: VIRTUAL"
    parts = [stated(given, "certificate"), _due(stated(given, "due")), state]
    return ", ".join(shortened(part, 80) for part in parts if part) or NOT_STATED


def _due(day: str) -> str:
    return f"due {day}" if day else ""


def _item(run: RunRecord) -> Mapping[str, object]:
    given = run.begin.get("item")
    return given if isinstance(given, Mapping) else {}


def _of_item(run: RunRecord, key: str) -> str:
    """Return what is stated of the item, else what the device told."""
    device = run.equipment.get(DEVICE, {})
    return stated(_item(run), key) or stated(device, _TOLD.get(key, key))


def told_otherwise(run: RunRecord) -> Iterator[tuple[str, str, str]]:
    """Go through what the device told and the bench file states otherwise: key, stated, told."""
    device = run.equipment.get(DEVICE, {})
    for key in _ITEM:
        given, told = stated(_item(run), key), stated(device, _TOLD.get(key, key))
        if given and told and given != told:
            yield key, given, told


def _contact(customer: object) -> str:
    return stated(customer, "contact")


def _file(begin: Mapping[str, object], name: str) -> str:
    given = begin.get(name)
    digest = stated(given, "sha256")
    if not digest:
        return ""
    return f"{shortened(stated(given, 'path'), 200)} sha256 {digest}".strip()


def _words(given: object) -> str:
    if not isinstance(given, list | tuple):
        return ""
    return shortened(" ".join(stated({"word": word}, "word") for word in given), 500)
