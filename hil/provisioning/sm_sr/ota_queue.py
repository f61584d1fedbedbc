"""Commands over the air, one at a time for each eUICC, kept until their outcome is known.

A command that goes in an administration session (SCP81) is handed out to the card when it asks for
it; a short message asks the card for a session, again and again while none comes. Such a command
has no packet of its own.

The counter is taken and stored with the packet before the packet leaves. A repetition carries the
same counter, so the card runs it once at most: to a repetition it answers "counter low".
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select, update

from hil.errors import CodecError, LinkError
from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.sm_sr import ota_rows
from hil.provisioning.sm_sr.admin_way import REQUEST_PARAMETERS, AdminWay, Way, set_way
from hil.provisioning.sm_sr.carrier import Carrier
from hil.provisioning.sm_sr.eis_book import EisBook
from hil.provisioning.sm_sr.ota_answers import OtaAnswers
from hil.provisioning.sm_sr.ota_rows import PENDING
from hil.provisioning.sm_sr.ota_security import parameters_of, take_counter
from hil.provisioning.sm_sr.packing import MessageSize
from hil.provisioning.store import Store
from hil.provisioning.tables import OTA_COMMANDS
from hil.wire.scp80 import ResponsePacket, ResponseStatus, wrap_command
from hil.wire.sms import split

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a proof of receipt, and how often to try.

    The first answer may take ``answer_s``; each further one ``back_off`` times as long, up to
    ``longest_s``. After a "counter low" a good answer may still overtake within ``overtake_s``.
    """

    answer_s: float = 10.0
    back_off: float = 2.0
    longest_s: float = 300.0
    overtake_s: float = 1.0
    attempts: int = 6

    def wait(self, attempt: int) -> float:
        """Return the seconds to wait after attempt number ``attempt``, from 1."""
        return min(self.longest_s, self.answer_s * self.back_off ** (attempt - 1))


Finished = Callable[[Row[Any]], None]
"""Called with the row of a command whose state is final, outside of any transaction."""


