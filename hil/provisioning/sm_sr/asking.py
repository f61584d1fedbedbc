"""When a peer that does something slow is asked again how it gets on.

A change of the SM-SR ends in seconds where the eUICC is in reach, and in days where it is not. What
is asked is a whole exchange with the peer, so it is asked the less often the longer it has taken:
the end is seen at the latest a tenth of the time after it that it took, and a minute at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_S: Final = 60.0
SHARE: Final = 0.1


class Asking:
    """Keeps when each thing was asked for, by its name. Not stored: a restart asks at once."""

    def __init__(self) -> None:
        self._asked: dict[str, tuple[float, float]] = {}

    def is_due(self, name: str, now: float) -> bool:
        """Say whether to ask (again) for something now, in seconds; if so, take it as asked."""
        first, last = self._asked.get(name, (now, now))
        # A clock set back must not silence us.
        if 0 <= now - last < min(LONGEST_S, SHARE * (last - first)):
            return False
        self._asked[name] = (min(first, now), now)
        return True

    def keep_only(self, names: Iterable[str]) -> None:
        """Forget all other names."""
        kept = frozenset(names)
        self._asked = {name: at for name, at in self._asked.items() if name in kept}
