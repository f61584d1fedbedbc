"""The optional files of ADF.USIM in a generated profile: opt-usim."""

from __future__ import annotations

from typing import Final

from hil.wire import tlv
from hil.wire.profile_package.blueprint import ADF_ARR, ElementBuilder
from hil.wire.profile_package.blueprint_mf import contact
from hil.wire.profile_package.blueprint_usim import network_name
from hil.wire.profile_package.files import FileElement
from hil.wire.profile_package.profile_data import OperatorData, plmn

TEMPLATE_OPT_USIM: Final = "2.23.143.1.2.5"

_NO_NETWORK: Final = bytes.fromhex("FFFFFF0000")
_EUTRAN, _UTRAN, _GSM, _NG_RAN = b"\x40\x00", b"\x80\x00", b"\x00\x80", b"\x08\x00"
_LIST_SIZE: Final = 250


def opt_usim(data: OperatorData, msisdn: str, identification: int) -> FileElement:
    """Return the element opt-usim: numbers, network lists, names, mailbox, NAS configuration."""
    build = ElementBuilder("opt-usim", identification, TEMPLATE_OPT_USIM, ADF_ARR)
    build.transparent("ef-li", 0x6F05, 10, 1, b"en", fill=b"\xff")
    for name, file_id in (("ef-gid1", 0x6F3E), ("ef-gid2", 0x6F3F)):
        build.transparent(name, file_id, 8, 2, b"\xff" * 8)
    own = (contact("My number", msisdn),) if msisdn else ()
    build.linear("ef-msisdn", 0x6F40, 28, 2, 2, rows=own, fill=b"\xff")
    _numbers(build, data)
    _networks(build, data)
    _mailbox(build)
    build.transparent("ef-nasconfig", 0x6FE8, 18, 2, b"\xff" * 18)
    return build.build()


def _numbers(build: ElementBuilder, data: OperatorData) -> None:
    build.transparent("ef-cbmi", 0x6F45, 10, 5, b"\xff" * 10)
    build.transparent("ef-cbmid", 0x6F48, 10, 2, b"\xff" * 10)
    service = (contact("Service", data.smsc),) if data.smsc else ()
    build.linear("ef-sdn", 0x6F49, 28, 10, 2, rows=service, fill=b"\xff")
    for name, file_id, rule in (("ef-ext2", 0x6F4B, 8), ("ef-ext3", 0x6F4C, 2)):
        build.linear(name, file_id, 13, 10, rule, fill=b"\x00\xff")
    build.transparent("ef-cbmir", 0x6F50, 20, 5, b"\xff" * 20)
    build.linear("ef-smsr", 0x6F47, 30, 10, 5, fill=b"\x00\xff")
    apn = data.apn.encode("ascii", "replace")
    labels = b"".join(bytes((len(label),)) + label for label in apn.split(b"."))
    names = b"\x01" + tlv.encode(0xDD, labels)
    build.transparent("ef-acl", 0x6F57, 101, 8, names.ljust(101, b"\xff"))


def _networks(build: ElementBuilder, data: OperatorData) -> None:
    partners = data.partners or tuple(f"999{number:02d}" for number in range(50))
    listed = b"".join(plmn(one) + _EUTRAN for one in partners)
    size = max(_LIST_SIZE, len(listed))
    build.transparent("ef-plmnwact", 0x6F60, 40, 5, repeat=_NO_NETWORK)
    build.transparent("ef-oplmnwact", 0x6F61, size, 2, listed.ljust(size, b"\xff"))
    home = b"".join(data.plmn + technology for technology in (_NG_RAN, _EUTRAN, _UTRAN, _GSM))
    build.transparent("ef-hplmnwact", 0x6F62, 20, 2, home)
    name = data.operator
    rows = (network_name(name, name[:8]),)
    build.linear("ef-pnn", 0x6FC5, max(40, len(rows[0])), 10, 10, rows=rows, fill=b"\xff")
    home_area = data.plmn + bytes.fromhex("0000FFFE01")
    build.linear("ef-opl", 0x6FC6, 8, 10, 10, rows=(home_area,), fill=b"\xff")
    equivalent = tlv.encode(0xA3, tlv.encode(0x80, data.plmn))
    build.transparent("ef-spdi", 0x6FCD, 17, 2, equivalent.ljust(17, b"\xff"))
    build.transparent("ef-ehplmn", 0x6FD9, 15, 2, data.plmn.ljust(15, b"\xff"))
    build.transparent("ef-ehplmnpi", 0x6FDB, 1, 2, b"\x00")
    build.transparent("ef-lrplmnsi", 0x6FDC, 1, 2, b"\x00")


def _mailbox(build: ElementBuilder) -> None:
    build.linear("ef-mbdn", 0x6FC7, 28, 3, 5, fill=b"\xff")
    build.linear("ef-ext6", 0x6FC8, 13, 10, 5, fill=b"\x00\xff")
    build.linear("ef-mbi", 0x6FC9, 5, 1, 5, rows=(bytes(5),))
    build.linear("ef-mwis", 0x6FCA, 6, 1, 5, rows=(bytes(6),), special=b"\x80")
    build.linear("ef-cfis", 0x6FCB, 16, 1, 5, rows=(b"\x01\x00" + b"\xff" * 14,))
    build.linear("ef-ext7", 0x6FCC, 13, 10, 5, fill=b"\x00\xff")
