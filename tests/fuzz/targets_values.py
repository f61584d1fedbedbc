"""Small values that come from outside: numbers, names, addresses, times, tokens."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from hil.equipment.card.authentication import parse_answer
from hil.wire import bip, es10, identifiers
from hil.wire.admin_session import RetryPolicy
from hil.wire.aka.milenage import Milenage
from hil.wire.aka.tokens import make_auts, read_auts
from hil.wire.scp80_parameters import Spi, read_spi
from hil.wire.smpp_time import read_time
from hil.wire.sms_address import Address
from hil.wire.sms_timestamp import decode_timestamp, encode_timestamp
from hil.wire.suci import CalculationInfo
from tests.fuzz.engine import Target, encoded

EID: Final = "89049032123451234512345678901235"
ICCID: Final = "8900100000000000017"
_RAND: Final = bytes(range(16))


def _aka() -> Milenage:
    return Milenage(bytes(16), opc=bytes(range(16)))


def _auts(raw: bytes) -> object:
    return read_auts(_aka(), _RAND, raw)


def _smpp_time(raw: bytes) -> object:
    return read_time(raw.decode("latin-1"), datetime(2026, 3, 4, tzinfo=UTC))


def _tp_address(raw: bytes) -> object:
    return Address.decode_tp(raw, 0)[0]


TARGETS: dict[str, Target] = {
    "eid": Target(
        identifiers.decode_eid,
        lambda: [identifiers.encode_eid(EID)],
        again=identifiers.encode_eid,
    ),
    "iccid": Target(identifiers.decode_iccid, lambda: [identifiers.encode_iccid(ICCID)]),
    "header-iccid": Target(
        identifiers.decode_header_iccid, lambda: [identifiers.encode_header_iccid(ICCID)]
    ),
    "imsi": Target(
        identifiers.decode_imsi,
        lambda: [identifiers.encode_imsi("001010000000017")],
        again=identifiers.encode_imsi,
    ),
    "suci-calculation": Target(
        CalculationInfo.decode,
        lambda: [
            bytes.fromhex("A0020000FFFF"),
            bytes.fromhex("A00401010000A12580011B8120" + "5A" * 32),
        ],
    ),
    "eid-answer": Target(
        es10.decode_eid_answer, lambda: [bytes.fromhex("BF3E125A10") + identifiers.encode_eid(EID)]
    ),
    "card-resources": Target(
        es10.card_resources, lambda: [bytes.fromhex("8101048204000502608302271B")]
    ),
    "spi": Target(read_spi, lambda: [b"\x16\x39", b"\x00\x00"]),
    "spi-allowed": Target(Spi.decode, lambda: [b"\x16\x39"], again=encoded),
    "address-in-tpdu": Target(
        _tp_address, lambda: [Address("12345678").encode_tp()], again=Address.encode_tp
    ),
    "address-in-object": Target(Address.decode_value, lambda: [Address("12345678").encode_value()]),
    "timestamp": Target(
        decode_timestamp, lambda: [encode_timestamp(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))]
    ),
    "access-name": Target(
        bip.decode_access_name,
        lambda: [bip.encode_access_name("hil.internet")],
        again=bip.encode_access_name,
    ),
    "timer-value": Target(
        bip.decode_time, lambda: [bip.encode_time(12 * 3600 + 34 * 60 + 56)], again=bip.encode_time
    ),
    "retry-policy": Target(RetryPolicy.decode, lambda: [RetryPolicy(3, 60).encode()]),
    "smpp-time": Target(_smpp_time, lambda: [b"260304050607004-", b"020610233429000R"]),
    "auts": Target(_auts, lambda: [make_auts(_aka(), _RAND, 7)]),
    "authenticate-answer": Target(
        parse_answer,
        lambda: [
            bytes.fromhex("DB08") + bytes(8) + b"\x10" + bytes(16) + b"\x10" + bytes(16),
            bytes.fromhex("DC0E") + bytes(14),
        ],
    ),
}
