"""The one way to an instrument: one message out, at most one reply in, one caller at a time.

What PyVISA leaves open is closed here: threads are serialised, processes kept apart by a lease,
every wait has a deadline, and after anything that leaves the line in doubt (timeout, garbled or
doubled reply, an interrupt in the middle) the connection is thrown away and made anew, the
instrument identified again. A late reply thus never becomes the answer to another query.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from hil.equipment.power_supply.dialect import Dialect, Framing, SerialLine
from hil.equipment.power_supply.errors import IdentityError
from hil.equipment.power_supply.models import all_models, dialect_answering
from hil.equipment.power_supply.ratings import StatedAccuracy
from hil.equipment.power_supply.readings import Identity
from hil.equipment.power_supply.visa_session import connected_socket, open_resource
from hil.equipment.power_supply.wire import ResourceWire, SocketWire, Wire
from hil.errors import BenchError, ProtocolError, UsageError
from hil.lease import Lease, OwnedError
from hil.observer import Exchange, Observer

DEFAULT_VISA_LIBRARY = "@py"
_ANY_MODEL = Framing()
"""How a supply whose model is not known yet is asked for it."""


class VisaLink:
    """A link to one supply. Make it with :meth:`open`; it identifies the instrument at once.

    ``owner`` False opens a second connection beside the owner's, for switching off only; a
    ``lease`` then says whose right it is used under, none that off is always allowed.
    """

    def __init__(
        self,
        resource: str,
        dialect: Dialect | None,
        *,
        observer: Observer,
        name: str,
        timeout_s: float,
        open_timeout_s: float,
        expected_serial: str | None,
        visa_library: str,
        serial_line: SerialLine | None = None,
    ) -> None:
        self.resource = resource
        self._dialect = dialect
        self.serial_line = serial_line
        self.timeout_s = timeout_s
        self.generation = 0
        self.proven_off = False
        self.guard: Callable[[], None] | None = None
        self._observer = observer
        self._name = name
        self._open_timeout_s = open_timeout_s
        self._expected_serial = expected_serial
        self.visa_library = visa_library
        self._identity: Identity | None = None
        self._lock = threading.RLock()
        self._wire: Wire | None = None
        self._lease: Lease | None = None
        self._owns = False
        self._closed = False
        self._next_at = 0.0

    @classmethod
    def open(
        cls,
        resource: str,
        dialect: Dialect | None,
        *,
        observer: Observer,
        name: str = "power supply",
        timeout_s: float = 2.0,
        open_timeout_s: float | None = None,
        expected_serial: str | None = None,
        visa_library: str = DEFAULT_VISA_LIBRARY,
        serial_line: SerialLine | None = None,
        owner: bool = True,
        lease: Lease | None = None,
    ) -> VisaLink:
        """Own ``resource``, connect and check who is there.

        Without ``dialect`` the instrument is asked for its model. ``serial_line`` is how a serial
        line is set, if not as the model has it from the factory.

        Raises :class:`OwnedError` if another process drives it, :class:`LinkError` if nobody
        answers, :class:`IdentityError` if it is not the model or the serial number expected.
        """
        link = cls(
            resource,
            dialect,
            observer=observer,
            name=name,
            timeout_s=timeout_s,
            open_timeout_s=timeout_s if open_timeout_s is None else open_timeout_s,
            expected_serial=expected_serial,
            visa_library=visa_library,
            serial_line=serial_line,
        )
        link._lease = Lease.claim(resource) if owner else lease
        link._owns = owner
        try:
            link._connect()
        except BaseException:
            link.close()
            raise
        return link

    @property
    def dialect(self) -> Dialect:
        """The model's dialect, stated or told by the instrument."""
        if self._dialect is None:
            raise UsageError(f"{self.resource}: not opened yet")
        return self._dialect

    def state_accuracy(self, stated: StatedAccuracy) -> None:
        """Take the limits of error that a lab states in the place of the model's."""
        self._dialect = self.dialect.with_accuracy(stated)

    @property
    def identity(self) -> Identity:
        """Who answered when the link was opened."""
        if self._identity is None:
            raise UsageError(f"{self.resource}: not opened yet")
        return self._identity

    @property
    def connected(self) -> bool:
        """Whether there is a connection that is not in doubt."""
        return self._wire is not None

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Keep other threads away for several messages that belong together."""
        with self._lock:
            yield

    @property
    def lease(self) -> Lease | None:
        """The lease under which this link drives the instrument, if there is one."""
        return self._lease

    def going_on(self) -> None:
        """Take note that an output is about to go on; raises what ``guard`` has against it."""
        if self.guard is not None:
            self.guard()
        self.proven_off = False

    def write(self, message: str) -> None:
        """Send a command. Nothing proves that it arrived until a query has been answered."""
        with self._lock:
            self._transact(self._ready(), message, query=False, timeout_s=self.timeout_s)

    def query(
        self, message: str, *, timeout_s: float | None = None, length: int | None = None
    ) -> str:
        """Send a query and return its reply, without terminator and surrounding blanks.

        ``length`` is the bytes of the reply where the model's replies have no terminator.
        Raises :class:`LinkTimeoutError`, :class:`LinkError` or :class:`ProtocolError`; the
        connection is then made anew before the next message.
        """
        with self._lock:
            limit_s = self.timeout_s if timeout_s is None else timeout_s
            return self._transact(
                self._ready(), message, query=True, timeout_s=limit_s, length=length
            )

    def drop(self) -> None:
        """Throw the connection away, because what was read makes the line doubtful."""
        with self._lock:
            wire, self._wire = self._wire, None
            if wire is not None:
                self.generation += 1
                wire.close()

    def close(self) -> None:
        """Close the connection and give the instrument free; may be called again."""
        with self._lock:
            self._closed = True
            try:
                self.drop()
            finally:
                lease, self._lease = self._lease, None
                if lease is not None and self._owns:
                    lease.release(proven=self.proven_off)

    def _ready(self) -> Wire:
        if self._closed:
            raise UsageError(f"{self.resource}: the link is closed; open the supply again")
        return self._wire or self._connect()

    def _connect(self) -> Wire:
        if self._dialect is None:
            self._recognise()
        dialect = self.dialect
        wire = self._wire or self._open_wire(dialect.framing)
        panel = dialect.panel
        if panel.remote and panel.only_on_serial and self.is_serial:
            self._transact(wire, panel.remote, query=False, timeout_s=self.timeout_s)
        reply = ""
        if dialect.identity is not None:
            reply = self._transact(wire, dialect.identify, query=True, timeout_s=self.timeout_s)
        try:
            self._check_identity(reply)
        except IdentityError:
            self.drop()
            raise
        self.generation += 1
        return wire

    @property
    def is_serial(self) -> bool:
        """Whether it is a serial line."""
        return self.resource.upper().startswith("ASRL")

    def _open_wire(self, framing: Framing) -> Wire:
        default = SerialLine() if self._dialect is None else self._dialect.serial_line
        opened = open_resource(
            self.resource,
            framing=framing,
            serial_line=self.serial_line or default,
            timeout_s=self._open_timeout_s,
            visa_library=self.visa_library,
        )
        connection = connected_socket(opened)
        self._wire = (
            SocketWire(opened, connection, framing)
            if connection is not None
            else ResourceWire(opened, framing)
        )
        return self._wire

    def _recognise(self) -> None:
        """Ask an instrument of any model for its identity, and take its dialect from now on."""
        wire = self._open_wire(_ANY_MODEL)
        reply = self._transact(wire, "*IDN?", query=True, timeout_s=self.timeout_s)
        found = dialect_answering(reply)
        if found is None:
            self.drop()
            known = ", ".join(row.model for row in all_models())
            raise IdentityError(
                f"{self.resource}: {reply[:120]!r} is no power supply that is known ({known}); "
                f"write the model it is like into the bench file, or add its row"
            )
        if self.is_serial and self.serial_line is None:
            self.serial_line = SerialLine()  # it has just answered so
        self._dialect = found
        if found.framing != _ANY_MODEL:
            self.drop()

    def _check_identity(self, reply: str) -> None:
        found = self.dialect.read_identity(reply)
        if found is None:
            raise IdentityError(
                f"{self.resource}: {reply[:120]!r} is not a {self.dialect.model}; connect the "
                f"right instrument or write its model into the bench file"
            )
        if self._expected_serial is not None and found.serial != self._expected_serial:
            whose = f"serial {found.serial}" if found.serial else "no serial number to tell"
            raise IdentityError(
                f"{self.resource}: this {found.model} has {whose}, the bench expects "
                f"{self._expected_serial}; connect that one or mend the bench file"
            )
        if self._identity is not None and found != self._identity:
            raise IdentityError(
                f"{self.resource}: {found.raw!r} answers after reconnecting, it was "
                f"{self._identity.raw!r}; somebody has changed the instrument"
            )
        self._identity = found

    def _transact(
        self,
        wire: Wire,
        message: str,
        *,
        query: bool,
        timeout_s: float,
        length: int | None = None,
    ) -> str:
        framing = _ANY_MODEL if self._dialect is None else self._dialect.framing
        if framing.pacing_s:
            self._pace(framing.pacing_s)
        deadline = time.monotonic() + timeout_s
        reply = b""
        try:
            self._observer.exchange(Exchange("scpi", self._name, "out", message))
            with self._lease.sending() if self._lease is not None else nullcontext():
                wire.send(message.encode("ascii") + framing.write_termination, deadline)
            if query:
                reply = wire.receive(deadline, length)
                # A reply without an end may be a raw register: its bytes are no text.
                text = reply.decode("ascii" if framing.read_termination else "latin-1")
        except UnicodeDecodeError as err:
            self._abandon(message, f"garbled reply {reply[:80]!r}")
            raise ProtocolError(
                f"{self.resource}: {message}: garbled reply {reply[:80]!r}; check the cable"
            ) from err
        except OwnedError:
            self._abandon(message, "another has taken over")
            raise
        except BenchError as err:
            self._abandon(message, str(err))
            raise type(err)(f"{self.resource}: {message}: {err}") from err
        except BaseException:
            # An interrupt between query and reply: the reply still comes, for nobody.
            self._abandon(message, "interrupted")
            raise
        if not query:
            return ""
        self._observer.exchange(Exchange("scpi", self._name, "in", text))
        return text.strip() if framing.read_termination else text

    def _abandon(self, message: str, why: str) -> None:
        self._observer.exchange(
            Exchange("scpi", self._name, "in", "", note=f"{message}: {why}; connection dropped")
        )
        self.drop()

    def _pace(self, pacing_s: float) -> None:
        wait_s = self._next_at - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        self._next_at = time.monotonic() + pacing_s
