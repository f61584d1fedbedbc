"""A digital multimeter over VISA: any that answers one SCPI query with volts.

It reads at the pin itself, where a supply knows its own terminals only. One query, one reply, each
with a deadline; after anything that leaves the line in doubt the connection is made anew.
"""

from __future__ import annotations

import math
import re
import time
from contextlib import nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from hil.equipment.power_supply.dialect import Framing, SerialLine
from hil.equipment.power_supply.visa_session import connected_socket, open_resource
from hil.equipment.power_supply.wire import ResourceWire, SocketWire, Wire
from hil.errors import BenchError, LinkError, ProtocolError
from hil.lease import Lease
from hil.observer import Exchange, NullObserver, Observer

if TYPE_CHECKING:
    from pyvisa.resources import MessageBasedResource

DEFAULT_QUERY: Final = "MEAS:VOLT:DC?"
"""SCPI-99 volume 2, "MEASure:VOLTage:DC?": common to bench multimeters of all makers."""

_NR3: Final = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[Ee][+-]?\d+)?")
_OVERLOAD: Final = 9.9e37


class WrongMultimeterError(BenchError):
    """Another instrument answers than the bench file names."""


@dataclass(frozen=True, slots=True)
class VoltReading:
    """Volts as the multimeter read them between ``at_ns - span_ns`` and ``at_ns``; its words."""

    volts: float
    at_ns: int
    span_ns: int
    raw: str


class Multimeter:
    """A multimeter on the bench. Make it with :meth:`open`; a context manager."""

    def __init__(
        self,
        resource: str,
        *,
        identity: str,
        query: str,
        observer: Observer,
        timeout_s: float,
        visa_library: str,
    ) -> None:
        self.resource = resource
        self.identity = ""
        self._wanted = identity
        self._query = query
        self._observer = observer
        self._timeout_s = timeout_s
        self._visa_library = visa_library
        self._wire: Wire | None = None
        self._lease: Lease | None = None

    @classmethod
    def open(
        cls,
        resource: str,
        *,
        identity: str,
        query: str = DEFAULT_QUERY,
        observer: Observer | None = None,
        timeout_s: float = 5.0,
        visa_library: str = "@py",
    ) -> Self:
        """Own the multimeter at ``resource`` and check by a pattern that it is the one meant.

        Raises :class:`WrongMultimeterError`, :class:`hil.lease.OwnedError`, :class:`LinkError`.
        """
        meter = cls(
            resource,
            identity=identity,
            query=query,
            observer=NullObserver() if observer is None else observer,
            timeout_s=timeout_s,
            visa_library=visa_library,
        )
        meter._lease = Lease.claim(resource)
        try:
            meter._identify()
        except BaseException:
            meter.close()
            raise
        return meter

    def __enter__(self) -> Self:
        """Return the multimeter."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def volts(self) -> VoltReading:
        """Read once. An overload, or what is no number, is a :class:`ProtocolError`."""
        if self._wire is None:
            self._identify()
        reply, at_ns, span_ns = self._ask(self._query)
        if _NR3.fullmatch(reply) is None:
            self._drop()
            raise ProtocolError(f"{self.resource}: {reply[:80]!r} is no reading in volts")
        value = float(reply)
        if not math.isfinite(value) or abs(value) >= _OVERLOAD:
            raise ProtocolError(f"{self.resource}: overload ({reply}); choose another range")
        return VoltReading(value, at_ns, span_ns, reply)

    def close(self) -> None:
        """Give the instrument free; may be called again."""
        self._drop()
        lease, self._lease = self._lease, None
        if lease is not None:
            lease.release()

    def _identify(self) -> None:
        """Ask who is there: at first by the pattern, after a lost connection for the same one."""
        found, _, _ = self._ask("*IDN?")
        if re.search(self._wanted, found) is None or self.identity not in ("", found):
            self._drop()
            raise WrongMultimeterError(
                f"{self.resource}: {found[:120]!r} is not the multimeter of the bench file "
                f"({self.identity or self._wanted}); connect that one, or mend multimeter.identity"
            )
        self.identity = found

    def _ask(self, query: str) -> tuple[str, int, int]:
        begun_ns = time.monotonic_ns()
        deadline = time.monotonic() + self._timeout_s
        self._observer.exchange(Exchange("scpi", "multimeter", "out", query))
        try:
            wire = self._wire or self._connect()
            with self._lease.sending() if self._lease is not None else nullcontext():
                wire.send(query.encode("ascii") + b"\n", deadline)
            text = wire.receive(deadline).decode("ascii").strip()
        except UnicodeDecodeError as err:
            self._drop()
            raise ProtocolError(f"{self.resource}: {query}: garbled reply") from err
        except BenchError as err:
            self._drop()
            raise type(err)(f"{self.resource}: {query}: {err}") from err
        except BaseException:
            self._drop()
            raise
        at_ns = time.monotonic_ns()
        self._observer.exchange(Exchange("scpi", "multimeter", "in", text, at_ns=at_ns))
        return text, at_ns, at_ns - begun_ns

    def _connect(self) -> Wire:
        framing = Framing()
        opened: MessageBasedResource = open_resource(
            self.resource,
            framing=framing,
            serial_line=SerialLine(),
            timeout_s=self._timeout_s,
            visa_library=self._visa_library,
        )
        connection = connected_socket(opened)
        self._wire = (
            SocketWire(opened, connection, framing)
            if connection is not None
            else ResourceWire(opened, framing)
        )
        return self._wire

    def _drop(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            try:
                wire.close()
            except (LinkError, OSError) as err:
                self._observer.exchange(
                    Exchange("scpi", "multimeter", "in", "", note=f"closing: {err}")
                )
