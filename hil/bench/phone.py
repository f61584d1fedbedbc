"""A device on the air in a test's hands: it hears short messages and sends some, nothing else."""

from __future__ import annotations

import itertools
import time
from collections import deque
from typing import Final

from hil.bench.json_line import TIMEOUT_S, JsonLine
from hil.errors import LinkTimeoutError, ProtocolError
from hil.wire.sms import Address, SmsDeliver, SmsSubmit

_IMEI: Final = "356938035643809"


class Phone:
    """One subscriber of the network at ``radio`` (host:port), attached at once.

    It confirms a message to the network as it hears it, in :meth:`hear` and nowhere else. The lines
    that it speaks stand in ``hil/virtual/network/radio.py``.
    """

    def __init__(self, radio: str, number: str) -> None:
        self.number = number
        self._radio = radio
        self._line: JsonLine | None = None
        self._ids = itertools.count(1)
        self._heard: deque[SmsDeliver] = deque()
        self._taken: dict[int, bool] = {}
        self.on()

    def on(self) -> None:
        """Attach, unless it is attached."""
        if self._line is None:
            self._line = JsonLine(f"the air around {self.number}", self._radio)
            self._line.send({"attach": {"msisdn": self.number, "imei": _IMEI}})

    def off(self) -> None:
        """Leave the air; what is sent meanwhile waits at the SMS centre. May be called again."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def close(self) -> None:
        """Leave the air for good."""
        self.off()

    def hear(self, *, timeout_s: float = TIMEOUT_S) -> SmsDeliver | None:
        """Return the next message, None when none comes in time."""
        deadline = time.monotonic() + timeout_s
        while not self._heard:
            try:
                self._listen(max(0.0, deadline - time.monotonic()))
            except LinkTimeoutError:
                return None
        return self._heard.popleft()

    def say(self, number: str, user_data: bytes) -> None:
        """Send a message, user data with its header; ProtocolError when the network refuses it."""
        message = SmsSubmit(Address(number), user_data)
        sent = next(self._ids)
        self._speak({"submit": message.encode().hex(), "id": sent})
        while sent not in self._taken:
            self._listen(TIMEOUT_S)
        if not self._taken.pop(sent):
            raise ProtocolError(f"the network did not take a message of {self.number}")

    def _speak(self, row: dict[str, object]) -> None:
        if self._line is None:
            raise ProtocolError(f"{self.number} is off the air: switch it on first")
        self._line.send(row)

    def _listen(self, timeout_s: float) -> None:
        """Take one line of the network."""
        if self._line is None:
            raise ProtocolError(f"{self.number} is off the air: switch it on first")
        row = self._line.hear(timeout_s=timeout_s)
        if "deliver" in row:
            self._heard.append(SmsDeliver.decode(bytes.fromhex(row["deliver"])))
            self._line.send({"delivered": row["id"], "report": "", "ok": True})
        elif "submitted" in row:
            self._taken[row["submitted"]] = row["ok"] is True
        elif "network" not in row:
            raise ProtocolError(f"the network said {sorted(row)} to {self.number}")
