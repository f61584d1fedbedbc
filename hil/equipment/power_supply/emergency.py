"""Switching a supply off from outside: by whoever finds that its owner can no longer do it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from hil.equipment.power_supply.console import Console
from hil.equipment.power_supply.dialect import SerialLine
from hil.equipment.power_supply.errors import IdentityError
from hil.equipment.power_supply.link import DEFAULT_VISA_LIBRARY, VisaLink
from hil.equipment.power_supply.models import dialect_of
from hil.equipment.power_supply.readings import OffReport
from hil.equipment.power_supply.switching_off import switch_all_off
from hil.errors import BenchError
from hil.observer import NullObserver, Observer

_LOG = logging.getLogger(__name__)
_RETRY_S = 0.1


def switch_off(
    resource: str,
    model: str,
    timeout_s: float = 5.0,
    *,
    expected_serial: str | None = None,
    observer: Observer | None = None,
    visa_library: str = DEFAULT_VISA_LIBRARY,
    serial_line: SerialLine | None = None,
) -> OffReport:
    """Connect to a supply beside its owner, switch every channel off and prove it.

    Never raises for the bench: what went wrong stands in the report. Until ``timeout_s`` seconds
    are over it goes on trying to connect (a supply that restarts comes back) and to get proof.
    The lock of the owner is passed by on purpose: off is always allowed.
    """

    def open_link(wait_s: float) -> VisaLink:
        return VisaLink.open(
            resource,
            dialect_of(model),
            observer=NullObserver() if observer is None else observer,
            name="power supply (emergency)",
            timeout_s=wait_s,
            expected_serial=expected_serial,
            visa_library=visa_library,
            serial_line=serial_line,
            owner=False,
        )

    deadline = time.monotonic() + timeout_s
    while True:
        left_s = max(0.2, deadline - time.monotonic())
        try:
            report = _try(open_link, left_s)
        except BenchError as err:
            report = OffReport(resource, problem=str(err))
            if isinstance(err, IdentityError):
                break
        except ValueError as err:  # a model or a resource name that does not exist
            report = OffReport(resource, problem=str(err))
            break
        if report.proven or time.monotonic() + _RETRY_S >= deadline:
            break
        time.sleep(_RETRY_S)
    _LOG.log(logging.INFO if report.proven else logging.ERROR, "%s", report)
    return report


def _try(open_link: Callable[[float], VisaLink], left_s: float) -> OffReport:
    link = open_link(min(1.0, left_s))
    try:
        channels = switch_all_off(Console(link), decay_timeout_s=min(2.0, left_s))
    finally:
        link.close()
    return OffReport(link.resource, channels)
