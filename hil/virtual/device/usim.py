"""The USIM of the enabled profile, as a modem uses it: on a logical channel of its own.

A channel of its own leaves the selection of a host that talks to the eSIM by +CSIM alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hil.errors import CodecError
from hil.virtual.device.esim import Esim
from hil.virtual.device.esim_slot import EsimError
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.identifiers import decode_imsi

USIM: Final = bytes.fromhex("A0000000871002")
"""Begin of the AID of every USIM (ETSI TS 101 220, annex E)."""

_OPEN: Final = CommandApdu(0x00, 0x70, 0x00, 0x00, b"", 1)
_IMSI: Final = 0x6F07
_IMSI_LENGTH: Final = 9
_WRONG_MAC: Final = 0x9862
_SUCCESS, _OUT_OF_STEP = 0xDB, 0xDC
_NOT_SATISFIED: Final = 0x6982
_PIN_1, _PIN_LENGTH = 0x01, 8


class PinState(StrEnum):
    """What a USIM waits for, in the words of +CPIN (3GPP TS 27.007, 8.3)."""

    READY = "READY"
    PIN = "SIM PIN"
    PUK = "SIM PUK"


class NoUsimError(EsimError):
    """The eSIM has no USIM that can be used now."""


@dataclass(frozen=True, slots=True)
class UsimAnswer:
    """What the card says to a challenge: RES, or AUTS, or neither for a wrong MAC."""

    res: bytes = b""
    auts: bytes = b""


async def read_imsi(esim: Esim) -> str:
    """Return the IMSI of the enabled profile; NoUsimError without one."""
    async with _usim(esim) as channel:
        selected = await esim.exchange(_select_file(_IMSI).on_channel(channel))
        read = CommandApdu(0x00, 0xB0, 0x00, 0x00, b"", _IMSI_LENGTH).on_channel(channel)
        answer = await esim.exchange(read) if _good(selected) else selected
    if not _good(answer):
        raise NoUsimError(f"EF.IMSI cannot be read: {answer.sw:04X}")
    try:
        return decode_imsi(answer.data)
    except CodecError as err:
        raise NoUsimError(f"EF.IMSI: {err}") from err


async def pin_state(esim: Esim) -> PinState:
    """Return what the USIM waits for, as far as it lets its IMSI be read; NoUsimError without."""
    async with _usim(esim) as channel:
        selected = await esim.exchange(_select_file(_IMSI).on_channel(channel))
        read = CommandApdu(0x00, 0xB0, 0x00, 0x00, b"", _IMSI_LENGTH).on_channel(channel)
        answer = await esim.exchange(read) if _good(selected) else selected
        if answer.sw != _NOT_SATISFIED:
            return PinState.READY
        return await _blocked_or_not(esim, channel)


async def enter_pin(esim: Esim, pin: str, new_pin: str | None = None) -> PinState:
    """Present PIN 1, or its PUK with a new PIN; return what the USIM waits for then.

    READY is success. NoUsimError without a USIM.
    """
    data = _padded(pin) + (_padded(new_pin) if new_pin is not None else b"")
    instruction = 0x20 if new_pin is None else 0x2C
    async with _usim(esim) as channel:
        answer = await esim.exchange(
            CommandApdu(0x00, instruction, 0x00, _PIN_1, data).on_channel(channel)
        )
        return PinState.READY if _good(answer) else await _blocked_or_not(esim, channel)


async def _blocked_or_not(esim: Esim, channel: int) -> PinState:
    left = await esim.exchange(CommandApdu(0x00, 0x20, 0x00, _PIN_1).on_channel(channel))
    return PinState.PUK if left.sw in (0x63C0, 0x6983) else PinState.PIN


def _padded(digits: str) -> bytes:
    return digits.encode("ascii").ljust(_PIN_LENGTH, b"\xff")


async def authenticate(esim: Esim, rand: bytes, autn: bytes) -> UsimAnswer:
    """Hand a challenge to the USIM (3GPP TS 31.102, 7.1.2); NoUsimError if it does not answer."""
    data = bytes((len(rand),)) + rand + bytes((len(autn),)) + autn
    async with _usim(esim) as channel:
        answer = await esim.exchange(
            CommandApdu(0x00, 0x88, 0x00, 0x81, data, 256).on_channel(channel)
        )
    if answer.sw == _WRONG_MAC:
        return UsimAnswer()
    body = answer.data
    if not _good(answer) or len(body) < 2 or len(body) < 2 + body[1] or not body[1]:
        raise NoUsimError(f"the USIM does not authenticate: {answer.sw:04X}")
    value = body[2 : 2 + body[1]]
    if body[0] == _SUCCESS:
        return UsimAnswer(res=value)
    if body[0] == _OUT_OF_STEP:
        return UsimAnswer(auts=value)
    raise NoUsimError(f"the USIM answered with a tag {body[0]:02X}")


@asynccontextmanager
async def _usim(esim: Esim) -> AsyncIterator[int]:
    """Hold the eSIM with the USIM selected on a channel of its own; yield the channel."""
    if not esim.powered:
        raise NoUsimError("no eSIM, or it does not answer")
    async with esim.burst(brief=True):
        opened = await esim.exchange(_OPEN)
        if not _good(opened) or len(opened.data) != 1:
            raise NoUsimError(f"the eSIM opens no logical channel: {opened.sw:04X}")
        channel = opened.data[0]
        try:
            select = CommandApdu(0x00, 0xA4, 0x04, 0x04, USIM, 256).on_channel(channel)
            selected = await esim.exchange(select)
            if not _good(selected):
                raise NoUsimError(f"the enabled profile has no USIM: {selected.sw:04X}")
            yield channel
        finally:
            await esim.exchange(CommandApdu(0x00, 0x70, 0x80, channel))


def _select_file(file_id: int) -> CommandApdu:
    return CommandApdu(0x00, 0xA4, 0x00, 0x04, file_id.to_bytes(2, "big"), 256)


def _good(answer: ResponseApdu) -> bool:
    return answer.sw == 0x9000 or answer.sw1 == 0x91
