"""The files of ADF.USIM in a generated profile: usim, gsm-access, df-5gs."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from hil.wire import tlv
from hil.wire.profile_package.blueprint import ADF_ARR, HIGH_UPDATE, ElementBuilder
from hil.wire.profile_package.blueprint_mf import LOCAL_PINS, USIM_AID
from hil.wire.profile_package.files import FileElement, PlacedFile
from hil.wire.profile_package.profile_data import (
    OperatorData,
    ProfileClass,
    ProfileData,
    dialling_number,
)

TEMPLATE_USIM: Final = "2.23.143.1.2.4"
TEMPLATE_GSM_ACCESS: Final = "2.23.143.1.2.7"
TEMPLATE_DF_5GS: Final = "2.23.143.1.2.13"

USIM_FILE_ID: Final = 0x7FD0

_SERVICES: Final = (
    2, 3, 4, 5, 10, 11, 12, 15, 16, 17, 18, 19, 20, 21, 27, 28, 33, 34, 35, 38,
    42, 43, 45, 46, 47, 48, 49, 51, 71, 73, 74, 85, 96, 122, 123, 124, 126,
)  # fmt: skip
"""Services of EF.UST whose files this profile has (3GPP TS 31.102, 4.2.8)."""

_UST_SIZE: Final = 17
_TYPE_APPROVAL: Final = 0x80
_NORMAL: Final = 0x00


def service_table(services: Iterable[int], size: int) -> bytes:
    """Return a service table: service n is bit n - 1, lowest first."""
    table = bytearray(size)
    for number in services:
        table[(number - 1) // 8] |= 1 << (number - 1) % 8
    return bytes(table)


def usim(data: ProfileData, profile_class: ProfileClass, identification: int) -> FileElement:
    """Return the element usim."""
    build = ElementBuilder("usim", identification, TEMPLATE_USIM, ADF_ARR)
    build.take(_files_of_operator(data.of_operator, profile_class))
    build.transparent("ef-imsi", 0x6F07, 9, 2, data.imsi_file)
    access_class = 1 << int(data.imsi[-1])
    build.transparent("ef-acc", 0x6F78, 2, 2, access_class.to_bytes(2, "big"))
    return build.build()


@lru_cache(maxsize=16)
def _files_of_operator(data: OperatorData, profile_class: ProfileClass) -> tuple[PlacedFile, ...]:
    build = ElementBuilder("usim", 0, TEMPLATE_USIM, ADF_ARR)
    build.directory("adf-usim", USIM_FILE_ID, LOCAL_PINS, df_name=USIM_AID)
    build.rules(0x6F06)
    keys = b"\x07" + b"\xff" * 32
    build.transparent("ef-keys", 0x6F08, 33, 5, keys, special=HIGH_UPDATE)
    build.transparent("ef-keysPS", 0x6F09, 33, 5, keys, special=HIGH_UPDATE)
    build.transparent("ef-hpplmn", 0x6F31, 1, 2, b"\x0a")
    build.transparent("ef-ust", 0x6F38, _UST_SIZE, 2, service_table(_SERVICES, _UST_SIZE))
    build.linear("ef-fdn", 0x6F3B, 28, 20, 8, fill=b"\xff")
    build.linear("ef-sms", 0x6F3C, 176, 10, 5, fill=b"\x00\xff")
    build.linear("ef-smsp", 0x6F42, 42, 1, 5, rows=(_sms_parameters(data.smsc),))
    build.transparent("ef-smss", 0x6F43, 2, 5, b"\xff\xff")
    name = data.operator.encode("ascii", "replace")[:16]
    build.transparent("ef-spn", 0x6F46, 17, 10, (b"\x01" + name).ljust(17, b"\xff"))
    build.transparent("ef-est", 0x6F56, 1, 8, b"\x00")
    build.transparent("ef-start-hfn", 0x6F5B, 6, 5, b"\xf0\x00\x00" * 2, special=HIGH_UPDATE)
    build.transparent("ef-threshold", 0x6F5C, 3, 2, b"\xff" * 3)
    location = b"\xff" * 4 + data.plmn + b"\x00\x00\xff\x01"
    build.transparent(
        "ef-psloci", 0x6F73, 14, 5, b"\xff" * 7 + data.plmn + b"\x00\x00\xff\x01",
        special=HIGH_UPDATE,
    )  # fmt: skip
    build.transparent("ef-fplmn", 0x6F7B, 12, 5, b"\xff" * 12)
    build.transparent("ef-loci", 0x6F7E, 11, 5, location, special=HIGH_UPDATE)
    operation = _TYPE_APPROVAL if profile_class == "test" else _NORMAL
    build.transparent("ef-ad", 0x6FAD, 4, 10, bytes((operation, 0, 0, len(data.mnc))))
    calls = tuple(_emergency(number) for number in ("112", "911"))
    build.linear("ef-ecc", 0x6FB7, 14, 2, 10, rows=calls)
    build.transparent("ef-netpar", 0x6FC4, 128, 5, fill=b"\xff", special=HIGH_UPDATE)
    place = b"\xff" * 12 + data.plmn + b"\x00\x00\x01"
    build.transparent("ef-epsloci", 0x6FE3, 18, 5, place, special=HIGH_UPDATE)
    build.linear("ef-epsnsc", 0x6FE4, 80, 1, 5, fill=b"\xff", special=HIGH_UPDATE)
    return build.files


def _sms_parameters(smsc: str) -> bytes:
    """Return a record of EF.SMSP: only the service centre address is given."""
    indicators = b"\xfd" if smsc else b"\xff"
    return b"\xff" * 14 + indicators + b"\xff" * 12 + dialling_number(smsc) + b"\xff" * 3


def _emergency(number: str) -> bytes:
    """Return a record of EF.ECC: number in 3 bytes, name, service category 00."""
    filled = number.ljust(6, "F")
    swapped = "".join(filled[at + 1] + filled[at] for at in range(0, 6, 2))
    return bytes.fromhex(swapped) + b"Emergency".ljust(10, b"\xff") + b"\x00"


def gsm_access(identification: int) -> FileElement:
    """Return the element gsm-access."""
    build = ElementBuilder("gsm-access", identification, TEMPLATE_GSM_ACCESS, ADF_ARR)
    build.directory("df-gsm-access", 0x5F3B, LOCAL_PINS)
    no_key = b"\xff" * 8 + b"\x07"
    build.transparent("ef-kc", 0x4F20, 9, 5, no_key, special=HIGH_UPDATE)
    build.transparent("ef-kcgprs", 0x4F52, 9, 5, no_key, special=HIGH_UPDATE)
    build.transparent("ef-cpbcch", 0x4F63, 10, 5, fill=b"\xff", special=HIGH_UPDATE)
    build.transparent("ef-invscan", 0x4F64, 1, 2, b"\x00")
    return build.build()


def df_5gs(data: OperatorData, identification: int) -> FileElement:
    """Return the element df-5gs."""
    build = ElementBuilder("df-5gs", identification, TEMPLATE_DF_5GS, ADF_ARR)
    build.directory("df-df-5gs", 0x5FC0, LOCAL_PINS)
    place = b"\xff" * 13 + data.plmn + b"\x00\x00\x00\x01"
    for name, file_id in (("ef-5gs3gpploci", 0x4F01), ("ef-5gsn3gpploci", 0x4F02)):
        build.transparent(name, file_id, 20, 5, place, special=HIGH_UPDATE)
    for name, file_id in (("ef-5gs3gppnsc", 0x4F03), ("ef-5gsn3gppnsc", 0x4F04)):
        build.linear(name, file_id, 57, 1, 5, fill=b"\xff", special=HIGH_UPDATE)
    build.transparent("ef-5gauthkeys", 0x4F05, 110, 5, fill=b"\xff", special=HIGH_UPDATE)
    build.transparent("ef-uac-aic", 0x4F06, 4, 2, bytes(4))
    info = data.suci_calc_info
    build.transparent("ef-suci-calc-info", 0x4F07, max(118, len(info)), 2, info, fill=b"\xff")
    build.linear("ef-opl5g", 0x4F08, 10, 5, 10, fill=b"\xff")
    build.transparent("ef-routing-indicator", 0x4F0A, 4, 2, b"\xf0\xff\xff\xff")
    return build.build()


def network_name(full: str, short: str) -> bytes:
    """Return a record of EF.PNN: full and short name in UCS2 (3GPP TS 24.008, 10.5.3.5a)."""
    parts = ((0x43, full), (0x45, short))
    return b"".join(tlv.encode(tag, b"\x90" + name.encode("utf-16-be")) for tag, name in parts)
