"""ADF.CSIM and its optional files in a generated profile: sizes as the template has them."""

from __future__ import annotations

from typing import Final

from hil.wire.profile_package.blueprint import ADF_ARR, ElementBuilder
from hil.wire.profile_package.blueprint_mf import LOCAL_PINS
from hil.wire.profile_package.files import FileElement

TEMPLATE_CSIM: Final = "2.23.143.1.2.10"
TEMPLATE_OPT_CSIM: Final = "2.23.143.1.2.11"
CSIM_AID: Final = bytes.fromhex("A0000003431002F310FFFF89020000FF")
CSIM_FILE_ID: Final = 0x7FC0

_READ_ONLY, _HOLDER, _OPERATOR = 10, 5, 2

_TRANSPARENT: Final = (
    ("ef-imsi-m", 0x6F22, 10), ("ef-imsi-t", 0x6F23, 10), ("ef-tmsi", 0x6F24, 16),
    ("ef-ah", 0x6F25, 2), ("ef-aop", 0x6F26, 1), ("ef-aloc", 0x6F27, 7),
    ("ef-snregi", 0x6F2A, 7), ("ef-distregi", 0x6F2B, 8), ("ef-accolc", 0x6F2C, 1),
    ("ef-term", 0x6F2D, 1), ("ef-acp", 0x6F2F, 7), ("ef-prl", 0x6F30, 18),
    ("ef-ruimid", 0x6F31, 8), ("ef-csim-st", 0x6F32, 10), ("ef-spc", 0x6F33, 3),
    ("ef-otapaspc", 0x6F34, 1), ("ef-namlock", 0x6F35, 1), ("ef-ota", 0x6F36, 17),
    ("ef-sp", 0x6F37, 1), ("ef-esn-meid-me", 0x6F38, 4), ("ef-li", 0x6F3A, 4),
    ("ef-usgind", 0x6F42, 1), ("ef-ad", 0x6F43, 4), ("ef-max-prl", 0x6F45, 4),
    ("ef-spcs", 0x6F46, 1), ("ef-mecrp", 0x6F55, 4), ("ef-home-tag", 0x6F70, 12),
    ("ef-group-tag", 0x6F71, 15), ("ef-specific-tag", 0x6F72, 15),
    ("ef-call-prompt", 0x6F73, 15),
)  # fmt: skip


def csim(identification: int) -> FileElement:
    """Return the element csim; nothing of it is provisioned but the file system."""
    build = ElementBuilder("csim", identification, TEMPLATE_CSIM, ADF_ARR)
    build.directory("adf-csim", CSIM_FILE_ID, LOCAL_PINS, df_name=CSIM_AID)
    build.rules(0x6F06)
    build.cyclic("ef-call-count", 0x6F21, 2, 3, _HOLDER, fill=b"\x00")
    for name, file_id, size in _TRANSPARENT:
        build.transparent(name, file_id, size, _OPERATOR, bytes(size))
    build.linear("ef-cdmahome", 0x6F28, 5, 2, _OPERATOR, fill=b"\x00")
    build.linear("ef-znregi", 0x6F29, 8, 3, _OPERATOR, fill=b"\xff")
    return build.build()


def opt_csim(identification: int) -> FileElement:
    """Return the element opt-csim: dialling numbers and short messages."""
    build = ElementBuilder("opt-csim", identification, TEMPLATE_OPT_CSIM, ADF_ARR)
    build.linear("ef-fdn", 0x6F3B, 28, 5, 8, fill=b"\xff")
    build.linear("ef-sms", 0x6F3C, 192, 3, _HOLDER, fill=b"\x00\xff")
    return build.build()
