"""What can go wrong with a stimulus; none of it is the product's failure."""

from __future__ import annotations

from hil.errors import BenchError


class TooFineError(BenchError):
    """The supply cannot do what was asked so fast or so finely; another one may."""


class LateEdgeError(BenchError):
    """This computer was too busy: an edge went out later than it may, so nothing was judged."""
