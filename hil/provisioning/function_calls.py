"""Each call of a function is carried out once, however often it is repeated.

A caller names its call with a function call identifier (SGP.02 annex A: functionRequesterId,
functionCallIdentifier, validityPeriod). The ledger keeps what was answered, in the transaction that
made it true, and gives the same answer to every repetition: after a lost answer, after a restart,
and to repetitions at the same moment. The same identifier for something else is refused.

There are two ways through the ledger, because a transaction must never span a call to a peer:

* *atomic*: everything the function writes, and its answer, are one transaction.
* *spanning*: the call is noted first, carried out, and its answer noted last. A server that dies in
  between carries it out again when it is repeated; what the function creates and the calls that it
  makes then get the same identifiers as before (:func:`new_identifier`), what it has decided stays
  decided (:func:`settled`), and what it has written stays as it is (:func:`first_time`), so that
  nothing happens twice.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update

from hil.provisioning.errors import Refusal, RefusalCode
from hil.provisioning.store import Store
from hil.provisioning.tables import FUNCTION_CALLS

KEEP_SECONDS: Final = 86_400.0
"""How long an answer is kept at least for repetitions; longer where the validity is longer."""

RUNNING_SECONDS: Final = 30.0
"""How long a repetition waits for the call that it repeats."""

MAX_IDENTIFIER: Final = 200
_NAMESPACE: Final = uuid.UUID("6f0d3a43-5a0e-5c0c-9d3a-6d5b0f6c9b11")


@dataclass(slots=True)
class FunctionCall:
    """One call: who makes it, under which identifier, for what (a digest), and until when.

    ``until`` is in seconds since 1970, None without a validity period. ``resumed`` is true where a
    server that died has carried out some of it before; ``owner`` and ``keep_until`` are the
    ledger's.
    """

    caller: str
    identifier: str
    digest: bytes
    until: float | None = None
    resumed: bool = False
    owner: str = ""
    keep_until: float = 0.0
    _derived: Counter[str] = field(default_factory=Counter, repr=False)

    def derive(self, what: str) -> str:
        """Return an identifier (32 hex digits) that this call, repeated, derives again.

        The same ``what`` a second time in one call gives a second identifier.
        """
        self._derived[what] += 1
        name = f"{self.caller}\n{self.identifier}\n{what}\n{self._derived[what]}"
        return uuid.uuid5(_NAMESPACE, name).hex


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: the HTTP status, the body, and the headers that belong to it."""

    status: int
    body: bytes = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict)


_CURRENT: ContextVar[FunctionCall | None] = ContextVar("hil_function_call", default=None)


def current_call() -> FunctionCall | None:
    """Return the call that is being carried out here, None outside of one."""
    return _CURRENT.get()


@contextmanager
def within(call: FunctionCall) -> Iterator[None]:
    """Make what happens inside a part of a call: identifiers asked for there follow from it."""
    mark = _CURRENT.set(call)
    try:
        yield
    finally:
        _CURRENT.reset(mark)


def new_identifier(what: str) -> str:
    """Return an identifier for something that is created: the same one when a call is repeated."""
    call = _CURRENT.get()
    return uuid.uuid4().hex if call is None else call.derive(what)


def first_time(connection: Connection, what: str) -> bool:
    """Note, in the caller's transaction, that a step of the current call is taken.

    False where it was taken before a server died: the step is to be left out. Always true outside
    of a call.
    """
    call = _CURRENT.get()
    if call is None:
        return True
    name = call.derive(f"step {what}")
    step = _key(call, name)
    if connection.execute(select(FUNCTION_CALLS.c.state).where(*step)).first() is not None:
        return False
    _insert(connection, call, name, "step")
    return True


def settled(connection: Connection, what: str, decide: Callable[[], Any]) -> Any:  # noqa: ANN401 - JSON
    """Return what ``decide`` returns (a JSON value), noted in the caller's transaction.

    Where the current call had decided it before a server died, that is returned instead.
    """
    call = _CURRENT.get()
    if call is None:
        return decide()
    name = call.derive(f"decision {what}")
    known = select(FUNCTION_CALLS.c.body).where(*_key(call, name))
    row = connection.execute(known).first()
    if row is not None:
        return json.loads(bytes(row.body))
    decided = decide()
    _insert(connection, call, name, "step", json.dumps(decided).encode())
    return decided


def digest_of(method: str, target: str, body: bytes) -> bytes:
    """Return what tells one call from another; JSON counts by its meaning, not by its spaces."""
    with suppress(ValueError, RecursionError):
        body = json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(f"{method} {target}\n".encode() + body).digest()


