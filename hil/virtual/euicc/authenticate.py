"""AUTHENTICATE of USIM and ISIM (3GPP TS 31.102, 7.1; TS 31.103, 7.1; TS 33.102, 6.3.3)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hil.virtual.euicc.files import Df, Ef
from hil.virtual.euicc.refusal import RefusalError
from hil.wire.aka import (
    AkaError,
    AkaKeys,
    Freshness,
    XorTestAlgorithm,
    gsm_kc,
    gsm_sres,
    make_auts,
    open_autn,
)
from hil.wire.aka.xor_test import AMF_RESYNCH
from hil.wire.apdu import CommandApdu, ResponseApdu
from hil.wire.status_words import OK

if TYPE_CHECKING:
    from hil.virtual.euicc.aka_store import AkaState, AkaStore, Credentials
    from hil.virtual.euicc.channel import Channel
    from hil.virtual.euicc.pins import PinPresentations

INS: Final = 0x88

USIM: Final = bytes.fromhex("A0000000871002")
_ISIM: Final = bytes.fromhex("A0000000871004")
_GSM, _AKA = 0x80, 0x81
_OTHER_CONTEXTS: Final = frozenset({0x82, 0x84, 0x85, 0x86})
"""VGCS/VBS or HTTP digest, GBA, MBMS, local keys: known, and none of them offered."""

_SUCCESS, _RESYNCHRONISE = b"\xdb", b"\xdc"
_RAND: Final = 16
_AUTN: Final = 16
_NOT_OFFERED: Final = 0x9864
_WRONG_MAC: Final = 0x9862
_UST: Final = 0x6F38
_SERVICE_GSM_ACCESS, _SERVICE_GSM_CONTEXT = 27, 38


class Authenticate:
    """Answers a network's challenge with the key of the selected NAA.

    A sequence number is in the card's memory before the answer to it goes out, so that no power cut
    lets it be used twice.
    """

    def __init__(self, store: AkaStore, pins: PinPresentations) -> None:
        self._store = store
        self._pins = pins
        self.handlers = {INS: self._authenticate}

    def _authenticate(self, command: CommandApdu, channel: Channel) -> ResponseApdu:
        naa = channel.df.application
        usim, isim = naa.name.startswith(USIM), naa.name.startswith(_ISIM)
        context = command.p2
        if naa.name and not usim and not isim:
            # CSIM has RUN CAVE here, which this card does not offer.
            raise RefusalError(0x6D00, f"{naa.name.hex()} has no AUTHENTICATE")
        known = context in (_GSM, _AKA) or context in _OTHER_CONTEXTS
        if command.p1 or not known or (isim and context == _GSM):
            raise RefusalError(0x6A86, f"authentication context {context:02X}")
        if not command.data:
            raise RefusalError(0x6700)
        if not naa.name:
            raise RefusalError(0x6985, "no NAA is selected")
        gsm = context == _GSM and service_available(naa, _SERVICE_GSM_CONTEXT)
        if not gsm and context != _AKA:
            raise RefusalError(_NOT_OFFERED, f"authentication context {context:02X}")
        rand, autn = _challenge(command.data, gsm=gsm)
        check_pin(naa, self._pins)
        key = self._store.credentials(naa)
        state = self._store.spend(key)
        if gsm:
            keys = key.algorithm.f2345(rand)
            return ResponseApdu(_field(gsm_sres(keys)) + _field(gsm_kc(keys)), OK)
        answer = self._agree(key, state, rand, autn)
        if isinstance(answer, bytes):
            return ResponseApdu(_RESYNCHRONISE + _field(answer), OK)
        body = _field(answer.res) + _field(answer.ck) + _field(answer.ik)
        if usim and service_available(naa, _SERVICE_GSM_ACCESS):
            body += _field(gsm_kc(answer))
        return ResponseApdu(_SUCCESS + body, OK)

    def _agree(
        self, key: Credentials, state: AkaState, rand: bytes, autn: bytes
    ) -> AkaKeys | bytes:
        """Return the keys of a fresh challenge, AUTS for one that is not; 9862 for a wrong MAC."""
        keys = key.algorithm.f2345(rand)
        try:
            sqn, amf = open_autn(key.algorithm, rand, autn, ak=keys.ak)
        except AkaError as err:
            raise RefusalError(_WRONG_MAC, str(err)) from err
        asked = isinstance(key.algorithm, XorTestAlgorithm) and amf == AMF_RESYNCH
        if asked or state.numbers.judge(sqn, key.rules) is not Freshness.FRESH:
            return make_auts(key.algorithm, rand, state.numbers.highest)
        self._store.store(key, replace(state, numbers=state.numbers.accept(sqn)))
        return keys


def _challenge(data: bytes, *, gsm: bool) -> tuple[bytes, bytes]:
    """Return RAND and AUTN, which is empty in the GSM context; 6700 for other lengths."""
    expected = 1 + _RAND if gsm else 2 + _RAND + _AUTN
    if len(data) != expected or data[0] != _RAND or (not gsm and data[1 + _RAND] != _AUTN):
        raise RefusalError(0x6700, "RAND and AUTN have 16 bytes each, behind their lengths")
    return data[1 : 1 + _RAND], data[2 + _RAND :]


def check_pin(naa: Df, pins: PinPresentations) -> None:
    """Refuse with 6982 while the application's PIN is to be verified."""
    pin = next((one for one in naa.pins if 0x01 <= one <= 0x08), None)
    if pin is not None and not pins.satisfied(pin, naa):
        raise RefusalError(0x6982, f"PIN {pin:02X} is not verified")


def service_available(usim: Df, number: int) -> bool:
    """Whether a service is available in EF.UST."""
    table = usim.children.get(_UST)
    if not isinstance(table, Ef) or len(table.content) * 8 < number:
        return False
    return bool(table.content[(number - 1) // 8] >> (number - 1) % 8 & 1)


def _field(value: bytes) -> bytes:
    return bytes((len(value),)) + value
