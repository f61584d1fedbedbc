"""GET IDENTITY of a USIM: the SUCI, calculated by the card (3GPP TS 31.102, 7.5)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from hil.errors import CodecError
from hil.virtual.euicc.authenticate import USIM, check_pin, service_available
from hil.virtual.euicc.current_file import without_data
from hil.virtual.euicc.files import Df, Ef
from hil.virtual.euicc.refusal import RefusalError
from hil.wire import tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.identifiers import decode_imsi
from hil.wire.status_words import OK
from hil.wire.suci import CalculationInfo, Scheme, conceal

if TYPE_CHECKING:
    from hil.virtual.euicc.channel import Channel
    from hil.virtual.euicc.pins import PinPresentations

log = logging.getLogger(__name__)

INS: Final = 0x78

_SUCI, _SUCI_OFF_NETWORK = 0x01, 0x02
_SUCI_OBJECT: Final = 0xA1
_CONCEALMENT, _BY_THE_USIM, _OTHER_IDENTITY = 124, 125, 130
_IMSI, _ADMINISTRATIVE = (0x6F07,), (0x6FAD,)
_ROUTING, _CALCULATION = (0x5FC0, 0x4F0A), (0x5FD0, 0x4F01)
_NO_ROUTING: Final = b"\xf0\xff"


class Identity:
    """Answers GET IDENTITY with the keys of DF.SAIP; without any, by the null scheme."""

    def __init__(self, pins: PinPresentations) -> None:
        self._pins = pins
        self.handlers = {INS: self._identity}

    def _identity(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        naa = channel.df.application
        if naa.name and not naa.name.startswith(USIM):
            raise RefusalError(0x6D00, f"{naa.name.hex()} has no GET IDENTITY")
        if command.p1 or command.p2 not in (_SUCI, _SUCI_OFF_NETWORK):
            raise RefusalError(0x6A86, f"identity context {command.p2:02X}")
        without_data(command)
        if not naa.name:
            raise RefusalError(0x6985, "no NAA is selected")
        by_card = all(service_available(naa, one) for one in (_CONCEALMENT, _BY_THE_USIM))
        # A network specific identifier (service 130) is not concealed by this card.
        if not by_card or command.p2 != _SUCI or service_available(naa, _OTHER_IDENTITY):
            raise RefusalError(0x6985, f"identity context {command.p2:02X} is not offered")
        check_pin(naa, self._pins)
        return ResponseApdu(tlv.encode(_SUCI_OBJECT, _suci(naa)), OK)


def _suci(usim: Df) -> bytes:
    """Return the SUCI by the first scheme of the file that the card can do."""
    try:
        imsi = decode_imsi(_content(usim, _IMSI))
        administrative = _content(usim, _ADMINISTRATIVE)
        mnc_digits = administrative[3] & 0x0F if len(administrative) > 3 else 2
        routing = _content(usim, _ROUTING)[:2]
        if not routing or routing[0] & 0x0F == 0x0F:
            routing = _NO_ROUTING
        identity = imsi, mnc_digits, routing
        plain = conceal(*identity)
    except CodecError as err:
        raise RefusalError(0x6985, f"no identity to be concealed: {err}") from err
    try:
        choices = CalculationInfo.decode(_content(usim, _CALCULATION)).choices
    except CodecError as err:
        log.warning("null scheme: %s", err)
        return plain
    for number, key in choices:
        try:
            return conceal(*identity, scheme=Scheme(number), key=key)
        except ValueError as err:
            log.warning("protection scheme %d is left out: %s", number, err)
    return plain


def _content(usim: Df, path: tuple[int, ...]) -> bytes:
    """Return what is in an EF of the USIM, nothing if there is none."""
    at: Df | Ef | None = usim
    for fid in path:
        at = at.children.get(fid) if isinstance(at, Df) else None
    return bytes(at.content) if isinstance(at, Ef) else b""
