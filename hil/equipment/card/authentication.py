"""Authentication by a card: AUTHENTICATE of USIM and ISIM (3GPP TS 31.102, 7.1; TS 31.103, 7.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from hil.equipment.card import commands
from hil.equipment.card.errors import StatusWordError
from hil.errors import CodecError
from hil.wire.status_words import is_success

if TYPE_CHECKING:
    from hil.equipment.card.card import Card

_SUCCESS, _SYNCHRONISATION_FAILURE = 0xDB, 0xDC
_AUTS_LENGTH: Final = 14
_WRONG_MAC: Final = 0x9862


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The card accepted the network and answered; ``kc`` is ``None`` without 2G access."""

    res: bytes = field(repr=False)
    ck: bytes = field(repr=False)
    ik: bytes = field(repr=False)
    kc: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class OutOfStep:
    """The sequence number is not fresh; ``auts``, 14 bytes, tells the network the card's own."""

    auts: bytes


@dataclass(frozen=True, slots=True)
class NetworkRefused:
    """The MAC of AUTN is wrong: whoever sent it has not the card's key."""


@dataclass(frozen=True, slots=True)
class GsmAnswer:
    """What a card answers in the 2G context: SRES, 4 bytes, and Kc, 8."""

    sres: bytes = field(repr=False)
    kc: bytes = field(repr=False)


def authenticate(
    card: Card, rand: bytes, autn: bytes, *, channel: int = 0
) -> Authenticated | OutOfStep | NetworkRefused:
    """Send a challenge to the selected USIM or ISIM; the three answers of the standard are values.

    Raises :class:`StatusWordError` for every other refusal and :class:`CodecError` for an answer
    that is none of them.
    """
    command = commands.authenticate_3g(rand, autn).on_channel(channel)
    answer = card.send(command)
    if answer.sw == _WRONG_MAC:
        return NetworkRefused()
    if not is_success(answer.sw):
        raise StatusWordError(answer.sw, "AUTHENTICATE", card.name)
    return parse_answer(answer.data)


def authenticate_gsm(card: Card, rand: bytes, *, channel: int = 0) -> GsmAnswer:
    """Send a 2G challenge to the selected USIM."""
    answer = card.expect(commands.authenticate_gsm(rand).on_channel(channel))
    fields = _fields(answer.data)
    if [len(one) for one in fields] != [4, 8]:
        raise CodecError(f"answer to AUTHENTICATE in the 2G context has {len(answer.data)} bytes")
    return GsmAnswer(*fields)


def parse_answer(data: bytes) -> Authenticated | OutOfStep:
    """Read an answer in the 3G context; what it holds stays out of the error's text."""
    tag, fields = (data[0] if data else None), _fields(data[1:])
    if tag == _SYNCHRONISATION_FAILURE and [len(one) for one in fields] == [_AUTS_LENGTH]:
        return OutOfStep(fields[0])
    if tag == _SUCCESS and len(fields) in (3, 4):
        return Authenticated(*fields)
    raise CodecError(f"{len(data)} bytes are no answer to AUTHENTICATE in the 3G context")


def _fields(data: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(data):
        end = at + 1 + data[at]
        if end > len(data):
            raise CodecError(f"a field in the answer to AUTHENTICATE is cut off at byte {at}")
        found.append(data[at + 1 : end])
        at = end
    return found
