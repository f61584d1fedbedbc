"""The seam between everything that talks on the bench and the notebook that writes it down.

Drivers and servers hand each exchange to an :class:`Observer`; they never know what becomes of it.
Secrets are redacted by the driver *before* an exchange is handed over.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal, Protocol

Direction = Literal["out", "in"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One message that went over one link, already redacted.

    ``link`` is the language (``apdu``, ``scpi``, ``at``, ``http``, ``sms``), ``equipment`` the
    bench's name of the other end, ``direction`` is seen from the test, ``text`` is what a person
    reads (hex for binary), ``at_ns`` is :func:`time.monotonic_ns`.
    """

    link: str
    equipment: str
    direction: Direction
    text: str
    note: str = ""
    at_ns: int = field(default_factory=time.monotonic_ns)


class Observer(Protocol):
    """Whoever wants to know what goes over the links."""

    def exchange(self, exchange: Exchange) -> None:
        """Take note of one message; must return at once and never raise."""


class NullObserver:
    """Takes no notes."""

    def exchange(self, exchange: Exchange) -> None:
        """Forget the message."""
