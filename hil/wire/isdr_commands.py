"""Commands of the ISD-R (SGP.02 ES5), plain: as the host wraps them and the card unwraps them."""

from __future__ import annotations

from typing import Final, NamedTuple

from hil.errors import CodecError
from hil.wire import dgi, tlv
from hil.wire.aes import Mac
from hil.wire.apdu import CommandApdu
from hil.wire.identifiers import ISD_P_LOAD_FILE_AID, ISD_P_MODULE_AID
from hil.wire.sms_address import Address

PRIVILEGES: Final = bytes.fromhex("80C000")
"""Security domain with trusted path: the privileges SGP.02 gives to an ISD-P."""

SCP03_I70: Final = bytes.fromhex("8102 0370")
"""Install parameter of a security domain: SCP03 with i = 70."""

PROVISIONING_KVN: Final = 0x30
"""SCP03 key set of the ISD-R whose sequence counter images expect; our own choice."""

AUDIT_KVN: Final = 0x31
"""SCP03 key set of the ISD-R for looking, so that a look makes no image stale; our own choice."""

DGI_ENABLE: Final = 0x3A03
DGI_DISABLE: Final = 0x3A04
DGI_FALLBACK: Final = 0x3A05
DGI_POLICY: Final = 0x3A06
"""UpdatePOL1 of the MNO-SD; not in print, so cards take it from their parameters."""
DGI_ADDRESSING: Final = 0x3A07
"""SM-SR addressing parameters on the ISD-R, connectivity parameters on an ISD-P."""
DGI_CONFIRMATION: Final = 0x3A08
DGI_EMERGENCY: Final = 0x3A09
"""Sets the emergency profile attribute; not in print, so cards take it from their parameters."""

SMS_ADDRESSING: Final = 0xA3
ADDRESS: Final = 0x81
CONTROL_REFERENCE: Final = 0xB6
TOKEN: Final = 0x9E
KEY_RANGE: Final = 0xF2
_KEY_IDENTIFIER: Final = 0xD0
_KEY_VERSION: Final = 0xD2
_AID: Final = 0x4F
_SEQUENCE: Final = 0x4E
_DELETED: Final = 0x80


class KeyRange(NamedTuple):
    """Keys of one version, from the first identifier to the last."""

    kvn: int
    first: int = 1
    last: int = 3


def _lv(value: bytes) -> bytes:
    return bytes((len(value),)) + value


def select(aid: bytes) -> CommandApdu:
    """Return SELECT by AID, answer wanted (ISO/IEC 7816-4)."""
    return CommandApdu(0x00, 0xA4, 0x04, 0x00, aid, 256)


