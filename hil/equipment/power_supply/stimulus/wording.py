"""The words of an edge: everything that changes in one message, closed by a query.

The query makes the reply the proof of delivery, and one message spares the wait of Nagle's
algorithm. Of two changes on one channel the one that lowers goes first: at no time is there more
than the larger of both settings. Models whose commands are no SCPI get one message a command.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hil.equipment.power_supply import replies
from hil.equipment.power_supply.console import Console
from hil.equipment.power_supply.dialect import Bits, Dialect
from hil.equipment.power_supply.errors import SettingError
from hil.equipment.power_supply.stimulus.planning import Setting

Change = tuple[Setting, Setting]
Kind = Literal["volts", "amps", "output"]


@dataclass(frozen=True, slots=True)
class Message:
    """The commands of one edge, and the setting that must read back: volts, amps or on and off.

    ``joined`` is all of it with its query as one message, "" for a model that takes them apart.
    """

    commands: tuple[tuple[int, str, str | float], ...]
    last: Kind
    setting: Setting
    joined: str


def message_for(console: Console, changes: Sequence[Change]) -> Message:
    """Return the message that makes ``changes``; its query reads back the last of them."""
    commands: list[tuple[int, str, str | float]] = []
    last: Kind = "volts"
    for before, after in changes:
        for kind in _order(before, after):
            commands += _commands(console.dialect, kind, after)
            last = kind
    proven = changes[-1][1]
    joined = _joined(console, commands, _query(console.dialect, last), proven.channel)
    return Message(tuple(commands), last, proven, joined)


def deliver(console: Console, message: Message) -> None:
    """Send a message and prove it; :class:`SettingError` if the instrument reads back another."""
    wanted = message.setting
    where = console.where(wanted.channel)
    if message.joined:
        reply = console.link.query(message.joined)
        found = _read(console.dialect, message, reply, where)
    else:
        for channel, template, value in message.commands:
            console.tell(template, channel, value=value)
        found = _ask(console, message)
    row = console.dialect.amps if message.last == "amps" else console.dialect.volts
    good = {
        "volts": abs(found - wanted.volts) <= row.step / 2 + 1e-9,
        "amps": abs(found - wanted.amps) <= row.step / 2 + 1e-9,
        "output": bool(found) is wanted.on,
    }[message.last]
    if not good:
        expected = {
            "volts": f"{wanted.volts:g} V",
            "amps": f"{wanted.amps:g} A",
            "output": "on" if wanted.on else "off",
        }[message.last]
        shown = f"{found:g}" if message.last != "output" else ("on" if found else "off")
        raise SettingError(
            f"{where}: {message.joined or message.commands} was sent, the instrument reads back "
            f"{shown} instead of {expected}; its panel may be in use, or a protection has tripped"
        )


def _joined(
    console: Console, commands: Sequence[tuple[int, str, str | float]], query: str, channel: int
) -> str:
    templates = [template for _, template, _ in commands]
    selection = console.dialect.selection
    apart = selection is not None and not selection.joined
    if apart or not query or not all(one.startswith(":") for one in (*templates, query)):
        return ""
    parts = [console.message(template, n, value=value) for n, template, value in commands]
    return ";".join([*parts, console.message(query, channel)])


def _query(dialect: Dialect, kind: Kind) -> str:
    """Return the query of a kind, "" where its answer is no plain word or number."""
    if kind != "output":
        return dialect.volts.get if kind == "volts" else dialect.amps.get
    state = dialect.output.switch.state
    return "" if isinstance(state, Bits) else state.query


def _read(dialect: Dialect, message: Message, reply: str, where: str) -> float:
    if message.last == "output":
        state = dialect.output.switch.state
        assert not isinstance(state, Bits)  # noqa: S101 - such are not joined
        return float(replies.read_word(reply, state.answers, where))
    row = dialect.volts if message.last == "volts" else dialect.amps
    return replies.read_number(reply, row.form, where, message.setting.channel) / row.scale


def _ask(console: Console, message: Message) -> float:
    channel = message.setting.channel
    if message.last == "output":
        return float(console.yes(console.dialect.output.switch.state, channel))
    row = console.dialect.volts if message.last == "volts" else console.dialect.amps
    return console.value(row, channel)


def _order(before: Setting, after: Setting) -> list[Kind]:
    """Return what changes, what lowers first: off, lower, raise, on."""
    order: list[tuple[int, Kind]] = []
    if after.on is not before.on:
        order.append((3 if after.on else 0, "output"))
    if after.volts != before.volts:
        order.append((1 if after.volts < before.volts else 2, "volts"))
    if after.amps != before.amps:
        order.append((1 if after.amps < before.amps else 2, "amps"))
    return [kind for _, kind in sorted(order)]


def _commands(dialect: Dialect, kind: Kind, after: Setting) -> list[tuple[int, str, str | float]]:
    if kind == "output":
        output = dialect.output
        switches = [output.switch]
        if after.on and output.master is not None:
            switches.append(output.master)
        return [
            (after.channel, switch.set, switch.on if after.on else switch.off)
            for switch in switches
        ]
    row = dialect.volts if kind == "volts" else dialect.amps
    value = after.volts if kind == "volts" else after.amps
    return [(after.channel, row.set, value * row.scale)]
