"""What the doctor looks at on a power supply: who it is, its limits, errors, panel, calibration.

Outputs are left as they are. Only the error queue is emptied: it cannot be read otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from hil.bench.cables import limits_of, serial_line_of
from hil.bench.doctor import Check, calibration_check
from hil.errors import BenchError, ConfigError, LinkError, UsageError
from hil.lease import holder_of

if TYPE_CHECKING:
    from hil.bench.config import PowerSupplySection
    from hil.bench.lab import Lab
    from hil.equipment.power_supply.console import Console
    from hil.equipment.power_supply.dialect import Dialect
    from hil.equipment.power_supply.link import VisaLink


def supply_checks(lab: Lab, section: PowerSupplySection) -> Iterator[Check]:
    """Check the supply of a bench, a line for each thing."""
    if section.visa is None:
        yield Check("power supply", "found", f"virtual {section.model}")
        yield from _stated_limits(section)
        return
    owner = holder_of(section.visa)
    if owner:
        # Asking for its identity would come between the owner's queries and their answers.
        mend = "wait for that run, or end it"
        yield Check("power supply", "busy", f"{section.visa} is in use by {owner}", mend)
        return
    yield from _instrument(section, section.visa)
    yield calibration_check(lab.calibration)


def _instrument(section: PowerSupplySection, resource: str) -> Iterator[Check]:
    from hil.equipment.power_supply import IdentityError  # noqa: PLC0415
    from hil.equipment.power_supply.console import Console  # noqa: PLC0415
    from hil.equipment.power_supply.link import VisaLink  # noqa: PLC0415
    from hil.equipment.power_supply.models import AUTO, dialect_of  # noqa: PLC0415
    from hil.observer import NullObserver  # noqa: PLC0415

    name = "power supply"
    try:
        row = None if section.model.casefold() == AUTO else dialect_of(section.model)
        link = VisaLink.open(
            resource,
            row,
            observer=NullObserver(),
            timeout_s=section.timeout,
            serial_line=serial_line_of(section),
            owner=False,
        )
    except ConfigError as err:
        yield Check(name, "wrong", str(err), "write one of these into power_supply.model")
        return
    except IdentityError as err:
        mend = "write the model that is there into power_supply.model"
        yield Check(name, "wrong", str(err).partition(";")[0], mend)
        return
    except LinkError as err:
        mend = "switch it on, check the address with: hil discover --visa " + resource
        yield Check(name, "missing", str(err), mend)
        return
    except BenchError as err:
        yield Check(name, "wrong", str(err), "look at the cable, or restart the instrument")
        return
    try:
        yield _identity(section, resource, link)
        yield from _limits(section, link.dialect)
        yield from _accuracy(section, link.dialect)
        yield from _errors_and_panel(Console(link))
    except BenchError as err:
        yield Check(name, "wrong", str(err), "look at the cable, or restart the instrument")
    finally:
        link.close()


def _identity(section: PowerSupplySection, resource: str, link: VisaLink) -> Check:
    who = link.identity
    if section.serial and who.serial != section.serial:
        return Check(
            "power supply",
            "wrong",
            f"{resource} is '{who.raw}', not serial {section.serial}",
            "connect the right instrument, or write its number into power_supply.serial",
        )
    return Check("power supply", "found", f"{resource} {who.raw or who.model}")


def _stated_limits(section: PowerSupplySection) -> Iterator[Check]:
    """Check against the stated model; a virtual one that states none is what the launcher makes."""
    from hil.bench.launcher import DEFAULT_VIRTUAL_SUPPLY  # noqa: PLC0415
    from hil.equipment.power_supply.models import AUTO, dialect_of  # noqa: PLC0415

    model = DEFAULT_VIRTUAL_SUPPLY if section.model.casefold() == AUTO else section.model
    try:
        row = dialect_of(model)
    except ConfigError as err:
        mend = "write one of these into power_supply.model"
        yield Check("supply limits", "wrong", str(err), mend)
        return
    yield from _limits(section, row)


def _limits(section: PowerSupplySection, row: Dialect) -> Iterator[Check]:
    from hil.equipment.power_supply.protecting import check_limits, check_together  # noqa: PLC0415

    limits = limits_of(section)
    looks: list[Callable[[], None]] = [
        partial(check_limits, row, number, cable) for number, cable in limits.items()
    ]
    looks.append(partial(check_together, row, limits))
    good = True
    for look in looks:
        try:
            look()
        except (ConfigError, UsageError) as err:
            good = False
            yield Check("supply limits", "wrong", str(err), "mend power_supply.channels")
    if good:
        yield Check("supply limits", "found", f"all within what a {row.model} gives")


def _accuracy(section: PowerSupplySection, row: Dialect) -> Iterator[Check]:
    """Say of a real supply whose limits of error nobody states that a strict run needs them."""
    used = [row.accuracy_of(one.channel) for one in section.channels.by_name.values()]
    assumed = [one for one in used if one.assumed]
    if assumed and section.virtual is None and section.accuracy is None:
        yield Check(
            "supply accuracy",
            "wrong",
            f"of a {row.model}: {assumed[0].source}; a strict run states no PASS by it",
            "write its data sheet's limits of error into power_supply.accuracy",
            needed=False,
        )


def _errors_and_panel(console: Console) -> Iterator[Check]:
    row = console.dialect
    entries = console.drain_errors()
    if entries:
        listed = ", ".join(f"{code} {name}".strip() for code, name in entries)
        mend = "nothing to do if you know why: its queue is empty now"
        yield Check("supply errors", "wrong", listed, mend, needed=False)
    else:
        told = "none queued" if row.errors else f"a {row.model} has no error queue"
        yield Check("supply errors", "found", told, needed=False)
    first = next(iter(row.channels))
    locked = row.panel.locked_by_other
    if locked is not None and console.yes(locked, first):
        yield Check(
            "supply panel",
            "busy",
            "another interface has locked the instrument",
            "end the program there, or press LOCAL on the panel",
        )
    elif row.panel.lock is None:
        told = f"no program can lock the panel of a {row.model}: keep hands off during a run"
        yield Check("supply panel", "found", told, needed=False)
    else:
        yield Check("supply panel", "found", "can be locked", needed=False)
