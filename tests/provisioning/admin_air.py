"""A carrier and a terminal in one: messages reach the card, which reaches the SM-SR over TCP."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hil.provisioning.sm_sr.carrier import Receive
from hil.virtual.euicc import VirtualCard, open_card
from hil.wire.sms import Address, SmsDeliver, SmsSubmit
from tests.euicc.admin_terminal import AdminTerminal, PowerLossError
from tests.euicc.terminal import Terminal

SENDER = Address("12345")


class AdminAir:
    """The card lives in a thread of its own. ``down`` may drop messages on their way to it."""

    def __init__(self, folder: Path, factory: dict[str, Any], msisdn: str) -> None:
        self.msisdn = msisdn
        self.sent = 0
        self.down: Callable[[list[bytes]], list[bytes]] = lambda messages: messages
        self._folder, self._factory = folder, factory
        self._incoming: queue.Queue[bytes] = queue.Queue()
        self._receive: Receive | None = None
        self._over = threading.Event()
        self.power_on()

    def power_on(self, **terminal: Any) -> None:  # noqa: ANN401 - fields of AdminTerminal
        """Put the card into a new terminal."""
        self._over = threading.Event()
        self.card: VirtualCard = open_card(self._folder, self._factory)
        self.card.power_on()
        self.terminal = AdminTerminal(Terminal(self.card), **terminal)
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def power_off(self) -> None:
        """Take the power away; may be called again."""
        self._over.set()
        self._thread.join(10)
        assert not self._thread.is_alive()
        self.terminal.close()
        self.card.close()

    def listen(self, receive: Receive) -> None:
        self._receive = receive

    def send(self, msisdn: str, messages: Sequence[bytes]) -> None:
        self.sent += len(messages)
        if msisdn == self.msisdn:
            for user_data in self.down(list(messages)):
                self._incoming.put(SmsDeliver(SENDER, user_data).encode())

    def close(self) -> None:
        """Nothing to close."""

    def _live(self) -> None:
        with contextlib.suppress(PowerLossError):
            self._serve()

    def _serve(self) -> None:
        terminal = self.terminal
        terminal.greet()
        while not self._over.is_set():
            if terminal.link is not None:
                terminal.step()
            try:
                tpdu = self._incoming.get(timeout=0.005)
            except queue.Empty:
                pass
            else:
                terminal.serve(terminal.terminal.envelope(tpdu).sw)
            self._answer()

    def _answer(self) -> None:
        while self.terminal.messages:
            message = SmsSubmit.decode(self.terminal.messages.pop(0))
            assert self._receive is not None
            self._receive(self.msisdn, message.user_data)
        if self.terminal.resets:
            self.terminal.resets = 0
            self.card.reset()
            self.terminal.close()
            self.terminal.greet()
