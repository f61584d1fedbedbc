"""Sends the default notification until it is confirmed, and undoes a change that never is.

SGP.02, 3.15: SEND SHORT MESSAGE with a secured packet, again until the terminal could send it; then
the SM-SR's confirmation is waited for, and the message repeated. When all attempts are used up, the
change is rolled back, then fallen back from. The card has no clock of its own: it looks at the
time whenever the terminal sends a command, a STATUS at least.
"""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING

from hil.wire import cat, sms
from hil.wire.identifiers import ISD_R_AID
from hil.wire.notification import Notification
from hil.wire.scp80 import OtaKeySet

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.virtual.euicc.change_book import Change, ChangeBook
    from hil.virtual.euicc.key_store import KeyStore
    from hil.virtual.euicc.profile_states import ProfileStates
    from hil.virtual.euicc.registry import Registry
    from hil.virtual.euicc.toolkit import Toolkit
    from hil.wire.cat import TerminalResponse
    from hil.wire.sms_address import Address

log = logging.getLogger(__name__)

_SCP80 = range(0x01, 0x10)
_IMEI_SIZE = 8


class Notifier:
    """Volatile side of the notification: what is due when. ``clock``: seconds."""

    def __init__(
        self,
        eid: str,
        *,
        changes: ChangeBook,
        states: ProfileStates,
        registry: Registry,
        keys: KeyStore,
        toolkit: Toolkit,
        clock: Callable[[], float],
    ) -> None:
        self._eid = eid
        self._changes = changes
        self._states = states
        self._registry = registry
        self._keys = keys
        self._toolkit = toolkit
        self._clock = clock
        self._due: float | None = None
        self._imei: bytes | None = None
        self._asked_for_imei = False

    def begin(self) -> None:
        """Begin to notify what waits: the terminal is ready for proactive commands."""
        if self._changes.active and self._changes.pending() is not None:
            self._changes.count(0)
            self._due = self._clock()
            self.tick()

    def tick(self) -> None:
        """Do what is due."""
        if self._due is None or self._clock() < self._due:
            return
        self._due = None
        pending = self._changes.pending()
        number = self._changes.number
        if pending is None or number is None or not self._changes.active:
            return
        rules = self._changes.rules
        if pending.sent >= rules.attempts:
            self._give_up(pending)
        elif rules.imei and not self._asked_for_imei and self._toolkit.knows_imei:
            self._asked_for_imei = True
            self._toolkit.ask(cat.provide_imei, self._identified)
        else:
            self._send(pending, number)

    def _identified(self, response: TerminalResponse | None) -> None:
        """Take the terminal's IMEI, if it gives one, and go on to notify."""
        if response is not None and response.done:
            imei = cat.find_object(response.objects, cat.IMEI)
            if imei is not None and len(imei) == _IMEI_SIZE:
                self._imei = imei
        self._due = self._clock()
        self.tick()

    def _send(self, pending: Change, number: Address) -> None:
        kvn = max((kvn for kvn in self._keys.versions(ISD_R_AID) if kvn in _SCP80), default=0)
        keys = self._keys.find(ISD_R_AID, kvn) if kvn else None
        if keys is None:
            log.warning("no SCP80 key set to notify with")
            return
        enabled = self._registry.enabled()
        aid = b"" if enabled is None else enabled.aid
        notification = Notification(self._eid, pending.kind, pending.sequence, aid, self._imei)
        packet = notification.packet(OtaKeySet(kvn, keys.enc, keys.mac, keys.dek))
        self._changes.count(pending.sent + 1)
        log.info("notification %s, sequence %d", pending.kind.name, pending.sequence)
        for part in sms.split(packet, kind="command"):
            tpdu = sms.SmsSubmit(number, part, pid=sms.PID_SIM_DATA_DOWNLOAD).encode()
            self._toolkit.ask(functools.partial(_send_short_message, tpdu), self._answered)

    def _answered(self, response: TerminalResponse | None) -> None:
        rules = self._changes.rules
        done = response is not None and response.done
        if self._changes.pending() is not None:
            self._due = self._clock() + (rules.confirmation_s if done else rules.retry_s)

    def _give_up(self, pending: Change) -> None:
        if self._states.recover():
            log.warning("%s was not confirmed: back to the profile before", pending.kind.name)
            self._toolkit.ask_for_reset()
        else:
            log.warning("%s was not confirmed; tried again at the next start", pending.kind.name)


def _send_short_message(tpdu: bytes, number: int) -> bytes:
    return cat.send_short_message(number, tpdu)
