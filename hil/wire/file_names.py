"""Names of the files and applications of a card, and the short ids that stand for files.

Files and short ids: ETSI TS 102 221 (13, MF), 3GPP TS 31.102 (4, with its annex H), TS 31.103 (4).
Applications: ETSI TS 101 220 (annex E), SGP.02 (2.2.3), GlobalPlatform.
"""

from __future__ import annotations

from typing import Final

from hil.wire.identifiers import ECASD_AID, ISD_R_AID, is_isd_p_aid, tar_of

Folder = tuple[str, ...]
"""Where a file is: the root (``MF``, ``USIM``, ``ISIM``, …), then ids of DFs in four hex digits."""

MF: Final[Folder] = ("MF",)

_FILES: Final[dict[Folder, str]] = {
    ("ISIM",): (
        "6F02/02:IMPI 6F04/04:IMPU 6F03/05:DOMAIN 6F07/07:IST 6FAD/03:AD 6F06/06:ARR "
        "6F09:PCSCF 6F3C:SMS 6F42:SMSP 6F43:SMSS 6F47:SMSR 6FD5:GBABP 6FD7:GBANL 6FDD:NAFKCA "
        "6FE7:UICCIARI 6FF7:FROMPREFERRED 6FF8:IMSCONFIGDATA 6FFC:XCAPCONFIGDATA "
        "6FFA:WEBRTCURI 6FFE:MUDMIDCONFIGDATA"
    ),
    ("MF",): "2F05/05:PL 2FE2/02:ICCID 2F00/1E:DIR 2F06:ARR 2F08/08:UMPC",
    ("MF", "7F10"): "6F06:ARR 6F53:RMA 6F54:SUME 6FE0:ICE-DN 6FE1:ICE-FF 6FE5:PSISMSC",
    ("MF", "7F20"): (
        "6F05:LP 6F07:IMSI 6F20:Kc 6F30:PLMNSEL 6F31:HPPLMN 6F38:SST 6F46:SPN 6F52:KcGPRS "
        "6F74:BCCH 6F78:ACC 6F7B:FPLMN 6F7E:LOCI 6FAD:AD 6FAE:PHASE"
    ),
    ("MF", "7F10", "5F3A"): (
        "4F30:PBR 4F38:EXT1 4F40:AAS 4F48:GAS 4F22:PSC 4F23:CC 4F24:PUID 4F50:IAP 4F58:ADN "
        "4F60:PBC 4F68:ANR 4F70:PURI 4F78:EMAIL 4F80:SNE 4F88:UID 4F90:GRP 4F98:CCP1"
    ),
    ("MF", "7F10", "5F3B"): "4F47:MML 4F48:MMDF",
    ("MF", "7F10", "5F3C"): "4F20/01:MLPL 4F21/02:MSPL 4F22/03:MMSSMODE",
    ("MF", "7F10", "5F3D"): "4F01/01:MST 4F02/02:MCS-CONFIG",
    ("MF", "7F10", "5F3E"): "4F01/01:VST 4F02/02:V2X-CONFIG 4F03:V2XP-PC5 4F04:V2XP-UU",
    ("MF", "7F10", "5F50"): "4F20:IMG 4F40:IIDF 4F21:ICE-GRAPHICS 4F01:LAUNCH-SCWS 4F80:ICON",
    ("USIM",): (
        "6F07/07:IMSI 6F06/17:ARR 6F08/08:Keys 6F09/09:KeysPS 6F31/12:HPPLMN 6F38/04:UST "
        "6F3B:FDN 6F3C:SMS 6F42:SMSP 6F43:SMSS 6F46:SPN 6F56/05:EST 6F5B/0F:START-HFN "
        "6F5C/10:THRESHOLD 6F73/0C:PSLOCI 6F78/06:ACC 6F7B/0D:FPLMN 6F7E/0B:LOCI 6FAD/03:AD "
        "6FB7/01:ECC 6FC4:NETPAR 6FE3/1E:EPSLOCI 6FE4/18:EPSNSC 6F05/02:LI 6F37:ACMAX "
        "6F39:ACM 6F3E:GID1 6F3F:GID2 6F40:MSISDN 6F41:PUCT 6F45:CBMI 6F48/0E:CBMID 6F49:SDN "
        "6F4B:EXT2 6F4C:EXT3 6F50:CBMIR 6F60/0A:PLMNWACT 6F61/11:OPLMNWACT 6F62/13:HPLMNWACT "
        "6F2C:DCK 6F32:CNL 6F47:SMSR 6F4D:BDN 6F4E:EXT5 6F4F/16:CCP2 6F55:EXT4 6F57:ACL "
        "6F58:CMI 6F80/14:ICI 6F81/15:OCI 6F82:ICT 6F83:OCT 6FB1:VGCS 6FB2:VGCSS 6FB3:VBS "
        "6FB4:VBSS 6FB5:EMLPP 6FB6:AAEM 6FC3:HIDDENKEY 6FC5/19:PNN 6FC6/1A:OPL 6FC7:MBDN "
        "6FC8:EXT6 6FC9:MBI 6FCA:MWIS 6FCB:CFIS 6FCC:EXT7 6FCD/1B:SPDI 6FCE:MMSN 6FCF:EXT8 "
        "6FD0:MMSICP 6FD1:MMSUP 6FD2:MMSUCP 6FD3:NIA 6FD4:VGCSCA 6FD5:VBSCA 6FD6:GBABP "
        "6FD7:MSK 6FD8:MUK 6FD9/1D:EHPLMN 6FDA:GBANL 6FDB:EHPLMNPI 6FDC:LRPLMNSI 6FDD:NAFKCA "
        "6FDE:SPNI 6FDF:PNNI 6FE2:NCP-IP 6FE6:UFC 6FE8:NASCONFIG 6FE7:UICCIARI 6FEC:PWS "
        "6FED:FDNURI 6FEE:BDNURI 6FEF:SDNURI 6FF0:IAL 6FF1:IPS 6FF2:IPD 6FF3:EPDGID "
        "6FF4:EPDGSELECTION 6FF5:EPDGIDEM 6FF6:EPDGSELECTIONEM 6FF7:FROMPREFERRED "
        "6FF8:IMSCONFIGDATA 6FF9:3GPPPSDATAOFF 6FFA:3GPPPSDATAOFFSERVICELIST "
        "6FFC:XCAPCONFIGDATA 6FFD:EARFCNLIST 6FFE:MUDMIDCONFIGDATA 6F01:EAKA"
    ),
    ("USIM", "5F3A"): (
        "4F30:PBR 4F38:EXT1 4F40:AAS 4F48:GAS 4F22:PSC 4F23:CC 4F24:PUID 4F50:IAP 4F58:ADN "
        "4F60:PBC 4F68:ANR 4F70:PURI 4F78:EMAIL 4F80:SNE 4F88:UID 4F90:GRP 4F98:CCP1"
    ),
    ("USIM", "5F3B"): "4F20/01:Kc 4F52/02:KcGPRS 4F63:CPBCCH 4F64:INVSCAN",
    ("USIM", "5FC0"): (
        "4F01/01:5GS3GPPLOCI 4F02/02:5GSN3GPPLOCI 4F03/03:5GS3GPPNSC 4F04/04:5GSN3GPPNSC "
        "4F05/05:5GAUTHKEYS 4F06/06:UAC-AIC 4F07/07:SUCI-CALC-INFO 4F08/08:OPL5G "
        "4F09/09:SUPINAI 4F0A/0A:ROUTING-INDICATOR 4F0B:URSP 4F0C/0C:TN3GPPSNN 4F0D/0D:CAG "
        "4F0E/0E:SOR-CMCI 4F0F/0F:DRI 4F10/10:5GSEDRX 4F11/11:5GNSWO-CONF 4F15/15:MCHPPLMN "
        "4F16/16:KAUSF-DERIVATION"
    ),
    ("USIM", "5FD0"): "4F01:SUCI-CALC-INFO-USIM",
    ("USIM", "5FE0"): "4F01:PWS-SNPN",
    ("USIM", "5FF0"): (
        "4F01/01:5G-ProSe-ST 4F02/02:5G-ProSe-DD 4F03/03:5G-ProSe-DC 4F04/04:5G-ProSe-U2NRU "
        "4F05/05:5G-ProSe-RU 4F06/06:5G-ProSe-UIR"
    ),
}
"""``id:name`` or ``id/short id:name``, by folder."""

