"""What sits in the reader: plain UICC, SGP.02, SGP.22 or SGP.32 eUICC, or a card of another kind.

Asks as the field's clients do: TERMINAL CAPABILITY, a logical channel, the ISD-R with the ES10
requests that each standard knows, the ECASD, then files. Nothing on the card changes, and no key is
needed. An SGP.02 ISD-R refuses ES10 requests; one of SGP.32 alone takes GetCerts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeVar

from hil.equipment.card import commands
from hil.equipment.card.card import Card
from hil.equipment.card.errors import StatusWordError
from hil.equipment.card.files import Application, applications
from hil.equipment.card.identity import read_iccid, read_imsi
from hil.errors import CodecError
from hil.wire import atr, es10, tlv
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.identifiers import ECASD_AID, ISD_R_AID, decode_eid
from hil.wire.status_words import is_success

_TERMINAL_CAPABILITY: Final = bytes.fromhex("A9088100820101830107")
"""Power supply, extended channels, eUICC: local profile assistant (ETSI TS 102 221, 11.1.19)."""
_EXTENDED_RESOURCES: Final = 0xFF21
_EID: Final = 0x5A
_EID_BYTES: Final = 16
_CLASS_2G: Final = 0xA0
_T = TypeVar("_T")


class CardKind(Enum):
    """What a card is, in the words of a report."""

    UICC = "UICC without eUICC functions"
    M2M = "M2M eUICC (GSMA SGP.02)"
    CONSUMER = "consumer eUICC (GSMA SGP.22)"
    IOT = "IoT eUICC (GSMA SGP.32)"
    UNKNOWN_EUICC = "eUICC of an unknown kind"
    GSM = "2G SIM (GSM 11.11)"
    UNSUPPORTED = "no telecom card, or one that answers nothing we know"

    @property
    def euicc(self) -> bool:
        """Whether there is an ISD-R."""
        return self in (CardKind.M2M, CardKind.CONSUMER, CardKind.IOT, CardKind.UNKNOWN_EUICC)


@dataclass(frozen=True, slots=True)
class CardInfo:
    """What a card shows without keys; ``None`` and empty where it shows nothing.

    ``profiles`` is ``None`` where the list needs keys, as on an M2M eUICC.
    """

    kind: CardKind
    atr: atr.Atr | None
    eid: str | None = None
    euicc: es10.EuiccInfo | None = None
    profiles: tuple[es10.Profile, ...] | None = None
    applications: tuple[Application, ...] = ()
    iccid: str | None = None
    imsi: str | None = None


def recognise(card: Card) -> CardInfo:
    """Ask a card what it is. Errors are those of the way to it (:mod:`hil.equipment.card.errors`).

    What the card refuses, or answers in a broken form, is missing from the result.
    """
    with card.transaction():
        answer_to_reset = _atr(card)
        if not is_success(card.send(commands.select_file(commands.MF)).sw):
            return CardInfo(_without_mf(card), answer_to_reset)
        # Many cards offer their eUICC functions only to a terminal that says it knows them.
        card.send(CommandApdu(0x80, 0xAA, 0x00, 0x00, _TERMINAL_CAPABILITY))
        with _channel(card) as channel:
            kind, eid, info, profiles = _ask(card, channel)
        return CardInfo(
            kind=kind,
            atr=answer_to_reset,
            eid=eid,
            euicc=info,
            profiles=profiles,
            applications=_tolerant(lambda: applications(card)) or (),
            iccid=_tolerant(lambda: read_iccid(card)),
            imsi=_tolerant(lambda: read_imsi(card)),
        )


def _atr(card: Card) -> atr.Atr | None:
    try:
        return atr.decode(card.atr)
    except CodecError:  # an AT port hides it
        return None


def _without_mf(card: Card) -> CardKind:
    select = CommandApdu(_CLASS_2G, 0xA4, 0x00, 0x00, commands.MF.to_bytes(2, "big"))
    sw = card.send(select).sw
    # 9Fxx: response data waits (GSM 11.11, 9.4).
    return CardKind.GSM if sw >> 8 == 0x9F or is_success(sw) else CardKind.UNSUPPORTED


@contextlib.contextmanager
def _channel(card: Card) -> Iterator[int]:
    """Open a logical channel where the card has one to give, else use the basic one."""
    opened = card.send(CommandApdu(0x00, 0x70, 0x00, 0x00, le=1))
    if not is_success(opened.sw) or len(opened.data) != 1 or not 0 < opened.data[0] < 20:
        yield 0
        return
    number = opened.data[0]
    try:
        yield number
    finally:
        card.send(CommandApdu(0x00, 0x70, 0x80, number))


_Asked = tuple[CardKind, str | None, es10.EuiccInfo | None, tuple[es10.Profile, ...] | None]


def _ask(card: Card, channel: int) -> _Asked:
    if not is_success(card.send(commands.select_application(ISD_R_AID, channel=channel)).sw):
        return CardKind.UICC, None, None, None
    certificates = _store(card, channel, es10.request(es10.GET_CERTS))
    eid_answer = _store(card, channel, es10.EID_REQUEST)
    eid = _tolerant(lambda: es10.decode_eid_answer(eid_answer.data))
    if eid is None and not is_success(certificates.sw):
        return _m2m(card, channel)
    info = _info(card, channel)
    listed = _store(card, channel, es10.request(es10.GET_PROFILES_INFO))
    profiles = _tolerant(lambda: es10.decode_profiles(listed.data))
    iot = is_success(certificates.sw) or (info is not None and info.iot)
    return (CardKind.IOT if iot else CardKind.CONSUMER), eid, info, profiles


def _m2m(card: Card, channel: int) -> _Asked:
    resources = card.send(_get_data(_EXTENDED_RESOURCES, channel))
    info = _tolerant(lambda: _resources(resources.data)) if is_success(resources.sw) else None
    if not is_success(card.send(commands.select_application(ECASD_AID, channel=channel)).sw):
        return CardKind.UNKNOWN_EUICC, None, info, None
    answer = card.send(_get_data(_EID, channel))
    eid = _tolerant(lambda: _eid(answer.data)) if is_success(answer.sw) else None
    return (CardKind.UNKNOWN_EUICC if eid is None else CardKind.M2M), eid, info, None


def _info(card: Card, channel: int) -> es10.EuiccInfo | None:
    def read(tag: int) -> es10.EuiccInfo | None:
        answer = _store(card, channel, es10.request(tag))
        return _tolerant(lambda: es10.decode_info(answer.data))

    return read(es10.GET_EUICC_INFO_2) or read(es10.GET_EUICC_INFO_1)


def _store(card: Card, channel: int, request: bytes) -> ResponseApdu:
    """Send one ES10 request: STORE DATA, last block (SGP.22, 5.7.2)."""
    return card.send(CommandApdu(0x80, 0xE2, 0x91, 0x00, request, 256).on_channel(channel))


def _get_data(tag: int, channel: int) -> CommandApdu:
    cla = 0x80 if tag == _EXTENDED_RESOURCES else 0x00
    return commands.get_data(tag, cla=cla).on_channel(channel)


def _resources(raw: bytes) -> es10.EuiccInfo:
    inner = tlv.require(tlv.decode_all(raw), _EXTENDED_RESOURCES, where="GET DATA FF21")
    applications_, free_nvm, free_ram = es10.card_resources(inner)
    return es10.EuiccInfo("", applications=applications_, free_nvm=free_nvm, free_ram=free_ram)


def _eid(raw: bytes) -> str:
    if len(raw) != _EID_BYTES:
        raw = tlv.require(tlv.decode_all(raw), _EID, where="answer of the ECASD")
    return decode_eid(raw)


def _tolerant(read: Callable[[], _T]) -> _T | None:
    """Return what can be read, ``None`` where the card refuses or its answer breaks the form."""
    try:
        return read()
    except (StatusWordError, CodecError):
        return None
