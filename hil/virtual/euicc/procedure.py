"""How answers leave the card: 61xx, 6Cxx and GET RESPONSE (ISO/IEC 7816-3, TS 102 221 7.3).

A handler returns all the data there is; what of it goes out now depends on the protocol and on Le.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.virtual.euicc.atr import Protocol
from hil.virtual.euicc.refusal import RefusalError
from hil.wire.apdu import CommandApdu, ResponseApdu

if TYPE_CHECKING:
    from hil.virtual.euicc.channel import Channel

WHOLE: Final = 256
"""Le 00 of a short APDU: as much as there is, up to 256 bytes."""


def deliver(
    protocol: Protocol, command: CommandApdu, answer: ResponseApdu, channel: Channel
) -> ResponseApdu:
    """Return what the card sends now; the rest stays in ``channel.waiting``."""
    size = len(answer.data)
    if not size:
        return answer
    if protocol is Protocol.T0 and command.data:
        channel.waiting = answer
        # A warning follows with the data; TS 102 221 (7.3.1.1.5) also knows it in place of 61xx.
        return ResponseApdu(b"", _more(size))
    wanted = WHOLE if command.data and command.le is None else command.le
    if wanted is None:
        return ResponseApdu(b"", _exactly(size))
    if wanted == size or (size < wanted and (protocol is Protocol.T1 or wanted == WHOLE)):
        return answer
    if wanted == WHOLE or command.data:
        # What came with data is done: 6Cxx would have the terminal send it, and do it, again.
        channel.waiting = ResponseApdu(answer.data[wanted:], answer.sw)
        return ResponseApdu(answer.data[:wanted], _more(size - wanted))
    return ResponseApdu(b"", _exactly(size))


def get_response(command: CommandApdu, channel: Channel) -> ResponseApdu:
    """Answer GET RESPONSE from what waits; 6Cxx if less does.

    6F00 if nothing does: "technical problem", as TS 102 221 (12.1.1.1) wants of one out of turn.
    """
    waiting = channel.waiting
    if waiting is None:
        raise RefusalError(0x6F00, "nothing waits for GET RESPONSE")
    if command.p1 or command.p2 or command.data:
        channel.waiting = None
        raise RefusalError(0x6A86)
    size = len(waiting.data)
    wanted = WHOLE if command.le is None else command.le
    if size < wanted < WHOLE:
        return ResponseApdu(b"", _exactly(size))
    part, rest = waiting.data[:wanted], waiting.data[wanted:]
    if rest:
        channel.waiting = ResponseApdu(rest, waiting.sw)
        return ResponseApdu(part, _more(len(rest)))
    channel.waiting = None
    return ResponseApdu(part, waiting.sw)


def check_le(command: CommandApdu, size: int) -> None:
    """Refuse a wrong Le with 6Cxx before a command with side effects is done."""
    if command.le not in {size, WHOLE}:
        raise RefusalError(_exactly(size))


def _more(size: int) -> int:
    return 0x6100 | (size if size < WHOLE else 0)


def _exactly(size: int) -> int:
    return 0x6C00 | (size if size < WHOLE else 0)