_FOLDERS: Final[dict[Folder, str]] = {
    ("MF", "7F10"): "DF.TELECOM",
    ("MF", "7F11"): "DF.CD",
    ("MF", "7F20"): "DF.GSM",
    ("MF", "7F10", "5F50"): "DF.GRAPHICS",
    ("MF", "7F10", "5F3A"): "DF.PHONEBOOK",
    ("MF", "7F10", "5F3B"): "DF.MULTIMEDIA",
    ("MF", "7F10", "5F3C"): "DF.MMSS",
    ("MF", "7F10", "5F3D"): "DF.MCS",
    ("MF", "7F10", "5F3E"): "DF.V2X",
    ("USIM", "5F3A"): "DF.PHONEBOOK",
    ("USIM", "5F3B"): "DF.GSM-ACCESS",
    ("USIM", "5FC0"): "DF.5GS",
    ("USIM", "5FD0"): "DF.SAIP",
    ("USIM", "5FE0"): "DF.SNPN",
    ("USIM", "5FF0"): "DF.5G_ProSe",
}

_APPLICATIONS: Final = (
    (bytes.fromhex("A0000000871002"), "USIM"),
    (bytes.fromhex("A0000000871004"), "ISIM"),
    (bytes.fromhex("A0000003431002"), "CSIM"),
)
_ISSUER_DOMAINS: Final = (bytes.fromhex("A000000151000000"), bytes.fromhex("A000000003000000"))


