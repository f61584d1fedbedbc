"""One output of a supply: protected before it is on, proven at every step."""

from __future__ import annotations

from hil.equipment.power_supply.console import Console
from hil.equipment.power_supply.dialect import Bits, ChannelAccuracy, Protection
from hil.equipment.power_supply.errors import (
    OffNotProvenError,
    SettingError,
    SettleError,
    TripError,
)
from hil.equipment.power_supply.limits import CableLimits
from hil.equipment.power_supply.protecting import (
    protect,
    require_protected,
    trips_at_current_limit,
)
from hil.equipment.power_supply.readings import (
    ChannelOff,
    ChannelStatus,
    Glance,
    Reading,
    Regulation,
)
from hil.equipment.power_supply.regulating import regulation_of
from hil.equipment.power_supply.sequencer import Sequencer
from hil.equipment.power_supply.settling import wait_for_run
from hil.equipment.power_supply.switching_off import read_once, switch_off
from hil.errors import BenchError, LinkError, ProtocolError, SafetyError, UsageError

SETTLED_READINGS = 3


class Channel:
    """One output within the limits of its cable. Get it from :meth:`PowerSupply.channel`."""

    def __init__(self, console: Console, number: int, limits: CableLimits) -> None:
        self.number = number
        self.limits = limits
        self._console = console
        self._dialect = console.dialect
        self._link = console.link
        self._protected_in = 0
        self._sequencer = (
            None
            if self._dialect.sequencing is None
            else Sequencer(console, number, limits, self._require_ready)
        )

    def __repr__(self) -> str:
        return f"Channel({self._where})"

    @property
    def _where(self) -> str:
        return self._console.where(self.number)

    @property
    def accuracy(self) -> ChannelAccuracy:
        """How far settings and readings may be off, by the model's data sheet."""
        return self._dialect.accuracy_of(self.number)

    @property
    def sequencer(self) -> Sequencer | None:
        """What plays a list of set points inside the instrument; None if the model has none."""
        return self._sequencer

    def protect(self) -> None:
        """Set OVP and OCP to the levels of the cable, switch them on, read everything back.

        What the model lacks must have been waived in the cable's limits, and is passed over.
        """
        with self._link.exclusively():
            protect(self._console, self.number, self.limits)
            self._protected_in = self._link.generation

    def apply(self, volts: float, amps: float) -> None:
        """Set volts and the current limit in amps, within the cable's limits and proven.

        The current limit goes first. Refused with :class:`SafetyError` beyond the limits of the
        cable or before :meth:`protect`. An output that is on moves at once; :meth:`settle` waits.
        """
        self.limits.check(self._where, volts, amps)
        least = self._dialect.channels[self.number].min_amps
        if amps < least:
            raise UsageError(f"{self._where}: {amps:g} A is below its least limit, {least:g} A")
        with self._link.exclusively():
            self._require_protection()
            self._console.put(self._dialect.amps, self.number, amps)
            self._console.put(self._dialect.volts, self.number, volts)

    def on(self, *, settle_timeout_s: float = 3.0, regulation: Regulation = "voltage") -> Reading:
        """Switch on, wait until settled, and return the reading then.

        Refused with :class:`SafetyError` unless protections and set points read back within the
        cable's limits, with :class:`TripError` while a trip is latched. ``regulation`` says what
        shall rule the output: its ``voltage``, or its ``current`` limit. If it does not come to
        rest so, the output goes off again and :class:`SettleError` or :class:`TripError` tells why.
        """
        if regulation == "current" and trips_at_current_limit(self._dialect, self.limits):
            raise UsageError(
                f"{self._where}: the OCP of this model trips as soon as its current limit rules; "
                f"write without_ocp: 'ruled by its current limit' for this channel"
            )
        with self._link.exclusively():
            self.arm()
            try:
                self._console.switch_output(self.number, True)
                return self.settle(timeout_s=settle_timeout_s, regulation=regulation)
            except BenchError as err:
                self._back_off(err)
                raise

    def settle(self, *, timeout_s: float = 3.0, regulation: Regulation = "voltage") -> Reading:
        """Wait until three readings in a row are within what the set point and meter allow.

        Raises :class:`TripError` if a protection trips meanwhile, else :class:`SettleError`.
        """
        volts = self._console.value(self._dialect.volts, self.number)
        amps = self._console.value(self._dialect.amps, self.number)
        row, off_by = self._dialect, self.accuracy
        if regulation == "voltage":
            within = off_by.set_volts.at(volts) + off_by.read_volts.at(volts) + 2 * row.volts.step
        elif regulation == "current":
            within = off_by.set_amps.at(amps) + off_by.read_amps.at(amps) + 2 * row.amps.step
        else:
            raise UsageError(f"an output settles in voltage or current, not in {regulation!r}")

        def good(reading: Reading) -> bool:
            if regulation == "voltage":
                return abs(reading.volts - volts) <= within
            return abs(reading.amps - amps) <= within

        settled, last = wait_for_run(
            self.measure, good, times=SETTLED_READINGS, timeout_s=timeout_s
        )
        trips = self._trips()
        if trips:
            raise TripError(f"{self._where}: {trips} tripped while settling; {self._cure}")
        if not settled:
            if not self._console.output_is_on(self.number):
                raise TripError(
                    f"{self._where}: the output went off by itself while settling, as after a "
                    f"trip; {self._cure}"
                )
            raise SettleError(
                f"{self._where}: did not settle at {volts:g} V, {amps:g} A ({regulation}) within "
                f"{timeout_s:g} s: last {last.volts:g} V, {last.amps:g} A, ruled by "
                f"{self.status().regulation}; look for a short circuit or a current limit too low"
            )
        return last

    def off(self, *, decay_timeout_s: float = 2.0) -> ChannelOff:
        """Switch off; proven by a query and by the voltage falling below 0.1 V in time.

        Raises :class:`OffNotProvenError` if either proof is missing.
        """
        with self._link.exclusively():
            report = switch_off(self._console, self.number, decay_timeout_s=decay_timeout_s)
        if not report.proven:
            raise OffNotProvenError(f"{self._link.resource}: {report}; cut the mains by hand")
        return report

    def measure(self) -> Reading:
        """Measure volts and amps once."""
        return read_once(self._console, self.number)

    @property
    def is_on(self) -> bool:
        """Whether the instrument says that the output is on."""
        return self._console.output_is_on(self.number)

    def arm(self) -> None:
        """Make sure that the output may go on from now on; all that :meth:`on` does before."""
        with self._link.exclusively():
            self._require_ready()
            self._silence_others()
            self._link.going_on()

    def clear_trip(self) -> None:
        """Clear latched trips. The output is off before and after: some models restore it."""
        console, row, n = self._console, self._dialect, self.number
        with self._link.exclusively():
            console.switch_output(n, False)
            if row.clear_restores_output:
                console.put(row.volts, n, 0.0)
            for command in row.clear_trip:
                console.tell(command, n)
            console.forget_events(n)
            trips = self._trips()
            console.check_errors("clear trip")
            if console.output_is_on(n):
                console.switch_output(n, False)
        if trips:
            raise TripError(f"{self._where}: {trips} does not clear; {_CURE}")

    def status(self) -> ChannelStatus:
        """Read settings, protections, trips and what rules the output."""
        console, row, n = self._console, self._dialect, self.number
        with console.asking_once():
            on = console.output_is_on(n)
            trips = self._latched()
            return ChannelStatus(
                channel=n,
                on=on,
                regulation=regulation_of(console, n) if on else "off",
                set_volts=console.value(row.volts, n),
                set_amps=console.value(row.amps, n),
                ovp_volts=self._level(row.ovp),
                ocp_amps=self._level(row.ocp),
                ovp_on=self._watches(row.ovp),
                ocp_on=self._watches(row.ocp),
                ovp_tripped="OVP" in trips,
                ocp_tripped="OCP" in trips,
                other_trips=tuple(name for name in trips if name not in ("OVP", "OCP")),
            )

    def glance(self) -> Glance:
        """Look at the channel and change nothing: no register is asked that reading would clear."""
        console, n = self._console, self.number
        with console.asking_once():
            on = console.output_is_on(n)
            trips = tuple(
                trip.name
                for trip in self._dialect.trips
                if not (isinstance(trip.told_by, Bits) and trip.told_by.event)
                and console.yes(trip.told_by, n)
            )
            regulation = regulation_of(console, n) if on else "off"
            return Glance(n, on, regulation, self.measure(), trips)

    def remote_sense(self) -> bool | None:
        """Whether the sense terminals regulate; None if the model has none that can be asked."""
        sense = self._dialect.sense
        return None if sense is None else self._console.yes(sense.state, self.number)

    def set_remote_sense(self, on: bool) -> None:
        """Let the sense terminals regulate, or not; :class:`UsageError` without such a switch."""
        if self._dialect.sense is None:
            raise UsageError(f"{self._where}: no program can switch the sense of this model")
        self._console.switch(self._dialect.sense, self.number, on)

    def _level(self, protection: Protection | None) -> float | None:
        if protection is None or protection.level is None:
            return None
        return self._console.value(protection.level, self.number)

    def _watches(self, protection: Protection | None) -> bool:
        if protection is None or protection.switch is None:
            return protection is not None
        return self._console.yes(protection.switch.state, self.number)

    def _latched(self) -> tuple[str, ...]:
        """Return the names of the latched trips."""
        with self._console.asking_once():
            return tuple(
                trip.name
                for trip in self._dialect.trips
                if self._console.yes(trip.told_by, self.number)
            )

    def _trips(self) -> str:
        """Return the names of the latched trips, "" if there is none."""
        return " and ".join(self._latched())

    def _require_ready(self) -> ChannelStatus:
        """Return the status if protections and set points read back within the cable's limits."""
        self._require_protection()
        status = self.status()
        self._require_safe(status)
        return status

    def _silence_others(self) -> None:
        """Where all outputs go on together, set those that nothing may hang on to 0 V."""
        if self._dialect.output.together:
            for number in self._dialect.channels:
                if number != self.number:
                    self._console.put(self._dialect.volts, number, 0.0)

    def _back_off(self, err: BenchError) -> None:
        """Switch off after a failure to come on; name the trip if it was one."""
        report = switch_off(self._console, self.number, decay_timeout_s=2.0)
        if not report.proven:
            err.add_note(str(report))
        if isinstance(err, TripError | LinkError | ProtocolError):
            return
        trips = self._trips()
        if trips:
            raise TripError(
                f"{self._where}: {trips} tripped while coming on; {self._cure}"
            ) from err
        if isinstance(err, SettingError) and not self._dialect.trips:
            raise TripError(
                f"{self._where}: the output did not stay on, as after a trip; {self._cure}"
            ) from err

    @property
    def _cure(self) -> str:
        if not trips_at_current_limit(self._dialect, self.limits):
            return _CURE
        return (
            f"{_CURE}. Its OCP trips when the current limit is entered, as charging does: raise "
            f"the limit, or let the OCP wait (ocp_delay) where the model can"
        )

    def _require_protection(self) -> None:
        # A new connection may mean that the instrument restarted and forgot its protections.
        if self._protected_in != self._link.generation:
            raise SafetyError(f"{self._where}: not protected yet on this connection; protect first")

    def _require_safe(self, status: ChannelStatus) -> None:
        if status.tripped:
            names = " and ".join(status.trips)
            raise TripError(f"{self._where}: {names} is latched; {_CURE}")
        require_protected(self._dialect, self.limits, status, self._where)
        self.limits.check(self._where, status.set_volts, status.set_amps)


_CURE = "find the cause, then clear the trip"
