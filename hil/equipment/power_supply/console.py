"""Asks and tells a supply in the words of its dialect; believes nothing it cannot read back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from hil.equipment.power_supply import replies
from hil.equipment.power_supply.dialect import (
    Bits,
    Dialect,
    ErrorQuery,
    Setting,
    Switch,
    YesNo,
)
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
        self._events: dict[tuple[str, int], int] = {}
        self._heard: dict[tuple[str, int | None], str] | None = None

    def where(self, channel: int) -> str:
        """Return how errors name a channel."""
        return f"{self.link.resource} CH{channel}"

    def message(self, template: str, channel: int, **values: object) -> str:
        """Return a command or query for a channel, with its selection where that is joined."""
        command = template.format(n=channel, **values)
        selection = self.dialect.selection
        if selection is None or not selection.joined:
            return command
        return f"{selection.command.format(n=channel)};:{command.removeprefix(':')}"

    def tell(self, template: str, channel: int, **values: object) -> str:
        """Send a command for a channel and return it. Nothing proves yet that it arrived."""
        command = self.message(template, channel, **values)
        with self.link.exclusively():
            self._select(channel)
            self.link.write(command)
        return command

    def ask(
        self,
        query: str,
        read: Callable[[str, str], T],
        where: str,
        *,
        channel: int | None = None,
        length: int | None = None,
    ) -> T:
        """Send ``query`` and read its reply; an unreadable reply also costs the connection."""
        message = query if channel is None else self.message(query, channel)
        reply = self._reply(message, channel, length)
        try:
            return read(reply, f"{where}: {message}")
        except ProtocolError:
            self.link.drop()
            raise

    @contextmanager
    def asking_once(self) -> Iterator[None]:
        """Send each query once inside: several answers may stand in one register."""
        with self.link.exclusively():
            outer, self._heard = self._heard, {} if self._heard is None else self._heard
            try:
                yield
            finally:
                self._heard = outer

    def value(self, setting: Setting, channel: int) -> float:
        """Return what a setting is now, in its unit."""
        number = self.ask(
            setting.get,
            lambda reply, where: replies.read_number(reply, setting.form, where, channel),
            self.where(channel),
            channel=channel,
            length=setting.form.length,
        )
        return number / setting.scale

    def yes(self, question: YesNo, channel: int) -> bool:
        """Return what a yes-or-no query says now."""
        if not isinstance(question, Bits):
            return self.ask(
                question.query,
                lambda reply, where: replies.read_word(reply, question.answers, where),
                self.where(channel),
                channel=channel,
            )
        value = self.ask(
            question.query,
            lambda reply, where: replies.read_bits(reply, where, question.form),
            self.where(channel),
            channel=channel,
            length=1 if question.form == "byte" else None,
        )
        if question.event:
            key = (question.query, channel)
            value = self._events[key] = self._events.get(key, 0) | value
        return bool(value & question.mask_of(channel))

    def forget_events(self, channel: int) -> None:
        """Forget what event registers of a channel have told: its trips have been cleared."""
        self._events = {key: bits for key, bits in self._events.items() if key[1] != channel}

    def put(self, setting: Setting, channel: int, value: float) -> None:
        """Set a value (V, A or s) unless it is so already, and prove it.

        Raises :class:`InstrumentError` if the instrument refuses it, :class:`SettingError` if it
        reads back another value.
        """
        with self.link.exclusively():
            if self._is_at(setting, channel, value):
                return
            command = self.tell(setting.set, channel, value=value * setting.scale)
            found = self.value(setting, channel)
            self.check_errors(command)
            if abs(found - value) > setting.step / 2 + 1e-9:
                raise SettingError(
                    f"{self.where(channel)}: {command} was sent, the instrument reads back "
                    f"{found:g} {setting.unit}; its panel may be in use, or its range is smaller"
                )

    def switch(self, switch: Switch, channel: int, on: bool) -> None:
        """Switch something, and prove it; errors as :meth:`put`."""
        with self.link.exclusively():
            command = self.tell(switch.set, channel, value=switch.on if on else switch.off)
            found = self.yes(switch.state, channel)
            self.check_errors(command)
            if found is not on:
                raise SettingError(
                    f"{self.where(channel)}: {command} was sent, the instrument says "
                    f"{'on' if found else 'off'}; look at its panel"
                )

    def output_is_on(self, channel: int) -> bool:
        """Return whether a channel gives power: its own switch and the master are on."""
        output = self.dialect.output
        with self.link.exclusively():
            on = self.yes(output.switch.state, channel)
            if on and output.master is not None:
                on = self.yes(output.master.state, channel)
        return on

    def switch_output(self, channel: int, on: bool) -> None:
        """Switch a channel's output, and prove it; errors as :meth:`put`.

        A master switch is switched on, but not off: other channels may hang on it.
        """
        output = self.dialect.output
        with self.link.exclusively():
            self.switch(output.switch, channel, on)
            if on and output.master is not None and not self.yes(output.master.state, channel):
                self.switch(output.master, channel, True)

    def tell_off(self, channel: int) -> None:
        """Tell a channel to go off, at once and without proof."""
        self.tell(self.dialect.output.switch.set, channel, value=self.dialect.output.switch.off)

    def tell_all_off(self) -> None:
        """Tell the master, and outputs that can be told but not asked, to go off; no proof."""
        output = self.dialect.output
        first = next(iter(self.dialect.channels))
        if output.master is not None:
            self.tell(output.master.set, first, value=output.master.off)
        for command in output.also_off:
            self.link.write(command)

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
        """Empty the error queue and return its entries, oldest first; none for a model without."""
        entries: list[tuple[int, str]] = []
        for errors in self.dialect.errors:
            while (entry := self._next_error(errors))[0] != 0:
                entries.append(entry)
                if len(entries) >= _MAX_ERRORS:
                    raise ProtocolError(
                        f"{self.link.resource}: its error queue never ends; restart it"
                    )
        return entries

    def _next_error(self, errors: ErrorQuery) -> tuple[int, str]:
        def read(reply: str, where: str) -> tuple[int, str]:
            if errors.form == "pair":
                return replies.read_error(reply, where)
            return replies.read_error_number(reply, errors.names, where)

        return self.ask(errors.query, read, self.link.resource)

    def _reply(self, message: str, channel: int | None, length: int | None) -> str:
        selection = self.dialect.selection
        apart = selection is not None and not selection.joined
        key = (message, channel if apart else None)
        with self.link.exclusively():
            if self._heard is not None and key in self._heard:
                return self._heard[key]
            if channel is not None:
                self._select(channel)
            reply = self.link.query(message, length=length)
            if self._heard is not None:
                self._heard[key] = reply
            return reply

    def _select(self, channel: int) -> None:
        selection = self.dialect.selection
        if selection is not None and not selection.joined:
            self.link.write(selection.command.format(n=channel))

    def _is_at(self, setting: Setting, channel: int, value: float) -> bool:
        return abs(self.value(setting, channel) - value) <= setting.step / 2 + 1e-9
