"""What terminal programs and modem libraries say first: settings (V.250), PIN, signal (27.007).

Settings of a line that this device does not have (flow of a call, loudspeaker, modem lines) are
taken and change nothing, as in other devices without them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hil.virtual.device.at_interface import AtInterface
from hil.virtual.device.at_parser import AtCommand, Kind
from hil.virtual.device.failures import Cme, Refusal
from hil.virtual.device.usim import NoUsimError, PinState, enter_pin, pin_state

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from hil.virtual.device.firmware import Firmware

_UNUSED: Final = {"H": 1, "L": 3, "M": 3, "X": 4, "&C": 1, "&D": 2, "&K": 6, "&S": 2, "&W": 1}
"""Basic commands without an effect, and the highest value of each."""
_REGISTERS: Final = {0: 0, 3: 13, 4: 10, 5: 8, 6: 2, 7: 50, 8: 2, 10: 1}
"""S parameters and their defaults (V.250): only the usual line ends and editing are there."""
_FIXED: Final = frozenset((3, 4, 5))
_CHARACTER_SETS: Final = ("GSM", "IRA")
_PIN: Final = re.compile(r"[0-9]{4,8}")
_PUK: Final = re.compile(r"[0-9]{8}")


class ModemCommands:
    """The handlers; settings last until power-off, ATZ or AT&F."""

    def __init__(self, firmware: Firmware, interface: AtInterface) -> None:
        self._firmware = firmware
        self._interface = interface
        self._registers = dict(_REGISTERS)
        self._character_set = "IRA"
        config = firmware.config
        self._texts = {
            "+GMI": config.manufacturer,
            "+GMM": config.model,
            "+GMR": config.firmware,
            "+GSN": config.imei,
            "+GCAP": "+GCAP: +CGSM",
            "+CSQ": "+CSQ: 99,99",
        }
        for name in _UNUSED:
            interface.register(name, self._unused)
        for name in self._texts:
            interface.register(name, self._text)
        for name in ("Z", "&F"):
            interface.register(name, self._reset)
        interface.register("S", self._register)
        interface.register("V", self._words)
        interface.register("Q", self._quiet)
        interface.register("+CSCS", self._characters)
        interface.register("+CPIN", self._pin)
        interface.register("+CLAC", self._list)

    async def _unused(self, command: AtCommand) -> list[str]:
        _number(command, _UNUSED[command.name])
        return []

    async def _text(self, command: AtCommand) -> list[str]:
        if command.kind is not Kind.EXECUTE:
            raise Refusal(Cme.OPERATION_NOT_SUPPORTED, f"{command.name} is only executed")
        return [self._texts[command.name]]

    async def _reset(self, command: AtCommand) -> list[str]:
        _number(command, 1)
        self._interface.reset()
        self._registers = dict(_REGISTERS)
        self._character_set = "IRA"
        return []

    async def _register(self, command: AtCommand) -> list[str]:
        place = command.number(0)
        if place not in self._registers:
            raise Refusal(Cme.INCORRECT_PARAMETERS, f"there is no S{place}")
        if command.kind is Kind.READ:
            return [f"{self._registers[place]:03d}"]
        value = command.number(1, default=_REGISTERS[place])
        if value > 255 or (place in _FIXED and value != _REGISTERS[place]):
            raise Refusal(Cme.INCORRECT_PARAMETERS, f"S{place} cannot be {value}")
        self._registers[place] = value
        return []

    async def _words(self, command: AtCommand) -> list[str]:
        self._interface.in_words = bool(_number(command, 1))
        return []

    async def _quiet(self, command: AtCommand) -> list[str]:
        self._interface.quiet = bool(_number(command, 1))
        return []

    async def _characters(self, command: AtCommand) -> list[str]:
        if command.kind is Kind.READ:
            return [f'+CSCS: "{self._character_set}"']
        chosen = command.text(0).upper()
        if chosen not in _CHARACTER_SETS:
            raise Refusal(Cme.INCORRECT_PARAMETERS, f"+CSCS takes {' and '.join(_CHARACTER_SETS)}")
        self._character_set = chosen
        return []

    async def _pin(self, command: AtCommand) -> list[str]:
        if command.kind is Kind.READ:
            return [f"+CPIN: {await self._asked(pin_state(self._firmware.esim))}"]
        code, new = command.text(0), command.text(1, default="") or None
        if _PIN.fullmatch(new or code) is None or (new and _PUK.fullmatch(code) is None):
            raise Refusal(Cme.INCORRECT_PARAMETERS, "a PIN has 4 to 8 digits, a PUK 8")
        before = await self._asked(pin_state(self._firmware.esim))
        if before is PinState.READY:
            raise Refusal(Cme.OPERATION_NOT_ALLOWED, "no PIN is asked for")
        if before is PinState.PUK and new is None:
            raise Refusal(Cme.SIM_PUK_REQUIRED)
        state = await self._asked(enter_pin(self._firmware.esim, code, new))
        if state is PinState.READY:
            return []
        blocked = state is PinState.PUK and before is PinState.PIN
        raise Refusal(Cme.SIM_PUK_REQUIRED if blocked else Cme.INCORRECT_PASSWORD)

    async def _asked(self, question: Awaitable[PinState]) -> PinState:
        try:
            return await question
        except NoUsimError as err:
            gone = not self._firmware.esim.powered
            raise Refusal(Cme.SIM_NOT_INSERTED if gone else Cme.SIM_FAILURE, str(err)) from err

    async def _list(self, command: AtCommand) -> list[str]:
        if command.kind is not Kind.EXECUTE:
            raise Refusal(Cme.OPERATION_NOT_SUPPORTED, "+CLAC is only executed")
        return [f"AT{name}" for name in sorted(self._interface.names)]


def _number(command: AtCommand, most: int) -> int:
    value = command.number(0, default=0)
    if value > most:
        raise Refusal(Cme.INCORRECT_PARAMETERS, f"{command.name} takes 0 to {most}")
    return value
