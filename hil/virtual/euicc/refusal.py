"""How a part of the card refuses a command: by a status word and a reason for the log."""

from __future__ import annotations

from hil.errors import HilError
from hil.wire.status_words import describe


class RefusalError(HilError):
    """The command is refused with the status word ``sw``; nothing on the card has changed.

    The reason goes to the card's log only. It never holds key material.
    """

    def __init__(self, sw: int, why: str = "") -> None:
        super().__init__(f"{describe(sw)}{': ' if why else ''}{why}")
        self.sw = sw
