"""The weather of a bench's network, in a test's hands: what becomes of short messages on their way.

A bench can have it whose network is in the lab: then what a server makes of lost, late, doubled and
reordered messages, of a device without coverage and of an SMS centre that refuses or hangs up can
be seen when it is wanted, instead of once in a while.
"""

from __future__ import annotations

from typing import Any, Final

from hil.bench.json_line import JsonLine
from hil.bench.phone import Phone
from hil.errors import BenchError

THROTTLED: Final = 0x58
"""ESME_RTHROTTLED (SMPP 3.4, 5.1.3): the centre takes a message at another time."""


class Weather:
    """``control``: address of the weather face; ``radio``: where devices attach (host:port)."""

    def __init__(self, control: str, radio: str) -> None:
        self._control = control
        self._radio = radio
        self._line: JsonLine | None = None
        self._phones: list[Phone] = []

    def air(self, **conditions: float) -> None:
        """Set what the air does to messages, both ways; what is not named is as on a fair day.

        ``loss``, ``duplication``, ``reordering``: probabilities from 0 to 1; ``latency_s``,
        ``jitter_s``, ``reorder_s``: seconds.
        """
        self._say({"air": conditions})

    def coverage(self, *, covered: bool) -> None:
        """Take coverage from all devices, or give it back."""
        self._say({"coverage": covered})

    def refuse(self, number: str, count: int, status: int = THROTTLED) -> None:
        """Have the SMS centre answer the next messages to a number with a status of SMPP."""
        self._say({"refuse": {"number": number, "count": count, "status": status}})

    def hang_up(self, system_id: str) -> None:
        """Have the SMS centre cut the connections of a client; BenchError where it has none."""
        self._say({"hang_up": system_id})

    def phone(self, number: str) -> Phone:
        """Return a device of the test's own on the air, attached; it leaves with the weather."""
        phone = Phone(self._radio, number)
        self._phones.append(phone)
        return phone

    def clear(self) -> None:
        """Take the devices off the air, and make the weather fair again; may be called again."""
        while self._phones:
            self._phones.pop().close()
        if self._line is not None:
            self._line.close()
            self._line = None

    def _say(self, row: dict[str, Any]) -> None:
        if self._line is None:
            self._line = JsonLine("the weather of the network", self._control)
        self._line.send(row)
        answer = self._line.hear()
        if answer.get("ok") is not True:
            raise BenchError(f"the network does not make this weather: {answer.get('error')}")
