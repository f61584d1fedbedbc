"""Switching outputs off, with proof: their own word, and their voltage falling."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from hil.equipment.power_supply import replies
from hil.equipment.power_supply.console import Console
from hil.equipment.power_supply.dialect import Measurement
from hil.equipment.power_supply.readings import ChannelOff, Reading
from hil.equipment.power_supply.settling import wait_for_run
from hil.errors import BenchError

_LOG = logging.getLogger(__name__)

SAFE_VOLTS = 0.1
"""An output that is off must fall below this."""


def read_once(console: Console, number: int) -> Reading:
    """Measure volts and amps of a channel; ``raw`` joins the replies by semicolons."""
    begun_ns = time.monotonic_ns()
    raw: list[str] = []
    fields: dict[str, float] = {}
    for measurement in console.dialect.measure:

        def read(reply: str, where: str, form: Measurement = measurement) -> dict[str, float]:
            raw.append(reply)
            return replies.read_measurement(reply, form, where, number)

        fields |= console.ask(
            measurement.query,
            read,
            console.where(number),
            channel=number,
            length=measurement.length,
        )
    at_ns = time.monotonic_ns()
    return Reading(fields["volts"], fields["amps"], at_ns, ";".join(raw), at_ns - begun_ns)


def switch_off(console: Console, number: int, *, decay_timeout_s: float) -> ChannelOff:
    """Switch a channel off and prove it by query and by its falling voltage.

    Failures are told in the report, not raised; a lost connection is made anew once.
    """
    begun = time.monotonic()
    report = ChannelOff(number, confirmed=False, decayed=False, volts=None, seconds=0.0)
    for _ in range(2):
        problem = ""
        try:
            console.switch_output(number, False)
            report = replace(report, confirmed=True)
            decayed, reading = wait_for_run(
                lambda: read_once(console, number),
                lambda r: abs(r.volts) < SAFE_VOLTS,
                times=1,
                timeout_s=decay_timeout_s,
            )
            if not decayed:
                problem = f"still {reading.volts:.3f} V after {decay_timeout_s:g} s"
            report = replace(report, decayed=decayed, volts=reading.volts)
            break
        except BenchError as err:
            problem = str(err)
    report = replace(report, seconds=time.monotonic() - begun, problem=problem)
    _LOG.log(logging.INFO if report.proven else logging.ERROR, "%s", report)
    return report


def switch_all_off(console: Console, *, decay_timeout_s: float) -> tuple[ChannelOff, ...]:
    """Switch every channel of the model off, whatever becomes of the others; never raises for it.

    All are told first and proven afterwards, so that no channel waits for another one's proof.
    """
    try:
        console.tell_all_off()
    except BenchError as err:
        _LOG.warning("%s: %s; switching each channel off", console.link.resource, err)
    for number in console.dialect.channels:
        try:
            console.tell_off(number)
        except BenchError as err:
            _LOG.warning("%s: %s; telling it again", console.where(number), err)
    return tuple(
        switch_off(console, number, decay_timeout_s=decay_timeout_s)
        for number in console.dialect.channels
    )
