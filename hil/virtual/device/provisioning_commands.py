"""Our own provisioning commands, ``AT+HIL…``; docs/device-link.md is their page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from hil.virtual.device.at_interface import AtInterface
from hil.virtual.device.at_parser import AtCommand, Kind
from hil.virtual.device.failures import Cme, Refusal
from hil.virtual.device.reception import Announcement
from hil.wire.device_auth import (
    RELEASE_MODE,
    CommandAuthorization,
    JigReading,
    Manner,
    Mode,
    Purpose,
)

if TYPE_CHECKING:
    from hil.virtual.device.firmware import Firmware

_Member = TypeVar("_Member", Mode, Manner)


class ProvisioningCommands:
    """The handlers; each answers one command of one firmware."""

    def __init__(self, firmware: Firmware, interface: AtInterface) -> None:
        self._firmware = firmware
        self._interface = interface
        handlers: dict[str, Callable[[AtCommand], Awaitable[list[str]]]] = {
            "+HILID": self._identity,
            "+HILHELLO": self._hello,
            "+HILAUTH": self._authentication,
            "+HILBYE": self._goodbye,
            "+HILNONCE": self._nonce,
            "+HILMANNER": self._manner,
            "+HILMODE": self._mode,
            "+CKPD": self._keys,
            "+HILJIG": self._jig,
            "+HILIMG": self._images,
            "+HILRX": self._receive,
            "+HILINST": self._install,
            "+HILDEL": self._delete,
            "+HILERR": self._last_error,
            "+HILBOOT": self._boots,
        }
        for name, handler in handlers.items():
            interface.register(name, handler)

    async def _identity(self, command: AtCommand) -> list[str]:
        _only(command, Kind.READ)
        config = self._firmware.config
        return [f'+HILID: "{config.device_id}","{self._firmware.eid}","{config.life}"']

    async def _hello(self, command: AtCommand) -> list[str]:
        _only(command, Kind.SET)
        nonce = command.octets(0)
        hello = self._firmware.authentication.hello(nonce)
        kvn = "" if hello.kvn is None else str(hello.kvn)
        return [
            f'+HILHELLO: "{hello.device_id}","{hello.eid}","{hello.manner}",'
            f'"{_hex(hello.device_nonce)}",{kvn},"{_hex(hello.proof)}",{_reading(hello.jig)},'
            f'"{_hex(hello.jig_proof)}"'
        ]

    async def _authentication(self, command: AtCommand) -> list[str]:
        authentication = self._firmware.authentication
        if command.kind is Kind.READ:
            lockout_ms = round(authentication.lockout_left_s * 1000)
            state, device = authentication.state, authentication.device_auth
            return [f'+HILAUTH: "{state}","{device}",{lockout_ms}']
        _only(command, Kind.SET)
        result = self._firmware.authenticate(command.octets(0, empty=True))
        return [f'+HILAUTH: "{result}"']

    async def _goodbye(self, command: AtCommand) -> list[str]:
        _only(command, Kind.EXECUTE)
        self._firmware.goodbye()
        return []

    async def _nonce(self, command: AtCommand) -> list[str]:
        _only(command, Kind.READ)
        return [f'+HILNONCE: "{_hex(self._firmware.authentication.take_command_nonce())}"']

    async def _manner(self, command: AtCommand) -> list[str]:
        authentication = self._firmware.authentication
        if command.kind is Kind.READ:
            return [f'+HILMANNER: "{authentication.manner}"']
        _only(command, Kind.SET)
        authentication.replace_manner(_member(Manner, command), _authorization(command))
        return []

    async def _mode(self, command: AtCommand) -> list[str]:
        modes = self._firmware.modes
        if command.kind is Kind.READ:
            return [f'+HILMODE: "{modes.mode}","{modes.cause}"']
        _only(command, Kind.SET)
        released = command.text(0) == RELEASE_MODE
        mode = None if released else _member(Mode, command)
        self._firmware.authentication.check_command(
            Purpose.MODE, command.text(0), _authorization(command)
        )
        self._firmware.command_mode(mode)
        return []

    async def _keys(self, command: AtCommand) -> list[str]:
        _only(command, Kind.SET)
        await self._firmware.press(command.text(0))
        return []

    async def _jig(self, command: AtCommand) -> list[str]:
        _only(command, Kind.READ)
        return [f"+HILJIG: {_reading(self._firmware.jig.reading)}"]

    async def _images(self, command: AtCommand) -> list[str]:
        _only(command, Kind.READ)
        return [
            f'+HILIMG: "{label.image_id}","{label.iccid}","{label.profile_class}","{label.state}"'
            for label in self._firmware.memory.state.images
        ]

    async def _receive(self, command: AtCommand) -> list[str]:
        reception = self._firmware.reception
        if command.kind is Kind.READ:
            last = reception.outcome
            return [f'+HILRX: "{last.result}","{_plain(last.image_id)}","{_plain(last.reason)}"']
        _only(command, Kind.SET)
        announced = Announcement(command.number(0), command.octets(1), command.number(2))
        self._firmware.may_receive()
        announced.check(max_image=self._firmware.config.max_image)
        offset = reception.offset(announced, resume=command.number(3, default=1) == 1)

        async def receive() -> str:
            try:
                await reception.receive(announced)
            except Refusal as refusal:
                self._firmware.note_error(refusal.reason)
                left = refusal.code is Cme.TRANSFER_ABORTED
                return "NO CARRIER" if left else self._interface.final_code(refusal)
            return "OK"

        self._interface.hand_over(receive)
        return [f"+HILRX: {offset},{self._firmware.config.window}"]

    async def _install(self, command: AtCommand) -> list[str]:
        if command.kind is Kind.READ:
            last = self._firmware.memory.state.installed
            result = self._firmware.installation_state()
            return [
                f'+HILINST: "{result}","{_plain(last.reason)}","{_plain(last.image_id)}",'
                f'"{last.iccid}",{last.boot}'
            ]
        _only(command, Kind.EXECUTE)
        await self._firmware.install_now()
        return []

    async def _delete(self, command: AtCommand) -> list[str]:
        _only(command, Kind.SET)
        if not self._firmware.memory.delete_image(command.text(0)):
            raise Refusal(Cme.NOT_FOUND, f"no image {command.text(0)}")
        return []

    async def _last_error(self, command: AtCommand) -> list[str]:
        _only(command, Kind.READ)
        return [f'+HILERR: "{_plain(self._firmware.memory.state.last_error)}"']

    async def _boots(self, command: AtCommand) -> list[str]:
        _only(command, Kind.READ)
        return [f"+HILBOOT: {self._firmware.memory.state.boots}"]


def _only(command: AtCommand, kind: Kind) -> None:
    if command.kind is not kind:
        raise Refusal(Cme.OPERATION_NOT_SUPPORTED, f"{command.name} has no {command.kind.value}")


def _member(kind: type[_Member], command: AtCommand) -> _Member:
    text = command.text(0)
    try:
        return kind(text)
    except ValueError:
        raise Refusal(Cme.INCORRECT_PARAMETERS, f"{text!r} is none of {', '.join(kind)}") from None


def _authorization(command: AtCommand) -> CommandAuthorization:
    return CommandAuthorization(command.octets(1, empty=True), command.octets(2, empty=True))


def _reading(jig: JigReading) -> str:
    microamps = "" if jig.amps is None else str(round(jig.amps * 1e6))
    return f'"{jig.state}",{int(jig.accepted)},{round(jig.volts * 1e3)},{microamps}'


def _hex(data: bytes) -> str:
    return data.hex().upper()


def _plain(text: str) -> str:
    """Make a text fit between quotation marks on one line."""
    return "".join(c if c.isprintable() and c != '"' else "'" for c in text)[:300]
