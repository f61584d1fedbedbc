"""What a bench has, as dotted names, and whether that is enough for a test.

A test asks with ``@pytest.mark.requires("power_supply.jig", "card")``. A name stands for everything
below it: a bench with ``card.pcsc`` has ``card``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from hil.errors import UsageError

if TYPE_CHECKING:
    from hil.bench.lab import Lab

KNOWN: Final[dict[str, str]] = {
    "power_supply": "a programmable power supply",
    "power_supply.jig": "a channel of the supply on the device's jig pin",
    "power_supply.rail": "a channel of the supply that powers the device",
    "power_supply.rail.range": "a rail whose lowest voltage is stated",
    "power_supply.neighbour": "a channel of the supply on the pin beside the jig pin",
    "multimeter": "a multimeter at the jig pin",
    "jig": "a jig file and a channel that feeds the jig pin",
    "jig.voltage": "a jig that is known by its voltage",
    "jig.current": "a jig that is known by its current",
    "jig.test-load": "a device that loads its pin to see whether the jig is genuine",
    "card": "a card that can be read",
    "card.m2m": "an M2M eUICC (GSMA SGP.02); the card itself is asked when a test needs it",
    "card.pcsc": "an eUICC behind PC/SC",
    "card.at": "an eUICC behind the device's AT port",
    "card.in-process": "a virtual eUICC without PC/SC",
    "card.keys": "the key set of the eUICC",
    "card.scp81": "an eUICC that speaks SCP81: its pre-shared key is in the key set",
    "device": "a device under test",
    "device.keys": "the key set of the device",
    "device.wireless": "a second link to the device, without a cable",
    "network": "a way over the air",
    "network.subscribers": "a test network that knows subscribers whose keys the lab has",
    "network.weather": "a network that loses, doubles and delays messages where a test asks for it",
    "servers": "the provisioning servers",
    "servers.restart": "servers that may be killed, and started again over what they have stored",
    "servers.mno": "the MNO",
    "servers.eum": "the eUICC maker",
    "servers.sm-dp": "the SM-DP",
    "servers.support-server": "the provisioning support server",
    "servers.sm-sr": "the SM-SR",
    "administration": "HTTPS administration sessions: an SM-SR with them, an eUICC with their key",
    "servers.sm-sr.images": "an SM-SR that offers the functions of the support server",
    "profiles.ts48": "GSMA TS.48 profile packages",
}
"""Every capability a test may ask for, and what it means."""


def capabilities(lab: Lab) -> frozenset[str]:
    """Return what the bench has by its file; nothing is opened.

    Every card counts as ``card.m2m`` here: which it is, only the card knows
    (:attr:`hil.bench.bench.Bench.recognised`).
    """
    bench = lab.file
    found: set[str] = set()
    if bench.power_supply:
        channels = bench.power_supply.channels
        found |= {f"power_supply.{name}" for name in channels.by_name}
        if channels.rail and channels.rail.minimum is not None:
            found.add("power_supply.rail.range")
        found.add("power_supply")
    found |= {"multimeter"} if bench.multimeter else set()
    if lab.jig:
        found.add("jig.voltage" if lab.jig.nominal_voltage is not None else "jig.current")
        found |= {"jig.test-load"} if lab.jig.test_load is not None else set()
    if bench.card:
        if bench.card.virtual:
            found.add(f"card.{bench.card.virtual.behind}")
        else:
            found.add("card.pcsc" if bench.card.pcsc else "card.at")
        found.add("card.m2m")
        found |= _card_keys(lab)
    if bench.device:
        found |= {"device", "device.keys"} if lab.device_keys else {"device"}
        virtual = bench.device.virtual
        found |= (
            {"device.wireless"}
            if bench.device.wireless or (virtual and virtual.wireless)
            else set()
        )
    if bench.network:
        found |= {"network", "network.weather"}
        found |= {"network.subscribers"} if lab.network_keys else set()
    if bench.servers:
        found |= {"servers.restart"} if bench.servers.store == "file" else set()
        found |= {f"servers.{actor.kind}" for actor in bench.servers.actors.values()}
        if bench.servers.layout == "inside-sm-sr":
            found |= {"servers.support-server", "servers.sm-sr.images"}
        if _has_sessions(lab):
            found.add("administration")
    if lab.profiles:
        found.add("profiles.ts48")
    return frozenset(found | {name.partition(".")[0] for name in found})


def _card_keys(lab: Lab) -> set[str]:
    if lab.euicc_keys is None:
        return set()
    return {"card.keys"} if lab.euicc_keys.isd_r_scp81 is None else {"card.keys", "card.scp81"}


def _has_sessions(lab: Lab) -> bool:
    actors = lab.file.servers.actors.values() if lab.file.servers else ()
    key = lab.euicc_keys.isd_r_scp81 if lab.euicc_keys else None
    return key is not None and any(one.administration_port is not None for one in actors)


def check_known(names: Iterable[object], where: str) -> tuple[str, ...]:
    """Return the names if each is a capability; UsageError naming ``where`` if one is not."""
    checked = []
    for name in names:
        if not isinstance(name, str) or name not in KNOWN:
            near = difflib.get_close_matches(str(name), KNOWN, n=1)
            hint = f" - did you mean '{near[0]}'?" if near else f"; known are {', '.join(KNOWN)}"
            raise UsageError(f"{where}: no bench has the capability {name!r}{hint}")
        checked.append(name)
    if not checked:
        raise UsageError(f'{where}: say what is needed: @pytest.mark.requires("card", "device")')
    return tuple(checked)


def missing(needed: Iterable[str], has: frozenset[str]) -> list[str]:
    """Return what is needed and not there, each with its meaning."""
    return [f"{name} ({KNOWN[name]})" for name in needed if name not in has]
