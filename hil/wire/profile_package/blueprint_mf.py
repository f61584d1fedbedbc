"""The files right under MF and those of DF.TELECOM in a generated profile."""

from __future__ import annotations

from typing import Final

from hil.wire import identifiers, tlv
from hil.wire.profile_package.blueprint import MF_ARR, ElementBuilder
from hil.wire.profile_package.files import FileElement
from hil.wire.profile_package.profile_data import OperatorData, ProfileData, dialling_number

TEMPLATE_MF: Final = "2.23.143.1.2.1"
TEMPLATE_TELECOM: Final = "2.23.143.1.2.3"

USIM_AID: Final = bytes.fromhex("A0000000871002FF49FF0589")
ISIM_AID: Final = bytes.fromhex("A0000000871004FF49FF0589")

MF_PINS: Final = b"\x01\x0a"
LOCAL_PINS: Final = b"\x81\x01\x0a"
_ALPHA: Final = 14


def application_entry(aid: bytes, label: str) -> bytes:
    """Return a record of EF.DIR: application template with AID and label."""
    return tlv.encode(0x61, tlv.encode(0x4F, aid) + tlv.encode(0x50, label.encode("ascii")))


def mf(data: ProfileData, identification: int) -> FileElement:
    """Return the element mf: EF.PL, EF.ICCID, EF.DIR, EF.ARR, EF.UMPC."""
    build = ElementBuilder("mf", identification, TEMPLATE_MF, MF_ARR)
    build.directory("mf", 0x3F00, MF_PINS)
    build.transparent("ef-pl", 0x2F05, 6, 1, b"en", fill=b"\xff")
    build.transparent("ef-iccid", 0x2FE2, 10, 11, identifiers.encode_iccid(data.iccid))
    entries = (application_entry(USIM_AID, "USIM"), application_entry(ISIM_AID, "ISIM"))
    build.linear("ef-dir", 0x2F00, 38, 4, 10, rows=entries)
    build.rules(0x2F06)
    build.transparent("ef-umpc", 0x2F08, 5, 10, bytes.fromhex("3C3C000000"))
    return build.build()


def telecom(data: OperatorData, msisdn: str, identification: int) -> FileElement:
    """Return the element telecom: rules, SM-over-IP address, graphics, phonebook, multimedia."""
    build = ElementBuilder("telecom", identification, TEMPLATE_TELECOM, MF_ARR)
    build.directory("df-telecom", 0x7F10, LOCAL_PINS)
    build.linear("ef-arr", 0x6F06, 20, 1, 10)
    build.transparent("ef-sume", 0x6F54, 22, 3, _setup_menu(data.operator), fill=b"\xff")
    smsc = tlv.encode(0x80, f"tel:+{data.smsc or '0'}".encode("ascii"))
    build.linear("ef-psismsc", 0x6FE5, 40, 1, 5, rows=(smsc,))
    build.directory("df-graphics", 0x5F50, LOCAL_PINS)
    build.linear("ef-img", 0x4F20, 10, 1, 2, fill=b"\x00\xff")
    build.directory("df-phonebook", 0x5F3A, LOCAL_PINS)
    _phonebook(build, data.smsc, msisdn)
    build.directory("df-mmss", 0x5F3C, LOCAL_PINS)
    build.transparent("ef-mlpl", 0x4F20, 18, 2, bytes.fromhex("000901000101010001"), fill=b"\xff")
    build.transparent("ef-mspl", 0x4F21, 18, 2, bytes.fromhex("000F0100010101030708020C003E00"))
    return build.build()


def _setup_menu(title: str) -> bytes:
    return tlv.encode(0x85, title.encode("ascii", "replace")[:18])


def _phonebook(build: ElementBuilder, smsc: str, msisdn: str) -> None:
    """Add DF.PHONEBOOK: EF.PBR names the files that belong together and their SFIs."""
    first = tlv.encode(0xA8, _reference(0xC0, 0x4F3A, 0x0A) + _reference(0xC5, 0x4F09, 0x01))
    third = tlv.encode(0xAA, _reference(0xC2, 0x4F12, 0x03))
    build.linear("ef-pbr", 0x4F30, 40, 1, 2, rows=(first + third,))
    build.transparent("ef-psc", 0x4F22, 4, 5, bytes(4))
    build.transparent("ef-cc", 0x4F23, 2, 5, bytes(2), special=b"\x80")
    build.transparent("ef-puid", 0x4F24, 2, 5, b"\x00\x03", special=b"\x80")
    build.linear("ef-ext1", 0x4F12, 13, 10, 5, fill=b"\x00\xff")
    numbers = ("Service", smsc), ("Own number", msisdn)
    rows = tuple(contact(label, number) for label, number in numbers if number)
    build.linear("ef-adn", 0x4F3A, _ALPHA + 14, 50, 5, rows=rows)
    build.linear("ef-pbc", 0x4F09, 2, 50, 5, fill=b"\x00")


def contact(label: str, number: str) -> bytes:
    """Return a record of EF.ADN or EF.SDN: 14 bytes of name, number, CCP and extension unused."""
    name = label.encode("ascii", "replace")[:_ALPHA].ljust(_ALPHA, b"\xff")
    return name + dialling_number(number) + b"\xff\xff"


def _reference(tag: int, file_id: int, short_id: int) -> bytes:
    return tlv.encode(tag, file_id.to_bytes(2, "big") + bytes((short_id,)))
