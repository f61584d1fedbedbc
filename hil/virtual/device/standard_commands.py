"""Commands of V.250 and TS 27.007: identification, restart, and the way to the eSIM."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from hil.virtual.device.at_interface import AtInterface
from hil.virtual.device.at_parser import AtCommand, Kind
from hil.virtual.device.esim_slot import EsimError
from hil.virtual.device.failures import Cme, Refusal
from hil.wire.apdu import CommandApdu, ResponseApdu

if TYPE_CHECKING:
    from hil.virtual.device.firmware import Firmware

_OPEN: Final = CommandApdu(0x00, 0x70, 0x00, 0x00, b"", 1)


class StandardCommands:
    """The handlers; sessions of +CCHO are logical channels of the eSIM and end at its reset."""

    def __init__(self, firmware: Firmware, interface: AtInterface) -> None:
        self._firmware = firmware
        self._sessions: dict[int, int] = {}
        config = firmware.config
        self._texts = {
            "+CGMI": config.manufacturer,
            "+CGMM": config.model,
            "+CGMR": config.firmware,
            "+CGSN": config.imei,
        }
        handlers: dict[str, Callable[[AtCommand], Awaitable[list[str]]]] = {
            "I": self._information,
            "+CFUN": self._functionality,
            "+CSIM": self._csim,
            "+CCHO": self._open,
            "+CGLA": self._logical,
            "+CCHC": self._close,
            **dict.fromkeys(self._texts, self._text),
        }
        for name, handler in handlers.items():
            interface.register(name, handler)

    async def _information(self, _command: AtCommand) -> list[str]:
        config = self._firmware.config
        return [config.manufacturer, config.model, f"Revision: {config.firmware}"]

    async def _text(self, command: AtCommand) -> list[str]:
        if command.kind is not Kind.EXECUTE:
            raise Refusal(Cme.OPERATION_NOT_SUPPORTED, f"{command.name} is only executed")
        return [self._texts[command.name]]

    async def _functionality(self, command: AtCommand) -> list[str]:
        if command.kind is Kind.READ:
            return ["+CFUN: 1"]
        if command.number(0) != 1:
            raise Refusal(Cme.OPERATION_NOT_SUPPORTED, "only full functionality, +CFUN=1")
        if command.number(1, default=0) == 1:
            self._firmware.restart_soon()
        return []

    async def _csim(self, command: AtCommand) -> list[str]:
        response = await self._pass(_apdu(command, 0))
        return [f'+CSIM: {2 * len(response)},"{response.hex().upper()}"']

    async def _open(self, command: AtCommand) -> list[str]:
        aid = command.octets(0)
        self._idle_esim()
        async with self._firmware.esim.burst():
            opened = await self._exchange(_OPEN)
            if opened.sw != 0x9000 or len(opened.data) != 1:
                raise Refusal(Cme.SIM_FAILURE, f"no logical channel: {opened.sw:04X}")
            channel = opened.data[0]
            select = CommandApdu(0x00, 0xA4, 0x04, 0x00, aid, 256).on_channel(channel)
            selected = await self._exchange(select)
            if selected.sw != 0x9000 and selected.sw1 != 0x91:
                await self._exchange(CommandApdu(0x00, 0x70, 0x80, channel))
                raise Refusal(Cme.NOT_FOUND, f"application not selected: {selected.sw:04X}")
        self._sessions[channel] = self._firmware.esim.resets
        return [f"+CCHO: {channel}"]

    async def _logical(self, command: AtCommand) -> list[str]:
        session = self._session(command)
        apdu = _apdu(command, 1)
        raw = CommandApdu.decode(apdu).on_channel(session).encode()[:1] + apdu[1:]
        response = await self._pass(raw)
        return [f'+CGLA: {2 * len(response)},"{response.hex().upper()}"']

    async def _close(self, command: AtCommand) -> list[str]:
        session = self._session(command)
        del self._sessions[session]
        self._idle_esim()
        async with self._firmware.esim.burst():
            await self._exchange(CommandApdu(0x00, 0x70, 0x80, session))
        return []

    def _session(self, command: AtCommand) -> int:
        session = command.number(0)
        if self._sessions.get(session) != self._firmware.esim.resets:
            self._sessions.pop(session, None)
            raise Refusal(Cme.INVALID_INDEX, f"no session {session}: never opened, or reset since")
        return session

    async def _pass(self, apdu: bytes) -> bytes:
        self._idle_esim()
        try:
            async with self._firmware.esim.burst():
                response = await self._firmware.esim.raw(apdu)
        except EsimError as err:
            raise Refusal(Cme.SIM_FAILURE, str(err)) from err
        self._firmware.passed_through(response)
        return response

    async def _exchange(self, command: CommandApdu) -> ResponseApdu:
        try:
            return await self._firmware.esim.exchange(command)
        except EsimError as err:
            raise Refusal(Cme.SIM_FAILURE, str(err)) from err

    def _idle_esim(self) -> None:
        if not self._firmware.esim.powered:
            raise Refusal(Cme.SIM_NOT_INSERTED, "no eSIM, or it does not answer")
        if self._firmware.esim.busy:
            raise Refusal(Cme.SIM_BUSY, "the eSIM is in use by the device")


def _apdu(command: AtCommand, place: int) -> bytes:
    length, apdu = command.number(place), command.octets(place + 1)
    if length != 2 * len(apdu):
        raise Refusal(
            Cme.INCORRECT_PARAMETERS, f"length {length}, but {2 * len(apdu)} characters follow"
        )
    if len(apdu) < 4:
        raise Refusal(Cme.INCORRECT_PARAMETERS, "a command APDU has 4 bytes at least")
    return apdu
