"""How much may still go into a page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Budget:
    """``left`` bytes; what has not all its bytes left is left out, and counted."""

    left: int
    left_out: int = 0

    def take(self, size: int) -> bool:
        """Take ``size`` bytes and return True, or take none and return False."""
        if size > self.left:
            self.left_out += 1
            return False
        self.left -= size
        return True
