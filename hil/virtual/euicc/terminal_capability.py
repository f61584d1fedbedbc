"""TERMINAL CAPABILITY: the card takes it and keeps no note of it (ETSI TS 102 221, 11.1.19)."""

from __future__ import annotations

from typing import Final

from hil.errors import CodecError
from hil.virtual.euicc.refusal import RefusalError
from hil.wire import tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.status_words import OK

INS: Final = 0xAA
_TEMPLATE: Final = 0xA9


def take(command: CommandApdu) -> ResponseApdu:
    """Take one template A9, of whatever objects: a card passes over those it does not know."""
    if not command.cla & 0x80:
        raise RefusalError(0x6E00)
    if command.p1 or command.p2:
        raise RefusalError(0x6A86)
    if not command.data:
        raise RefusalError(0x6700)
    try:
        tags = [one.tag for one in tlv.decode_all(command.data, limit=2)]
    except CodecError as err:
        raise RefusalError(0x6A80, str(err)) from err
    if tags != [_TEMPLATE]:
        raise RefusalError(0x6A80, "TERMINAL CAPABILITY brings one template A9")
    return ResponseApdu(b"", OK)
