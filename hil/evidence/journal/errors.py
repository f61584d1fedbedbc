"""What can be wrong with evidence."""

from __future__ import annotations

from hil.errors import BenchError


class EvidenceError(BenchError):
    """Evidence cannot be written, or what stands there is no run; says where and what to do."""
