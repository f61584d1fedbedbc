"""Names of things on an embedded SIM: EID, ICCID, IMSI, and the application ids of SGP.02."""

from __future__ import annotations

from typing import Final

from hil.errors import CodecError
from hil.wire import bcd

RID: Final = bytes.fromhex("A000000559")
ISD_R_AID: Final = bytes.fromhex("A0000005591010FFFFFFFF8900000100")
ECASD_AID: Final = bytes.fromhex("A0000005591010FFFFFFFF8900000200")
ISD_P_LOAD_FILE_AID: Final = bytes.fromhex("A0000005591010FFFFFFFF8900000D00")
ISD_P_MODULE_AID: Final = bytes.fromhex("A0000005591010FFFFFFFF8900000E00")
_SGP02_PREFIX: Final = ISD_R_AID[:12]

ISD_R_TAR: Final = bytes.fromhex("000001")
ECASD_TAR: Final = bytes.fromhex("000002")
MNO_SD_TAR: Final = bytes.fromhex("B20100")
FIRST_ISD_P_TAR: Final = 0x000010
LAST_ISD_P_TAR: Final = 0x00FFFF
_IMEI_DIGITS: Final = 15
_ODD_IMEI: Final = 0x0A


def isd_p_aid(tar: int) -> bytes:
    """Return the 16-byte AID of the ISD-P with this TAR, 000010 to 00FFFF (SGP.02, 2.2.3)."""
    if not FIRST_ISD_P_TAR <= tar <= LAST_ISD_P_TAR:
        raise CodecError(f"TAR {tar:06X} is outside 000010 to 00FFFF, the range of ISD-Ps")
    return _SGP02_PREFIX + tar.to_bytes(3, "big") + b"\x00"


def tar_of(aid: bytes) -> bytes:
    """Return the 3-byte TAR in a 16-byte AID: its bytes 13 to 15 (ETSI TS 101 220)."""
    if len(aid) != 16:
        raise CodecError(f"only a 16-byte AID holds a TAR, not one of {len(aid)} bytes")
    return bytes(aid[12:15])


def is_isd_p_aid(aid: bytes) -> bool:
    """Whether an AID is that of an ISD-P instance."""
    if len(aid) != 16 or aid[:12] != _SGP02_PREFIX or aid[15]:
        return False
    return FIRST_ISD_P_TAR <= int.from_bytes(aid[12:15], "big") <= LAST_ISD_P_TAR


def eid_check_digits(first_30: str) -> str:
    """Return the two check digits for the first 30 digits of an EID (SGP.29, section 10)."""
    bcd.check_digits(first_30, what="EID")
    if len(first_30) != 30:
        raise CodecError(f"an EID has 30 digits before its check digits, not {len(first_30)}")
    return f"{98 - int(first_30 + '00') % 97:02d}"


def is_valid_eid(eid: str) -> bool:
    """Whether ``eid`` has 32 digits and right check digits (the number modulo 97 is 1)."""
    return len(eid) == 32 and eid.isascii() and eid.isdigit() and int(eid) % 97 == 1


def encode_eid(eid: str) -> bytes:
    """Return the 16 bytes on the card (GET DATA 5A); the check digits are not looked at."""
    if len(eid) != 32:
        raise CodecError(f"an EID has 32 digits, not {len(eid)}")
    return bcd.encode_straight(eid, size=16, what="EID")


def decode_eid(raw: bytes) -> str:
    """Return the 32 digits of a 16-byte EID."""
    if len(raw) != 16:
        raise CodecError(f"an EID has 16 bytes, not {len(raw)}")
    return bcd.check_digits(raw.hex(), what="EID")


def luhn_digit(digits: str) -> str:
    """Return the Luhn check digit to put behind ``digits`` (ISO/IEC 7812-1)."""
    bcd.check_digits(digits, what="number with a Luhn digit")
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 if place % 2 else 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def is_valid_iccid(iccid: str) -> bool:
    """Whether ``iccid`` has 18 to 20 digits, begins with 89 and ends in its Luhn digit."""
    return (
        18 <= len(iccid) <= 20
        and iccid.isascii()
        and iccid.isdigit()
        and iccid.startswith("89")
        and luhn_digit(iccid[:-1]) == iccid[-1]
    )


def encode_iccid(iccid: str) -> bytes:
    """Return the 10 bytes of EF.ICCID: nibbles swapped, F-filled (ETSI TS 102 221, 13.2)."""
    return bcd.encode_swapped(iccid, size=10, what="ICCID")


def decode_iccid(raw: bytes) -> str:
    """Return the digits of a 10-byte EF.ICCID."""
    return bcd.decode_swapped(_ten(raw), what="ICCID")


def encode_header_iccid(iccid: str) -> bytes:
    """Return the 10 bytes of the header of a profile package: not swapped, F-filled."""
    return bcd.encode_straight(iccid, size=10, what="ICCID")


def decode_header_iccid(raw: bytes) -> str:
    """Return the digits of an ICCID in the header of a profile package."""
    return bcd.decode_straight(_ten(raw), what="ICCID")


def _ten(raw: bytes) -> bytes:
    if len(raw) != 10:
        raise CodecError(f"an ICCID has 10 bytes, not {len(raw)}")
    return raw


def encode_imei(imei: str) -> bytes:
    """Return the 8 bytes of a mobile identity for 15 digits (3GPP TS 24.008, 10.5.1.4).

    The first digit with the parity (odd) and the type of identity (IMEI), then the others swapped.
    """
    bcd.check_digits(imei, what="IMEI")
    if len(imei) != _IMEI_DIGITS:
        raise CodecError(f"an IMEI has {_IMEI_DIGITS} digits, not {len(imei)}")
    first = int(imei[0]) << 4 | _ODD_IMEI
    return bytes((first,)) + bcd.encode_swapped(imei[1:], size=7, what="IMEI")


def encode_imsi(imsi: str) -> bytes:
    """Return the 9 bytes of EF.IMSI for 6 to 15 digits (3GPP TS 31.102, 4.2.2).

    Length of what follows, then a parity nibble (9 for an odd number of digits, 1 for an even one)
    and the digits, nibbles swapped, F-filled.
    """
    _check_imsi(imsi)
    digits = ("9" if len(imsi) % 2 else "1") + imsi
    used = (len(digits) + 1) // 2
    return bytes((used,)) + bcd.encode_swapped(digits, size=8, what="IMSI")


def decode_imsi(raw: bytes) -> str:
    """Return the digits of a 9-byte EF.IMSI; :class:`CodecError` also for an unwritten file."""
    if len(raw) != 9 or not 1 <= raw[0] <= 8:
        raise CodecError("EF.IMSI must have 9 bytes and a length byte of 1 to 8")
    text = bcd.swap_nibbles(raw[1 : 1 + raw[0]]).hex()
    odd = text[0] == "9"
    digits = text[1:] if odd else text[1:-1]
    if text[0] not in "91" or (not odd and text[-1] != "f"):
        raise CodecError("EF.IMSI has a parity nibble that does not fit its digits")
    return _check_imsi(digits)


def _check_imsi(imsi: str) -> str:
    bcd.check_digits(imsi, what="IMSI")
    if not 6 <= len(imsi) <= 15:
        raise CodecError(f"an IMSI has 6 to 15 digits, not {len(imsi)}")
    return imsi
