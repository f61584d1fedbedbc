"""Many profiles at a time between servers: what goes in one call, and how an order stands.

Nothing here, nor in those who use it, holds more than one batch of a large order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from hil.provisioning.errors import Refusal
from hil.provisioning.links import PacketReceipt
from hil.provisioning.orders import OrderedProfile

BATCH: Final = 100
"""Profiles handled together: at 14 kB a packet set, 1.4 MB in one call."""

MAX_BATCH: Final = 500
"""A receiver takes no more in one call."""

MAX_BATCH_BYTES: Final = 4 * 1024 * 1024
"""Packet sets go in several calls rather than in one that is longer than this."""

MAX_PAGE: Final = 1000
"""Most rows of one page of a long list."""


@dataclass(frozen=True, slots=True)
class BatchReceipt:
    """What became of a batch: receipts of the first ones; ``refusal`` says why no more were taken.

    The receiver stops at the first packet set that it refuses; those before it are stored.
    """

    receipts: tuple[PacketReceipt, ...]
    refusal: Refusal | None = None


@runtime_checkable
class BatchReceiver(Protocol):
    """A packet receiver that takes many at a time; one that does not gets them one by one."""

    def reserve_isdps(self, session: str, places: Sequence[tuple[str, str]]) -> tuple[bytes, ...]:
        """Return the AIDs of free ISD-Ps for pairs of EID and ICCID, in their order."""

    def deliver_many(self, session: str, raws: Sequence[bytes]) -> BatchReceipt:
        """Take encoded packet sets with their MACs, in their order."""


@dataclass(frozen=True, slots=True)
class OrderProgress:
    """How far a large order is.

    Of ``amount`` profiles so many have got their numbers, their packets, and were delivered.
    ``state`` is ``running``, ``waiting`` (numbered; no eUICCs assigned), ``delivered`` or
    ``failed``; ``reason`` says why it stands still.
    """

    order_id: str
    state: str
    amount: int
    numbered: int
    made: int
    delivered: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ProfilePage:
    """Some profiles of an order; ``following`` asks for the next page, None at the end."""

    profiles: tuple[OrderedProfile, ...]
    following: int | None
