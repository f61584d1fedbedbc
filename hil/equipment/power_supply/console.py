"""Asks and tells a supply in the words of its dialect; believes nothing it cannot read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from hil.equipment.power_supply import replies
from hil.equipment.power_supply.dialect import Dialect, Setting, Switch
from hil.equipment.power_supply.errors import InstrumentError, SettingError
from hil.equipment.power_supply.link import VisaLink
from hil.errors import ProtocolError

_MAX_ERRORS = 64

T = TypeVar("T")


class Console:
    """Sets, reads back and checks the error queue of one supply."""

    def __init__(self, link: VisaLink) -> None:
        self.link = link
        self.dialect: Dialect = link.dialect

    def where(self, channel: int) -> str:
        """Return how errors name a channel."""
        return f"{self.link.resource} CH{channel}"

    def ask(self, query: str, read: Callable[[str, str], T], where: str) -> T:
        """Send ``query`` and read its reply; an unreadable reply also costs the connection."""
        reply = self.link.query(query)
        try:
            return read(reply, f"{where}: {query}")
        except ProtocolError:
            self.link.drop()
            raise

    def value(self, setting: Setting, channel: int) -> float:
        """Return what a setting is now."""
        return self.ask(
            setting.get.format(n=channel),
            lambda reply, where: replies.read_number(reply, setting.form, where),
            self.where(channel),
        )

    def state(self, switch: Switch, channel: int) -> bool:
        """Return whether something is on now."""
        return self.word(switch.get, switch.answers, channel)

    def word(self, query: str, answers: Mapping[str, bool], channel: int) -> bool:
        """Return what a yes-or-no query says now."""
        return self.ask(
            query.format(n=channel),
            lambda reply, where: replies.read_word(reply, answers, where),
            self.where(channel),
        )

    def put(self, setting: Setting, channel: int, value: float) -> None:
        """Set a value (V or A) unless it is so already, and prove it.

        Raises :class:`InstrumentError` if the instrument refuses it, :class:`SettingError` if it
        reads back another value.
        """
        with self.link.exclusively():
            if self._is_at(setting, channel, value):
                return
            command = setting.set.format(n=channel, value=value)
            self.link.write(command)
            found = self.value(setting, channel)
            self.check_errors(command)
            if abs(found - value) > setting.step / 2 + 1e-9:
                raise SettingError(
                    f"{self.where(channel)}: {command} was sent, the instrument reads back "
                    f"{found:g} {setting.unit}; its panel may be in use, or its range is smaller"
                )

    def switch(self, switch: Switch, channel: int, on: bool) -> None:
        """Switch something, and prove it; errors as :meth:`put`."""
        command = switch.set.format(n=channel, value=switch.on if on else switch.off)
        with self.link.exclusively():
            self.link.write(command)
            found = self.state(switch, channel)
            self.check_errors(command)
            if found is not on:
                raise SettingError(
                    f"{self.where(channel)}: {command} was sent, the instrument says "
                    f"{switch.on if found else switch.off}; look at its panel"
                )

    def check_errors(self, command: str) -> None:
        """Empty the error queue; :class:`InstrumentError` with the first entry if there was one."""
        entries = self.drain_errors()
        if entries:
            code, name = entries[0]
            rest = f" (and {len(entries) - 1} more)" if len(entries) > 1 else ""
            raise InstrumentError(
                f"{self.link.resource}: after {command!r} the instrument reports {code} "
                f"{name!r}{rest}",
                code=code,
                name=name,
            )

    def drain_errors(self) -> list[tuple[int, str]]:
        """Empty the error queue and return its entries, oldest first."""
        entries: list[tuple[int, str]] = []
        while len(entries) < _MAX_ERRORS:
            entry = self.ask(self.dialect.error, replies.read_error, self.link.resource)
            if entry[0] == 0:
                return entries
            entries.append(entry)
        raise ProtocolError(f"{self.link.resource}: its error queue never ends; restart it")

    def _is_at(self, setting: Setting, channel: int, value: float) -> bool:
        return abs(self.value(setting, channel) - value) <= setting.step / 2 + 1e-9
