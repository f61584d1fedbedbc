"""MNO-SD, its keys, and remote file management in a generated profile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hil.wire.profile_package.applications import (
    AdfAccess,
    KeyComponent,
    KeyObject,
    Rfm,
    SecurityDomain,
)
from hil.wire.profile_package.blueprint_mf import ISIM_AID, USIM_AID
from hil.wire.profile_package.instances import ApplicationInstance, ApplicationParameters
from hil.wire.profile_package.package import PeHeader
from hil.wire.profile_package.profile_data import OtaKeys, ProfileData

SD_PACKAGE: Final = bytes.fromhex("A0000001515350")
SD_MODULE: Final = bytes.fromhex("A000000151535041")
MNO_SD: Final = bytes.fromhex("A000000151000000")

_PRIVILEGES: Final = bytes.fromhex("82DC00")
_PERSONALIZED: Final = b"\x0f"
_AES: Final = b"\x88"
_USAGES: Final = (b"\x18", b"\x14", b"\x48")
"""C-ENC, C-MAC, C-DEK (GlobalPlatform card specification, 11.1.9)."""

_INSTALL_C9: Final = bytes.fromhex("810280008201F08301F08701F0")
"""SCP80, option 00; extradition and deletion as in GSMA TS.48."""

_TOOLKIT: Final = bytes.fromhex("010000000002010206B2010000000000")
"""UICC toolkit parameters: minimum security level 02, TARs B20100 and 000000."""

_RECOGNITION: Final = bytes.fromhex(
    "0070326630732E06072A864886FC6B01600B06092A864886FC6B020202630906072A864886FC6B03640B06092A"
    "864886FC6B048000"
)
"""DGI 0070: card recognition data, SCP80."""

_RFM_LEVEL: Final = 0x02
_FULL_ACCESS: Final = b"\x00"


def mno_sd(data: ProfileData, identification: int) -> SecurityDomain:
    """Return the operator's security domain with its SCP80 key sets."""
    return SecurityDomain(
        header=PeHeader(identification),
        instance=ApplicationInstance(
            load_package=SD_PACKAGE,
            module=SD_MODULE,
            instance=MNO_SD,
            privileges=_PRIVILEGES,
            install_c9=_INSTALL_C9,
            life_cycle=_PERSONALIZED,
            application=ApplicationParameters(toolkit=_TOOLKIT),
        ),
        keys=tuple(key for keys in data.ota_keys for key in _key_objects(keys)),
        perso=(_RECOGNITION,),
    )


def _key_objects(keys: OtaKeys) -> Iterator[KeyObject]:
    values = (keys.kic, keys.kid, keys.dek)
    for key_id, (value, usage) in enumerate(zip(values, _USAGES, strict=True), start=1):
        yield KeyObject(usage, key_id, keys.kvn, (KeyComponent(_AES, value),))


def rfm_of_uicc(identification: int) -> Rfm:
    """Return remote file management for the files of the UICC, TAR B00120."""
    return _rfm(identification, 1, "B00120", None)


def rfm_of_usim(identification: int) -> Rfm:
    """Return remote file management for the ADF.USIM, TAR B00140."""
    return _rfm(identification, 2, "B00140", USIM_AID)


def rfm_of_isim(identification: int) -> Rfm:
    """Return remote file management for the ADF.ISIM, TAR B00141."""
    return _rfm(identification, 3, "B00141", ISIM_AID)


def _rfm(identification: int, number: int, tar: str, aid: bytes | None) -> Rfm:
    return Rfm(
        header=PeHeader(identification),
        instance=bytes.fromhex("A000000559101000") + bytes((number,)),
        security_level=_RFM_LEVEL,
        access=_FULL_ACCESS,
        admin_access=_FULL_ACCESS,
        tars=(bytes.fromhex(tar),),
        adf=None if aid is None else AdfAccess(aid, _FULL_ACCESS, _FULL_ACCESS),
    )
