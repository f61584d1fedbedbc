"""Takes fields for a report, and remembers which of those that it must have are missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from hil.report.text import NOT_STATED, shortened

_MOST: Final = 500


@dataclass
class Fields:
    """``missing`` are names of fields that ISO/IEC 17025, 7.8.2.1 asks for and nobody stated."""

    missing: list[str] = field(default_factory=list)

    def must(self, name: str, value: str) -> str:
        """Return ``value``; without one the report is a draft."""
        if not value and name not in self.missing:
            self.missing.append(name)
        return self.may(value)

    def may(self, value: str) -> str:
        """Return ``value``, or that it is not stated."""
        return shortened(value, _MOST) if value else NOT_STATED
