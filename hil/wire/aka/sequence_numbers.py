"""Is a sequence number fresh? Array of sequence numbers by IND (3GPP TS 33.102, annex C.2).

SQN is SEQ followed by IND, 5 bits. A card keeps the highest SEQ it has accepted for each IND.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

IND_BITS: Final = 5
INDICES: Final = 1 << IND_BITS
MAX_SEQ: Final = (1 << 48 - IND_BITS) - 1
MAX_SQN: Final = (1 << 48) - 1


class Freshness(Enum):
    """Why a sequence number is accepted, or why not."""

    FRESH = "fresh"
    USED = "not higher than the last one of its IND"
    TOO_FAR = "jumps farther than allowed"
    TOO_OLD = "older than the age limit"


@dataclass(frozen=True, slots=True)
class SequenceRules:
    """``delta``: largest jump of SEQ (C.2.1); ``age_limit``: largest age (C.2.2); None: none."""

    delta: int | None = None
    age_limit: int | None = None


@dataclass(frozen=True, slots=True)
class SequenceNumbers:
    """What a card has accepted so far: the highest SEQ of each IND, 32 of them."""

    accepted: tuple[int, ...] = (0,) * INDICES

    def __post_init__(self) -> None:
        if len(self.accepted) != INDICES or any(not 0 <= one <= MAX_SEQ for one in self.accepted):
            raise ValueError(f"a card keeps {INDICES} sequence numbers of 43 bits")

    @property
    def highest(self) -> int:
        """SQN_MS: the highest SQN accepted so far, with its IND."""
        return max(seq << IND_BITS | ind for ind, seq in enumerate(self.accepted))

    def judge(self, sqn: int, rules: SequenceRules) -> Freshness:
        """Tell whether a sequence number may be accepted now."""
        seq, ind = split_sqn(sqn)
        newest = max(self.accepted)
        if rules.delta is not None and seq - newest > rules.delta:
            return Freshness.TOO_FAR
        if rules.age_limit is not None and newest - seq > rules.age_limit:
            return Freshness.TOO_OLD
        return Freshness.FRESH if seq > self.accepted[ind] else Freshness.USED

    def accept(self, sqn: int) -> SequenceNumbers:
        """Return the state after a sequence number was accepted."""
        seq, ind = split_sqn(sqn)
        return replace(self, accepted=(*self.accepted[:ind], seq, *self.accepted[ind + 1 :]))


def split_sqn(sqn: int) -> tuple[int, int]:
    """Return SEQ and IND of a sequence number."""
    return sqn >> IND_BITS, sqn & INDICES - 1


def next_sqn(sqn: int) -> int:
    """Return the sequence number an authentication centre uses next: SEQ and IND one higher."""
    seq, ind = split_sqn(sqn)
    return (min(seq + 1, MAX_SEQ) << IND_BITS) | (ind + 1) % INDICES
