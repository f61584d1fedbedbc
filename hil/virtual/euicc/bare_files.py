"""The files a card shows while no profile is enabled: the MF with those that it must have.

ETSI TS 102 221, 13: EF.DIR, EF.PL, EF.UMPC, EF.ICCID; and EF.ARR, as they refer to it.
"""

from __future__ import annotations

from typing import Final

from hil.virtual.euicc.files import MF_ARR_ID, MF_ID, Df, Ef, FileTree, Structure

_ARR_RECORD_LENGTH: Final = 20
_READ_ALWAYS: Final = bytes.fromhex("8001 01 9000 8001 02 9700")
_DF_RULE: Final = bytes.fromhex("8001 7F 9700")
_EMPTY_ICCID: Final = b"\xff" * 10
_DIR_RECORD_LENGTH: Final = 38
_POWER: Final = bytes.fromhex("3C3C000000")
"""EF.UMPC: 60 mA, 60 s for the card's own actions after start, no further needs."""


def bare_tree() -> FileTree:
    """Return a new tree; EF.ICCID is empty, EF.DIR names no application."""
    rules = b"".join(rule.ljust(_ARR_RECORD_LENGTH, b"\xff") for rule in (_READ_ALWAYS, _DF_RULE))
    read_always, df_rule = (MF_ARR_ID.to_bytes(2, "big") + bytes((n,)) for n in (1, 2))
    mf = Df(MF_ID, security=df_rule)
    blank_dir = b"\xff" * _DIR_RECORD_LENGTH
    for file in (
        Ef(0x2F00, Structure.LINEAR, bytearray(blank_dir), _DIR_RECORD_LENGTH, sfi=0x1E),
        Ef(0x2F05, Structure.TRANSPARENT, bytearray(b"\xff\xff"), sfi=0x05),
        Ef(0x2F08, Structure.TRANSPARENT, bytearray(_POWER), sfi=0x08),
        Ef(0x2FE2, Structure.TRANSPARENT, bytearray(_EMPTY_ICCID), sfi=0x02),
        Ef(MF_ARR_ID, Structure.LINEAR, bytearray(rules), _ARR_RECORD_LENGTH, sfi=0x06),
    ):
        file.security = read_always
        mf.add(file)
    return FileTree(mf)
