"""A programmable power supply: identified, owned, within its cables' limits, provably off."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final

from hil.equipment.power_supply.channel import Channel
from hil.equipment.power_supply.console import Console
from hil.equipment.power_supply.dialect import Dialect, SerialLine
from hil.equipment.power_supply.errors import OffNotProvenError
from hil.equipment.power_supply.limits import CableLimits
from hil.equipment.power_supply.link import DEFAULT_VISA_LIBRARY, VisaLink
from hil.equipment.power_supply.models import AUTO, dialect_of
from hil.equipment.power_supply.protecting import check_limits, check_together
from hil.equipment.power_supply.ratings import StatedAccuracy
from hil.equipment.power_supply.readings import Identity, OffReport
from hil.equipment.power_supply.stimulus.planning import Plan, Track, plan
from hil.equipment.power_supply.stimulus.player import (
    NOBODY,
    SHORTEST_S,
    Played,
    Then,
    Watcher,
    host_grain_s,
    play,
)
from hil.equipment.power_supply.stimulus.shapes import Grain
from hil.equipment.power_supply.stimulus.timing import timing_of
from hil.equipment.power_supply.switching_off import switch_all_off
from hil.equipment.power_supply.watch_orders import Orders
from hil.equipment.power_supply.watchdog import Watchdog
from hil.errors import BenchError, UsageError
from hil.lease import Lease, OwnedError, Owner, holder_of
from hil.observer import NullObserver, Observer

_LOG = logging.getLogger(__name__)
_ONE_CLIENT: Final = ("ASRL", "USB")
"""Resources that one connection takes whole."""


class PowerSupply:
    """A supply on the bench. Make it with :meth:`open`; leaving its context switches it off."""

    def __init__(self, link: VisaLink, limits: Mapping[int, CableLimits]) -> None:
        self._link = link
        self._watchdog: Watchdog | None = None
        self._warned = False
        link.guard = self._warn
        self._console = Console(link)
        self._looks_only = False
        self._channels = {
            number: Channel(self._console, number, limit) for number, limit in limits.items()
        }

    @classmethod
    def open(
        cls,
        resource: str,
        *,
        limits: Mapping[int, CableLimits],
        model: str = AUTO,
        observer: Observer | None = None,
        expected_serial: str | None = None,
        timeout_s: float = 2.0,
        open_timeout_s: float | None = None,
        name: str = "power supply",
        visa_library: str = DEFAULT_VISA_LIBRARY,
        serial_line: SerialLine | None = None,
        accuracy: StatedAccuracy | None = None,
    ) -> PowerSupply:
        """Own the supply at a VISA ``resource``, check who it is, and switch it off, proven.

        ``limits`` gives the cable of each channel that is used. The instrument must be the
        ``model`` that is stated; with ``auto`` it says itself which it is. ``serial_line`` is for
        a serial line that is not set as the model has it from the factory, ``accuracy`` stands in
        the place of the model's limits of error. Raises
        :class:`ConfigError` for an unknown model or a protection that it lacks,
        :class:`UsageError` for limits beyond the model's ranges, :class:`OwnedError`,
        :class:`LinkError`, :class:`IdentityError` or :class:`OffNotProvenError`.
        """
        dialect = None if model.casefold() == AUTO else dialect_of(model)
        if dialect is not None:
            _check(dialect, limits)
        link = VisaLink.open(
            resource,
            dialect,
            observer=NullObserver() if observer is None else observer,
            name=name,
            timeout_s=timeout_s,
            open_timeout_s=open_timeout_s,
            expected_serial=expected_serial,
            visa_library=visa_library,
            serial_line=serial_line,
        )
        if accuracy is not None:
            link.state_accuracy(accuracy)
        supply = cls(link, limits)
        try:
            if dialect is None:
                _check(link.dialect, limits)
            supply._begin()
        except BaseException:
            supply.close()
            raise
        return supply

    @classmethod
    def look(
        cls,
        resource: str,
        *,
        limits: Mapping[int, CableLimits],
        model: str = AUTO,
        observer: Observer | None = None,
        expected_serial: str | None = None,
        timeout_s: float = 2.0,
        visa_library: str = DEFAULT_VISA_LIBRARY,
        serial_line: SerialLine | None = None,
        accuracy: StatedAccuracy | None = None,
    ) -> PowerSupply:
        """Look at a supply that nobody drives, and leave it as it is found.

        Only :attr:`identity`, :meth:`Channel.glance` and :meth:`Channel.measure` are meant for it.
        Raises :class:`OwnedError` while somebody drives it, else as :meth:`open`.
        """
        owner = holder_of(resource)
        if owner:
            raise OwnedError(f"{resource}: in use by {owner}; wait for it to end")
        link = VisaLink.open(
            resource,
            None if model.casefold() == AUTO else dialect_of(model),
            observer=NullObserver() if observer is None else observer,
            name="power supply (look)",
            timeout_s=timeout_s,
            expected_serial=expected_serial,
            visa_library=visa_library,
            serial_line=serial_line,
            owner=False,
        )
        if accuracy is not None:
            link.state_accuracy(accuracy)
        supply = cls(link, limits)
        supply._looks_only = True
        try:
            _check(link.dialect, limits)
        except BaseException:
            supply.close()
            raise
        return supply

    def __enter__(self) -> PowerSupply:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _: TracebackType | None,
    ) -> None:
        """Switch off and close; a failure to do so is a note on the error that was there first."""
        if self._looks_only:
            self.close()
            return
        try:
            report = self.safe_state()
        finally:
            self.close()
        if not report.proven:
            if error is None:
                raise _not_proven(report)
            error.add_note(f"and while switching off: {report}")

    @property
    def identity(self) -> Identity:
        """Who answered ``*IDN?``."""
        return self._link.identity

    @property
    def model(self) -> str:
        """The model whose dialect is spoken, as a bench file names it."""
        return self._console.dialect.model

    @property
    def resource(self) -> str:
        """The VISA resource it was opened with."""
        return self._link.resource

    @property
    def serial_line(self) -> SerialLine | None:
        """How its serial line is set, None for the model's own way or no serial line."""
        return self._link.serial_line

    def watched_by(self, watchdog: Watchdog) -> None:
        """Have the watchdog reach the supply; from now on nothing goes on without it.

        Without one, outputs go on with a warning in the log: should this process be killed, they
        stay on. Raises :class:`SafetyError` if the watchdog cannot reach the supply.
        """
        with self._link.exclusively():
            if self.resource.upper().startswith(_ONE_CLIENT):
                self._link.drop()  # for the time of its look; it comes back when we are gone
            self._link.guard = watchdog.require
            lease = self._link.lease
            if lease is None:
                raise UsageError(f"{self.resource}: closed already; open it again")
            watchdog.watch(
                Orders(
                    resource=self.resource,
                    model=self._console.dialect.model,
                    serial=self.identity.serial,
                    visa_library=self._link.visa_library,
                    serial_line=self._link.serial_line,
                    token=lease.token,
                    lock=str(lease.path.absolute()),
                    owner=str(Owner.this_process()),
                    report=str(watchdog.report_file.absolute()),
                    silence_s=watchdog.silence_s,
                    retry_s=watchdog.retry_s,
                )
            )
            self._watchdog = watchdog

    def go_unwatched(self, reason: str) -> None:
        """Let outputs go on without a watchdog, for a stated reason; the log gets it."""
        _LOG.warning("%s: no watchdog, because %s", self.resource, reason)
        self._link.guard = None

    @property
    def lease(self) -> Lease | None:
        """The right to drive it, None once it was given back."""
        return self._link.lease

    def note_off(self, report: OffReport) -> None:
        """Take note of a proof that was made over another connection."""
        self._link.proven_off = report.proven

    def channel(self, number: int) -> Channel:
        """Return a channel; :class:`UsageError` if the bench states no cable limits for it."""
        if number not in self._channels:
            raise UsageError(
                f"{self.resource}: no cable limits for channel {number}; state them in the bench "
                f"file (there are limits for {sorted(self._channels) or 'no channel'})"
            )
        return self._channels[number]

    def play(
        self,
        tracks: Sequence[Track],
        *,
        command_time_s: float | None = None,
        then: Then = "off",
        watcher: Watcher = NOBODY,
    ) -> Played:
        """Play stimuli on channels of this supply: :func:`.plan`, then :func:`.play`.

        ``command_time_s`` replaces the model's published command processing time. All is checked
        against the limits of the cables before the first byte is sent.
        """
        dialect = self._console.dialect
        limits = {number: channel.limits for number, channel in self._channels.items()}

        def planned(shortest_s: float) -> Plan:
            grain = Grain(shortest_s, dialect.volts.step, dialect.amps.step)
            return plan(tracks, limits=limits, grain=grain, where=self.resource)

        first = planned(SHORTEST_S)  # whatever is wrong with it, nothing has been sent yet
        made = planned(host_grain_s(self._console, first.channels[0]))
        return play(
            made,
            self._channels,
            self._console,
            timing=timing_of(dialect.model, command_time_s=command_time_s),
            then=then,
            watcher=watcher,
        )

    def all_off(self, *, decay_timeout_s: float = 2.0) -> OffReport:
        """Switch every channel of the model off, each proven, whatever becomes of the others.

        Raises :class:`OffNotProvenError`, after the last channel, if any proof is missing.
        """
        report = self.safe_state(decay_timeout_s=decay_timeout_s)
        if not report.proven:
            raise _not_proven(report)
        return report

    def safe_state(self, *, decay_timeout_s: float = 2.0) -> OffReport:
        """Do :meth:`all_off` without raising, for use while another error is on its way."""
        with self._link.exclusively():
            try:
                channels = switch_all_off(self._console, decay_timeout_s=decay_timeout_s)
            except UsageError as err:
                return OffReport(self.resource, problem=str(err))
            report = OffReport(self.resource, channels)
            self._link.proven_off = report.proven
        return report

    def errors(self) -> list[tuple[int, str]]:
        """Empty the instrument's error queue and return its entries, oldest first."""
        return self._console.drain_errors()

    def lock_panel(self) -> None:
        """Take the front panel's way back to local; :meth:`close` gives it back."""
        lock = self._console.dialect.panel.lock
        if lock is None:
            raise UsageError(f"{self.resource}: no program can lock the panel of a {self.model}")
        self._link.write(lock)
        self._console.check_errors(lock)

    def close(self) -> None:
        """Give the panel and the instrument free; may be called again. Does not switch off.

        A watchdog is released if all was proven off; if not, it does what this did not.
        """
        local = self._on_this_line(self._console.dialect.panel.local)
        try:
            if self._link.connected and local is not None and not self._looks_only:
                self._link.write(local)
                self._console.drain_errors()
        except BenchError as err:
            _LOG.warning("the panel may still be locked: %s", err)
        finally:
            self._link.close()
            watchdog, self._watchdog = self._watchdog, None
            if watchdog is not None and self._link.proven_off:
                watchdog.release()
            elif watchdog is not None:
                watchdog.let_act()

    def _warn(self) -> None:
        if not self._warned:
            self._warned = True
            _LOG.warning(
                "%s: no watchdog: should this process be killed, its outputs stay on; give it one "
                "by watched_by(Watchdog.start(...))",
                self.resource,
            )

    def _on_this_line(self, command: str | None) -> str | None:
        """Return a command of the panel if it exists on this kind of line."""
        if self._console.dialect.panel.only_on_serial and not self._link.is_serial:
            return None
        return command

    def _begin(self) -> None:
        dialect = self._console.dialect
        remote = None if dialect.panel.only_on_serial else dialect.panel.remote
        for command in (remote, dialect.clear_status, *dialect.prepare):
            if command is not None:
                self._link.write(command)
        for code, name in self._console.drain_errors():
            _LOG.warning("%s: old error %d %s", self.resource, code, name)
        self.all_off()


def _not_proven(report: OffReport) -> OffNotProvenError:
    return OffNotProvenError(f"{report}; cut the mains by hand")


def _check(dialect: Dialect, limits: Mapping[int, CableLimits]) -> None:
    for number, limit in limits.items():
        check_limits(dialect, number, limit)
    check_together(dialect, limits)
