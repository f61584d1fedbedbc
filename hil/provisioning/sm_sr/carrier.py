"""The seam to whoever carries short messages: a centre of this bench, a lab, an operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

Receive = Callable[[str, bytes], None]
"""Called with the sender's number and the user data (header included) of each incoming message.

The carrier confirms the message to its centre when this returns, so it must be stored by then.
"""


class Carrier(Protocol):
    """Sends user data to a number and hands in what comes back."""

    def send(self, msisdn: str, messages: Sequence[bytes]) -> None:
        """Hand messages over, in order; LinkError when the centre did not take all of them."""

    def listen(self, receive: Receive) -> None:
        """Say who takes incoming messages."""

    def close(self) -> None:
        """End the connection; may be called again."""
