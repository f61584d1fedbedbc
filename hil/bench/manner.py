"""By what device and server authenticate each other."""

from __future__ import annotations

from typing import Literal

Manner = Literal["key-set", "jig", "both", "skip"]
