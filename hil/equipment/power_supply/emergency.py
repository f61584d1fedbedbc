"""Switching a supply off from outside: by whoever finds that its owner can no longer do it."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Final

from hil.equipment.power_supply.console import Console
from hil.equipment.power_supply.dialect import SerialLine
from hil.equipment.power_supply.errors import IdentityError
from hil.equipment.power_supply.link import DEFAULT_VISA_LIBRARY, VisaLink
from hil.equipment.power_supply.models import AUTO, dialect_of
from hil.equipment.power_supply.readings import OffReport
from hil.equipment.power_supply.switching_off import switch_all_off
from hil.errors import BenchError
from hil.lease import Lease
from hil.observer import NullObserver, Observer

_LOG = logging.getLogger(__name__)
RETRY_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt ended; ``hopeless``: another one just now would end alike."""

    report: OffReport
    hopeless: bool = False


def switch_off(
    resource: str,
    model: str,
    timeout_s: float = 5.0,
    *,
    expected_serial: str | None = None,
    observer: Observer | None = None,
    visa_library: str = DEFAULT_VISA_LIBRARY,
    serial_line: SerialLine | None = None,
    lease: Lease | None = None,
) -> OffReport:
    """Connect to a supply beside its owner, switch every channel off and prove it.

    Never raises for the bench: what went wrong stands in the report. Until ``timeout_s`` seconds
    are over it goes on trying to connect (a supply that restarts comes back) and to get proof.
    Without ``lease`` that of the owner is passed by on purpose: off is always allowed.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        attempt = attempt_off(
            resource,
            model,
            timeout_s=max(0.2, deadline - time.monotonic()),
            expected_serial=expected_serial,
            observer=observer,
            visa_library=visa_library,
            serial_line=serial_line,
            lease=lease,
        )
        done = attempt.report.proven or attempt.hopeless
        if done or time.monotonic() + RETRY_S >= deadline:
            break
        time.sleep(RETRY_S)
    report = attempt.report
    _LOG.log(logging.INFO if report.proven else logging.ERROR, "%s", report)
    return report


def attempt_off(
    resource: str,
    model: str,
    *,
    timeout_s: float,
    expected_serial: str | None,
    observer: Observer | None = None,
    visa_library: str = DEFAULT_VISA_LIBRARY,
    serial_line: SerialLine | None = None,
    lease: Lease | None = None,
) -> Attempt:
    """Try it once; under ``lease``, if one is given."""
    try:
        link = VisaLink.open(
            resource,
            None if model.casefold() == AUTO else dialect_of(model),
            observer=NullObserver() if observer is None else observer,
            name="power supply (emergency)",
            timeout_s=min(1.0, timeout_s),
            expected_serial=expected_serial,
            visa_library=visa_library,
            serial_line=serial_line,
            owner=False,
            lease=lease,
        )
        try:
            channels = switch_all_off(Console(link), decay_timeout_s=min(2.0, timeout_s))
        finally:
            link.close()
    except (BenchError, ValueError) as err:  # ValueError: a model or a resource that is none
        hopeless = isinstance(err, IdentityError | ValueError)
        problem = str(err).removeprefix(f"{resource}: ")  # the report begins with it
        return Attempt(OffReport(resource, problem=problem), hopeless)
    return Attempt(OffReport(resource, channels))
