"""What a consumer or IoT eUICC tells without keys: GSMA SGP.22 (ES10) and SGP.32.

Requests and answers of GetEuiccData, GetEuiccInfo1 and 2, GetProfilesInfo and GetCerts, as they
stand in STORE DATA. An M2M eUICC (SGP.02) refuses all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hil.errors import CodecError
from hil.wire import tlv
from hil.wire.identifiers import decode_eid, decode_iccid

GET_EUICC_INFO_1: Final = 0xBF20
GET_EUICC_INFO_2: Final = 0xBF22
GET_PROFILES_INFO: Final = 0xBF2D
GET_EUICC_DATA: Final = 0xBF3E
GET_CERTS: Final = 0xBF56
"""Asked of SGP.32 eUICCs only."""

EID_REQUEST: Final = bytes.fromhex("BF3E035C015A")

UICC_CAPABILITIES: Final = (
    "contactless", "USIM", "ISIM", "CSIM", "Milenage", "CAVE", "TUAK-128", "TUAK-256",
    "USIM test algorithm", "", "GBA (USIM)", "GBA (ISIM)", "MBMS (USIM)", "EAP client",
    "Java Card", "MULTOS", "several USIMs", "several ISIMs", "several CSIMs", "BER-TLV files",
    "linked directories", "CAT-TP", "GET IDENTITY", "ECIES profile A", "ECIES profile B",
    "SUCI calculator API", "DNS resolution", "SCP11ac", "SCP11c authorization", "SCP03 S16",
    "EAKA", "IoT minimal",
)  # fmt: skip
"""Bits of uiccCapability, the first one first (TCA, PEDefinitions: UICCCapability)."""

RSP_CAPABILITIES: Final = (
    "additional profile", "CRL", "remote profile management", "test profile",
    "device information extensibility", "service specific data",
)  # fmt: skip
"""Bits of rspCapability (SGP.22, 5.7.8)."""

_CATEGORIES: Final = ("other", "basic eUICC", "medium eUICC", "contactless eUICC")
_STATES: Final = ("disabled", "enabled")
_CLASSES: Final = ("test", "provisioning", "operational")


@dataclass(frozen=True, slots=True)
class EuiccInfo:
    """EUICCInfo1 or EUICCInfo2; empty where the card does not say. Memory in bytes.

    ``iot``: SGP.32 data (iotSpecificInfo) is there.
    """

    svn: str
    profile_version: str = ""
    firmware: str = ""
    category: str = ""
    applications: int | None = None
    free_nvm: int | None = None
    free_ram: int | None = None
    uicc_capabilities: tuple[str, ...] = ()
    rsp_capabilities: tuple[str, ...] = ()
    ci_keys: tuple[str, ...] = ()
    iot: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile of GetProfilesInfo; empty where the card does not say."""

    iccid: str
    aid: bytes
    state: str
    profile_class: str
    provider: str
    name: str
    nickname: str


def request(tag: int) -> bytes:
    """Return a request without parameters."""
    return tlv.encode(tag, b"")


def decode_eid_answer(raw: bytes) -> str:
    """Return the EID in the answer to GetEuiccData (BF3E with 5A)."""
    return decode_eid(tlv.require(_inner(raw, GET_EUICC_DATA), 0x5A, where="GetEuiccData"))


