"""Values that several files of ours have."""

from __future__ import annotations

import datetime
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from hil.documents.section import wrong


def _date(value: object) -> datetime.date:
    try:
        return datetime.date.fromisoformat(str(value))
    except ValueError:
        raise wrong("a date such as 2027-01-31 is expected") from None


Date = Annotated[
    datetime.date, BeforeValidator(_date), WithJsonSchema({"type": "string", "format": "date"})
]
"""A day, written as ISO 8601 has it."""
