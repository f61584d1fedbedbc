"""Switching outputs off, with proof: their own word, and their voltage falling."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from hil.equipment.power_supply import replies
from hil.equipment.power_supply.console import Console
from hil.equipment.power_supply.readings import ChannelOff, Reading
from hil.equipment.power_supply.settling import wait_for_run
from hil.errors import BenchError

_LOG = logging.getLogger(__name__)

SAFE_VOLTS = 0.1
"""An output that is off must fall below this."""


def read_once(console: Console, number: int) -> Reading:
    """Measure volts and amps of a channel."""
    begun_ns = time.monotonic_ns()
    raw = ""

    def read(reply: str, where: str) -> dict[str, float]:
        nonlocal raw
        raw = reply
        return replies.read_measurement(reply, console.dialect.measure, where)

    query = console.dialect.measure.query.format(n=number)
    fields = console.ask(query, read, console.where(number))
    at_ns = time.monotonic_ns()
    return Reading(fields["volts"], fields["amps"], at_ns, raw, at_ns - begun_ns)


def switch_off(console: Console, number: int, *, decay_timeout_s: float) -> ChannelOff:
    """Switch a channel off and prove it by query and by its falling voltage.

    Failures are told in the report, not raised; a lost connection is made anew once.
    """
    begun = time.monotonic()
    report = ChannelOff(number, confirmed=False, decayed=False, volts=None, seconds=0.0)
    for _ in range(2):
        problem = ""
        try:
            console.switch(console.dialect.output, number, False)
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
    output = console.dialect.output
    for number in console.dialect.channels:
        try:
            console.link.write(output.set.format(n=number, value=output.off))
        except BenchError as err:
            _LOG.warning("%s: %s; telling it again", console.where(number), err)
    return tuple(
        switch_off(console, number, decay_timeout_s=decay_timeout_s)
        for number in console.dialect.channels
    )
