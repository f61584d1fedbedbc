"""The parameters of a test in words, those that have a unit with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.report.text import visible

if TYPE_CHECKING:
    from hil.evidence.test_record import TestRecord


def in_words(test: TestRecord) -> dict[str, str]:
    """Return name and value of each, in the order of names: ``{"delay_s": "0.02 s"}``.

    No line breaks between a number and its unit (U+00A0).
    """
    return {
        name: visible(f"{value}\xa0{test.units[name]}" if name in test.units else value)
        for name, value in sorted(test.parameters.items())
    }
