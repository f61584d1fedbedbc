"""STATUS (ETSI TS 102 221, 11.1.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.virtual.euicc import fcp
from hil.virtual.euicc.current_file import without_data
from hil.virtual.euicc.refusal import RefusalError
from hil.wire import tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from hil.virtual.euicc.channel import Channel

_LAST_INDICATION: Final = 0x02
_AS_SELECT, _NAME, _NOTHING = 0x00, 0x01, 0x0C


def status(
    command: CommandApdu, channel: Channel, *, free: int, pins: fcp.PinStates
) -> ResponseApdu:
    """Answer STATUS: the current DF, the name of the active application, or nothing.

    P1 tells how far the terminal's application is; the card keeps no note of it.
    """
    if command.p1 > _LAST_INDICATION or command.p2 not in (_AS_SELECT, _NAME, _NOTHING):
        raise RefusalError(0x6A86)
    without_data(command)
    if command.p2 == _NOTHING:
        return ResponseApdu(b"", OK)
    if command.p2 == _AS_SELECT:
        return ResponseApdu(fcp.template(channel.df, free=free, pins=pins), OK)
    application = channel.application
    if application is None:
        raise RefusalError(0x6985, "no application is selected")
    return ResponseApdu(tlv.encode(0x84, application.name), OK)
