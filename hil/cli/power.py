"""``hil power``: the supply of a bench by hand.

What can be set is what the cable may see; protections come first. What is switched on goes off,
proven, when the command ends.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hil.cli import BENCH, OK
from hil.cli.choice import choose_bench, seconds

if TYPE_CHECKING:
    from hil.bench.lab import Lab

_ACTIONS: Final = {
    "identify": "say which supply it is, its channels and what its model can do",
    "measure": "measure volts and amps, with their uncertainty; change nothing",
    "set": "set volts and a current limit within the cable's limits, protections first",
    "off": "switch all outputs off and prove it, whoever drives the supply",
    "watch": "show volts and amps until Ctrl-C; change nothing",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in _ACTIONS.items():
        action = actions.add_parser(
            name, help=text, description=text[:1].upper() + text[1:] + ".", allow_abbrev=False
        )
        action.add_argument("--bench", metavar="NAME", help="a name in lab-config/ or a path")
        if name in ("measure", "set", "watch"):
            action.add_argument(
                "--channel", metavar="WHICH", help="jig, rail, neighbour or a number"
            )
        if name in ("identify", "measure"):
            action.add_argument("--json", action="store_true", help="as JSON")
        if name == "set":
            action.add_argument("volts", metavar="VOLTS", help="such as 1.8V")
            action.add_argument("amps", metavar="AMPS", help="current limit, such as 20mA")
            action.add_argument(
                "--on", action="store_true", help="switch on, and off again when this ends"
            )
        if name in ("set", "watch"):
            action.add_argument("--seconds", metavar="N", type=seconds, help="end after N seconds")


def main(arguments: argparse.Namespace, _rest: list[str]) -> int:
    """Do the action; exit code 4 if an output is not proven off."""
    from hil.bench.lab import load_lab  # noqa: PLC0415

    lab = load_lab(choose_bench(arguments.bench))
    action = {
        "identify": _identify,
        "measure": _measure,
        "set": _set,
        "off": _off,
        "watch": _watch,
    }[arguments.action]
    with tempfile.TemporaryDirectory(prefix="hil-", ignore_cleanup_errors=True) as folder:
        return action(lab, arguments, Path(folder))


def _identify(lab: Lab, arguments: argparse.Namespace, folder: Path) -> int:
    from hil.bench.supply_desk import chosen_channels, looked_at, section_of  # noqa: PLC0415
    from hil.equipment.power_supply.models import dialect_of  # noqa: PLC0415

    with looked_at(lab, folder) as supply:
        row, who = dialect_of(supply.model), supply.identity
        cables = {n: name for name, n in chosen_channels(section_of(lab), None).items()}
        facts: dict[str, Any] = {
            "resource": supply.resource,
            "maker": who.maker,
            "model": who.model,
            "serial": who.serial,
            "firmware": who.firmware,
            "speaks": row.model,
            "ovp": row.ovp is not None,
            "ocp": row.ocp is not None,
            "list": row.sequencing is not None,
            "accuracy": "; ".join(sorted({supply.channel(n).accuracy.source for n in cables})),
            "channels": {
                str(n): f"{one.max_volts:g} V, {one.max_amps:g} A"
                + (" negative" if one.negative else "")
                + (f", {cables[n]}" if n in cables else "")
                for n, one in row.channels.items()
            },
        }
    if arguments.json:
        print(json.dumps(facts, indent=1))
        return OK
    channels = facts.pop("channels")
    for name, value in facts.items():
        shown = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        print(f"{name:<10}{shown or '-'}")
    for n, text in channels.items():
        print(f"{'CH' + n:<10}{text}")
    return OK


def _measure(lab: Lab, arguments: argparse.Namespace, folder: Path) -> int:
    from hil.bench.meter import Meter  # noqa: PLC0415
    from hil.bench.supply_desk import chosen_channels, looked_at, section_of  # noqa: PLC0415
    from hil.metrology import Instrument  # noqa: PLC0415

    section = section_of(lab)
    chosen = chosen_channels(section, arguments.channel)
    rows: list[dict[str, Any]] = []
    with looked_at(lab, folder) as supply:
        who = supply.identity
        instrument = Instrument(who.model, who.serial, who.firmware, lab.calibration)
        for name, number in chosen.items():
            channel = supply.channel(number)
            meter = Meter(channel, section.channels.by_name[name], instrument)
            glance = channel.glance()
            taken = meter.volts(name), meter.amps(name)
            rows.append(
                {
                    "name": name,
                    "channel": number,
                    "on": glance.on,
                    "ruled_by": glance.regulation,
                    "trips": list(glance.trips),
                    **{one.unit: {"value": one.value, "U": one.expanded} for one in taken},
                }
            )
            if not arguments.json:
                state = f"on ({glance.regulation})" if glance.on else "off"
                shown = "   ".join(str(one).removeprefix(f"{name} ") for one in taken)
                print(f"{name:<10}CH{number}  {state:<14}{shown}")
    if arguments.json:
        print(json.dumps({"instrument": who.raw, "channels": rows}, indent=1))
    return OK


def _set(lab: Lab, arguments: argparse.Namespace, folder: Path) -> int:
    from hil.bench.bench import Bench  # noqa: PLC0415
    from hil.bench.quantity import parse_quantity  # noqa: PLC0415
    from hil.bench.supply_desk import chosen_channels, section_of  # noqa: PLC0415
    from hil.cli.power_view import watch  # noqa: PLC0415
    from hil.errors import UsageError  # noqa: PLC0415

    chosen = chosen_channels(section_of(lab), arguments.channel)
    if len(chosen) != 1:
        raise UsageError(f"say which channel with --channel: {', '.join(chosen) or 'none'}")
    ((name, number),) = chosen.items()
    try:
        volts, amps = parse_quantity(arguments.volts, "V"), parse_quantity(arguments.amps, "A")
    except ValueError as err:
        raise UsageError(str(err)) from err
    with Bench(lab, folder) as bench:
        channel = bench.power_supply.channel(number)
        channel.limits.check(f"{name} (CH{number})", volts, amps)
        channel.protect()
        channel.apply(volts, amps)
        status = channel.status()
        print(
            f"{name} CH{number} set to {status.set_volts:g} V, {status.set_amps:g} A; "
            f"OVP {_level(status.ovp_volts, 'V', status.ovp_on)}, "
            f"OCP {_level(status.ocp_amps, 'A', status.ocp_on)}"
        )
        if arguments.on:
            channel.on(regulation="voltage")
            try:
                watch({name: channel}, seconds=arguments.seconds)
            except KeyboardInterrupt:
                sys.stdout.write("\n")
            print(channel.off())
    return OK


def _level(level: float | None, unit: str, on: bool) -> str:
    if not on:
        return "none"
    return "at the set point" if level is None else f"{level:g} {unit}"


def _off(lab: Lab, _arguments: argparse.Namespace, folder: Path) -> int:
    from hil.bench.supply_desk import switch_supply_off  # noqa: PLC0415

    report = switch_supply_off(lab, folder)
    if report.proven:
        print("\n".join(map(str, report.channels)))
        return OK
    sys.stderr.write(f"hil: bench: {report}; cut the mains by hand\n")
    return BENCH


def _watch(lab: Lab, arguments: argparse.Namespace, folder: Path) -> int:
    from hil.bench.supply_desk import chosen_channels, looked_at, section_of  # noqa: PLC0415
    from hil.cli.power_view import watch  # noqa: PLC0415

    chosen = chosen_channels(section_of(lab), arguments.channel)
    with looked_at(lab, folder) as supply:
        channels = {name: supply.channel(number) for name, number in chosen.items()}
        try:
            watch(channels, seconds=arguments.seconds)
        except KeyboardInterrupt:
            sys.stdout.write("\n")
    return OK
