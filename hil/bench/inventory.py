"""Who is on the bench: each item of equipment asked for its identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.bench.banner import Item, calibration, card_transport, supply_remark

if TYPE_CHECKING:
    from hil.bench.bench import Bench


def inventory(bench: Bench, *, open_all: bool) -> list[Item]:
    """Return the items of the bench.

    What is open, or with ``open_all`` everything, tells its own identity; the rest is told by the
    bench file. Raises BenchError if an item does not answer.
    """
    items = []
    parts = (
        ("power_supply", _power_supply),
        ("multimeter", _multimeter),
        ("device", _device),
        ("card", _card),
        ("network", _network),
        ("servers", _servers),
    )
    for name, describe in parts:
        if getattr(bench.lab.file, name) is not None:
            items.append(describe(bench, open_all or bench.opened(name)))
    return items


def _power_supply(bench: Bench, ask: bool) -> Item:
    section = bench.lab.file.power_supply
    assert section is not None  # noqa: S101 - the caller looked
    where, identity = section.visa or "VISA", f"{section.model} {section.serial or ''}".rstrip()
    if ask:
        where, identity = bench.launcher.power_supply(), bench.power_supply.identity.raw
    remark = supply_remark(bench.lab)
    return Item("power supply", where, identity, section.virtual is not None, remark)


def _multimeter(bench: Bench, ask: bool) -> Item:
    section = bench.lab.file.multimeter
    assert section is not None  # noqa: S101 - the caller looked
    identity = bench.multimeter.identity if ask else section.identity
    remark = calibration(bench.lab.multimeter_calibration)
    return Item("multimeter", section.visa, identity, virtual=False, remark=remark)


def _card(bench: Bench, ask: bool) -> Item:
    section, keys = bench.lab.file.card, bench.lab.euicc_keys
    assert section is not None  # noqa: S101 - the caller looked
    identity = f"EID {keys.eid}" if keys else ""
    where = card_transport(bench.lab)
    if ask:
        from hil.equipment.card.recognition import CardKind  # noqa: PLC0415

        info, card = bench.recognised, bench.card
        shown = (
            "" if info.kind is CardKind.M2M else info.kind.value,
            f"EID {info.eid}" if info.eid else "",
            f"ATR {card.atr.hex().upper()}" if card.atr else "",
        )
        identity, where = "  ".join(filter(None, shown)), card.transport.description
    return Item("card", where, identity, section.virtual is not None)


def _device(bench: Bench, ask: bool) -> Item:
    section, keys = bench.lab.file.device, bench.lab.device_keys
    assert section is not None  # noqa: S101 - the caller looked
    where = section.serial.port if section.serial else "serial line (pty)"
    identity = keys.device_id if keys else ""
    if ask:
        # At the end of a run its power is off already: what it said before still holds.
        who = bench.device.known or bench.device.identity()
        where = bench.device.port
        named = f"{who.manufacturer} {who.model} {who.firmware}".strip()
        identity = f"{who.device_id}  {named}  {who.life}"
    return Item("device", where, identity, section.virtual is not None)


def _network(bench: Bench, ask: bool) -> Item:
    where = f"SMPP 3.4 {bench.smsc}" if ask else "SMPP 3.4"
    return Item("network", where, "modelled air", virtual=True)


def _servers(bench: Bench, ask: bool) -> Item:
    section = bench.lab.file.servers
    assert section is not None  # noqa: S101 - the caller looked
    identity = " ".join(bench.servers.actors) if ask else " ".join(section.actors)
    return Item("servers", f"{section.transport.upper()} on 127.0.0.1", identity, virtual=False)
