"""What cards send: parts put together, and each proof of receipt brought to its command."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from sqlalchemy import Row, select

from hil.errors import CodecError
from hil.provisioning.sm_sr.eis_book import EisBook
from hil.provisioning.sm_sr.ota_security import ota_keys_of, parameters_of
from hil.provisioning.store import Store
from hil.provisioning.tables import OTA_COMMANDS
from hil.wire.scp80 import ResponsePacket, unwrap_response
from hil.wire.sms import Reassembler

log = logging.getLogger(__name__)

Notified = Callable[[str, bytes], None]
"""Called with the sender's number and a command packet of a card; CodecError drops it."""

Answered = Callable[[Row[Any], ResponsePacket], None]
"""Called with the row of a command and the proof of receipt that belongs to it."""


class OtaAnswers:
    """Takes messages from the network; what belongs to nothing that waits is dropped."""

    def __init__(
        self, store: Store, book: EisBook, answered: Answered, *, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._book = book
        self._answered = answered
        self._clock = clock
        self._parts = Reassembler()
        self._lock = threading.Lock()
        self.notified: Notified = _drop
        """Who takes packets that cards send of themselves."""

    def receive(self, source: str, user_data: bytes) -> None:
        """Take one message: a part of a proof of receipt, or of a notification."""
        try:
            with self._lock:
                whole = self._parts.add(source, user_data, now_s=self._clock())
            if whole is None:
                return
            if whole.kind == "command":
                self.notified(source, whole.payload)
                return
            self.take_packet(source, whole.payload)
        except CodecError as err:
            log.warning("message from %s is dropped: %s", source, err)

    def take_packet(self, source: str, packet: bytes) -> None:
        """Take a whole proof of receipt; CodecError when it is of no eUICC at that number.

        Several may have had the number, one after the other, and one that is gone still waits.
        """
        broken: CodecError | None = None
        for eid in self._book.eids_at(source):
            with self._store.transaction() as connection:
                row = connection.execute(
                    select(OTA_COMMANDS).where(
                        OTA_COMMANDS.c.eid == eid, OTA_COMMANDS.c.state == "sent"
                    )
                ).first()
                keys = ota_keys_of(connection, eid)
                secured = None if row is None else parameters_of(connection, row)
            if row is None or keys is None or secured is None:
                continue
            try:
                answer = unwrap_response(packet, secured, keys)
            except CodecError as err:
                broken = err
                continue
            if answer.counter == row.counter and answer.tar == bytes(row.tar):
                self._answered(row, answer)
                return
        if broken is not None:
            raise broken
        log.info("answer from %s belongs to no command that waits", source)


def _drop(source: str, _packet: bytes) -> None:
    log.warning("message from %s is not a proof of receipt", source)