class Ledger:
    """The function calls of one server, in its store."""

    def __init__(
        self,
        store: Store,
        owner: str,
        *,
        keep_s: float = KEEP_SECONDS,
        running_s: float = RUNNING_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._owner = owner
        self._keep_s = keep_s
        self._running_s = running_s
        self.clock = clock

    def once(self, call: FunctionCall, act: Callable[[], Answer], *, spanning: bool) -> Answer:
        """Return the answer of ``act``, or what was answered to this call before.

        A refusal of ``act`` is an answer too, and is raised again for each repetition. Anything
        else that ``act`` raises is none: nothing is kept, and a repetition carries it out again.

        Raises :class:`Refusal`: the identifier was used for something else, the call is still
        running, or its validity period has ended.
        """
        key = f"{self._owner}\n{call.caller}\n{call.identifier}"
        with self._store.alone(key, timeout_s=self._running_s) as mine:
            if not mine:
                raise Refusal(
                    RefusalCode.WRONG_STATE,
                    f"function call {call.identifier} is still being carried out: "
                    "repeat it later for its answer",
                )
            known, answer = self._spanning(call, act) if spanning else self._atomic(call, act)
        return _given(known) if answer is None else answer

    def _atomic(
        self, call: FunctionCall, act: Callable[[], Answer]
    ) -> tuple[Row[Any] | None, Answer | None]:
        answer: Answer | None = None
        refused: Refusal | None = None
        with self._store.unit() as connection:
            known = self._begin(connection, call)
            if known is not None:
                return known, None
            try:
                answer = _within(call, act)
            except Refusal as refusal:
                # What the function has stored on its way to a refusal, such as a failed attempt
                # that counts, stays stored.
                refused = refusal
            self._end(connection, call, answer, refused)
        if refused is not None:
            raise refused
        return None, answer

    def _spanning(
        self, call: FunctionCall, act: Callable[[], Answer]
    ) -> tuple[Row[Any] | None, Answer | None]:
        with self._store.transaction() as connection:
            known = self._begin(connection, call)
        if known is not None:
            return known, None
        try:
            answer = _within(call, act)
        except Refusal as refusal:
            with self._store.transaction() as connection:
                self._end(connection, call, None, refusal)
            raise
        with self._store.transaction() as connection:
            self._end(connection, call, answer, None)
        return None, answer

    def _begin(self, connection: Connection, call: FunctionCall) -> Row[Any] | None:
        """Note the call; return its row when it was answered before."""
        now = self.clock()
        table = FUNCTION_CALLS
        connection.execute(delete(table).where(table.c.keep_until < now))
        call.owner = self._owner
        call.keep_until = max(now + self._keep_s, call.until or 0.0)
        row = connection.execute(select(table).where(*_key(call, call.identifier))).first()
        if row is not None:
            if bytes(row.digest) != call.digest:
                raise Refusal(
                    RefusalCode.EXISTS,
                    f"function call {call.identifier} of {call.caller} was another call: "
                    "take a new identifier",
                )
            if row.state != "running":
                return row
            call.resumed = True
            call.until = row.until
        if call.until is not None and call.until <= now:
            raise Refusal(
                RefusalCode.EXPIRED,
                f"the validity period of function call {call.identifier} has ended",
            )
        if row is None:
            _insert(connection, call, call.identifier, "running")
        return None

    def _end(
        self,
        connection: Connection,
        call: FunctionCall,
        answer: Answer | None,
        refusal: Refusal | None,
    ) -> None:
        values: dict[str, Any]
        if answer is not None:
            values = {
                "state": "answered",
                "status": answer.status,
                "headers": json.dumps(answer.headers),
                "body": answer.body,
            }
        else:
            assert refusal is not None  # noqa: S101 - one of both
            told = {"code": refusal.code.value, "reason": refusal.reason}
            values = {
                "state": "refused",
                "body": json.dumps(told | {"details": refusal.details}).encode(),
            }
        row = _key(call, call.identifier)
        connection.execute(update(FUNCTION_CALLS).where(*row).values(**values))


def _key(call: FunctionCall, identifier: str) -> tuple[Any, ...]:
    table = FUNCTION_CALLS
    return (
        table.c.owner == call.owner,
        table.c.caller == call.caller,
        table.c.identifier == identifier,
    )


def _insert(
    connection: Connection,
    call: FunctionCall,
    identifier: str,
    state: str,
    body: bytes | None = None,
) -> None:
    connection.execute(
        insert(FUNCTION_CALLS).values(
            owner=call.owner,
            caller=call.caller,
            identifier=identifier,
            digest=call.digest,
            state=state,
            until=call.until,
            keep_until=call.keep_until,
            body=body,
        )
    )


def _within(call: FunctionCall, act: Callable[[], Answer]) -> Answer:
    with within(call):
        return act()


def _given(row: Row[Any] | None) -> Answer:
    assert row is not None  # noqa: S101 - an answer is there or its row is
    if row.state == "refused":
        told = json.loads(bytes(row.body))
        raise Refusal(RefusalCode(told["code"]), told["reason"], told["details"])
    return Answer(row.status, bytes(row.body), json.loads(row.headers))
