"""GSMA TS.48 v7.0 packages, read and written again; needs HIL_TS48_DIR."""

from __future__ import annotations

from typing import Final

import pytest

from hil.errors import CodecError
from hil.wire.profile_package.elements import decode_package, encode_package
from hil.wire.profile_package.package import join, split

NO_BERTLV: Final = "TS48_v7.0_SAIP2.3_NoBERTLV.der"

ELEMENTS: Final = (
    ("header", 0xA0, 0, 160, None),
    ("mf", 0xB0, 160, 779, 4),
    ("pukCodes", 0xA3, 939, 42, 5),
    ("pinCodes", 0xA2, 981, 78, 2),
    ("telecom", 0xB2, 1059, 535, 7),
    ("pinCodes", 0xA2, 1594, 36, 3),
    ("genericFileManagement", 0xA1, 1630, 991, 23),
    ("usim", 0xB3, 2621, 1205, 8),
    ("opt-usim", 0xB4, 3826, 2529, 9),
    ("pinCodes", 0xA2, 6355, 36, 10),
    ("akaParameter", 0xA4, 6391, 55, 11),
    ("gsm-access", 0xB8, 6446, 140, 12),
    ("df-5gs", 0xBC, 6586, 298, 13),
    ("df-saip", 0xBD, 6884, 68, 14),
    ("csim", 0xB9, 6952, 1796, 15),
    ("opt-csim", 0xBA, 8748, 1445, 16),
    ("pinCodes", 0xA2, 10193, 36, 17),
    ("cdmaParameter", 0xA5, 10229, 113, 18),
    ("isim", 0xB5, 10342, 474, 19),
    ("opt-isim", 0xB6, 10816, 94, 20),
    ("pinCodes", 0xA2, 10910, 36, 21),
    ("akaParameter", 0xA4, 10946, 55, 22),
    ("genericFileManagement", 0xA1, 11001, 243, 24),
    ("genericFileManagement", 0xA1, 11244, 433, 25),
    ("securityDomain", 0xA6, 11677, 361, 26),
    ("rfm", 0xA7, 12038, 36, 27),
    ("rfm", 0xA7, 12074, 58, 28),
    ("rfm", 0xA7, 12132, 58, 29),
    ("rfm", 0xA7, 12190, 62, 30),
    ("end", 0xAA, 12252, 9, 31),
)


def test_every_package_comes_back_byte_for_byte(ts48_packages: dict[str, bytes]) -> None:
    for name, der in ts48_packages.items():
        assert join(split(der)) == der, name
        assert encode_package(decode_package(der)) == der, name


def test_elements_of_the_package_without_bertlv(ts48_packages: dict[str, bytes]) -> None:
    if NO_BERTLV not in ts48_packages:
        pytest.skip(f"{NO_BERTLV} is not in the folder")
    elements = split(ts48_packages[NO_BERTLV])
    found = tuple((e.name, e.tag, e.offset, e.size, e.identification) for e in elements)
    assert found == ELEMENTS
    assert all(element.mandated for element in elements[1:])


def test_truncation_at_every_byte_gives_a_codec_error_or_whole_elements(
    ts48_packages: dict[str, bytes],
) -> None:
    der = next(iter(ts48_packages.values()))
    borders = {element.offset for element in split(der)} - {0}
    for length in range(len(der)):
        if length in borders:
            assert join(split(der[:length])) == der[:length]
        else:
            with pytest.raises(CodecError):
                split(der[:length])
