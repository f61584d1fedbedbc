"""How SCP03 stands in APDUs: what a MAC covers besides the data, and which answers are protected.

GlobalPlatform Amendment D, sections 6.2.4 to 6.2.7.
"""

from __future__ import annotations

from typing import Final

from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.scp03_channel import Channel, ResponseRules
from hil.wire.status_words import OK, is_warning

INS_INITIALIZE_UPDATE: Final = 0x50
INS_EXTERNAL_AUTHENTICATE: Final = 0x82
DEFAULT_RULES: Final = ResponseRules()


def mac_head(command: CommandApdu, lc: int) -> bytes:
    """Return CLA INS P1 P2 Lc as they stand in the C-MAC; ``lc`` counts the MAC."""
    # In the MAC every command stands on logical channel 0 with b3 as the mark of security.
    return bytes(
        (
            command.cla & (0x80 if command.cla & 0x40 else 0xF0) | 0x04,
            command.ins,
            command.p1,
            command.p2,
            lc & 0xFF,
        )
    )


def _sw_in_mac(response: ResponseApdu, rules: ResponseRules) -> int | None:
    """Return the status word as it stands in the R-MAC, ``None`` for an unprotected answer."""
    sw = response.sw
    if sw == OK or is_warning(sw):
        return sw
    if sw >> 8 == 0x91 and rules.proactive_as_success:
        return OK
    return None


def seal_answer(secure: Channel, plain: ResponseApdu, rules: ResponseRules) -> ResponseApdu:
    """Return the card's answer, protected where its status word says so."""
    sw = _sw_in_mac(plain, rules)
    if sw is None:
        # An error answer is a bare status word: data in it would leave the card unprotected.
        return ResponseApdu(b"", plain.sw)
    if not plain.data and not rules.mac_on_empty:
        return plain
    return ResponseApdu(secure.seal_response(plain.data, tail=sw.to_bytes(2, "big")), plain.sw)


def open_answer(secure: Channel, sent: ResponseApdu, rules: ResponseRules) -> ResponseApdu:
    """Return the plain answer of what the card sent."""
    sw = _sw_in_mac(sent, rules)
    if sw is None:
        return sent
    if not sent.data and not rules.mac_on_empty:
        return sent
    return ResponseApdu(secure.open_response(sent.data, tail=sw.to_bytes(2, "big")), sent.sw)