def decode_info(raw: bytes) -> EuiccInfo:
    """Read EUICCInfo1 (BF20) or EUICCInfo2 (BF22)."""
    outer, rest = tlv.decode_one(raw)
    if rest or outer.tag not in (GET_EUICC_INFO_1, GET_EUICC_INFO_2):
        raise CodecError(f"answer {outer.tag:X} is no EUICCInfo")
    objects = outer.children()
    svn = version(tlv.require(objects, 0x82, where="EUICCInfo"))
    ci_keys = tuple(
        one.value.hex().upper() for one in tlv.decode_all(tlv.find(objects, 0xA9) or b"")
    )
    if outer.tag == GET_EUICC_INFO_1:
        return EuiccInfo(svn, ci_keys=ci_keys)
    applications, free_nvm, free_ram = card_resources(tlv.find(objects, 0x84) or b"")
    category = tlv.find(objects, 0x8B)
    return EuiccInfo(
        svn=svn,
        profile_version=version(tlv.find(objects, 0x81) or b""),
        firmware=version(tlv.find(objects, 0x83) or b""),
        category="" if category is None else _named(_CATEGORIES, category),
        applications=applications,
        free_nvm=free_nvm,
        free_ram=free_ram,
        uicc_capabilities=bits(tlv.find(objects, 0x85) or b"", UICC_CAPABILITIES),
        rsp_capabilities=bits(tlv.find(objects, 0x88) or b"", RSP_CAPABILITIES),
        ci_keys=ci_keys,
        iot=tlv.find(objects, 0xB4) is not None,
    )


def card_resources(raw: bytes) -> tuple[int | None, int | None, int | None]:
    """Read extended card resources: applications, free non-volatile and volatile memory.

    ETSI TS 102 226, 8.2.1.7.2; the content of FF21 and of extCardResource.
    """
    objects = tlv.decode_all(raw)
    found = (tlv.find(objects, tag) for tag in (0x81, 0x82, 0x83))
    count, nvm, ram = (None if one is None else int.from_bytes(one, "big") for one in found)
    return count, nvm, ram


def decode_profiles(raw: bytes) -> tuple[Profile, ...]:
    """Read the answer to GetProfilesInfo; :class:`CodecError` also for its error (81)."""
    objects = _inner(raw, GET_PROFILES_INFO)
    error = tlv.find(objects, 0x81)
    if error is not None:
        raise CodecError(f"GetProfilesInfo was answered with error {error.hex().upper()}")
    listed = tlv.decode_all(tlv.require(objects, 0xA0, where="GetProfilesInfo"))
    return tuple(_profile(one.children()) for one in listed if one.tag == 0xE3)


def _profile(objects: tuple[tlv.Tlv, ...]) -> Profile:
    iccid, state, kind = (tlv.find(objects, tag) for tag in (0x5A, 0x9F70, 0x95))
    return Profile(
        iccid="" if iccid is None else decode_iccid(iccid),
        aid=tlv.find(objects, 0x4F) or b"",
        state="" if state is None else _named(_STATES, state),
        profile_class="operational" if kind is None else _named(_CLASSES, kind),
        provider=_text(tlv.find(objects, 0x91)),
        name=_text(tlv.find(objects, 0x92)),
        nickname=_text(tlv.find(objects, 0x90)),
    )


def version(raw: bytes) -> str:
    """Return the dotted form of a VersionType of three bytes, or of as many as there are."""
    return ".".join(str(one) for one in raw)


def bits(raw: bytes, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the bits set in the content of a DER BIT STRING."""
    if not raw:
        return ()
    if raw[0] > 7 or (len(raw) == 1 and raw[0]):
        raise CodecError(f"a bit string cannot leave {raw[0]} of {len(raw) - 1} bytes unused")
    used = 8 * (len(raw) - 1) - raw[0]
    set_bits = [one for one in range(used) if raw[1 + one // 8] & 0x80 >> one % 8]
    return tuple(
        names[one] if one < len(names) and names[one] else f"bit {one}" for one in set_bits
    )


def _inner(raw: bytes, tag: int) -> tuple[tlv.Tlv, ...]:
    outer, rest = tlv.decode_one(raw)
    if rest or outer.tag != tag:
        raise CodecError(f"answer {outer.tag:X} came where {tag:X} was due")
    return outer.children()


def _named(names: tuple[str, ...], raw: bytes) -> str:
    number = int.from_bytes(raw, "big")
    return names[number] if number < len(names) else f"unknown ({number})"


def _text(raw: bytes | None) -> str:
    return "" if raw is None else raw.decode("utf-8", "replace")
