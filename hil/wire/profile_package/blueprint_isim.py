"""The files of ADF.ISIM in a generated profile: isim, opt-isim."""

from __future__ import annotations

from typing import Final

from hil.wire import tlv
from hil.wire.profile_package.blueprint import ADF_ARR, ElementBuilder
from hil.wire.profile_package.blueprint_mf import ISIM_AID, LOCAL_PINS
from hil.wire.profile_package.blueprint_usim import service_table
from hil.wire.profile_package.files import FileElement
from hil.wire.profile_package.profile_data import OperatorData, ProfileData

TEMPLATE_ISIM: Final = "2.23.143.1.2.8"
TEMPLATE_OPT_ISIM: Final = "2.23.143.1.2.9"

ISIM_FILE_ID: Final = 0x7FB0
_IDENTITY: Final = 0x80
_SERVICES: Final = (1,)
"""EF.IST: P-CSCF address (3GPP TS 31.103, 4.2.7)."""


def isim(data: ProfileData, identification: int) -> FileElement:
    """Return the element isim: private and public identity follow from the IMSI."""
    build = ElementBuilder("isim", identification, TEMPLATE_ISIM, ADF_ARR)
    build.directory("adf-isim", ISIM_FILE_ID, LOCAL_PINS, df_name=ISIM_AID)
    network = data.of_operator.ims_domain
    private = _text(f"{data.imsi}@{network}")
    public = _text(f"sip:{data.imsi}@{network}")
    domain = _text(network)
    build.transparent("ef-impi", 0x6F02, 64, 2, private, fill=b"\xff")
    build.linear("ef-impu", 0x6F04, 68, 1, 2, rows=(public,), fill=b"\xff")
    build.transparent("ef-domain", 0x6F03, 48, 2, domain, fill=b"\xff")
    build.transparent("ef-ist", 0x6F07, 14, 2, service_table(_SERVICES, 14))
    build.transparent("ef-ad", 0x6FAD, 3, 10, bytes(3))
    build.rules(0x6F06)
    return build.build()


def opt_isim(data: OperatorData, identification: int) -> FileElement:
    """Return the element opt-isim: P-CSCF address by name, GBA parameters empty."""
    build = ElementBuilder("opt-isim", identification, TEMPLATE_OPT_ISIM, ADF_ARR)
    address = tlv.encode(_IDENTITY, b"\x00" + f"pcscf.{data.ims_domain}".encode("ascii"))
    build.linear("ef-pcscf", 0x6F09, 64, 1, 2, rows=(address,), fill=b"\xff")
    build.transparent("ef-gbabp", 0x6FD5, 100, 5, fill=b"\xff")
    build.linear("ef-gbanl", 0x6FD7, 100, 1, 2, fill=b"\xff")
    return build.build()


def _text(value: str) -> bytes:
    return tlv.encode(_IDENTITY, value.encode("ascii"))
