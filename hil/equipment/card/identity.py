"""Who a card is: EID of the eUICC, ICCID and IMSI of the enabled profile."""

from __future__ import annotations

from typing import Final

from hil.equipment.card import commands
from hil.equipment.card.card import Card
from hil.equipment.card.errors import StatusWordError
from hil.equipment.card.files import applications, read_file
from hil.wire import tlv
from hil.wire.identifiers import ECASD_AID, decode_eid, decode_iccid, decode_imsi

EF_ICCID: Final = 0x2FE2
EF_IMSI: Final = 0x6F07
_USIM: Final = bytes.fromhex("A0000000871002")
_EID: Final = 0x5A
_EID_BYTES: Final = 16
_NOT_FOUND: Final = 0x6A82


def read_eid(card: Card) -> str:
    """Return the 32 digits of the EID: ECASD, GET DATA 5A (SGP.02, 2.2.2).

    Takes the data object, and the bare 16 bytes that some cards send.
    """
    with card.transaction():
        card.select(ECASD_AID)
        data = card.expect(commands.get_data(_EID)).data
    if len(data) != _EID_BYTES:
        data = tlv.require(tlv.decode_all(data), _EID, where="answer of the ECASD")
    return decode_eid(data)


def read_iccid(card: Card) -> str:
    """Return the ICCID of the enabled profile: EF.ICCID (ETSI TS 102 221, 13.2)."""
    return decode_iccid(read_file(card, commands.MF, EF_ICCID)[0])


def read_imsi(card: Card, *, pin: bytes | None = None) -> str:
    """Return the IMSI of the enabled profile's USIM: EF.IMSI (3GPP TS 31.102, 4.2.2).

    ``pin`` is PIN1 where it is enabled. StatusWordError 6A82 when no USIM is listed, 6982 when a
    PIN is wanted.
    """
    with card.transaction():
        usim = next((one.aid for one in applications(card) if one.aid[:7] == _USIM), None)
        if usim is None:
            raise StatusWordError(_NOT_FOUND, "SELECT of a USIM listed in EF.DIR", card.name)
        card.select(usim)
        if pin is not None:
            card.expect(commands.verify_pin(0x01, pin))
        card.select(EF_IMSI)
        return decode_imsi(card.read_binary(9))
