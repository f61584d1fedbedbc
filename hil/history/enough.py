"""How many values a statistic needs before it says anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LEAST: Final = 25
"""Values below which no capability is stated and no control chart drawn."""


@dataclass(frozen=True, slots=True)
class NotEnough:
    """Why a statistic is not stated."""

    values: int
    least: int
    why: str = ""

    def __str__(self) -> str:
        return self.why or f"not enough values ({self.values} of {self.least})"
