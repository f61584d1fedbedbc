"""From a command APDU to its whole answer: what T=0 and T=1 ask of a terminal.

ISO/IEC 7816-3 and -4, ETSI TS 102 221 (7.3.1.1): no layer below does it. The PC/SC stack hands
every APDU through as it is, on T=0 too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hil.equipment.card.errors import ProcedureError
from hil.equipment.card.transport import CardProtocol
from hil.errors import UsageError
from hil.wire.apdu import CommandApdu

INS_GET_RESPONSE: Final = 0xC0
_LONGEST_ANSWER: Final = 65_536
_MORE_WITH_DATA: Final = (0x62, 0x63, 0x91)

Transmit = Callable[[bytes], bytes]


def command_bytes(command: CommandApdu, protocol: CardProtocol) -> bytes:
    """Return what goes over the line: on T=0 a command of case 4 loses its Le."""
    raw = command.encode()
    if len(raw) <= 5 or protocol == "T=1":
        return raw
    if command.extended:
        raise UsageError(
            f"a command with {len(command.data)} bytes and Le {command.le} needs the extended "
            "length, which T=0 lacks: send smaller blocks, or use a card that speaks T=1"
        )
    return raw if command.le is None else raw[:-1]


def run(command: CommandApdu, protocol: CardProtocol, transmit: Transmit) -> bytes:
    """Send a command and fetch its whole answer; return data and status word.

    ``6Cxx``: once more with Le = xx. ``61xx``: GET RESPONSE on the same logical channel until
    another status word comes. On T=0 a warning or 91xx to a command of case 4 that came without
    data is asked for its data, as TS 102 221 wants; a card that has none keeps its first answer.
    Raises :class:`ProcedureError` when a card has no end of it.
    """
    raw = transmit(command_bytes(command, protocol))
    sw1 = raw[-2]
    if sw1 == 0x90:
        return raw
    if sw1 == 0x6C and len(raw) == 2 and command.le is not None and not command.data:
        raw = transmit(command.header + raw[-1:])
        sw1 = raw[-2]
    if sw1 == 0x61:
        return _fetch(command, raw, transmit)
    if protocol == "T=0" and sw1 in _MORE_WITH_DATA and command.case == 4 and len(raw) == 2:
        return _fetch_behind_warning(command, raw, transmit)
    return raw


def get_response(command: CommandApdu, length: int) -> bytes:
    """Return GET RESPONSE for the channel of ``command``; never under secure messaging."""
    cla = 0x40 | (command.cla & 0x0F) if command.cla & 0x40 else command.cla & 0x03
    return bytes((cla, INS_GET_RESPONSE, 0, 0, length))


def _fetch(command: CommandApdu, raw: bytes, transmit: Transmit) -> bytes:
    data = raw[:-2]
    while raw[-2] == 0x61:
        raw = transmit(get_response(command, raw[-1]))
        if raw[-2] == 0x6C and len(raw) == 2:
            raw = transmit(get_response(command, raw[-1]))
        if raw[-2] == 0x61 and len(raw) == 2:
            raise ProcedureError("the card announces more data again and again, but sends none")
        data += raw[:-2]
        if len(data) > _LONGEST_ANSWER:
            raise ProcedureError(f"the card's answer does not end after {_LONGEST_ANSWER} bytes")
    return data + raw[-2:]


def _fetch_behind_warning(command: CommandApdu, first: bytes, transmit: Transmit) -> bytes:
    raw = transmit(get_response(command, 0))
    if raw[-2] == 0x6C and len(raw) == 2:
        raw = transmit(get_response(command, raw[-1]))
    if raw[-2] == 0x61:
        raw = _fetch(command, raw, transmit)
    return raw[:-2] + first if len(raw) > 2 else first