class OtaQueue:
    """The queue of one SM-SR; :meth:`pump` does what is due, :meth:`wait` waits for news.

    ``reports``: whether the carrier brings the user data of delivery reports.
    """

    def __init__(
        self,
        store: Store,
        book: EisBook,
        carrier: Carrier,
        finished: Finished,
        *,
        size: MessageSize | None = None,
        patience: Patience | None = None,
        admin: AdminWay | None = None,
        reports: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._admin = admin
        self._reports = reports
        self._book = book
        self._carrier = carrier
        self._finished = finished
        self._size = size or MessageSize()
        self._patience = patience or Patience()
        self._clock = clock
        self._pump_lock = threading.Lock()
        self._sessions: Counter[str] = Counter()
        self._news = threading.Event()
        self.changed = threading.Condition()
        self.answers = OtaAnswers(store, book, self._take_answer, clock=self._now)

    def _now(self) -> float:
        return self._clock()

    def pump(self) -> float | None:
        """Send what is due; return in how many seconds the next thing is due, None for nothing."""
        with self._pump_lock:
            due: list[float] = []
            with self._store.transaction() as connection:
                heads = ota_rows.heads(connection)
            for row in heads:
                now = self._clock()
                if row.next_try > now:
                    due.append(row.next_try - now)
                    continue
                again = self._advance(row)
                if again is not None:
                    due.append(again)
            return min(due) if due else None

    def _advance(self, row: Row[Any]) -> float | None:
        if row.state == "sent" and row.status == ResponseStatus.COUNTER_LOW:
            self._finish(row, "unanswered", "the card refuses the counter: it has run this before")
            return 0.0
        if self._expired(row):
            said = "no answer" if row.attempts else "it was not sent"
            self._finish(row, "failed", f"{said} in the validity period of the function call")
            return 0.0
        if self._sessions[row.eid] and self._goes_in_session(row):
            # The card is here: it gets this command when it asks for the next one.
            return None
        if row.attempts >= self._patience.attempts:
            self._finish(row, "failed", f"no answer after {row.attempts} attempts")
            return 0.0
        try:
            msisdn = self._book.msisdn(row.eid)
            messages = self._prepare(row)
        except (Refusal, CodecError) as err:
            self._finish(row, "failed", str(err))
            return 0.0
        try:
            self._carrier.send(msisdn, messages)
        except LinkError as err:
            log.warning("command %s to %s was not taken: %s", row.name, row.eid, err)
            self._note_untaken(row, str(err))
        return self._patience.wait(row.attempts + 1)

    def _note_untaken(self, row: Row[Any], reason: str) -> None:
        """Keep why an attempt was not taken, unless the command has ended meanwhile."""
        with self._store.transaction() as connection:
            connection.execute(
                update(OTA_COMMANDS)
                .where(OTA_COMMANDS.c.id == row.id, OTA_COMMANDS.c.state.in_(PENDING))
                .values(reason=reason)
            )

    def _expired(self, row: Row[Any]) -> bool:
        with self._store.transaction() as connection:
            return ota_rows.has_expired(connection, row, self._clock())

    def _prepare(self, row: Row[Any]) -> list[bytes]:
        """Count the attempt and its messages; return these, of a packet that is made only once.

        For a command that goes in a session it is a new request for one each time. All is counted
        before anything leaves: an answer may be here before the carrier has returned.
        """
        with self._store.transaction() as connection:
            values: dict[str, Any] = {
                "attempts": row.attempts + 1,
                "next_try": self._clock() + self._patience.wait(row.attempts + 1),
                "reason": "",
            }
            asks = self._admin
            if asks is not None and asks.is_for(connection, row, self._size):
                keys, counter = take_counter(connection, row.eid)
                packet = wrap_command(asks.request, counter, REQUEST_PARAMETERS, keys)
            else:
                values["state"] = "sent"
                packet = row.packet
                if packet is None:
                    keys, counter = take_counter(connection, row.eid)
                    secured = parameters_of(connection, row)
                    packet = wrap_command(bytes(row.script), counter, secured, keys)
                    values |= {"counter": counter, "packet": packet}
            messages = split(bytes(packet), reference=row.id & 0xFF, limit=self._size.octets)
            values["messages"] = OTA_COMMANDS.c.messages + len(messages)
            connection.execute(
                update(OTA_COMMANDS).where(OTA_COMMANDS.c.id == row.id).values(**values)
            )
        return messages

    def choose(self, job: str, eid: str, way: Way) -> None:
        """Send the commands of a job this way, whatever their number; refuse an impossible one."""
        if way == "https":
            if self._admin is None:
                raise Refusal(RefusalCode.NO_ROUTE, "this SM-SR has no administration server")
            self._admin.require(eid)
        if way == "report" and not self._reports:
            raise Refusal(
                RefusalCode.NO_ROUTE, "the SMS centre of this SM-SR brings no delivery reports"
            )
        if way != "auto":
            with self._store.transaction() as connection:
                set_way(connection, job, way)

    @contextmanager
    def session(self, eid: str) -> Iterator[None]:
        """Say that an eUICC has a session open: it need not be called meanwhile."""
        self._sessions[eid] += 1
        try:
            yield
        finally:
            self._sessions[eid] -= 1
            self.wake()

    def _goes_in_session(self, row: Row[Any]) -> bool:
        with self._store.transaction() as connection:
            return self._admin is not None and self._admin.is_for(connection, row, self._size)

    def command(self, eid: str, number: int) -> Row[Any] | None:
        """Return a command of an eUICC by its number."""
        with self._store.transaction() as connection:
            return ota_rows.numbered(connection, eid, number)

    def handed_out(self, eid: str) -> Row[Any] | None:
        """Return the command that was handed out in a session and has not been answered."""
        with self._store.transaction() as connection:
            row = ota_rows.first(connection, eid)
        return row if row is not None and row.state == "sent" and row.packet is None else None

    def hand_out(self, eid: str) -> Row[Any] | None:
        """Return the command that is due in a session, noted as sent before it leaves."""
        with self._store.transaction() as connection:
            row = ota_rows.first(connection, eid)
            if row is None or row.state != "queued" or self._admin is None:
                return None
            if not self._admin.is_for(connection, row, self._size):
                return None
            if ota_rows.has_expired(connection, row, self._clock()):
                return None
            due = self._clock() + self._patience.wait(max(1, row.attempts))
            changed = connection.execute(
                update(OTA_COMMANDS)
                .where(OTA_COMMANDS.c.id == row.id, OTA_COMMANDS.c.state == "queued")
                .values(state="sent", next_try=due)
            )
        return row if changed.rowcount else None

    def take_response(self, row: Row[Any], response: bytes) -> None:
        """Take the response script to a command that was handed out; once."""
        self._finish(row, "done", "", response=response)

    def refuse(self, row: Row[Any], reason: str) -> None:
        """Note that the card did not run a command."""
        self._finish(row, "failed", reason)

    def leave_open(self, row: Row[Any], reason: str) -> None:
        """Note that nobody knows whether a command ran."""
        self._finish(row, "unanswered", reason)

    def receive(self, source: str, user_data: bytes) -> None:
        """Take one message from the network."""
        self.answers.receive(source, user_data)

    def _take_answer(self, row: Row[Any], answer: ResponsePacket) -> None:
        if answer.status == ResponseStatus.ANSWER_BY_SUBMIT:
            # It does not fit a delivery report: the answer itself is on its way.
            log.info("answer of %s to %s follows by short message", row.eid, row.name)
        elif answer.status == ResponseStatus.OK:
            self._finish(row, "done", "", response=answer.data)
        elif answer.status == ResponseStatus.COUNTER_LOW:
            # A doubled message may be answered before the first one is: wait a moment for that.
            due = self._clock() + self._patience.overtake_s
            with self._store.transaction() as connection:
                connection.execute(
                    update(OTA_COMMANDS)
                    .where(OTA_COMMANDS.c.id == row.id, OTA_COMMANDS.c.state == "sent")
                    .values(status=answer.status, next_try=due)
                )
            self.wake()
        else:
            name = _status_name(answer.status)
            self._finish(row, "failed", f"the card answers {answer.status:02X} ({name})")

    def _finish(
        self, row: Row[Any], state: str, reason: str, *, response: bytes | None = None
    ) -> None:
        values: dict[str, Any] = {"state": state, "reason": reason}
        if response is not None:
            values |= {"response": response, "status": 0}
        with self._store.transaction() as connection:
            changed = connection.execute(
                update(OTA_COMMANDS)
                .where(OTA_COMMANDS.c.id == row.id, OTA_COMMANDS.c.state.in_(PENDING))
                .values(**values)
            )
            final = connection.execute(
                select(OTA_COMMANDS).where(OTA_COMMANDS.c.id == row.id)
            ).one()
        if changed.rowcount:
            self._finished(final)
        self.wake()

    def wait(self, seconds: float) -> None:
        """Wait for news since the last call, at most so many seconds."""
        self._news.wait(seconds)
        self._news.clear()

    def wake(self) -> None:
        """Tell all who wait that something has changed."""
        self._news.set()
        with self.changed:
            self.changed.notify_all()


def _status_name(status: int) -> str:
    known = {member.value: member.name.replace("_", " ").lower() for member in ResponseStatus}
    return known.get(status, "unknown status")
