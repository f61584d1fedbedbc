"""GET CHALLENGE: random bytes for a later command (ETSI TS 102 221, 11.1.18)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from hil.virtual.euicc.current_file import without_data
from hil.virtual.euicc.refusal import RefusalError
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from hil.virtual.euicc.channel import Channel

INS: Final = 0x84
_USUAL: Final = 8


def challenge(command: CommandApdu, channel: Channel) -> ResponseApdu:
    """Answer GET CHALLENGE with as many bytes as Le says; without Le, 6C08."""
    del channel
    if command.p1 or command.p2:
        raise RefusalError(0x6A86)
    without_data(command)
    if command.le is None:
        raise RefusalError(0x6C00 | _USUAL)
    return ResponseApdu(secrets.token_bytes(command.le), OK)