def _read(table: str) -> tuple[dict[int, str], dict[int, int]]:
    names: dict[int, str] = {}
    short: dict[int, int] = {}
    for row in table.split():
        ids, _, name = row.partition(":")
        number, _, short_id = ids.partition("/")
        names[int(number, 16)] = f"EF.{name}"
        if short_id:
            short[int(short_id, 16)] = int(number, 16)
    return names, short


_READ: Final = {folder: _read(table) for folder, table in _FILES.items()}


def file_name(folder: Folder | None, file: int) -> str:
    """Return the name of a file of ``folder``, such as ``EF.IMSI``; "" where nobody knows it."""
    return _READ[folder][0].get(file, "") if folder in _READ else ""


def file_of_short_id(folder: Folder | None, short_id: int) -> int | None:
    """Return the file that a short id stands for in ``folder``, None where nobody knows."""
    return _READ[folder][1].get(short_id) if folder in _READ else None


def folder_name(folder: Folder) -> str:
    """Return the name of a folder: ``MF``, ``ADF.USIM``, ``DF.TELECOM``; its ids if unnamed."""
    if len(folder) == 1:
        return folder[0] if folder == MF else f"ADF.{folder[0]}"
    return _FOLDERS.get(folder) or "/".join(folder)


def root_of(aid: bytes) -> str:
    """Return the root of an application's files: ``USIM``, ``ISIM``, ``CSIM``; "" for others."""
    return next((name for head, name in _APPLICATIONS if aid.startswith(head)), "")


def application_name(aid: bytes) -> str:
    """Return the name of an application: ``ISD-R``, ``ISD-P 000010``, ``ADF.USIM``; "" if none."""
    root = root_of(aid)
    if root:
        return f"ADF.{root}"
    if aid == ISD_R_AID:
        return "ISD-R"
    if aid == ECASD_AID:
        return "ECASD"
    if is_isd_p_aid(aid):
        return f"ISD-P {tar_of(aid).hex().upper()}"
    if not aid or aid.startswith(_ISSUER_DOMAINS):
        return "issuer security domain"
    return ""
