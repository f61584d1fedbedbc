"""One output of a supply: protected before it is on, proven at every step."""

from __future__ import annotations

from hil.equipment.power_supply import replies
from hil.equipment.power_supply.console import Console
from hil.equipment.power_supply.dialect import ChannelAccuracy, Protection
from hil.equipment.power_supply.errors import OffNotProvenError, SettleError, TripError
from hil.equipment.power_supply.limits import CableLimits
from hil.equipment.power_supply.readings import (
    ChannelOff,
    ChannelStatus,
    Reading,
    Regulation,
)
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

    def __repr__(self) -> str:
        return f"Channel({self._where})"

    @property
    def accuracy(self) -> ChannelAccuracy:
        """How far settings and readings may be off, by the model's data sheet."""
        row = self._dialect
        return ChannelAccuracy(
            set_volts=row.set_volts,
            set_amps=row.set_amps,
            read_volts=row.read_volts,
            read_amps=row.read_amps,
            volts_step=row.volts.step,
            amps_step=row.amps.step,
        )

    @property
    def _where(self) -> str:
        return self._console.where(self.number)

    def protect(self) -> None:
        """Set OVP and OCP to the levels of the cable, switch them on, read everything back."""
        with self._link.exclusively():
            for protection, level in self._protections():
                self._console.put(protection.level, self.number, level)
                if not self._console.state(protection.state, self.number):
                    self._console.switch(protection.state, self.number, True)
            self._protected_in = self._link.generation

    def apply(self, volts: float, amps: float) -> None:
        """Set volts and the current limit in amps, within the cable's limits and proven.

        The current limit goes first. Refused with :class:`SafetyError` beyond the limits of the
        cable or before :meth:`protect`. An output that is on moves at once; :meth:`settle` waits.
        """
        self.limits.check(self._where, volts, amps)
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
        with self._link.exclusively():
            self._require_protection()
            self._require_safe(self.status())
            self._link.going_on()
            try:
                self._console.switch(self._dialect.output, self.number, True)
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
        row = self._dialect
        if regulation == "voltage":
            within = row.set_volts.at(volts) + row.read_volts.at(volts) + 2 * row.volts.step
        elif regulation == "current":
            within = row.set_amps.at(amps) + row.read_amps.at(amps) + 2 * row.amps.step
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
            raise TripError(f"{self._where}: {trips} tripped while settling; {_CURE}")
        if not settled:
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

    def clear_trip(self) -> None:
        """Clear latched trips. The output is switched off first: some models restore it."""
        with self._link.exclusively():
            self._console.switch(self._dialect.output, self.number, False)
            for protection, _ in self._protections():
                self._link.write(protection.clear.format(n=self.number))
            trips = self._trips()
            self._console.check_errors("clear trip")
        if trips:
            raise TripError(f"{self._where}: {trips} does not clear; {_CURE}")

    def status(self) -> ChannelStatus:
        """Read settings, protections, trips and what rules the output."""
        console, row, n = self._console, self._dialect, self.number
        with self._link.exclusively():
            on = console.state(row.output, n)
            bits = console.ask(row.condition.query.format(n=n), replies.read_bits, self._where)
            return ChannelStatus(
                channel=n,
                on=on,
                regulation=_regulation(on, bits, row.condition.current, row.condition.voltage),
                set_volts=console.value(row.volts, n),
                set_amps=console.value(row.amps, n),
                ovp_volts=console.value(row.ovp.level, n),
                ocp_amps=console.value(row.ocp.level, n),
                ovp_on=console.state(row.ovp.state, n),
                ocp_on=console.state(row.ocp.state, n),
                ovp_tripped=console.word(row.ovp.tripped, row.ovp.tripped_answers, n),
                ocp_tripped=console.word(row.ocp.tripped, row.ocp.tripped_answers, n),
            )

    def _protections(self) -> tuple[tuple[Protection, float], ...]:
        return (
            (self._dialect.ovp, self.limits.ovp_volts),
            (self._dialect.ocp, self.limits.ocp_amps),
        )

    def _trips(self) -> str:
        """Return the names of the latched trips, "" if there is none."""
        row = self._dialect
        return _trip_names(
            self._console.word(row.ovp.tripped, row.ovp.tripped_answers, self.number),
            self._console.word(row.ocp.tripped, row.ocp.tripped_answers, self.number),
        )

    def _back_off(self, err: BenchError) -> None:
        """Switch off after a failure to come on; name the trip if it was one."""
        report = switch_off(self._console, self.number, decay_timeout_s=2.0)
        if not report.proven:
            err.add_note(str(report))
        if isinstance(err, TripError | LinkError | ProtocolError):
            return
        trips = self._trips()
        if trips:
            raise TripError(f"{self._where}: {trips} tripped while coming on; {_CURE}") from err

    def _require_protection(self) -> None:
        # A new connection may mean that the instrument restarted and forgot its protections.
        if self._protected_in != self._link.generation:
            raise SafetyError(f"{self._where}: not protected yet on this connection; protect first")

    def _require_safe(self, status: ChannelStatus) -> None:
        if status.tripped:
            names = _trip_names(status.ovp_tripped, status.ocp_tripped)
            raise TripError(f"{self._where}: {names} is latched; {_CURE}")
        row = self._dialect
        levels = (
            ("OVP", status.ovp_on, status.ovp_volts, self.limits.ovp_volts, row.ovp.level.step),
            ("OCP", status.ocp_on, status.ocp_amps, self.limits.ocp_amps, row.ocp.level.step),
        )
        for name, on, found, wanted, step in levels:
            if not on or abs(found - wanted) > step / 2 + 1e-9:
                raise SafetyError(
                    f"{self._where}: {name} reads back {'on' if on else 'off'} at {found:g} "
                    f"instead of on at {wanted:g}; somebody changed it, protect again"
                )
        self.limits.check(self._where, status.set_volts, status.set_amps)


_CURE = "find the cause, then clear the trip"


def _trip_names(ovp: bool, ocp: bool) -> str:
    return " and ".join(name for name, tripped in (("OVP", ovp), ("OCP", ocp)) if tripped)


def _regulation(on: bool, bits: int, current: int, voltage: int) -> Regulation:
    if not on:
        return "off"
    if bits & current and not bits & voltage:
        return "current"
    return "voltage" if bits & voltage and not bits & current else "unregulated"
