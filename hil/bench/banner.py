"""The lines that tell which bench this is: each item, the way to it, who it is, real or VIRTUAL."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.bench.cables import waivers_of
from hil.bench.papers import papers
from hil.documents.document import display_name
from hil.lease import holder_of

if TYPE_CHECKING:
    from hil.bench.bench import Bench
    from hil.bench.lab import Lab
    from hil.metrology import Calibration

WARN_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Item:
    """One item of equipment: what it is, the transport to it, its identity, real or not."""

    name: str
    transport: str
    identity: str
    virtual: bool
    remark: str = ""

    def cells(self) -> tuple[str, str, str, str]:
        """Return the columns of its line."""
        kind = "VIRTUAL" if self.virtual else "real"
        return self.name, self.transport, self.identity, f"{kind} {self.remark}".rstrip()


def head(lab: Lab) -> str:
    """Return the first line: name, file, and VIRTUAL if any part is."""
    bench = lab.file
    parts = (bench.power_supply, bench.card, bench.device, bench.network)
    virtual = any(part is not None and part.virtual is not None for part in parts)
    state = "VIRTUAL" if lab.is_virtual else ("partly VIRTUAL" if virtual else "real")
    if not any((bench.power_supply, bench.card, bench.device, bench.servers)):
        state = "EMPTY: nothing stands on it"
    return f"bench {lab.name} ({display_name(lab.path)})  {state}  {bench.description}".rstrip()


def instrument_line(bench: Bench) -> str:
    """Return one line for under a picture: bench, REAL or VIRTUAL, instrument, calibration."""
    supply = bench.lab.file.power_supply
    if supply is None:
        return f"bench {bench.name}"
    who = bench.power_supply.identity
    today = datetime.datetime.now(tz=datetime.UTC).date()
    state = bench.lab.calibration.describe(today) if supply.virtual is None else "VIRTUAL supply"
    return f"bench {bench.name}    {who.model} {who.serial}    {state}"


def calibration(given: Calibration, *, today: datetime.date | None = None) -> str:
    """Return the state of a calibration: "cal due …", with WARN or OVERDUE where that is so."""
    if given.due is None:
        return ""
    days = (given.due - (today or datetime.datetime.now(tz=datetime.UTC).date())).days
    text = f"cal due {given.due} ({days} d)"
    if days < 0:
        return f"cal OVERDUE since {given.due}"
    return f"{text} WARN" if days <= WARN_DAYS else text


def planned(lab: Lab) -> list[str]:
    """Return the banner by the bench file alone; nothing is opened."""
    bench = lab.file
    items: list[Item] = []
    if bench.power_supply:
        supply = bench.power_supply
        where = supply.visa or "VISA TCPIP socket"
        identity = f"{supply.model} {supply.serial or ''}".rstrip()
        remark = supply_remark(lab)
        owner = holder_of(supply.visa) if supply.visa else ""
        remark += f" IN USE by {owner}" if owner else ""
        items.append(Item("power supply", where, identity, supply.virtual is not None, remark))
    if bench.multimeter:
        meter, remark = bench.multimeter, calibration(lab.multimeter_calibration)
        items.append(Item("multimeter", meter.visa, meter.identity, virtual=False, remark=remark))
    if bench.card:
        eid = f"EID {lab.euicc_keys.eid}" if lab.euicc_keys else ""
        items.append(Item("card", card_transport(lab), eid, bench.card.virtual is not None))
    if bench.device:
        where = bench.device.serial.port if bench.device.serial else "serial line (pty)"
        identity = lab.device_keys.device_id if lab.device_keys else ""
        items.append(Item("device", where, identity, bench.device.virtual is not None))
    if bench.network:
        items.append(Item("network", "SMPP 3.4", "modelled air", virtual=True))
    if bench.servers:
        identity = " ".join(bench.servers.actors)
        where = f"{bench.servers.transport.upper()} on 127.0.0.1"
        items.append(Item("servers", where, identity, virtual=False))
    return [head(lab), *table(items), *papers(lab)]


def supply_remark(lab: Lab) -> str:
    """Return what else is to be known of the supply: its calibration, and what it goes without."""
    supply = lab.file.power_supply
    if supply is None:
        return ""
    waived = supply.watchdog.waived
    watchdog = f"NO WATCHDOG: {waived}" if waived else ""
    known = (calibration(lab.calibration), watchdog, waivers_of(supply))
    return " ".join(filter(None, known))


def card_transport(lab: Lab) -> str:
    """Return how the card is reached, in words."""
    card = lab.file.card
    if card is None:
        return ""
    if card.virtual is not None:
        return "PC/SC (private pcscd, vpcd)" if card.virtual.behind == "pcsc" else "in-process"
    if card.pcsc is not None:
        return f"PC/SC {card.pcsc.reader}"
    return "AT port of the device"


def table(items: Iterable[Item]) -> list[str]:
    """Return the items as aligned lines."""
    rows = [item.cells() for item in items]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    return [
        "  "
        + "  ".join(
            [*(cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)), row[3]]
        )
        for row in rows
    ]