def create_isdp(
    isdp_aid: bytes,
    memory: int = 0,
    *,
    load_file: bytes = ISD_P_LOAD_FILE_AID,
    module: bytes = ISD_P_MODULE_AID,
    privileges: bytes = PRIVILEGES,
) -> CommandApdu:
    """Return CreateISDP: INSTALL [for install and make selectable] (SGP.02, 4.1.1.1).

    ``memory``: bytes of non-volatile memory to grant, up to FFFFFFFF; 0 leaves it to the card.
    """
    parameters = tlv.encode(0xC9, SCP03_I70)
    if memory:
        if not 0 < memory <= 0xFFFFFFFF:
            raise CodecError(f"{memory} bytes cannot be granted to an ISD-P: 1 to FFFFFFFF can")
        size = max(2, (memory.bit_length() + 7) // 8)
        parameters += tlv.encode(0xEF, tlv.encode(0x83, memory.to_bytes(size, "big")))
    parts = (load_file, module, isdp_aid, privileges, parameters, b"")
    return CommandApdu(0x80, 0xE6, 0x0C, 0x00, b"".join(map(_lv, parts)), 256)


def _store_aid(tag: int, isdp_aid: bytes) -> CommandApdu:
    data = dgi.encode(tag, tlv.encode(_AID, isdp_aid))
    return CommandApdu(0x80, 0xE2, 0x88, 0x00, data, 256)


def enable_profile(isdp_aid: bytes) -> CommandApdu:
    """Return EnableProfile (SGP.02, 4.1.1.2); Le is there for the R-MAC."""
    return _store_aid(DGI_ENABLE, isdp_aid)


def disable_profile(isdp_aid: bytes) -> CommandApdu:
    """Return DisableProfile (SGP.02, 4.1.1.3); Le is there for the R-MAC."""
    return _store_aid(DGI_DISABLE, isdp_aid)


def delete_profile(isdp_aid: bytes) -> CommandApdu:
    """Return DeleteProfile (SGP.02, 4.1.1.4)."""
    return CommandApdu(0x80, 0xE4, 0x00, 0x40, tlv.encode(_AID, isdp_aid), 256)


def set_fallback(isdp_aid: bytes, *, group: int = DGI_FALLBACK) -> CommandApdu:
    """Return SetFallbackAttribute (SGP.02, 4.1.1.6)."""
    return _store_aid(group, isdp_aid)


def set_emergency(isdp_aid: bytes, *, group: int = DGI_EMERGENCY) -> CommandApdu:
    """Return the command that moves the emergency profile attribute (SGP.02 v4)."""
    return _store_aid(group, isdp_aid)


def master_delete(
    isdp_aid: bytes,
    token_key: bytes,
    *,
    issuer: bytes = b"",
    image: bytes = b"",
    provider: bytes = b"",
    token_id: bytes = b"\x01",
) -> CommandApdu:
    """Return MasterDelete: DELETE with a delete token (SGP.02, 4.1.1.7; GlobalPlatform, 11.2.2.3).

    ``B6`` holds issuer (42) and image number (45) of the security domain, application provider
    (5F20) and token identifier (93). The token ``9E`` is the AES-CMAC, by the token key of the
    ISD-P, over P1 ‖ P2 ‖ length ‖ what stands before it.
    """
    reference = b"".join(
        tlv.encode(tag, value)
        for tag, value in ((0x42, issuer), (0x45, image), (0x5F20, provider), (0x93, token_id))
    )
    body = tlv.encode(_AID, isdp_aid) + tlv.encode(CONTROL_REFERENCE, reference)
    token = delete_token(body, token_key)
    return CommandApdu(0x80, 0xE4, 0x00, 0x40, body + tlv.encode(TOKEN, token), 256)


def delete_token(body: bytes, token_key: bytes) -> bytes:
    """Return the 16 bytes of a delete token over the data in front of it."""
    return Mac(token_key).of(b"\x00\x40" + bytes((len(body),)) + body)


def update_addressing(number: Address) -> CommandApdu:
    """Return UpdateSMSRAddressingParameters by SMS (SGP.02, 4.1.1.10): the SM-SR's number."""
    body = tlv.encode(SMS_ADDRESSING, tlv.encode(ADDRESS, number.encode_value()))
    return CommandApdu(0x80, 0xE2, 0x88, 0x00, dgi.encode(DGI_ADDRESSING, body), 256)


def read_addressing(value: bytes) -> Address | None:
    """Return the SM-SR's number in addressing parameters, ``None`` if they hold none.

    The address is TON/NPI and digits; a length byte before it, as some write it, is passed over.
    """
    by_sms = tlv.find(tlv.decode_all(value, limit=16), SMS_ADDRESSING)
    if by_sms is None:
        return None
    address = tlv.require(tlv.decode_all(by_sms, limit=16), ADDRESS, where="SMS addressing")
    # b8 of TON/NPI is always set, that of such a length never.
    return Address.decode_value(address if address[:1] >= b"\x80" else address[1:])


def update_policy(policy: bytes, *, group: int = DGI_POLICY) -> CommandApdu:
    """Return UpdatePOL1 for the MNO-SD of the enabled profile (SGP.02, 4.1.2.1): one byte."""
    return CommandApdu(0x80, 0xE2, 0x88, 0x00, dgi.encode(group, policy), 256)


def update_connectivity(parameters: bytes) -> CommandApdu:
    """Return UpdateConnectivityParameters for an ISD-P, under its SCP03 (SGP.02, 4.1.3.4)."""
    body = dgi.encode(DGI_ADDRESSING, parameters)
    return CommandApdu(0x80, 0xE2, 0x88, 0x00, body, 256)


def install_for_personalization(aid: bytes) -> CommandApdu:
    """Return INSTALL [for personalization]: what follows is for this domain (SGP.02, 4.1.3.1)."""
    data = b"\x00\x00" + _lv(aid) + bytes(3)
    return CommandApdu(0x80, 0xE6, 0x20, 0x00, data, 256)


def finalise_handover(*kept: KeyRange) -> CommandApdu:
    """Return FinaliseISDRhandover: all keys of the ISD-R go but those named (SGP.02, 4.1.1.9)."""
    body = b"".join(tlv.encode(KEY_RANGE, bytes(one)) for one in kept)
    return CommandApdu(0x80, 0xE4, 0x00, 0x00, body, 256)


def delete_key(kvn: int, identifier: int | None = None) -> CommandApdu:
    """Return DELETE of a key, or of all of a version (GlobalPlatform, 11.2.2.3.2)."""
    named = b"" if identifier is None else tlv.encode(_KEY_IDENTIFIER, bytes((identifier,)))
    body = named + tlv.encode(_KEY_VERSION, bytes((kvn,)))
    return CommandApdu(0x80, 0xE4, 0x00, 0x00, body, 256)


def confirm_notification(sequence: int) -> CommandApdu:
    """Return HandleNotificationConfirmation (SGP.02, 4.1.1.12)."""
    body = tlv.encode(_SEQUENCE, sequence.to_bytes(2, "big"))
    return CommandApdu(0x80, 0xE2, 0x89, 0x00, dgi.encode(DGI_CONFIRMATION, body), 256)


def deleted_profiles(answer: bytes) -> tuple[bytes, ...]:
    """Return the AIDs that the answer to a confirmation names: profiles deleted after POL1."""
    if not answer:
        return ()
    listed = tlv.require(tlv.decode_all(answer, limit=4), _DELETED, where="confirmation's answer")
    return tuple(one.value for one in tlv.decode_all(listed) if one.tag == _AID)


def deleted_answer(aids: tuple[bytes, ...]) -> bytes:
    """Return the answer to a confirmation; empty where POL1 deleted nothing."""
    if not aids:
        return b""
    return tlv.encode(_DELETED, b"".join(tlv.encode(_AID, aid) for aid in aids))


def get_ecasd_certificate() -> CommandApdu:
    """Return the part of eUICCCapabilityAudit that asks for CERT.ECASD.ECKA (SGP.02, 4.1.1.11)."""
    return CommandApdu(0x80, 0xCA, 0xBF, 0x30, bytes.fromhex("5C027F21"), 256)


def get_memory() -> CommandApdu:
    """Return the part of eUICCCapabilityAudit that asks for the memory (TS 102 226, 8.2.1.7)."""
    return CommandApdu(0x80, 0xCA, 0xFF, 0x21, b"", 256)


def get_status(isdp_aid: bytes = b"") -> CommandApdu:
    """Return GetStatus of one ISD-P, or of all (SGP.02, 4.1.1.5)."""
    return CommandApdu(0x80, 0xF2, 0x40, 0x02, tlv.encode(_AID, isdp_aid), 256)
