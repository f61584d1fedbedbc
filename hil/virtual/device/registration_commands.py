"""Commands of 3GPP TS 27.007 on the network: IMSI, registration, operator, why it was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.virtual.device.at_interface import AtInterface
from hil.virtual.device.at_parser import AtCommand, Kind
from hil.virtual.device.failures import Cme, Refusal
from hil.virtual.device.registration import Registered
from hil.virtual.device.usim import NoUsimError, read_imsi

if TYPE_CHECKING:
    from hil.virtual.device.firmware import Firmware


class RegistrationCommands:
    """The handlers of +CIMI, +CEREG (+CGREG, +CREG), +COPS and +CEER."""

    def __init__(self, firmware: Firmware, interface: AtInterface) -> None:
        self._firmware = firmware
        interface.register("+CIMI", self._imsi)
        # One registration for all: a device of this age has no other than that for packets.
        for name in ("+CEREG", "+CGREG", "+CREG"):
            interface.register(name, self._registration)
        interface.register("+COPS", self._operator)
        interface.register("+CEER", self._cause)

    async def _imsi(self, command: AtCommand) -> list[str]:
        _only(command, Kind.EXECUTE)
        if not self._firmware.esim.powered:
            raise Refusal(Cme.SIM_NOT_INSERTED, "no eSIM, or it does not answer")
        try:
            return [await read_imsi(self._firmware.esim)]
        except NoUsimError as err:
            raise Refusal(Cme.SIM_FAILURE, str(err)) from err

    async def _registration(self, command: AtCommand) -> list[str]:
        if command.kind is Kind.SET and command.number(0) == 0:
            return []
        _only(command, Kind.READ)
        registration = self._firmware.registration
        state = Registered.NO if registration is None else registration.state
        return [f"{command.name}: 0,{state.value}"]

    async def _operator(self, command: AtCommand) -> list[str]:
        _only(command, Kind.READ)
        registration = self._firmware.registration
        network = "" if registration is None else registration.network
        return [f'+COPS: 0,2,"{network}"' if network else "+COPS: 0"]

    async def _cause(self, command: AtCommand) -> list[str]:
        _only(command, Kind.EXECUTE)
        registration = self._firmware.registration
        cause = "" if registration is None else registration.cause
        return [f"+CEER: {cause or 'No report available'}"]


def _only(command: AtCommand, kind: Kind) -> None:
    if command.kind is not kind:
        raise Refusal(Cme.OPERATION_NOT_SUPPORTED, f"{command.name} is not asked this way")
