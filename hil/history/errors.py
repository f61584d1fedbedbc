"""What can be wrong with the store of runs."""

from __future__ import annotations

from hil.errors import HilError


class HistoryError(HilError):
    """The store of runs cannot be read or written; says where and what to do."""
