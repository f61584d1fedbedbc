"""File ids to look for when a card's whole content is read, a table for each kind of application.

A card has no command that lists its files. These are the ids of ETSI TS 102 221 (MF), 3GPP
TS 31.102 (USIM and TELECOM), TS 31.103 (ISIM) and 3GPP2 C.S0065 (CSIM) that profile packages may
create. Each table maps the path of folders below its root to the ids of the files in that folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FileTable = Mapping[tuple[int, ...], tuple[int, ...]]


def _ids(text: str) -> tuple[int, ...]:
    return tuple(int(one, 16) for one in text.split())


MASTER_FILE: Final[FileTable] = {
    (): _ids("2F00 2F05 2F06 2F08 2FE2"),
    (0x7F10,): _ids("6F06 6F53 6F54 6FE0 6FE1 6FE5"),
    (0x7F10, 0x5F3A): _ids(
        "4F22 4F23 4F24 4F30 4F38 4F40 4F48 4F50 4F58 4F60 4F68 4F70 4F78 4F80 4F88 4F90 4F98"
    ),
    (0x7F10, 0x5F3B): _ids("4F47 4F48"),
    (0x7F10, 0x5F3C): _ids("4F20 4F21 4F22"),
    (0x7F10, 0x5F3D): _ids("4F01 4F02"),
    (0x7F10, 0x5F3E): _ids("4F01 4F02 4F03 4F04"),
    (0x7F10, 0x5F50): _ids("4F01 4F20 4F21 4F40 4F80"),
    (0x7F11,): _ids("6F01 6F40"),
}

USIM: Final[FileTable] = {
    (): _ids(
        "6F01 6F05 6F06 6F07 6F08 6F09 6F2C 6F31 6F32 6F37 6F38 6F39 6F3B 6F3C 6F3E 6F3F 6F40 "
        "6F41 6F42 6F43 6F45 6F46 6F47 6F48 6F49 6F4B 6F4C 6F4D 6F4E 6F4F 6F50 6F55 6F56 6F57 "
        "6F58 6F5B 6F5C 6F60 6F61 6F62 6F73 6F78 6F7B 6F7E 6F80 6F81 6F82 6F83 6FAD 6FB1 6FB2 "
        "6FB3 6FB4 6FB5 6FB6 6FB7 6FC3 6FC4 6FC5 6FC6 6FC7 6FC8 6FC9 6FCA 6FCB 6FCC 6FCD 6FCE "
        "6FCF 6FD0 6FD1 6FD2 6FD3 6FD4 6FD5 6FD6 6FD7 6FD8 6FD9 6FDA 6FDB 6FDC 6FDD 6FDE 6FDF "
        "6FE2 6FE3 6FE4 6FE6 6FE7 6FE8 6FEC 6FED 6FEE 6FEF 6FF0 6FF1 6FF2 6FF3 6FF4 6FF5 6FF6 "
        "6FF7 6FF8 6FF9 6FFA 6FFC 6FFD 6FFE"
    ),
    (0x5F3A,): _ids(
        "4F22 4F23 4F24 4F30 4F38 4F40 4F48 4F50 4F58 4F60 4F68 4F70 4F78 4F80 4F88 4F90 4F98"
    ),
    (0x5F3B,): _ids("4F20 4F52 4F63 4F64"),
    (0x5FC0,): _ids(
        "4F01 4F02 4F03 4F04 4F05 4F06 4F07 4F08 4F09 4F0A 4F0B 4F0C 4F0D 4F0E 4F0F 4F10 4F11 "
        "4F15 4F16"
    ),
    (0x5FD0,): _ids("4F01"),
    (0x5FE0,): _ids("4F01"),
}

ISIM: Final[FileTable] = {
    (): _ids(
        "6F02 6F03 6F04 6F06 6F07 6F09 6F3C 6F42 6F43 6F47 6FAD 6FD5 6FD7 6FDD 6FE7 6FF7 6FF8 "
        "6FFA 6FFC 6FFE"
    ),
}

CSIM: Final[FileTable] = {
    (): _ids(
        "6F06 6F21 6F22 6F23 6F24 6F25 6F26 6F27 6F28 6F29 6F2A 6F2B 6F2C 6F2D 6F2E 6F2F 6F30 "
        "6F31 6F32 6F33 6F34 6F35 6F36 6F37 6F38 6F3A 6F3B 6F3C 6F3D 6F3E 6F3F 6F41 6F42 6F43 "
        "6F44 6F45 6F46 6F47 6F48 6F49 6F4A 6F4B 6F4C 6F4D 6F4E 6F4F 6F50 6F55 6F56 6F57 6F58 "
        "6F59 6F5A 6F5E 6F65 6F66 6F67 6F68 6F69 6F6B 6F6D 6F6E 6F70 6F71 6F72 6F73 6F74 6F75 "
        "6F76 6F79 6F7A 6F7B 6F7C 6F7D 6F7E 6F7F 6F81"
    ),
}

_BY_APPLICATION: Final = {
    bytes.fromhex("A0000000871002"): USIM,
    bytes.fromhex("A0000000871004"): ISIM,
    bytes.fromhex("A0000003431002"): CSIM,
}


def table_for(aid: bytes) -> FileTable | None:
    """Return the table of an application (ETSI TS 101 220, annex E), ``None`` for other kinds."""
    return _BY_APPLICATION.get(aid[:7])
