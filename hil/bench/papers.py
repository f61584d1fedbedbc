"""What a run is judged by beside the bench: product, conformance statement, known issues."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from hil.documents.document import display_name

if TYPE_CHECKING:
    from hil.bench.lab import Lab
    from hil.evidence.waivers import Waivers


def papers(lab: Lab, *, today: datetime.date | None = None) -> list[str]:
    """Return the lines of a banner; what the bench file does not name has none."""
    lines: list[tuple[str, str]] = []
    product = lab.file.product
    if product is not None:
        named = (product.manufacturer, product.model)
        numbers = (("serial", product.serial), ("firmware", product.firmware))
        told = [text for text in named if text]
        told += [f"{name} {value}" for name, value in numbers if value]
        lines += [("product", ", ".join(told))] if told else []
    if lab.ics is not None:
        lines.append(("ICS", lab.ics.line))
    if lab.waivers is not None:
        day = today or datetime.datetime.now(tz=datetime.UTC).date()
        lines.append(("waivers", lab.waivers.line(day)))
    return [f"  {name:<7}  {text}" for name, text in lines]


def facts(lab: Lab) -> dict[str, object]:
    """Return the same for the ``run-begin`` of a journal: item, laboratory, ics, waivers.

    What the bench file does not state is absent. Days are text as in ISO 8601.
    """
    found: dict[str, object] = {}
    product, laboratory = lab.file.product, lab.file.laboratory
    if product is not None:
        item = product.model_dump(mode="json", exclude_none=True, exclude={"ics"})
        found |= {"item": item} if item else {}
    if laboratory is not None:
        stated = laboratory.model_dump(mode="json", exclude_none=True)
        found |= {"laboratory": stated} if stated else {}
    if lab.ics is not None:
        one = lab.ics.file
        found["ics"] = {
            "path": display_name(lab.ics.path),
            "sha256": lab.ics.sha256,
            "supplier": one.supplier,
            "product": one.product,
            "release": one.release,
        }
    return found | facts_of_waivers(lab.waivers)


def facts_of_waivers(waivers: Waivers | None) -> dict[str, object]:
    """Return which file of known issues was read, for the same record; empty without one."""
    if waivers is None or waivers.path is None:
        return {}
    return {"waivers": {"path": display_name(waivers.path), "sha256": waivers.sha256}}
