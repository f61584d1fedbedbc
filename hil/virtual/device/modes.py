"""Which mode the device is in, which input event put it there, and who may change it (FIG. 4).

One rule settles conflicts: an event may change a mode that an event of the same or a weaker kind
has set. From strong to weak: server command, user input, authentication information, type of
received data. What a server command has set stays until a server command releases it: then the
device is back in second mode and any event may change that. Test mode is entered and left by server
command alone.
"""

from __future__ import annotations

from typing import Final

from hil.virtual.device.config import DeviceConfig, InputEvent
from hil.virtual.device.failures import Cme, Refusal
from hil.virtual.device.memory import Memory
from hil.wire.device_auth import Mode

_STRENGTH: Final = {event: place for place, event in enumerate(InputEvent)}


class Modes:
    """The mode machine; its state is in the device's memory and survives power-off."""

    def __init__(self, config: DeviceConfig, memory: Memory) -> None:
        self._events = config.input_events
        self._memory = memory

    @property
    def mode(self) -> Mode:
        """The mode now."""
        return Mode(self._memory.state.mode)

    @property
    def cause(self) -> InputEvent:
        """The input event that set it; ``none`` after the factory and after an installation."""
        return InputEvent(self._memory.state.mode_cause)

    def command(self, mode: Mode) -> None:
        """Obey an authorized command of the server.

        Raises:
            Refusal: server commands are no input event of this device.

        """
        self._require(InputEvent.SERVER_COMMAND)
        self._set(mode, InputEvent.SERVER_COMMAND)

    def release(self) -> None:
        """Obey an authorized command that takes the input event back: second mode, held by nobody.

        Raises:
            Refusal: server commands are no input event of this device.

        """
        self._require(InputEvent.SERVER_COMMAND)
        self._set(Mode.SECOND, InputEvent.NONE)

    def user(self, mode: Mode) -> None:
        """Obey the user.

        Raises:
            Refusal: user input is no input event here, or a server command holds the mode.

        """
        self._require(InputEvent.USER_INPUT)
        if self._held_against(InputEvent.USER_INPUT):
            raise Refusal(
                Cme.HELD_BY_A_STRONGER_INPUT_EVENT, f"mode {self.mode} is held by {self.cause}"
            )
        self._set(mode, InputEvent.USER_INPUT)

    def require_user(self) -> None:
        """Refuse user input on a device that has none configured."""
        self._require(InputEvent.USER_INPUT)

    def notice(self, event: InputEvent) -> None:
        """Let authentication information or the type of received data lead to first mode.

        Without effect where the event is not configured, or a stronger one holds the mode.
        """
        if self.mode is Mode.SECOND and self.open_to(event):
            self._set(Mode.FIRST, event)

    def open_to(self, event: InputEvent) -> bool:
        """Whether ``event`` is configured and nothing stronger holds the mode against it."""
        return event in self._events and not self._held_against(event)

    def image_installed(self) -> None:
        """Return to second mode, unless user or server set the mode: they hold it."""
        if self.mode is Mode.FIRST and self.cause in (
            InputEvent.AUTHENTICATION,
            InputEvent.DATA_TYPE,
        ):
            self._set(Mode.SECOND, InputEvent.NONE)

    def _held_against(self, event: InputEvent) -> bool:
        return self.mode is Mode.TEST or _STRENGTH[self.cause] > _STRENGTH[event]

    def _require(self, event: InputEvent) -> None:
        if event not in self._events:
            raise Refusal(Cme.OPERATION_NOT_ALLOWED, f"{event} is no input event of this device")

    def _set(self, mode: Mode, cause: InputEvent) -> None:
        self._memory.change(mode=mode.value, mode_cause=cause.value)
